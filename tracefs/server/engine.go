package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
	"fmake/tracefs/wire"
)

// Store is what the server process keeps besides views.
type Store interface {
	// Serve serves one connection until its client closes it.
	Serve(conn net.Conn) error
	Close() error
}

// OpenStore opens the store below a cache folder. It is called when a client
// asks for a connection and there is none yet.
type OpenStore func(cacheDir string, args []string) (Store, error)

// spare is how many views stand ready for actions that are about to begin.
const spare = 2

// engine is the state of the server process.
type engine struct {
	config    wire.Hello
	userns    bool // an ordinary user's own user namespace
	pass      atomic.Bool
	spawner   *wire.Peer
	spawnerID int
	trees     []string        // system trees
	native    []string        // trees that views have as they are
	bound     map[string]bool // mount points in the root of every view
	poller    *poller
	callers   *callers
	writers   *writers
	preimages *preimages
	build     *recorder   // looks in system trees
	system    *superblock // nil for --system=fingerprint
	listeners listeners
	keeper    func() (int, error) // the thread that keeps the doors, see doors.go
	mounts    sync.WaitGroup
	nextView  atomic.Uint32
	abandoned atomic.Bool // an action was cut short
	ready     chan *view
	large     chan string // large system files that are opened for the first time

	mu    sync.Mutex
	views map[uint32]*view
}

// newEngine sets up all that does not need a mount.
func newEngine(c wire.Hello) *engine {
	e := &engine{
		config:    c,
		userns:    os.Geteuid() != 0,
		callers:   newCallers(),
		writers:   newWriters(),
		preimages: &preimages{},
		build:     newRecorder(),
		keeper:    sync.OnceValues(keepDoors),
		bound:     map[string]bool{},
		ready:     make(chan *view, spare),
		large:     make(chan string, 256),
		views:     map[uint32]*view{},
	}
	e.build.system = tracefs.LookSystem
	e.pass.Store(!e.userns)
	if c.CacheDir != "" {
		e.preimages.dir = unused(filepath.Join(c.CacheDir, "pre", strconv.Itoa(os.Getpid())))
	}
	return e
}

// unused returns a name like dir that nothing has: a dead engine may have had our
// number, and what it has left is still needed.
func unused(dir string) string {
	name := dir
	for i := 1; ; i++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = dir + "." + strconv.Itoa(i)
	}
}

// announce says that an action has opened a large system file. It is called while
// the action waits, so it never does; a file that is not announced is read later.
func (e *engine) announce(path string) {
	select {
	case e.large <- path:
	default:
	}
}

// isSystem tells whether path is in a system tree.
func (e *engine) isSystem(path string) bool { return underAny(path, e.trees) }

// start makes the system mount and the first view, and so finds out whether
// views can be had.
func (e *engine) start(spawner *wire.Peer, pid int) error {
	e.spawner, e.spawnerID = spawner, pid
	e.trees = systemTrees()
	e.native = nativeTrees(e.config.Native)
	var err error
	if e.poller, err = newPoller(); err != nil {
		return err
	}
	setup := wire.Setup{Native: slices.Clone(e.native)}
	shared := false
	switch e.config.System {
	case "fingerprint":
		setup.Native = append(setup.Native, e.trees...)
	case tracefs.WholeView:
		e.trees = nil
	default:
		shared = true
		setup.System = e.trees
	}
	for _, dir := range slices.Concat(setup.Native, setup.System) {
		e.bound[dir] = true
	}
	if _, err := spawner.Call(wire.OpSetup, &setup, nil); err != nil {
		return fmt.Errorf("set up spawner: %w", err)
	}
	if shared {
		if err := e.mountSystem(); err != nil {
			return err
		}
	}
	v, err := e.makeView()
	if err != nil {
		return err
	}
	e.ready <- v
	return nil
}

func (e *engine) mountSystem() error {
	e.mounts.Add(1)
	s, mount, err := newSuperblock(e, nil, e.mounts.Done)
	if err != nil {
		e.mounts.Done()
		return err
	}
	defer mount.Close()
	e.system = s
	if _, err := e.spawner.Call(wire.OpMountSystem, nil, nil, mount); err != nil {
		return fmt.Errorf("attach system mount: %w", err)
	}
	return nil
}

// makeView makes a view that is not yet anybody's, and has it put in place.
func (e *engine) makeView() (*view, error) {
	v := &view{engine: e, id: e.nextView.Add(1), rec: newRecorder(), procs: newProcs(e.spawnerID)}
	v.rec.off = true
	e.mounts.Add(1)
	s, mount, err := newSuperblock(e, v, func() { e.gone(v) })
	if err != nil {
		e.mounts.Done()
		return nil, err
	}
	defer mount.Close()
	e.callers.add(s.device, v)
	e.mu.Lock()
	v.sb = s
	e.views[v.id] = v
	e.mu.Unlock()
	var at wire.Mounted
	if _, err := e.spawner.Call(wire.OpMountView, &wire.MountView{View: v.id}, &at, mount); err != nil {
		return nil, fmt.Errorf("put view in place: %w", err)
	}
	v.root = at.Root
	return v, nil
}

// gone is called when the kernel has given a view's superblock up.
func (e *engine) gone(v *view) {
	e.mu.Lock()
	device := v.sb.device
	delete(e.views, v.id)
	e.mu.Unlock()
	e.callers.remove(device, v)
	e.listeners.gone(v)
	e.mounts.Done()
}

// newView gives a view to an action, and has the next one made meanwhile.
func (e *engine) newView(m *wire.NewView) (*view, error) {
	var v *view
	select {
	case v = <-e.ready:
	default:
		var err error
		if v, err = e.makeView(); err != nil {
			return nil, err
		}
	}
	go e.prepare()
	v.assign(m)
	return v, nil
}

// prepare makes a view for later. If that fails, the action that needs one will
// hear of it.
func (e *engine) prepare() {
	if len(e.ready) == cap(e.ready) {
		return
	}
	v, err := e.makeView()
	if err != nil {
		return
	}
	select {
	case e.ready <- v:
	default:
		e.release(v, true)
	}
}

// release tells the spawner that a view's action is over, and reports whether
// processes live on in it.
func (e *engine) release(v *view, kill bool) bool {
	var r wire.Released
	if _, err := e.spawner.Call(wire.OpRelease, &wire.Release{View: v.id, Kill: kill}, &r); err != nil {
		return false
	}
	return r.Leftover
}

// finish ends the action of a view. Its journal stays until the client has recorded
// what the action did.
func (e *engine) finish(v *view) *tracefs.Record {
	left := e.release(v, false)
	rec := v.finish(left)
	v.sb.end(left)
	return rec
}

// abandon ends the action of a view whose client has gone.
func (e *engine) abandon(v *view) {
	e.release(v, true)
	rec := v.finish(false)
	v.sb.end(false)
	tracefs.RemoveTemporary(rec.Writes, e.config.Project, os.Getenv("TMPDIR"))
	e.abandoned.Store(true)
}

// cleanUp removes the folder of pre-images. Those of finished actions belong to
// who got the record, and whoever wanted them has taken them away. If an action
// was cut short, they stay for its changes to be undone.
func (e *engine) cleanUp() {
	p := e.preimages
	switch {
	case p.dir == "":
	case !e.abandoned.Load():
		_ = os.RemoveAll(p.dir)
	case p.lock != nil:
		p.lock.Close()
		_ = tracefs.RemoveDead(p.dir)
	}
}

// killAll is for the case that the spawner has died: what runs in views that
// are somebody's is ended from here.
func (e *engine) killAll() {
	e.mu.Lock()
	devices := map[uint64]bool{}
	for _, v := range e.views {
		devices[v.sb.device] = true
	}
	e.mu.Unlock()
	procfs.KillInside(devices)
}

// systemLooks returns what was looked up in system trees so far.
func (e *engine) systemLooks() []tracefs.Look {
	e.build.mu.Lock()
	defer e.build.mu.Unlock()
	looks := make([]tracefs.Look, 0, len(e.build.marks))
	for path, m := range e.build.marks {
		looks = append(looks, tracefs.Look{Path: path, Flags: m.flags, Stat: m.stat, Link: m.link, Proc: -1})
	}
	return looks
}

// refresh makes the kernel ask again for what it knows of system trees.
func (e *engine) refresh() {
	if e.system != nil {
		e.system.kernel.expireAll()
	}
}
