package server

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/raw"
)

// SetAttr answers its request.
func (s *superblock) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := s.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	path, magic := s.reach(n)
	s.recordSetAttr(n, in)
	if err := setAttr(path, magic, n.kind == syscall.S_IFLNK, in); err != nil {
		return fuse.ToStatus(err)
	}
	s.mu.Lock()
	n.dirty = true
	s.mu.Unlock()
	return s.answerAttr(n, out)
}

func (s *superblock) recordSetAttr(n *node, in *fuse.SetAttrIn) {
	v := s.owner(in.Pid)
	if v == nil || v.rec.isOff() {
		return
	}
	c := meta
	if size, ok := in.GetSize(); ok {
		c = edits
		if size == 0 {
			c = truncates
		}
	}
	s.changing(v, n, c, in.Pid)
}

// changing records a change of n at each name that it has.
func (s *superblock) changing(v *view, n *node, c change, tid uint32) {
	s.mu.Lock()
	gone, path, aliases := n.gone, n.path, append([]string(nil), n.aliases...)
	s.mu.Unlock()
	if gone {
		return // a file without a name is nobody's version
	}
	v.beforeChange(path, c, tid)
	for _, a := range aliases {
		v.beforeChange(a, c, tid)
	}
}

// setAttr applies the request to the file. magic says that path is a link to an
// open file, which has to be followed.
func setAttr(path string, magic, symlink bool, in *fuse.SetAttrIn) error {
	follow := unix.AT_SYMLINK_NOFOLLOW
	if magic {
		follow = 0
	}
	uid, setUID := in.GetUID()
	gid, setGID := in.GetGID()
	if setUID || setGID {
		u, g := -1, -1
		if setUID {
			u = int(uid)
		}
		if setGID {
			g = int(gid)
		}
		if err := unix.Fchownat(unix.AT_FDCWD, path, u, g, follow); err != nil {
			return err
		}
	}
	if mode, ok := in.GetMode(); ok && !symlink {
		// After the owner: a change of owner takes bits away.
		if err := syscall.Chmod(path, mode); err != nil {
			return err
		}
	}
	if size, ok := in.GetSize(); ok {
		if err := syscall.Truncate(path, int64(size)); err != nil {
			return err
		}
	}
	return setTimes(path, follow, in)
}

func setTimes(path string, follow int, in *fuse.SetAttrIn) error {
	if in.Valid&(fuse.FATTR_ATIME|fuse.FATTR_MTIME) == 0 {
		return nil
	}
	pick := func(set, now uint32, sec uint64, nsec uint32) unix.Timespec {
		switch {
		case in.Valid&set == 0:
			return unix.Timespec{Nsec: unix.UTIME_OMIT}
		case in.Valid&now != 0:
			return unix.Timespec{Nsec: unix.UTIME_NOW}
		}
		return unix.Timespec{Sec: int64(sec), Nsec: int64(nsec)}
	}
	ts := []unix.Timespec{
		pick(fuse.FATTR_ATIME, fuse.FATTR_ATIME_NOW, in.Atime, in.Atimensec),
		pick(fuse.FATTR_MTIME, fuse.FATTR_MTIME_NOW, in.Mtime, in.Mtimensec),
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, ts, follow)
}

// Readlink answers its request.
func (s *superblock) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	n := s.get(h.NodeId)
	if n == nil {
		return nil, fuse.Status(syscall.ESTALE)
	}
	if n.door != "" {
		return []byte(n.door), fuse.OK
	}
	path := s.pathOf(n)
	text, err := raw.Readlink(path)
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	if v := s.view; v != nil && !v.rec.isOff() {
		v.rec.linkRead(path, &n.st, text, v.procOf(h.Pid))
	} else if v == nil {
		s.engine.build.linkRead(path, &n.st, text, -1)
	}
	return []byte(text), fuse.OK
}

// StatFs answers its request.
func (s *superblock) StatFs(_ <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	n := s.get(h.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	path, _ := s.reach(n)
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return fuse.ToStatus(err)
	}
	out.FromStatfsT(&st)
	return fuse.OK
}

// xattr calls f with a path for system calls that follow links iff link is set.
func (s *superblock) xattr(id uint64, f func(path string, magic bool) error) fuse.Status {
	n := s.get(id)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	path, magic := s.reach(n)
	return fuse.ToStatus(f(path, magic))
}

// GetXAttr answers its request.
func (s *superblock) GetXAttr(_ <-chan struct{}, h *fuse.InHeader, attr string, dest []byte) (size uint32, code fuse.Status) {
	code = s.xattr(h.NodeId, func(path string, magic bool) error {
		get := raw.Lgetxattr
		if magic {
			get = unix.Getxattr
		}
		n, err := get(path, attr, dest)
		size = uint32(max(n, 0))
		return err
	})
	return size, code
}

// ListXAttr answers its request.
func (s *superblock) ListXAttr(_ <-chan struct{}, h *fuse.InHeader, dest []byte) (size uint32, code fuse.Status) {
	code = s.xattr(h.NodeId, func(path string, magic bool) error {
		list := unix.Llistxattr
		if magic {
			list = unix.Listxattr
		}
		n, err := list(path, dest)
		size = uint32(max(n, 0))
		return err
	})
	return size, code
}

// SetXAttr answers its request.
func (s *superblock) SetXAttr(_ <-chan struct{}, in *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	s.changingXAttr(in.NodeId, in.Pid)
	return s.xattr(in.NodeId, func(path string, magic bool) error {
		if magic {
			return unix.Setxattr(path, attr, data, int(in.Flags))
		}
		return unix.Lsetxattr(path, attr, data, int(in.Flags))
	})
}

// RemoveXAttr answers its request.
func (s *superblock) RemoveXAttr(_ <-chan struct{}, h *fuse.InHeader, attr string) fuse.Status {
	s.changingXAttr(h.NodeId, h.Pid)
	return s.xattr(h.NodeId, func(path string, magic bool) error {
		if magic {
			return unix.Removexattr(path, attr)
		}
		return unix.Lremovexattr(path, attr)
	})
}

func (s *superblock) changingXAttr(id uint64, tid uint32) {
	if v := s.owner(tid); v != nil {
		if n := s.get(id); n != nil {
			s.mu.Lock()
			n.dirty = true // its ctime moves
			s.mu.Unlock()
			s.changing(v, n, meta, tid)
		}
	}
}

// executed records that a program with other rights was started.
func (v *view) executed(s *superblock, n *node, path string, st *syscall.Stat_t, tid uint32) {
	if st.Mode&(syscall.S_ISUID|syscall.S_ISGID) != 0 || s.hasCapabilities(n, path) {
		v.rec.privileged(path, v.process(tid, true))
	}
}

// hasCapabilities tells whether a program has file capabilities. It is asked
// once per node.
func (s *superblock) hasCapabilities(n *node, path string) bool {
	s.mu.Lock()
	known := n.cap
	s.mu.Unlock()
	if known == 0 {
		known = -1
		if size, err := raw.Lgetxattr(path, "security.capability", nil); err == nil && size > 0 {
			known = 1
		}
		s.mu.Lock()
		n.cap = known
		s.mu.Unlock()
	}
	return known > 0
}

// lookFlags returns what an open of a file adds to its looks.
func (s *superblock) lookFlags(exec bool) tracefs.LookFlags {
	flags := tracefs.LookContent | tracefs.LookExists
	if exec {
		flags |= tracefs.LookExec
	}
	if s.view == nil {
		flags |= tracefs.LookSystem
	}
	return flags
}
