package server

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
)

const (
	// forever is a time for which the kernel never asks again.
	forever = 1 << 30
	// recent is for how long, in seconds, the kernel keeps what a view was told.
	// Nearly every action ends before it asks twice; one that waits for
	// something to happen elsewhere must see it happen.
	recent = 1

	maxRequest = 1 << 20
	// blockSize is what regular files claim as their best transfer size where
	// each transfer is a request, so that stdio makes few of them.
	blockSize = 128 << 10
)

// superblock serves one mount: that of a view, or the one for system trees.
type superblock struct {
	fuse.RawFileSystem
	*table

	engine  *engine
	view    *view // nil for the system mount
	device  uint64
	notice  notice
	server  *fuse.Server
	pass    bool
	ended   atomic.Bool // the view's action is over: nothing is cached any more
	dirs    dirHandles
	locks   lockFiles
	bare    atomic.Uint64 // counts handles without a descriptor
	outside paths         // written by clients past the kernel's caches
	onEnd   func()
}

// newSuperblock makes a superblock, begins to serve it and returns its mount,
// which is not attached anywhere.
func newSuperblock(e *engine, v *view, onEnd func()) (*superblock, *os.File, error) {
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	mount, err := makeMount(dev)
	if err != nil {
		unix.Close(dev)
		return nil, nil, err
	}
	s := &superblock{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), table: newTable(),
		engine: e, view: v, onEnd: onEnd,
	}
	if s.device, err = procfs.Device(int(mount.Fd()), "", unix.AT_EMPTY_PATH); err != nil {
		mount.Close()
		unix.Close(dev)
		return nil, nil, fmt.Errorf("device of new mount: %w", err)
	}
	// A descriptor of our own for messages: go-fuse closes its own when it likes,
	// and the number may then be another file's.
	if s.notice.fd, err = unix.FcntlInt(uintptr(dev), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		mount.Close()
		unix.Close(dev)
		return nil, nil, fmt.Errorf("duplicate /dev/fuse: %w", err)
	}
	// go-fuse takes the descriptor over; an odd way of naming it is how it is
	// told not to mount by itself.
	s.server, err = fuse.NewServer(s, "/dev/fd/"+strconv.Itoa(dev), s.options())
	if err != nil {
		mount.Close()
		unix.Close(dev)
		s.notice.close()
		return nil, nil, fmt.Errorf("serve new mount: %w", err)
	}
	s.pass = e.pass.Load() && s.server.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH != 0
	go s.server.Serve()
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

func (s *superblock) options() *fuse.MountOptions {
	o := &fuse.MountOptions{
		MaxBackground:        64,
		MaxWrite:             maxRequest,
		DisableReadDirPlus:   true, // it would show the kernel files that nobody looked at
		DisableSplice:        true,
		EnableSymlinkCaching: true,
		ExtraCapabilities:    fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_HANDLE_KILLPRIV_V2 | fuse.CAP_FLOCK_LOCKS,
		Logger:               fuseLog(),
		PanicHandler:         reportPanic,
	}
	if !s.engine.pass.Load() {
		o.DisabledCapabilities = fuse.CAP_PASSTHROUGH
	}
	return o
}

// fuseLog is where go-fuse complains, as it does of each request that was
// interrupted. Nobody wants that among the messages of a build.
func fuseLog() *log.Logger {
	if os.Getenv("FMAKE_ENGINE_LOG") != "" {
		return log.Default()
	}
	return log.New(io.Discard, "", 0)
}

// reportPanic turns a mistake in a handler into an error of one request.
func reportPanic(cause any) fuse.Status {
	log.Printf("mistake in the file system: %v\n%s", cause, debug.Stack())
	return fuse.EIO
}

// String implements fuse.RawFileSystem.
func (s *superblock) String() string { return "fmake" }

// OnUnmount implements fuse.RawFileSystem: nobody lives in the mount any more.
func (s *superblock) OnUnmount() {
	s.mu.Lock()
	for _, n := range s.nodes {
		n.close()
	}
	s.nodes = map[uint64]*node{}
	s.mu.Unlock()
	s.dirs.closeAll()
	s.notice.close()
	s.onEnd()
}

// close closes the descriptors kept for n.
func (n *node) close() {
	if n.opath > 0 {
		unix.Close(n.opath)
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
	if inhabited && s.server.KernelSettings().Flags64()&hasExpireOnly != 0 {
		for _, e := range s.known() {
			s.notice.expire(e.dir, e.name)
		}
	}
}

// hasExpireOnly says that the kernel can be told to ask again for an entry
// without dropping it (FUSE_HAS_EXPIRE_ONLY of <linux/fuse.h>).
const hasExpireOnly = 1 << 35

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

// notice is a descriptor for messages to the kernel that go-fuse does not offer.
type notice struct {
	mu sync.Mutex
	fd int // -1 when the connection has ended
}

// expire makes the kernel ask again for one entry when it next needs it.
func (c *notice) expire(dir uint64, name string) {
	const invalEntry, expireOnly = 3, 1
	const head = 16 + 16
	msg := make([]byte, head+len(name)+1)
	binary.NativeEndian.PutUint32(msg[4:], invalEntry)
	binary.NativeEndian.PutUint64(msg[16:], dir)
	binary.NativeEndian.PutUint32(msg[24:], uint32(len(name)))
	binary.NativeEndian.PutUint32(msg[28:], expireOnly)
	copy(msg[head:], name)
	c.send(msg)
}

// expireAll makes the kernel ask again for all entries it knows, where it knows
// how to; elsewhere it does when their time has passed. It drops what is mounted
// on them, so it is not for views.
func (c *notice) expireAll() {
	const incEpoch = 8
	var msg [16]byte
	binary.NativeEndian.PutUint32(msg[4:], incEpoch)
	c.send(msg[:])
}

// send writes a message after putting its length in. An entry that the kernel
// does not have any more is an error that nobody minds.
func (c *notice) send(msg []byte) {
	binary.NativeEndian.PutUint32(msg[0:], uint32(len(msg)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		_, _ = unix.Write(c.fd, msg)
	}
}

func (c *notice) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
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
	case s.ended.Load() || n.outside:
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
	}
	s.attr(st, path, &out.Attr)
}

// attr translates attributes for the kernel.
func (s *superblock) attr(st *syscall.Stat_t, path string, out *fuse.Attr) {
	out.FromStat(st)
	if s.view == nil {
		return
	}
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

// Lookup implements fuse.RawFileSystem.
func (s *superblock) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	path, ok := s.child(h.NodeId, name)
	if !ok {
		return fuse.Status(syscall.ESTALE)
	}
	var st syscall.Stat_t
	err := syscall.Lstat(path, &st)
	if err != nil || s.view.hides(path) {
		return s.absent(path, name, err, h.Pid, out)
	}
	n := s.enter(h.NodeId, name, &st)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	s.exists(path, &st, h.Pid)
	if s.outside.has(path) {
		s.mu.Lock()
		n.outside = true
		s.mu.Unlock()
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
		}
		if s.ended.Load() || v.rec.ownRemoval(path) {
			return fuse.ENOENT
		}
		out.EntryValid = recent
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
		v.rec.socket(path)
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

// Forget implements fuse.RawFileSystem.
func (s *superblock) Forget(id, count uint64) {
	n := s.forget(id, count)
	if n == nil {
		return
	}
	if n.backing != 0 {
		s.server.UnregisterBackingFd(n.backing)
	}
	n.close()
}

// GetAttr implements fuse.RawFileSystem.
func (s *superblock) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := s.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return s.answerAttr(n, out)
}

func (s *superblock) answerAttr(n *node, out *fuse.AttrOut) fuse.Status {
	st, err := s.stat(n)
	if err != nil {
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
