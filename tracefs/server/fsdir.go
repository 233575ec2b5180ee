package server

import (
	"encoding/binary"
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/raw"
)

// dirHandle is an open directory. Its entries are read when they are first asked
// for, and again when the reader starts over.
type dirHandle struct {
	mu      sync.Mutex
	fd      int
	node    *node
	entries []fuse.DirEntry
}

// dirHandles numbers the open directories of a superblock.
type dirHandles struct {
	mu   sync.Mutex
	open map[uint64]*dirHandle
	next uint64
}

func (d *dirHandles) add(h *dirHandle) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[uint64]*dirHandle{}
	}
	d.next++
	d.open[d.next] = h
	return d.next
}

func (d *dirHandles) get(fh uint64) *dirHandle {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[fh]
}

func (d *dirHandles) remove(fh uint64) {
	d.mu.Lock()
	h := d.open[fh]
	delete(d.open, fh)
	d.mu.Unlock()
	if h != nil {
		raw.Close(h.fd)
	}
}

func (d *dirHandles) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for fh, h := range d.open {
		unix.Close(h.fd)
		delete(d.open, fh)
	}
}

// OpenDir answers its request.
func (s *superblock) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := s.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	path, _ := s.reach(n)
	fd, err := raw.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC)
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.Fh = s.dirs.add(&dirHandle{fd: fd, node: n})
	return fuse.OK
}

// ReadDir answers its request.
func (s *superblock) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	h := s.dirs.get(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if in.Offset == 0 || h.entries == nil {
		if err := s.fillDir(h, in.Pid); err != nil {
			return fuse.ToStatus(err)
		}
	}
	for i := int(in.Offset); i < len(h.entries); i++ {
		e := h.entries[i]
		e.Off = uint64(i) + 1
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

// fillDir reads the directory as the view may see it, and records that.
func (s *superblock) fillDir(h *dirHandle, tid uint32) error {
	path := s.pathOf(h.node)
	all, err := s.entriesOf(h, path, tid)
	if err != nil {
		return err
	}
	h.entries = make([]fuse.DirEntry, 0, len(all))
	names := make([]string, 0, len(all))
	for _, e := range all {
		if e.Name != "." && e.Name != ".." {
			if s.view.hides(path + "/" + e.Name) {
				continue
			}
			names = append(names, e.Name)
		}
		h.entries = append(h.entries, e)
	}
	if s.view != nil && s.view.reverse {
		slices.Reverse(h.entries)
	}
	if v := s.owner(tid); v != nil && !v.rec.isOff() {
		flags := tracefs.LookFlags(0)
		if s.view == nil {
			flags = tracefs.LookSystem
		}
		var st syscall.Stat_t
		if err := raw.Fstat(h.fd, &st); err != nil {
			return err
		}
		v.rec.listed(path, &st, names, flags, v.procOf(tid))
	}
	return nil
}

// entriesOf reads the entries of a directory, as they are for a process with a label.
func (s *superblock) entriesOf(h *dirHandle, path string, tid uint32) ([]fuse.DirEntry, error) {
	if h.node.label != nil {
		return s.view.labels.listing(h.node.label), nil
	}
	all, err := readEntries(h.fd)
	if err == nil && s.view != nil && s.view.labels != nil {
		all = s.view.labels.merge(path, all, tid)
	}
	return all, err
}

// readEntries reads all entries of an open directory from its beginning.
func readEntries(fd int) ([]fuse.DirEntry, error) {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return nil, err
	}
	var out []fuse.DirEntry
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return out, err
		}
		out = appendEntries(out, buf[:n])
	}
}

// appendEntries cuts what getdents64 filled in: inode, offset, length of the
// record, type, name.
func appendEntries(out []fuse.DirEntry, buf []byte) []fuse.DirEntry {
	const nameAt = 19
	for len(buf) >= nameAt {
		size := int(binary.NativeEndian.Uint16(buf[16:]))
		if size < nameAt || size > len(buf) {
			return out
		}
		name := buf[nameAt:size]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		out = append(out, fuse.DirEntry{
			Name: string(name),
			Mode: uint32(buf[18]) << 12,
			Ino:  binary.NativeEndian.Uint64(buf),
		})
		buf = buf[size:]
	}
	return out
}

// ReleaseDir answers its request.
func (s *superblock) ReleaseDir(in *fuse.ReleaseIn) { s.dirs.remove(in.Fh) }

// FsyncDir answers its request.
func (s *superblock) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if h := s.dirs.get(in.Fh); h != nil {
		return fuse.ToStatus(syscall.Fsync(h.fd))
	}
	return fuse.OK
}

// Mknod answers its request.
func (s *superblock) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.make(in.NodeId, name, &in.Caller, out, func(path string) error {
		if err := syscall.Mknod(path, in.Mode, int(in.Rdev)); err != nil {
			return err
		}
		var st syscall.Stat_t
		if s.view != nil && in.Mode&syscall.S_IFMT == syscall.S_IFSOCK && raw.Lstat(path, &st) == nil {
			s.engine.listeners.bound(&st, s.view, in.Pid)
		}
		return nil
	})
}

// Symlink answers its request.
func (s *superblock) Symlink(_ <-chan struct{}, h *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	return s.make(h.NodeId, name, &h.Caller, out, func(path string) error {
		return syscall.Symlink(target, path)
	})
}

// Mkdir answers its request.
func (s *superblock) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.make(in.NodeId, name, &in.Caller, out, func(path string) error {
		if s.view != nil && s.view.remakeDir(path, in.Mode) {
			return nil
		}
		return syscall.Mkdir(path, in.Mode)
	})
}

// make makes something new at name by calling f.
func (s *superblock) make(dir uint64, name string, c *fuse.Caller, out *fuse.EntryOut, f func(path string) error) fuse.Status {
	path, ok := s.child(dir, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	err := s.view.creating(path, func() error {
		// What stands there makes f fail, which is a look and no change.
		if !exists(path) || s.view.hides(path) {
			s.owner(c.Pid).beforeChange(path, creates, c.Pid)
		}
		if s.view.hides(path) && !isDir(path) {
			s.view.unhide(path)
		}
		return f(path)
	})
	if err != nil {
		return fuse.ToStatus(err)
	}
	s.giveTo(-1, path, c)
	return s.told(dir, name, path, out)
}

func exists(path string) bool {
	var st syscall.Stat_t
	return raw.Lstat(path, &st) == nil
}

func isDir(path string) bool {
	var st syscall.Stat_t
	return raw.Lstat(path, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR
}

// told answers a request that made an entry.
func (s *superblock) told(dir uint64, name, path string, out *fuse.EntryOut) fuse.Status {
	var st syscall.Stat_t
	if err := raw.Lstat(path, &st); err != nil {
		return fuse.ToStatus(err)
	}
	n := s.enter(dir, name, &st)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	s.tells(dir, name)
	s.entry(n, path, &st, out)
	return fuse.OK
}

// Link answers its request.
func (s *superblock) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	path, ok := s.child(in.NodeId, name)
	n := s.get(in.Oldnodeid)
	if !ok || n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	from, magic := s.reach(n)
	v := s.owner(in.Pid)
	defer s.view.removing()()
	if !magic && s.view.hides(from) {
		return fuse.ENOENT
	}
	s.view.unhide(path)
	if !magic && v != nil {
		// The new name has the content of the old one, as a copy would.
		v.opened(from, &n.st, tracefs.LookContent|tracefs.LookExists, in.Pid)
		v.rec.linked(from, v.procOf(in.Pid))
	}
	v.beforeChange(path, creates, in.Pid)
	flags := 0
	if magic {
		flags = unix.AT_SYMLINK_FOLLOW
	}
	if err := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, path, flags); err != nil {
		return fuse.ToStatus(err)
	}
	return s.linkedTo(n, in.NodeId, name, path, out)
}

// linkedTo answers a request that gave n one more name.
func (s *superblock) linkedTo(n *node, dir uint64, name, path string, out *fuse.EntryOut) fuse.Status {
	var st syscall.Stat_t
	if err := raw.Lstat(path, &st); err != nil {
		return fuse.ToStatus(err)
	}
	s.mu.Lock()
	d := s.nodes[dir]
	if d == nil {
		s.mu.Unlock()
		return fuse.Status(syscall.ESTALE)
	}
	n.lookups++
	n.st = st
	if n.gone {
		n.gone, n.path, n.parent = false, path, d
	} else {
		n.aliases = append(n.aliases, path)
	}
	d.adopt(name, n)
	if n.kind == syscall.S_IFREG {
		s.links[inodeOf(&st)] = n
	}
	s.mu.Unlock()
	s.tells(dir, name)
	s.entry(n, path, &st, out)
	return fuse.OK
}

// Unlink answers its request.
func (s *superblock) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	path, ok := s.child(h.NodeId, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	defer s.view.removing()()
	if s.view.hides(path) {
		return fuse.ENOENT
	}
	s.owner(h.Pid).beforeChange(path, removes, h.Pid)
	if err := syscall.Unlink(path); err != nil {
		return fuse.ToStatus(err)
	}
	s.unlink(h.NodeId, name)
	return fuse.OK
}

// Rmdir answers its request.
func (s *superblock) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	path, ok := s.child(h.NodeId, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	defer s.view.removing()()
	if s.view.hides(path) {
		return fuse.ENOENT
	}
	s.owner(h.Pid).beforeChange(path, removes, h.Pid)
	s.keepDir(path)
	err := syscall.Rmdir(path)
	if err == syscall.ENOTEMPTY && s.view.seesEmpty(path) {
		s.view.removeBelow(path)
		err = syscall.Rmdir(path)
	}
	if err != nil {
		return fuse.ToStatus(err)
	}
	s.unlink(h.NodeId, name)
	return fuse.OK
}

// keepDir keeps hold of a directory that is about to be removed: it may be
// somebody's working directory, and goes on to be one.
func (s *superblock) keepDir(path string) {
	n := s.find(path)
	if n == nil {
		return
	}
	fd, err := syscall.Open(path, unix.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	s.mu.Lock()
	if n.opath == 0 {
		n.opath, fd = fd, -1
	}
	s.mu.Unlock()
	if fd >= 0 {
		syscall.Close(fd)
	}
}

// seesEmpty tells whether all that is in a directory is hidden from the view.
func (v *view) seesEmpty(path string) bool {
	if v == nil || !v.hiding.Load() {
		return false
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	entries, err := readEntries(fd)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name != "." && e.Name != ".." && !v.hides(path+"/"+e.Name) {
			return false
		}
	}
	return true
}

// Rename answers its request.
func (s *superblock) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	from, ok1 := s.child(in.NodeId, oldName)
	to, ok2 := s.child(in.Newdir, newName)
	if !ok1 || !ok2 {
		return fuse.Status(syscall.ESTALE)
	}
	defer s.view.removing()()
	exchange := in.Flags&unix.RENAME_EXCHANGE != 0
	if s.view.hides(from) || exchange && s.view.hides(to) {
		return fuse.ENOENT
	}
	s.view.unhide(to)
	s.view.removeBelow(from)
	if s.view.seesEmpty(to) {
		s.view.removeBelow(to)
	}
	s.owner(in.Pid).beforeRename(from, to, exchange, in.Pid)
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, uint(in.Flags)); err != nil {
		return fuse.ToStatus(err)
	}
	s.move(in.NodeId, oldName, in.Newdir, newName, exchange)
	s.tells(in.NodeId, oldName)
	s.tells(in.Newdir, newName)
	return fuse.OK
}
