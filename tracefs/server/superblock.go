package server

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
	"fmake/tracefs/raw"
)

const (
	// forever is a time for which the kernel never asks again.
	forever = 1 << 30
	// recent is for how long, in seconds, the kernel keeps what a view was told.
	// Nearly every action ends before it asks twice; one that waits for
	// something to happen elsewhere must see it happen.
	recent = 1

	// blockSize is what regular files claim as their best transfer size where
	// each transfer is a request, so that stdio makes few of them.
	blockSize = 128 << 10
)

// superblock serves one mount: that of a view, or the one for system trees.
type superblock struct {
	*table

	engine  *engine
	view    *view // nil for the system mount
	device  uint64
	kernel  kernel
	apart   apart
	polled  int32        // its number with the poller
	holders atomic.Int32 // workers and goroutines that use it, and one while it is mounted
	pass    bool
	ended   atomic.Bool // the view's action is over: nothing is cached any more
	dirs    dirHandles
	locks   lockFiles
	doors   doors
	bare    atomic.Uint64 // counts handles without a descriptor
	outside paths         // written by clients past the kernel's caches
	names   toldNames
	onEnd   func()
}

// newSuperblock makes a superblock, begins to serve it and returns its mount,
// which is not attached anywhere.
func newSuperblock(e *engine, v *view, onEnd func()) (*superblock, *os.File, error) {
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	mount, err := makeMount(dev)
	if err != nil {
		unix.Close(dev)
		return nil, nil, err
	}
	s := &superblock{table: newTable(), engine: e, view: v, onEnd: onEnd, kernel: kernel{fd: dev}}
	if s.device, err = procfs.Device(int(mount.Fd()), "", unix.AT_EMPTY_PATH); err != nil {
		err = fmt.Errorf("device of new mount: %w", err)
	} else {
		err = s.kernel.greet(e.pass.Load())
	}
	if err == nil {
		s.pass = e.pass.Load() && s.kernel.features&fuse.CAP_PASSTHROUGH != 0
		s.holders.Store(1)
		err = e.poller.add(s)
	}
	if err != nil {
		mount.Close()
		s.kernel.close()
		return nil, nil, err
	}
	return s, mount, nil
}

// makeMount makes a FUSE superblock that talks over dev, and a mount of it.
func makeMount(dev int) (*os.File, error) {
	ctx, err := unix.Fsopen("fuse", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen fuse: %w", err)
	}
	defer unix.Close(ctx)
	values := []struct{ key, value string }{
		{"source", "fmake"},
		{"subtype", "fmake"},
		{"fd", strconv.Itoa(dev)},
		{"rootmode", "40000"},
		{"user_id", strconv.Itoa(os.Geteuid())},
		{"group_id", strconv.Itoa(os.Getegid())},
		{"max_read", strconv.Itoa(maxRequest)},
	}
	for _, v := range values {
		if err := unix.FsconfigSetString(ctx, v.key, v.value); err != nil {
			return nil, fmt.Errorf("fsconfig fuse %s=%s: %w", v.key, v.value, err)
		}
	}
	for _, flag := range []string{"allow_other", "default_permissions"} {
		if err := unix.FsconfigSetFlag(ctx, flag); err != nil {
			return nil, fmt.Errorf("fsconfig fuse %s: %w", flag, err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, fmt.Errorf("make fuse superblock: %w", err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, mountFlags())
	if err != nil {
		return nil, fmt.Errorf("fsmount fuse: %w", err)
	}
	return os.NewFile(uintptr(fd), "mount"), nil
}

// mountFlags spares an ordinary user the question for file capabilities at each
// exec: in its user namespace no program gets other rights anyway.
func mountFlags() int {
	if os.Geteuid() == 0 {
		return 0
	}
	return unix.MOUNT_ATTR_NOSUID
}

// unmounted is called when nobody lives in the mount any more.
func (s *superblock) unmounted() {
	s.kernel.close()
	s.mu.Lock()
	for _, n := range s.nodes {
		n.close()
	}
	s.nodes = map[uint64]*node{}
	s.mu.Unlock()
	s.dirs.closeAll()
	s.doors.closeAll()
	s.onEnd()
}

// close closes the descriptors kept for n.
func (n *node) close() {
	if n.opath > 0 {
		raw.Close(n.opath)
		n.opath = 0
	}
	for _, fd := range n.held {
		unix.Close(fd)
	}
	n.held = nil
}

// end makes the view a plain pass-through. If processes outlive the action in
// it, what the kernel has cached for them goes; what it knows to be absent, after
// its time.
func (s *superblock) end(inhabited bool) {
	s.ended.Store(true)
	if inhabited && s.kernel.features&fuse.CAP_HAS_EXPIRE_ONLY != 0 {
		for _, e := range s.known() {
			s.kernel.expire(e.dir, e.name)
		}
	}
}

// known returns the entries that the kernel may have cached, but those that
// something is mounted on: they never expire, since it would fall off.
func (s *superblock) known() []entryName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []entryName
	for id, d := range s.nodes {
		for name := range d.kids {
			if !s.engine.bound[d.path+"/"+name] {
				all = append(all, entryName{id, name})
			}
		}
	}
	return all
}

// entryName is a name in the directory with a number.
type entryName struct {
	dir  uint64
	name string
}

// owner returns the view that a request belongs to, nil if none.
func (s *superblock) owner(tid uint32) *view {
	if s.view != nil {
		return s.view
	}
	return s.engine.callers.viewOf(tid)
}

// valid returns for how many seconds the kernel may keep what it is told of n.
func (s *superblock) valid(n *node) uint64 {
	switch {
	case s.ended.Load() || n.outside.Load() || isSpecial(n.kind):
		return 0
	case s.view == nil:
		return forever
	}
	return recent
}

// entry fills the answer to a look-up.
func (s *superblock) entry(n *node, path string, st *syscall.Stat_t, out *fuse.EntryOut) {
	out.NodeId = n.id
	out.Generation = 1
	out.AttrValid = s.valid(n)
	out.EntryValid = out.AttrValid
	if s.view != nil && s.engine.bound[path] {
		// What is mounted here falls off if the entry does not stay.
		out.EntryValid = forever
	} else if s.view != nil && s.view.asksAlways(path, st) {
		out.EntryValid = 0
	}
	s.attr(st, path, &out.Attr)
}

// attr translates attributes for the kernel.
func (s *superblock) attr(st *syscall.Stat_t, path string, out *fuse.Attr) {
	out.FromStat(st)
	if s.view == nil {
		return
	}
	out.Size = uint64(s.view.size(path, st.Size))
	if !s.pass && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
		out.Blksize = blockSize
	}
	if s.engine.userns {
		mapOwner(st, path, out)
	}
}

// mapOwner reports a file of somebody else as the caller's own, with just the
// rights that the caller has. Owners that are not mapped in the user namespace
// would make the kernel refuse all writes, also where everybody may write.
func mapOwner(st *syscall.Stat_t, path string, out *fuse.Attr) {
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	if st.Gid != gid {
		out.Gid = gid
	}
	if st.Uid == uid {
		return
	}
	out.Uid = uid
	if st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		return
	}
	if path == "" {
		path = "/"
	}
	rights := uint32(0)
	for _, bit := range []uint32{unix.R_OK, unix.W_OK, unix.X_OK} {
		if unix.Access(path, bit) == nil {
			rights |= bit
		}
	}
	out.Mode = out.Mode&^0o700 | rights<<6
}

// Lookup answers its request.
func (s *superblock) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	path, ok := s.child(h.NodeId, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	s.tells(h.NodeId, name)
	var st syscall.Stat_t
	err := raw.Lstat(path, &st)
	if err != nil || s.view.hides(path) || s.view.hidesNew(path, &st, h.Pid) {
		return s.absent(path, name, err, h.Pid, out)
	}
	if s.door(path, &st, h.Pid, out) {
		s.exists(path, &st, h.Pid)
		return fuse.OK
	}
	n := s.enter(h.NodeId, name, &st)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if program, ok := s.caughtAt(inodeOf(&st), h.Pid); ok && s.stub(program, out) {
		s.Forget(n.id, 1)
		return fuse.OK
	}
	s.exists(path, &st, h.Pid)
	if s.outside.has(path) {
		n.outside.Store(true)
	}
	s.entry(n, path, &st, out)
	if s.view == nil && path == resolvConf {
		s.lookedAtResolver(h.Pid, &st, out)
	}
	return fuse.OK
}

// absent answers a look-up that found nothing.
func (s *superblock) absent(path, name string, err error, tid uint32, out *fuse.EntryOut) fuse.Status {
	if err != nil && err != syscall.ENOENT {
		return fuse.ToStatus(err)
	}
	if v := s.view; v != nil {
		if !mayOverride(name) || v.rec.isOff() || intentOf(tid, false) == looks {
			v.saw(path, tracefs.LookAbsent, nil, tid)
		} else {
			v.rec.missed(path, v.procOf(tid))
		}
		if s.ended.Load() || v.rec.ownRemoval(path) {
			return fuse.ENOENT
		}
		if !v.shells.on.Load() {
			out.EntryValid = recent
		}
		return fuse.OK // node 0: absent, and cached as such
	}
	s.engine.build.look(path, tracefs.LookAbsent, nil, -1)
	out.EntryValid = forever
	return fuse.OK
}

// exists records that a path was found.
func (s *superblock) exists(path string, st *syscall.Stat_t, tid uint32) {
	v := s.view
	if v == nil {
		s.engine.build.look(path, tracefs.LookExists, st, -1)
		return
	}
	file := st.Mode&syscall.S_IFMT == syscall.S_IFREG
	if !file || !mayOverride(path) || v.rec.isOff() || intentOf(tid, true) == looks {
		v.saw(path, tracefs.LookExists, st, tid)
	}
	if st.Mode&syscall.S_IFMT == syscall.S_IFSOCK {
		v.rec.socket(path, v.procOf(tid))
	}
}

// saw records a look-up.
func (v *view) saw(path string, flags tracefs.LookFlags, st *syscall.Stat_t, tid uint32) {
	if v.rec.isOff() {
		return
	}
	v.rec.look(path, flags, st, v.procOf(tid))
}

// resolvConf is looked at by programs that are about to use the network. It may
// be a link to where nothing is traced, so its look-up is what counts.
const resolvConf = "/etc/resolv.conf"

func (s *superblock) lookedAtResolver(tid uint32, st *syscall.Stat_t, out *fuse.EntryOut) {
	out.EntryValid = 0
	if v := s.owner(tid); v != nil {
		v.saw(resolvConf, tracefs.LookContent|tracefs.LookExists|tracefs.LookSystem, st, tid)
	}
}

// Forget answers its request.
func (s *superblock) Forget(id, count uint64) {
	n := s.forget(id, count)
	if n == nil {
		return
	}
	if n.backing != 0 {
		s.kernel.closeBacking(n.backing)
	}
	n.close()
}

// GetAttr answers its request.
func (s *superblock) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := s.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return s.answerAttr(n, out)
}

// mayBecome tells whether n may become another file that has taken its name. In a system
// tree it may not: programs that run may have pages of what it was.
func (s *superblock) mayBecome(n *node, st *syscall.Stat_t) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view != nil && n.kind == st.Mode&syscall.S_IFMT && s.unused(n)
}

func (s *superblock) answerAttr(n *node, out *fuse.AttrOut) fuse.Status {
	st, err := s.stat(n)
	if err != nil && (err != unix.ESTALE || !s.mayBecome(n, &st)) {
		return fuse.ToStatus(err)
	}
	s.mu.Lock()
	n.refresh(&st)
	path := n.path
	s.mu.Unlock()
	out.AttrValid = s.valid(n)
	s.attr(&st, path, &out.Attr)
	return fuse.OK
}
