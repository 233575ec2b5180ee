package server

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// fmodeExec is set in the flags of an open that is made to execute the file.
const fmodeExec = 0x20

// passthroughFlags are all the flags that the kernel lets go with passthrough.
const passthroughFlags = fuse.FOPEN_PASSTHROUGH | fuse.FOPEN_NOFLUSH

// openMode is what an open means for the recording.
type openMode struct {
	reads, writes, truncates, appends, exec bool
}

func modeOf(flags uint32) openMode {
	acc := flags & syscall.O_ACCMODE
	m := openMode{
		reads:     acc == syscall.O_RDONLY || acc == syscall.O_RDWR,
		writes:    acc != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0,
		truncates: flags&syscall.O_TRUNC != 0,
		appends:   flags&syscall.O_APPEND != 0,
		exec:      flags&fmodeExec != 0,
	}
	return m
}

// change says what an open for writing may do to the file.
func (m openMode) change() change {
	switch {
	case m.truncates:
		return truncates
	case m.appends && !m.reads:
		return appends
	}
	return edits
}

// ownFlags are the flags with which we open the file ourselves. O_DIRECT is the
// caller's business with its own pages; buffers here are not aligned for it.
func ownFlags(flags uint32) int {
	return int(flags&^(syscall.O_CREAT|syscall.O_EXCL|syscall.O_NOCTTY|syscall.O_DIRECT|fmodeExec)) | syscall.O_CLOEXEC
}

// Open answers its request.
func (s *superblock) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := s.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	mode := modeOf(in.Flags)
	if mode.exec && !n.stub && s.catches(n, in.Pid) {
		return fuse.Status(syscall.ESTALE)
	}
	if g := s.appender(n, mode, in.Pid); g != nil {
		return s.openSegment(g, out)
	}
	if mode.reads && s.view != nil && s.view.segments.any.Load() {
		s.view.settle(s.pathOf(n), in.Pid)
	}
	if mode.writes {
		if v := s.owner(in.Pid); v != nil {
			s.changing(v, n, mode.change(), in.Pid)
		}
	}
	if s.view == nil && !mode.writes {
		return s.openSystem(n, in, out, mode)
	}
	if s.through(n) {
		if code, ok := s.openPassthrough(n, in, out, mode); ok {
			return code
		}
	}
	path, magic := s.reach(n)
	flags := ownFlags(in.Flags)
	if !magic {
		flags |= syscall.O_NOFOLLOW
	}
	fd, err := raw.Open(path, flags)
	if err != nil {
		return fuse.ToStatus(err)
	}
	var st syscall.Stat_t
	if err := raw.Fstat(fd, &st); err != nil || s.wasChanged(n, &st, mode) {
		syscall.Close(fd)
		return fuse.Status(syscall.ESTALE)
	}
	s.hold(n, fd, mode.writes)
	s.recordOpen(n, &st, mode, in.Pid)
	if in.Mode&fuse.OPEN_KILL_SUIDGID != 0 {
		dropPrivileges(fd, &st)
	}
	out.Fh = handle(fd)
	out.OpenFlags = s.cacheFlags(n)
	return fuse.OK
}

// recordOpen records an open for reading.
func (s *superblock) recordOpen(n *node, st *syscall.Stat_t, mode openMode, tid uint32) {
	if !mode.reads || mode.truncates {
		return
	}
	if n.stub {
		if v := s.owner(tid); v != nil {
			v.shells.release(tid)
		}
		return
	}
	v := s.owner(tid)
	if v == nil {
		return
	}
	s.mu.Lock()
	gone, path, aliases := n.gone, n.path, n.aliases
	if len(aliases) > 0 {
		aliases = append([]string(nil), aliases...)
	}
	s.mu.Unlock()
	if gone {
		return
	}
	flags := s.lookFlags(mode.exec)
	v.opened(path, st, flags, tid)
	// The kernel does not tell by which of its names a file is opened.
	for _, a := range aliases {
		v.opened(a, st, flags, tid)
	}
	if mode.exec {
		v.executed(s, n, path, st, tid)
	}
}

// wasChanged tells whether the kernel has to look a file up again before it opens it: the
// name leads to another one than the kernel was told of, whose pages may be in use. It asks
// once more then, and tells the program of a second ESTALE, so that is for the rare case. A
// file that was changed in its place is opened all the same, and the kernel only has to
// forget its attributes and pages; and so is another file, if nobody has the first one open.
func (s *superblock) wasChanged(n *node, st *syscall.Stat_t, mode openMode) bool {
	s.mu.Lock()
	changed := !mode.truncates && !n.gone && n.changed(st)
	if n.kind != st.Mode&syscall.S_IFMT || changed && (s.view == nil || inodeOf(&n.st) != inodeOf(st) && !s.unused(n)) {
		n.stale = true
		s.mu.Unlock()
		return true
	}
	if n.stale = n.stale || changed; n.writers == 0 {
		n.st = *st
		n.dirty = mode.writes
	}
	s.mu.Unlock()
	if changed {
		s.kernel.dropAttributes(n.id)
	}
	return false
}

// cacheFlags returns how the kernel is to treat the pages of an opened file.
func (s *superblock) cacheFlags(n *node) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.stale || n.outside.Load() || s.ended.Load() {
		n.stale = false
		return fuse.FOPEN_NOFLUSH
	}
	return fuse.FOPEN_NOFLUSH | fuse.FOPEN_KEEP_CACHE
}

// openPassthrough lets the kernel read and write the file below by itself. ok is
// false if it will not.
func (s *superblock) openPassthrough(n *node, in *fuse.OpenIn, out *fuse.OpenOut, mode openMode) (code fuse.Status, ok bool) {
	st, err := s.stat(n)
	if err != nil && err != unix.ESTALE {
		return fuse.ToStatus(err), true
	}
	if s.wasChanged(n, &st, mode) {
		return fuse.Status(syscall.ESTALE), true
	}
	id, ok := s.register(n)
	if !ok {
		return 0, false
	}
	if mode.writes {
		// The kernel opens the file itself, but it does not truncate it, nor ask
		// whether the file system below is writable.
		flags := syscall.O_WRONLY | syscall.O_CLOEXEC
		if mode.truncates {
			flags |= syscall.O_TRUNC
		}
		fd, err := raw.Open(fdPath(n.opath), flags)
		if err != nil {
			return fuse.ToStatus(err), true
		}
		if in.Mode&fuse.OPEN_KILL_SUIDGID != 0 {
			dropPrivileges(fd, &st)
		}
		out.Fh = handle(fd)
		s.hold(n, fd, true)
	} else {
		out.Fh = s.bareHandle()
	}
	s.recordOpen(n, &st, mode, in.Pid)
	out.OpenFlags = passthroughFlags
	out.BackingID = id
	return fuse.OK, true
}

// bareHandle numbers a handle that needs no descriptor.
func (s *superblock) bareHandle() uint64 { return bare | s.bare.Add(1) }

// through tells whether opens of n are to use passthrough.
func (s *superblock) through(n *node) bool {
	if s.view == nil {
		return s.large(n)
	}
	return s.pass
}

// register makes the file known to the kernel for passthrough, once per node.
func (s *superblock) register(n *node) (int32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.backing != 0 {
		return n.backing, true
	}
	if n.opath == 0 {
		path := n.path
		if fd, ok := n.descriptor(); ok {
			path = fdPath(fd)
		}
		fd, err := raw.Open(path, unix.O_PATH|syscall.O_CLOEXEC)
		if err != nil {
			return 0, false
		}
		n.opath = fd
	}
	id, err := s.kernel.openBacking(n.opath)
	if err != nil {
		s.refuse(err)
		return 0, false
	}
	n.backing = id
	return id, true
}

// refuse notes that passthrough does not work here. Without the right to it no
// other view needs to try; a file system that cannot be stacked says nothing
// about others.
func (s *superblock) refuse(err error) {
	if err == unix.EPERM {
		s.engine.pass.Store(false)
		s.pass = false
	}
}

// Create answers its request.
func (s *superblock) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	path, ok := s.child(in.NodeId, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	mode := modeOf(in.Flags)
	if in.Flags&syscall.O_EXCL == 0 && s.view.mayAppend(path, mode) {
		if g := s.view.append(path, in.Pid); g != nil {
			return s.createLog(g, in, name, path, out)
		}
	}
	var fd int
	open := func() (err error) {
		fd, err = s.createFile(in, path, mode)
		return err
	}
	var err error
	if in.Flags&syscall.O_EXCL != 0 {
		err = s.view.creating(path, open)
	} else {
		err = open()
	}
	if err != nil {
		return fuse.ToStatus(err)
	}
	s.giveTo(fd, path, &in.Caller)
	return s.created(fd, in.NodeId, name, path, mode, out)
}

// createFile makes a file, or opens the one that is there, and records that.
func (s *superblock) createFile(in *fuse.CreateIn, path string, mode openMode) (fd int, err error) {
	s.view.unhide(path)
	c := mode.change()
	if c == edits && !exists(path) {
		c = creates
	}
	s.owner(in.Pid).beforeChange(path, c, in.Pid)
	flags := ownFlags(in.Flags) | syscall.O_CREAT | syscall.O_NOFOLLOW | int(in.Flags&syscall.O_EXCL)
	return syscall.Open(path, flags, in.Mode)
}

// created answers an open that made a file.
func (s *superblock) created(fd int, dir uint64, name, path string, mode openMode, out *fuse.CreateOut) fuse.Status {
	var st syscall.Stat_t
	if err := raw.Fstat(fd, &st); err != nil {
		syscall.Close(fd)
		return fuse.ToStatus(err)
	}
	n := s.enter(dir, name, &st)
	if n == nil {
		syscall.Close(fd)
		return fuse.Status(syscall.ESTALE)
	}
	s.hold(n, fd, mode.writes)
	s.tells(dir, name)
	s.entry(n, path, &st, &out.EntryOut)
	s.opened(n, fd, &out.OpenOut)
	return fuse.OK
}

// opened answers with a new handle of n, whose reads and writes the kernel does
// itself if it will.
func (s *superblock) opened(n *node, fd int, out *fuse.OpenOut) {
	out.Fh = handle(fd)
	if s.through(n) {
		if id, ok := s.register(n); ok {
			out.OpenFlags = passthroughFlags
			out.BackingID = id
			return
		}
	}
	out.OpenFlags = s.cacheFlags(n)
}

// Tmpfile answers its request: a file without a name, in a directory.
func (s *superblock) Tmpfile(_ <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	d := s.get(in.NodeId)
	if d == nil {
		return fuse.Status(syscall.ESTALE)
	}
	path, _ := s.reach(d)
	fd, err := syscall.Open(path, ownFlags(in.Flags)|unix.O_TMPFILE, in.Mode)
	if err != nil {
		return fuse.ToStatus(err)
	}
	s.giveTo(fd, path, &in.Caller)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		syscall.Close(fd)
		return fuse.ToStatus(err)
	}
	n := s.nameless(&st)
	s.hold(n, fd, true)
	s.entry(n, path, &st, &out.EntryOut)
	s.opened(n, fd, &out.OpenOut)
	return fuse.OK
}

// nameless makes a node for a file without a name.
func (t *table) nameless(st *syscall.Stat_t) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &node{id: t.next, kind: syscall.S_IFREG, lookups: 1, st: *st, gone: true}
	t.next++
	t.nodes[n.id] = n
	return n
}

// giveTo makes the caller the owner of what was just made for it. The group of a
// set-group-id directory is inherited and stays.
func (s *superblock) giveTo(fd int, path string, c *fuse.Caller) {
	if s.engine.userns || c.Uid == 0 && c.Gid == 0 {
		return
	}
	gid := int(c.Gid)
	var dir syscall.Stat_t
	if syscall.Stat(parentOf(path)+"/", &dir) == nil && dir.Mode&syscall.S_ISGID != 0 {
		gid = -1
	}
	if fd >= 0 {
		_ = syscall.Fchown(fd, int(c.Uid), gid)
		return
	}
	_ = syscall.Lchown(path, int(c.Uid), gid)
}

// dropPrivileges takes the set-id bits away, as writing by an ordinary user does.
func dropPrivileges(fd int, st *syscall.Stat_t) {
	mode := st.Mode & 0o7777 &^ syscall.S_ISUID
	if mode&0o010 != 0 {
		mode &^= syscall.S_ISGID
	}
	if mode != st.Mode&0o7777 {
		_ = syscall.Fchmod(fd, mode)
	}
}

// Release answers its request.
func (s *superblock) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	if !hasDescriptor(in.Fh) {
		s.unlock(in.Fh)
		if s.view != nil {
			s.view.segments.closeSegment(in.Fh)
		}
		return
	}
	fd, writes := descriptor(in.Fh), modeOf(in.Flags).writes
	if n := s.get(in.NodeId); n != nil {
		s.drop(n, fd, writes)
	}
	if writes {
		syscall.Close(fd)
	} else {
		raw.Close(fd)
	}
}
