package server

import (
	"os"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// systemTrees are the directories that come from the shared system mount, where
// they are directories; where they are links, what they lead to is listed too.
func systemTrees() []string {
	candidates := []string{"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc", "/opt"}
	return directories(candidates)
}

// nativeTrees are bound into every view as they are.
func nativeTrees(more []string) []string {
	native := directories([]string{"/proc", "/sys", "/dev", "/run"})
	for _, p := range more {
		if _, err := os.Lstat(p); err == nil && !underAny(p, native) {
			native = append(native, p)
		}
	}
	return native
}

func directories(paths []string) []string {
	var out []string
	for _, p := range paths {
		if isDir(p) {
			out = append(out, p)
		}
	}
	return out
}

// underAny tells whether path is one of dirs or below one.
func underAny(path string, dirs []string) bool {
	for _, d := range dirs {
		if path == d || strings.HasPrefix(path, d) && len(path) > len(d) && path[len(d)] == '/' {
			return true
		}
	}
	return false
}

// openSystem answers an open for reading on the system mount. The file itself is
// opened once per node and only when pages are asked for, so that an open costs
// a stat.
func (s *superblock) openSystem(n *node, in *fuse.OpenIn, out *fuse.OpenOut, mode openMode) fuse.Status {
	path, magic := s.reach(n)
	var st syscall.Stat_t
	var err error
	if magic {
		err = raw.Stat(path, &st)
	} else {
		err = raw.Lstat(path, &st)
	}
	if err != nil {
		return fuse.ToStatus(err)
	}
	if s.wasChanged(n, &st, mode) {
		s.closeKept(n)
		return fuse.Status(syscall.ESTALE)
	}
	if !s.mayRead(n, path, &st) {
		return fuse.EACCES
	}
	s.recordOpen(n, &st, mode, in.Pid)
	out.Fh = s.bareHandle()
	if s.large(n) {
		if id, ok := s.register(n); ok {
			out.OpenFlags = passthroughFlags
			out.BackingID = id
			return fuse.OK
		}
	}
	out.OpenFlags = s.cacheFlags(n)
	return fuse.OK
}

// largeFile is the size from which a system file is not worth being read through
// this process, not even once for all actions. For smaller ones the pages that
// the kernel keeps are better than passthrough, after each use of which it asks
// for the attributes again.
const largeFile = 1 << 20

// large tells whether the kernel is to read a system file by itself. The answer
// stays: the kernel does not let the ways of reading one file be mixed.
func (s *superblock) large(n *node) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.way == 0 {
		n.way = -1
		if n.st.Size >= largeFile {
			s.engine.announce(n.path)
			if s.pass {
				n.way = 1
			}
		}
	}
	return n.way > 0
}

// mayRead opens the file if that could be refused though the kernel's check of
// the mode has passed, as a network file system or a security module may. It is
// only asked for files without the plain right for everybody.
func (s *superblock) mayRead(n *node, path string, st *syscall.Stat_t) bool {
	if st.Mode&0o004 != 0 {
		return true
	}
	_, code := s.keptFD(n)
	return code.Ok() || unix.Access(path, unix.R_OK) == nil
}

// keptFD returns a descriptor for reading n, kept until the kernel forgets it:
// a file that was opened before it was replaced goes on to be readable.
func (s *superblock) keptFD(n *node) (int, fuse.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(n.held) > 0 {
		return n.held[0], fuse.OK
	}
	path := n.path
	if n.opath > 0 {
		path = fdPath(n.opath)
	}
	fd, err := raw.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC)
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	n.held = append(n.held, fd)
	return fd, fuse.OK
}

// closeKept closes the descriptor kept for a file that has been replaced.
func (s *superblock) closeKept(n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.writers > 0 {
		return
	}
	for _, fd := range n.held {
		syscall.Close(fd)
	}
	n.held = nil
}
