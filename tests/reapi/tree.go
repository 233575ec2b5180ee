package reapi

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
)

// collect takes what a command has left at a path.
func (s *Server) collect(f repb.DigestFunction_Value, r *repb.ActionResult, dir, path string) error {
	p := filepath.Join(dir, path)
	st, err := os.Lstat(p)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode().IsRegular():
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		r.OutputFiles = append(r.OutputFiles, &repb.OutputFile{Path: path, Digest: s.store(f, data), IsExecutable: st.Mode()&0o111 != 0})
	case st.Mode()&os.ModeSymlink != 0:
		text, err := os.Readlink(p)
		if err != nil {
			return err
		}
		r.OutputSymlinks = append(r.OutputSymlinks, &repb.OutputSymlink{Path: path, Target: text})
	}
	return nil
}

// store keeps a content of the server's own.
func (s *Server) store(f repb.DigestFunction_Value, data []byte) *repb.Digest {
	d := &repb.Digest{Hash: sum(f, data), SizeBytes: int64(len(data))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[d.GetHash()] = data
	return d
}

// writeProgram writes a file that may be run at once. No command is started meanwhile: until it
// has become its program it would have the file open for writing, which then cannot be run.
func writeProgram(path string, data []byte, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, data, mode)
}

// lay makes a tree.
func (s *Server) lay(d *repb.Digest, at string) error {
	dir := &repb.Directory{}
	if err := s.message(d, dir); err != nil {
		return err
	}
	for _, f := range dir.GetFiles() {
		data, _ := s.blob(f.GetDigest())
		mode := os.FileMode(0o444)
		if f.GetIsExecutable() {
			mode = 0o555
		}
		if err := writeProgram(filepath.Join(at, f.GetName()), data, mode); err != nil {
			return err
		}
	}
	for _, l := range dir.GetSymlinks() {
		if err := os.Symlink(l.GetTarget(), filepath.Join(at, l.GetName())); err != nil {
			return err
		}
	}
	for _, sub := range dir.GetDirectories() {
		p := filepath.Join(at, sub.GetName())
		if err := os.Mkdir(p, 0o755); err != nil {
			return err
		}
		if err := s.lay(sub.GetDigest(), p); err != nil {
			return err
		}
	}
	return nil
}

// fileIn reads a file of a tree, nil if there is none.
func (s *Server) fileIn(d *repb.Digest, path string) []byte {
	dir := &repb.Directory{}
	if s.message(d, dir) != nil {
		return nil
	}
	for _, f := range dir.GetFiles() {
		if f.GetName() == path {
			data, _ := s.blob(f.GetDigest())
			return data
		}
	}
	for _, sub := range dir.GetDirectories() {
		if name := sub.GetName() + "/"; len(path) > len(name) && path[:len(name)] == name {
			return s.fileIn(sub.GetDigest(), path[len(name):])
		}
	}
	return nil
}
