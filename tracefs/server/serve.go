package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/raw"
	"fmake/tracefs/spawn"
	"fmake/tracefs/wire"
)

// process is the server process: an engine and the clients it works for.
type process struct {
	openStore OpenStore
	spawner   func() (*spawn.Child, error)
	name      string

	storeMu sync.Mutex
	store   Store // nil until it is asked for

	mu      sync.Mutex
	engine  *engine // nil until the first client has said hello
	child   *spawn.Child
	clients int
	ended   chan struct{} // closed when the last client has gone
}

// Main serves, by means of a spawner, the client at the other end of sock, and others that find the
// engine by its name, until the last of them and the last process in a view has
// gone. It returns the exit status of the process.
// The store is closed as soon as the clients have gone.
func Main(sock *os.File, spawner func() (*spawn.Child, error), open OpenStore) (int, error) {
	runtime.GOMAXPROCS(processors)
	debug.SetGCPercent(400)
	p := &process{openStore: open, spawner: spawner, ended: make(chan struct{})}
	if err := p.serve(sock); err != nil {
		return 1, err
	}
	<-p.ended
	p.mu.Lock()
	e := p.engine
	p.mu.Unlock()
	p.closeStore()
	if e == nil {
		return 0, nil
	}
	e.cleanUp()
	// Views in which somebody lives on keep the server; the others go with the
	// spawner's mount namespace.
	if err := e.spawner.Notify(wire.OpShutdown, nil); err == nil {
		<-e.spawner.Done()
	}
	_ = p.child.Process.Wait()
	e.mounts.Wait()
	return 0, nil
}

// start sets the engine up as the first client wants it.
func (p *process) start(m wire.Hello) (*engine, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine != nil {
		return p.engine, nil
	}
	if m.System != tracefs.WholeView { // such an engine keeps little
		raw.HugeHeap(raw.WorkingHeap)
	}
	if m.OpenStore {
		// If that fails, who asks for the store will hear of it.
		go func() { _, _ = p.theStore(m) }()
	}
	e := newEngine(m)
	spawner, err := p.connectSpawner()
	if err != nil {
		return nil, err
	}
	if err := e.start(spawner, p.child.Process.Process.Pid); err != nil {
		if p.spawnerKilled(spawner, err) {
			os.Exit(wire.ExitKilled)
		}
		return nil, err
	}
	// Modes come with the caller's umask applied. Only the spawner, which has
	// been started, needs ours.
	unix.Umask(0)
	if err := p.listen(); err != nil {
		return nil, err
	}
	p.engine = e
	go func() {
		<-spawner.Done()
		p.spawnerGone(e)
	}()
	return e, nil
}

// connectSpawner begins to talk with the spawner.
func (p *process) connectSpawner() (*wire.Peer, error) {
	var err error
	if p.child, err = p.spawner(); err != nil {
		return nil, err
	}
	peer, err := wire.NewPeer(p.child.Sock, func(r *wire.Request) {
		wire.CloseFiles(r.Files)
		r.Fail(unix.ENOSYS)
	})
	if err != nil {
		return nil, err
	}
	go peer.Serve()
	return peer, nil
}

// spawnerKilled reports whether a signal has ended the spawner while everything was set
// up, as Ctrl-C does before it catches that: nothing is wrong with this machine then.
// err is what was met.
func (p *process) spawnerKilled(spawner *wire.Peer, err error) bool {
	if errors.Is(err, wire.ErrGone) {
		// A call may find the connection broken before Done tells. A spawner that
		// lives after all ends with it.
		spawner.Close()
		<-spawner.Done()
	}
	select {
	case <-spawner.Done():
	default:
		return false
	}
	_ = p.child.Process.Wait()
	ws, ok := p.child.Process.ProcessState.Sys().(syscall.WaitStatus)
	return ok && wire.Killed(ws)
}

// spawnerGone ends everything if the spawner was killed: no command can be
// started or waited for any more.
func (p *process) spawnerGone(e *engine) {
	select {
	case <-p.ended:
		return // that is how it ends
	default:
	}
	e.killAll()
	os.Exit(wire.ExitKilled)
}

// listen lets sub-makes find the engine. The name is in the abstract namespace,
// so nothing has to be cleaned up.
func (p *process) listen() error {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	p.name = "fmake-" + strconv.Itoa(os.Getuid()) + "-" + hex.EncodeToString(id[:])
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@" + p.name, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen for sub-makes: %w", err)
	}
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			if f, err := ownUser(c); err == nil {
				_ = p.serve(f)
			}
		}
	}()
	return nil
}

// ownUser admits connections of our own user only.
func ownUser(c *net.UnixConn) (*os.File, error) {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	cred, err := unix.GetsockoptUcred(int(f.Fd()), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err == nil && int(cred.Uid) != os.Getuid() {
		err = errors.New("connection of another user")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// theStore returns the store, opening it if that has not been done.
func (p *process) theStore(c wire.Hello) (Store, error) {
	p.storeMu.Lock()
	defer p.storeMu.Unlock()
	if p.store != nil {
		return p.store, nil
	}
	s, err := p.openStore(c.CacheDir, c.StoreArgs)
	if err == nil {
		p.store = s
	}
	return s, err
}

func (p *process) closeStore() {
	p.storeMu.Lock()
	defer p.storeMu.Unlock()
	if p.store == nil {
		return
	}
	if err := p.store.Close(); err != nil {
		log.Println("close store:", err)
	}
}
