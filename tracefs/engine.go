package tracefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
	"fmake/tracefs/wire"
)

// Config says what kind of engine is wanted.
type Config struct {
	EnginePath string            // "" means fmake-engine beside this executable, else in PATH
	CacheDir   string            // pre-images and journals go into its folder pre; "" means none are kept
	Project    string            // root folder of the project, absolute
	System     string            // "trace" (the default), "fingerprint" or WholeView
	Native     []string          // more paths to be had in views as they are
	StoreArgs  []string          // handed to the store
	OpenStore  bool              // open the store while the first view is being made
	Stderr     *os.File          // for messages of the engine that nobody expects; nil discards them
	Log        string            // file for debugging; "" for none
	Large      func(path string) // told when a large system file is opened for the first time, if that is not nil; it must not wait
	Said       func(text string) // told what the engine has to say to the user, if that is not nil
	Fifo       string            // is removed when this process dies; "" for none
}

// Engine is a running engine, or this process's share in one.
type Engine struct {
	name    string
	pass    bool
	umask   uint32
	large   func(path string)
	said    func(text string)
	cmd     *exec.Cmd // nil if it is a parent's engine
	journal string    // folder of the journals, "" if none are kept
	server  *wire.Peer
	spawner *wire.Peer
	done    chan struct{}

	mu   sync.Mutex
	exit map[int32]chan wire.Exited
}

// Start starts an engine and waits until a first view stands ready. The error
// is an *ErrUnavailable if this machine does not let us have views.
func Start(ctx context.Context, c Config) (*Engine, error) {
	path, err := EnginePath(c.EnginePath)
	if err != nil {
		return nil, &ErrUnavailable{Reason: err.Error(), Hint: "install it beside fmake"}
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "server")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = isolation()
	// The packages behind the store allocate enough at their start for several
	// collections, before the engine can say that it wants few.
	cmd.Env = append(os.Environ(), "GOGC=400")
	if c.Log != "" {
		cmd.Env = append(cmd.Env, "FMAKE_ENGINE_LOG="+c.Log)
	}
	err = startWithStderr(cmd, c.Stderr)
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, unavailable("start "+path, err)
	}
	raw.CollectAsUsual()
	if c.System != WholeView { // who asks for one keeps little
		raw.HugeHeap(raw.WorkingHeap) // while the engine starts
	}
	e := &Engine{cmd: cmd, large: c.Large, said: c.Said}
	hello := wire.Hello{
		CacheDir: c.CacheDir, Project: c.Project, System: c.System,
		Native: append(agentSockets(), c.Native...), StoreArgs: c.StoreArgs, OpenStore: c.OpenStore, Large: c.Large != nil, Fifo: c.Fifo,
	}
	if err := e.open(ctx, ours, &hello); err != nil {
		ours.Close()
		if e.wasKilled() {
			return nil, ErrKilled
		}
		return nil, unavailable("set up views", err)
	}
	return e, nil
}

// Connect finds the engine of a parent by the name that it has put into
// FMAKE_ENGINE.
func Connect(name string) (*Engine, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("find engine: %w", err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
		f.Close()
		return nil, fmt.Errorf("find engine: %w", err)
	}
	e := &Engine{}
	if err := e.open(context.Background(), f, &wire.Hello{}); err != nil {
		return nil, fmt.Errorf("join engine: %w", err)
	}
	return e, nil
}

// isolation returns how the server process is started: as root as it is, else
// in a user namespace where the caller is itself and may mount.
func isolation() *syscall.SysProcAttr {
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		AmbientCaps: EngineCaps(),
	}
}

// startWithStderr starts cmd with a pipe as its stderr. The engine may outlive
// us, so it must not hold our own stderr open: somebody may wait for its end.
func startWithStderr(cmd *exec.Cmd, stderr *os.File) error {
	if stderr == nil {
		return cmd.Start()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stderr = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return err
	}
	go func() {
		_, _ = io.Copy(stderr, r)
		r.Close()
	}()
	return nil
}

// calm is for all engines of the process: there is one scheduler.
var calm raw.Calm

// open says hello and gets the connection to the spawner.
func (e *Engine) open(ctx context.Context, sock *os.File, hello *wire.Hello) error {
	e.umask = umask()
	e.exit = map[int32]chan wire.Exited{}
	e.done = make(chan struct{})
	var err error
	if e.server, err = wire.NewPeer(sock, e.heard); err != nil {
		return err
	}
	e.server.Calmly(&calm)
	go e.server.Serve()
	stop := context.AfterFunc(ctx, func() { e.server.Close() })
	defer stop()
	var w wire.Welcome
	files, err := e.server.Call(wire.OpHello, hello, &w)
	if err != nil {
		e.server.Close()
		e.reap()
		return errors.Join(ctx.Err(), err)
	}
	if len(files) != 1 {
		wire.CloseFiles(files)
		e.server.Close()
		e.reap()
		return wire.ErrCorrupt
	}
	e.name, e.pass, e.journal = w.Name, w.Passthrough, w.Journals
	if e.spawner, err = wire.NewPeer(files[0], e.told); err != nil {
		e.server.Close()
		return err
	}
	e.spawner.Calmly(&calm)
	go e.watch()
	return nil
}

// heard handles what the server says of its own accord.
func (e *Engine) heard(r *wire.Request) {
	wire.CloseFiles(r.Files)
	var m wire.Text
	tell := map[wire.Op]func(string){wire.OpLarge: e.large, wire.OpSaid: e.said}[r.Op]
	if tell != nil && r.Decode(&m) == nil {
		tell(m.S)
	}
}

// watch waits for the death of either process of the engine.
func (e *Engine) watch() {
	go e.spawner.Serve()
	// When one of them dies, the other one ends what runs in views and ends, too.
	<-e.spawner.Done()
	<-e.server.Done()
	e.mu.Lock()
	for pid, ch := range e.exit {
		delete(e.exit, pid)
		close(ch)
	}
	e.exit = nil
	e.mu.Unlock()
	close(e.done)
}

// told handles what the spawner says: that a command has ended.
func (e *Engine) told(r *wire.Request) {
	wire.CloseFiles(r.Files)
	var m wire.Exited
	if r.Op != wire.OpExited || r.Decode(&m) != nil {
		return
	}
	if ch := e.exitOf(m.Pid); ch != nil {
		ch <- m
	}
}

// exitOf returns the channel on which the end of a command is told. The news
// may come before the command's start is known here; either side makes it.
func (e *Engine) exitOf(pid int32) chan wire.Exited {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.exit == nil {
		return nil
	}
	ch := e.exit[pid]
	if ch == nil {
		ch = make(chan wire.Exited, 1)
		e.exit[pid] = ch
	}
	return ch
}

// reap waits for a server that has ended or is about to.
func (e *Engine) reap() {
	if e.cmd != nil {
		_ = e.cmd.Wait()
	}
}

// wasKilled reports whether somebody has killed a server that was waited for, or its
// spawner, which it says by its exit status.
func (e *Engine) wasKilled() bool {
	if e.cmd.ProcessState == nil {
		return false
	}
	ws, ok := e.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && (wire.Killed(ws) || ws.ExitStatus() == wire.ExitKilled)
}

// Name is how sub-makes find the engine: the value for FMAKE_ENGINE.
func (e *Engine) Name() string { return e.name }

// Passthrough tells whether the kernel reads and writes files of views without
// asking the server.
func (e *Engine) Passthrough() bool { return e.pass }

// Done is closed when the engine has died or was closed.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Close gives up this process's share in the engine. What it has left
// unfinished is ended. The engine goes when nobody uses it and nothing lives in
// its views; it is not waited for.
func (e *Engine) Close() error {
	died := false
	select {
	case <-e.done:
		died = true
	default:
	}
	err := errors.Join(e.server.Close(), e.spawner.Close())
	<-e.done
	switch {
	case e.cmd == nil:
	case died:
		e.reap()
		if e.journal != "" {
			err = errors.Join(err, RemoveDead(e.journal))
		}
	default:
		go e.reap() // it cleans up itself
	}
	return err
}

// StoreConn opens a connection to the store in the engine.
func (e *Engine) StoreConn() (*wire.Socket, error) {
	files, err := e.server.Call(wire.OpStore, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if len(files) != 1 {
		wire.CloseFiles(files)
		return nil, wire.ErrCorrupt
	}
	return wire.Pollable(files[0])
}

// SystemLooks returns all absences, stats and links that were looked at in
// system trees since the engine was started. The kernel keeps them for all
// actions, so they are known of the build only.
func (e *Engine) SystemLooks() ([]Look, error) {
	var r Record
	if _, err := e.server.Call(wire.OpSystemLooks, nil, &r); err != nil {
		return nil, err
	}
	return r.Looks, nil
}

// Refresh is to be called when something has run outside of views that may have
// changed system trees.
func (e *Engine) Refresh() error {
	_, err := e.server.Call(wire.OpRefresh, nil, nil)
	return err
}

// EnginePath finds the engine's executable: the given one if it is not "", else
// fmake-engine beside this executable, else in PATH.
func EnginePath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), "fmake-engine")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("fmake-engine")
	if err != nil {
		return "", errors.New("fmake-engine is not found")
	}
	return path, nil
}

// agentSockets returns sockets that programs in recipes may have to reach. A
// socket can be connected to by its real name only.
func agentSockets() []string {
	var out []string
	for _, name := range []string{os.Getenv("SSH_AUTH_SOCK"), "/tmp/.X11-unix"} {
		if strings.HasPrefix(name, "/") {
			out = append(out, filepath.Clean(name))
		}
	}
	return out
}

// StubPath finds the stub that Shells is given: fmake-program beside the engine, which
// EnginePath finds.
func StubPath(engine string) (string, error) {
	engine, err := EnginePath(engine)
	if err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(engine), "fmake-program"))
	if err != nil {
		return "", fmt.Errorf("find the stub for programs: %w", err)
	}
	return filepath.Abs(path)
}
