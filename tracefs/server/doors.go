package server

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs/procfs"
	"fmake/tracefs/raw"
)

// A FIFO or a socket is more than its file: the kernel hangs the pipe or the
// listener on the inode that was opened or bound, and the inode of a view is not
// the real one. So an open or a connect that would end at the view's inode is
// led through a door: its look-up is answered with a symbolic link to the object
// itself, by way of /proc. All other looks see the FIFO or the socket as it is.
// As nothing of it stays in the kernel's caches, each look is answered anew.

// doors leads to the real FIFOs of one superblock.
type doors struct {
	mu sync.Mutex
	// Descriptors are kept until the mount goes: a link may be followed after
	// the kernel has forgotten it.
	fifos map[inode]int
}

// isSpecial is true for what talks by its inode.
func isSpecial(mode uint32) bool {
	typ := mode & syscall.S_IFMT
	return typ == syscall.S_IFIFO || typ == syscall.S_IFSOCK
}

// door answers a look-up that is made to talk through the FIFO or socket at path.
// It returns false where that one is to be used that the view itself shows.
func (s *superblock) door(path string, st *syscall.Stat_t, tid uint32, out *fuse.EntryOut) bool {
	if s.view == nil || !isSpecial(st.Mode) {
		return false
	}
	var text string
	switch number, _, ok := procfs.Syscall(int(tid)); {
	case st.Mode&syscall.S_IFMT == syscall.S_IFIFO && ok && opens(number):
		text = s.fifoDoor(path, st)
	case st.Mode&syscall.S_IFMT == syscall.S_IFSOCK && ok && connects(number):
		text = s.socketDoor(path, st)
	}
	if text == "" {
		return false
	}
	link := *st
	link.Mode = syscall.S_IFLNK | 0o777
	link.Size = int64(len(text))
	n := s.linkNode(&link, text)
	out.NodeId, out.Generation = n.id, 1
	s.attr(&link, path, &out.Attr)
	return true
}

// linkNode makes a node for a link that stands in no directory.
func (t *table) linkNode(st *syscall.Stat_t, text string) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &node{id: t.next, kind: syscall.S_IFLNK, lookups: 1, st: *st, gone: true, door: text}
	t.next++
	t.nodes[n.id] = n
	return n
}

// fifoDoor returns the way to a real FIFO: a descriptor of ours, as seen by a
// thread that anybody of our user may look into.
func (s *superblock) fifoDoor(path string, st *syscall.Stat_t) string {
	keeper, err := s.engine.keeper()
	if err != nil {
		return ""
	}
	s.doors.mu.Lock()
	defer s.doors.mu.Unlock()
	fd, open := s.doors.fifos[inodeOf(st)]
	if !open {
		fd, err = raw.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC)
		if err != nil {
			return ""
		}
		if s.doors.fifos == nil {
			s.doors.fifos = map[inode]int{}
		}
		s.doors.fifos[inodeOf(st)] = fd
	}
	return "/proc/" + strconv.Itoa(keeper) + "/fd/" + strconv.Itoa(fd)
}

func (d *doors) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, fd := range d.fifos {
		raw.Close(fd)
	}
	d.fifos = nil
}

// keepDoors starts a thread without any capability that lives as long as this
// process, and returns its number. A magic link of /proc is followed only by
// those who have all capabilities of the thread it belongs to, and commands have
// none; the descriptors of all threads are the same.
func keepDoors() (int, error) {
	type started struct {
		tid int
		err error
	}
	c := make(chan started)
	go func() {
		runtime.LockOSThread()
		err := dropAll()
		c <- started{unix.Gettid(), err}
		if err == nil {
			select {}
		}
	}()
	r := <-c
	return r.tid, r.err
}

// dropAll takes all capabilities from the calling thread, where it has them in an
// ordinary user's own user namespace.
func dropAll() error {
	if os.Geteuid() == 0 {
		return nil // commands have what we have
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&head, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// listener is who has bound a socket inside a view.
type listener struct {
	view *view
	pid  int
}

// listeners are the sockets that were bound inside views: what is bound is the
// view's own inode, which others reach only through that view.
type listeners struct {
	mu    sync.Mutex
	known map[inode]listener
}

// bound notes a socket that was just made by a thread in a view.
func (l *listeners) bound(st *syscall.Stat_t, v *view, tid uint32) {
	pid, err := procfs.Group(int(tid))
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[inode]listener{}
	}
	l.known[inodeOf(st)] = listener{view: v, pid: pid}
}

// gone forgets the sockets of a view in which nobody lives any more.
func (l *listeners) gone(v *view) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, x := range l.known {
		if x.view == v {
			delete(l.known, id)
		}
	}
}

func (l *listeners) of(st *syscall.Stat_t) listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[inodeOf(st)]
}

// socketDoor returns the way to a socket that was not bound in this view: outside
// of all views by the thread that keeps the doors, inside another one by a
// process that lives there.
func (s *superblock) socketDoor(path string, st *syscall.Stat_t) string {
	l := s.engine.listeners.of(st)
	switch l.view {
	case s.view:
		return ""
	case nil:
		return s.fifoDoor(path, st)
	}
	device := l.view.sb.device
	pid := l.pid
	if dev, err := procfs.RootDevice(pid); err != nil || dev != device {
		in := procfs.Inside(map[uint64]bool{device: true})
		if len(in) == 0 {
			return ""
		}
		pid = in[0]
	}
	return "/proc/" + strconv.Itoa(pid) + "/root" + path
}

// opens is true for the system calls that open a file.
func opens(number int) bool {
	c, known := calls(number)
	return known && c >= 0 || number == unix.SYS_OPENAT2 || oldCreat(number)
}

// connects is true for the system calls that take the name of a socket to talk to.
func connects(number int) bool {
	switch number {
	case unix.SYS_CONNECT, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG:
		return true
	}
	return false
}
