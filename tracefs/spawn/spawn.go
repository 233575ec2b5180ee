package spawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/tracefs/procfs"
	"fmake/tracefs/raw"
	"fmake/tracefs/wire"
)

// spawner is the state of the process.
type spawner struct {
	server *wire.Peer
	mounts *mounts
	forks  chan forkRequest
	calm   raw.Calm

	mu       sync.Mutex
	commands map[int]*wire.Peer // running commands and the client that waits for each
	views    map[uint32]*view
}

// view is one view that is mounted here.
type view struct {
	root     string
	device   uint64
	released bool // its action is over; what lives in it may go on living
}

// Main serves the server at the other end of sock until the server ends it or
// dies. It returns the exit status of the process.
func Main(sock *os.File) (int, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1, fmt.Errorf("become subreaper: %w", err)
	}
	m, err := newMounts()
	if err != nil {
		return 1, err
	}
	s := &spawner{
		mounts:   m,
		forks:    make(chan forkRequest),
		commands: map[int]*wire.Peer{},
		views:    map[uint32]*view{},
	}
	go s.forker()
	go s.reaper()
	if s.server, err = wire.NewPeer(sock, s.serve); err != nil {
		return 1, err
	}
	s.server.Calmly(&s.calm)
	s.server.Serve()
	// The server is dead, so every view is broken: nothing in them can go on.
	s.killAll()
	return 1, errors.New("the server has gone")
}

// serve handles one message of the server. They are few per action; those that
// mount run beside each other, since each waits for the server's answers.
func (s *spawner) serve(r *wire.Request) {
	switch r.Op {
	case wire.OpSetup:
		s.setup(r)
	case wire.OpAddClient:
		s.addClient(r)
	case wire.OpMountSystem:
		go s.mountSystem(r)
	case wire.OpMountView:
		go s.mountView(r)
	case wire.OpRelease:
		go s.release(r)
	case wire.OpInhabited:
		go s.lives(r)
	case wire.OpShutdown:
		os.Exit(0)
	default:
		wire.CloseFiles(r.Files)
		r.Fail(unix.ENOSYS)
	}
}

func (s *spawner) setup(r *wire.Request) {
	var m wire.Setup
	if err := r.Decode(&m); err != nil {
		r.Fail(err)
		return
	}
	s.mounts.native, s.mounts.system = m.Native, m.System
	r.Reply(nil)
}

func (s *spawner) addClient(r *wire.Request) {
	if len(r.Files) != 1 {
		wire.CloseFiles(r.Files)
		r.Fail(unix.EINVAL)
		return
	}
	c := &client{spawner: s}
	var err error
	if c.peer, err = wire.NewPeer(r.Files[0], c.serve); err != nil {
		r.Fail(err)
		return
	}
	c.peer.Calmly(&s.calm)
	go c.peer.Serve()
	r.Reply(nil)
}

func (s *spawner) mountSystem(r *wire.Request) {
	defer wire.CloseFiles(r.Files)
	if len(r.Files) != 1 {
		r.Fail(unix.EINVAL)
		return
	}
	if err := s.mounts.addSystem(r.Files[0]); err != nil {
		r.Fail(err)
		return
	}
	r.Reply(nil)
}

func (s *spawner) mountView(r *wire.Request) {
	defer wire.CloseFiles(r.Files)
	var m wire.MountView
	if err := r.Decode(&m); err != nil || len(r.Files) != 1 {
		r.Fail(unix.EINVAL)
		return
	}
	dev, err := procfs.Device(int(r.Files[0].Fd()), "", unix.AT_EMPTY_PATH)
	if err != nil {
		r.Fail(fmt.Errorf("device of view: %w", err))
		return
	}
	root, err := s.mounts.addView(m.View, r.Files[0])
	if err != nil {
		r.Fail(err)
		return
	}
	s.mu.Lock()
	s.views[m.View] = &view{root: root, device: dev}
	s.mu.Unlock()
	r.Reply(&wire.Mounted{Root: root})
}

// release ends an action's hold on its view. Unless its processes are to be
// killed, they live on, and the view stays mounted for them.
func (s *spawner) release(r *wire.Request) {
	var m wire.Release
	if err := r.Decode(&m); err != nil {
		r.Fail(err)
		return
	}
	s.mu.Lock()
	v := s.views[m.View]
	if v != nil {
		v.released = true
	}
	s.mu.Unlock()
	if v == nil {
		r.Reply(&wire.Released{})
		return
	}
	if m.Kill {
		procfs.KillInside(map[uint64]bool{v.device: true})
	}
	left := s.inhabited(v)
	r.Reply(&wire.Released{Leftover: left})
	if !left {
		s.drop(m.View)
	}
}

// lives tells whether something lives in a view of which no command runs.
func (s *spawner) lives(r *wire.Request) {
	var m wire.Ref
	if err := r.Decode(&m); err != nil {
		r.Fail(err)
		return
	}
	s.mu.Lock()
	v := s.views[m.View]
	s.mu.Unlock()
	r.Reply(&wire.Released{Leftover: v != nil && s.inhabited(v)})
}

// drop unmounts a view that nobody lives in.
func (s *spawner) drop(id uint32) {
	s.mu.Lock()
	v := s.views[id]
	delete(s.views, id)
	s.mu.Unlock()
	if v != nil {
		s.mounts.remove(v.root)
	}
}

// inhabited tells whether processes live in v besides commands that are still
// known. What a finished command has left is a child of the spawner or
// descends from one.
func (s *spawner) inhabited(v *view) bool {
	children, ok := procfs.Children()
	if !ok {
		return len(procfs.Inside(map[uint64]bool{v.device: true})) > 0
	}
	for _, pid := range children {
		dev, err := procfs.RootDevice(pid)
		if err == nil && dev == v.device {
			return true
		}
		// One that cannot be looked at now, in the middle of an exec say, may
		// live here; sweep looks again.
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return true
		}
	}
	return false
}

// sweep drops released views whose last process has ended.
func (s *spawner) sweep() {
	s.mu.Lock()
	var old []uint32
	for id, v := range s.views {
		if v.released {
			old = append(old, id)
		}
	}
	s.mu.Unlock()
	for _, id := range old {
		s.mu.Lock()
		v := s.views[id]
		s.mu.Unlock()
		if v != nil && !s.inhabited(v) {
			s.drop(id)
		}
	}
}

func (s *spawner) killAll() {
	s.mu.Lock()
	devices := map[uint64]bool{}
	for _, v := range s.views {
		devices[v.device] = true
	}
	s.mu.Unlock()
	procfs.KillInside(devices)
}
