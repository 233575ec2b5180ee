package build

import (
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/away"
)

// With --remote-system=ship the recipe finds of the system what it is known to read, and
// nothing else.

// system adds a file of the system, if these are sent.
func (s *shipment) system(p string) {
	if !s.b.opts.Ships || s.j.sent[p] != nil || s.why != "" {
		return
	}
	st, ok := s.b.w.lstat(p)
	if !ok {
		return
	}
	f, kind := cache.AwayFile{Path: s.b.inTree(p), From: p, Size: st.Size, Exec: st.Mode&0o111 != 0}, cache.InputContent
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		s.files = append(s.files, cache.AwayFile{Path: s.b.inTree(p), Dir: true})
		return
	case unix.S_IFLNK:
		kind = cache.InputLink
		text, err := os.Readlink(p)
		if err != nil {
			s.no(p + " cannot be read")
			return
		}
		f = cache.AwayFile{Path: s.b.inTree(p), Link: text}
	case unix.S_IFREG:
	default:
		s.no(p + " is no file")
		return
	}
	in, err := s.b.w.asInput(p, kind, nil)
	if err != nil || in.Kind != kind {
		s.no(p + " cannot be read")
		return
	}
	if kind == cache.InputContent {
		f.Hash = in.Hash
	}
	s.j.sent[p] = &in
	s.files = append(s.files, f)
}

// systemDir adds a directory of the system in which a recipe looks for something in vain.
func (s *shipment) systemDir(p string) {
	for ; isSystem(p); p = path.Dir(p) {
		if st, ok := s.b.w.lstat(p); ok && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			s.system(p)
			return
		}
	}
}

// systemHash names all that is sent of the system.
func (s *shipment) systemHash() string {
	if !s.b.opts.Ships {
		return ""
	}
	if !slices.ContainsFunc(s.files, func(f cache.AwayFile) bool { return f.From != "" && isSystem(f.From) && f.Path != away.Worker }) {
		s.no("it is not known what it reads of the system")
	}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if st, ok := s.b.w.lstat(d); ok && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			s.system(d) // names go through them, which no trace holds
		}
	}
	for _, d := range append(filepath.SplitList(s.b.env["PATH"]), "/usr/local/include", "/usr/local/lib") {
		s.systemDir(d)
	}
	var paths []string
	for p := range s.j.sent {
		if p[0] == '/' {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	d := cache.NewDigest("system")
	for _, p := range paths {
		in := s.j.sent[p]
		d.String(p).Uint(uint64(in.Mode)).Hash(in.Hash)
	}
	sum := d.Sum()
	return string(sum[:])
}
