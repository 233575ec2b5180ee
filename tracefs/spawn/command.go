package spawn

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// client is a make logic that starts commands here.
type client struct {
	spawner *spawner
	peer    *wire.Peer
}

// serve handles one message of a client.
func (c *client) serve(r *wire.Request) {
	switch r.Op {
	case wire.OpStart:
		go c.start(r)
	case wire.OpSignal:
		c.signal(r)
	default:
		wire.CloseFiles(r.Files)
		r.Fail(unix.ENOSYS)
	}
}

func (c *client) start(r *wire.Request) {
	defer wire.CloseFiles(r.Files)
	var m wire.Start
	if err := r.Decode(&m); err != nil || len(m.FDs) != len(r.Files) {
		r.Fail(unix.EINVAL)
		return
	}
	c.spawner.mu.Lock()
	v := c.spawner.views[m.View]
	c.spawner.mu.Unlock()
	if v == nil || v.released {
		r.Fail(unix.ESTALE)
		return
	}
	done := make(chan error, 1)
	c.spawner.forks <- forkRequest{msg: &m, files: r.Files, root: v.root, client: c, req: r, done: done}
	if err := <-done; err != nil {
		r.Fail(err)
	}
}

// signal reaches only commands that were not yet waited for, so that a number
// used again by the kernel can never be hit.
func (c *client) signal(r *wire.Request) {
	var m wire.Signal
	if err := r.Decode(&m); err != nil {
		r.Fail(err)
		return
	}
	c.spawner.mu.Lock()
	defer c.spawner.mu.Unlock()
	if c.spawner.commands[int(m.Pid)] != c.peer {
		r.Fail(unix.ESRCH)
		return
	}
	if err := unix.Kill(int(m.Pid), unix.Signal(m.Sig)); err != nil {
		r.Fail(err)
		return
	}
	r.Reply(nil)
}

// forkRequest is one command to start.
type forkRequest struct {
	msg    *wire.Start
	files  []*os.File
	root   string
	client *client
	req    *wire.Request
	done   chan<- error
}

// forker starts all commands, one at a time, on a thread of its own. Go forks
// one at a time anyway; the thread has no ambient capabilities, which commands
// would inherit, and a umask of its own.
func (s *spawner) forker() {
	runtime.LockOSThread()
	dropInherited()
	_ = unix.Unshare(unix.CLONE_FS)
	for q := range s.forks {
		q.done <- s.fork(q)
	}
}

// dropInherited empties the sets of capabilities that this thread's children get
// by inheritance; its own stay. As root there is nothing to drop, and failure
// cannot be told to anybody: then commands have rights in our user namespace,
// which are none outside of it.
func dropInherited() {
	if os.Geteuid() == 0 {
		return
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if unix.Capget(&head, &sets[0]) != nil {
		return
	}
	sets[0].Inheritable, sets[1].Inheritable = 0, 0
	_ = unix.Capset(&head, &sets[0])
}

func (s *spawner) fork(q forkRequest) error {
	m := q.msg
	attr := &syscall.ProcAttr{
		Dir:   m.Dir,
		Env:   m.Env,
		Files: childFiles(m.FDs, q.files),
		Sys:   &syscall.SysProcAttr{Chroot: q.root},
	}
	unix.Umask(int(m.Umask))
	// The lock keeps the reaper from finding a child that is not yet known, and
	// the answer goes out before the news of its end can.
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := syscall.ForkExec(m.Path, m.Args, attr)
	if err != nil {
		return err
	}
	s.commands[pid] = q.client.peer
	q.req.Reply(&wire.Started{Pid: int32(pid)})
	return nil
}

// childFiles lays received files out as the child is to see them; numbers that
// are not named are closed.
func childFiles(fds []int32, files []*os.File) []uintptr {
	const closed = ^uintptr(0)
	top := int32(2)
	for _, fd := range fds {
		top = max(top, fd)
	}
	// A number beyond any limit is a broken client; do not take memory for it.
	if top > 1<<20 {
		return nil
	}
	out := make([]uintptr, top+1)
	for i := range out {
		out[i] = closed
	}
	for i, fd := range fds {
		if fd >= 0 {
			out[fd] = files[i].Fd()
		}
	}
	return out
}

// reaper waits for all children: commands, whose end is told to their clients,
// and adopted processes.
func (s *spawner) reaper() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	for range ended {
		adopted := false
		for {
			var status unix.WaitStatus
			var usage unix.Rusage
			s.mu.Lock()
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
			if err != nil || pid <= 0 {
				s.mu.Unlock()
				break
			}
			peer := s.commands[pid]
			delete(s.commands, pid)
			s.mu.Unlock()
			if peer == nil {
				adopted = true
				continue
			}
			raw := unsafe.Slice((*byte)(unsafe.Pointer(&usage)), unsafe.Sizeof(usage))
			// A client that has gone needs no news.
			_ = peer.Notify(wire.OpExited, &wire.Exited{Pid: int32(pid), Status: uint32(status), Usage: raw})
		}
		if adopted {
			s.sweep()
		}
	}
}
