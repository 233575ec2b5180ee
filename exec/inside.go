package exec

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// A make below that a recipe line starts directly, or through the interpreter, is
// a Session of its own inside this process: to load a program, let the runtime
// start and read the built-in rules takes longer than most makes with nothing to
// do. It has its own options, variables, environment and working directory, and
// shares descriptors 0, 1 and 2. To have a directory of its own it keeps a thread
// to itself, whose directory is not the process's (CLONE_FS of clone(2)), and
// everything it does on other threads names files absolutely.

// insideView starts makes inside this process, and everything else as HostView
// does.
type insideView struct {
	View // the host's
	w    *Walk
}

// Start implements View.
func (v insideView) Start(c *Command) (Process, error) {
	if v.w.runsInside(c) {
		if p := v.w.startInside(c); p != nil {
			return p, nil
		}
	}
	if v.w.opt.Publish != nil {
		v.w.opt.Publish()
	}
	return v.View.Start(c)
}

// runsInside tells whether a command is this very program, connected to what this
// process is connected to.
func (w *Walk) runsInside(c *Command) bool {
	return w.below != nil && len(c.Extra) == 0 && c.Stdin != nil &&
		fdOf(c.Stdout, stdout) == stdout && fdOf(c.Stderr, stderr) == stderr && w.isSelf(inDir(c.Dir, c.Path))
}

// isSelf tells whether a file is the program that this process runs.
func (w *Walk) isSelf(path string) bool {
	var self, st unix.Stat_t
	err := unix.Stat(path, &st)
	w.idle.Stat("", path, &st, err)
	return unix.Stat("/proc/self/exe", &self) == nil && err == nil && self.Dev == st.Dev && self.Ino == st.Ino
}

// inside is a make inside this process. To the walk it looks like a process.
type inside struct {
	config  func(args, env []string) Config
	command *Command
	signals *signalWatch
	wake    waker
	threads *threads
	tell    sync.Once
	ended   chan struct{}
	status  unix.WaitStatus // once ended is closed
}

// startInside starts a make below. It returns nil if the make cannot have its own
// directory: it has to be a process then.
func (w *Walk) startInside(c *Command) Process {
	p := &inside{config: w.below, command: c, threads: w.threads, ended: make(chan struct{})}
	p.signals = &signalWatch{c: make(chan os.Signal, 8), arrived: make(chan struct{}), told: true}
	if w.threads.run(c.Dir, p.main) != nil {
		return nil
	}
	return p
}

// fewMakes end before the collection that it takes to prepare for many is worth it.
const fewMakes = 8

// reuseHeap prepares for many makes one after the other: each needs some hundred
// kilobytes, which are free when it ends. Until then, garbage was not worth a
// collection.
func reuseHeap() {
	raw.HugeHeap(raw.WorkingHeap)
	debug.SetGCPercent(garbagePercent)
}

// garbagePercent is how much may be allocated, in percent of what is in use, before
// garbage is collected.
const garbagePercent = 400

// threads are the threads that have a working directory of their own, one for each
// make inside this process that runs or ran at the same time.
type threads struct {
	prepare sync.Once // for many makes
	mu      sync.Mutex
	makes   int // so many have begun
	idle    []chan threadTask
}

// threadTask is what a thread is to do, in which directory. What becomes of changing
// to the directory is sent before fn is called, which is only if that succeeded.
type threadTask struct {
	dir     string
	fn      func()
	started chan<- error
}

// run calls fn on a thread whose working directory is dir.
func (t *threads) run(dir string, fn func()) error {
	started := make(chan error)
	task := threadTask{dir, fn, started}
	t.mu.Lock()
	if t.makes++; t.makes > fewMakes {
		t.prepare.Do(reuseHeap)
	}
	last := len(t.idle) - 1
	if last < 0 {
		t.mu.Unlock()
		go t.serve(task)
		return <-started
	}
	next := t.idle[last]
	t.idle = t.idle[:last]
	t.mu.Unlock()
	next <- task
	return <-started
}

// serve is the whole life of a thread.
func (t *threads) serve(task threadTask) {
	runtime.LockOSThread() // for good: no other goroutine may come to be in its directory
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		task.started <- err
		return
	}
	next := make(chan threadTask)
	for {
		err := unix.Chdir(task.dir)
		task.started <- err
		if err == nil {
			task.fn()
		}
		t.mu.Lock()
		t.idle = append(t.idle, next)
		t.mu.Unlock()
		task = <-next
	}
}

// main is the whole life of the make.
func (p *inside) main() {
	defer close(p.ended)
	args, env := p.command.Args, p.command.Env
	for {
		restart := p.run(NewSession(p.config(args, env)))
		if restart == nil {
			p.wake.close()
			return
		}
		args, env = restart.args, restart.env
	}
}

// run runs one incarnation of the make.
func (p *inside) run(s *Session) (restart *again) {
	s.w.inside, s.w.threads, s.w.stdin, s.w.signals, s.w.wake = true, p.threads, p.command.Stdin, p.signals, &p.wake
	defer func() {
		s.w.badInput.close()
		switch r := recover().(type) {
		case nil:
		case *again:
			restart = r
		case killed:
			p.status = r.status
		default:
			panic(r)
		}
	}()
	p.status = unix.WaitStatus(onDeepStack(s.runToEnd, false) << 8)
	return nil
}

// Pid implements Process.
func (p *inside) Pid() int { return os.Getpid() }

// Wait implements Process.
func (p *inside) Wait() (unix.WaitStatus, unix.Rusage, error) {
	<-p.ended
	return p.status, unix.Rusage{}, nil
}

// Signal implements Process. A make is told of the first signal that ends it.
func (p *inside) Signal(sig unix.Signal) error {
	p.tell.Do(func() {
		p.signals.c <- sig
		close(p.signals.arrived)
		p.wake.signal()
	})
	return nil
}

// killed is what a make inside a process panics with where a process of its own
// would die of a signal.
type killed struct{ status unix.WaitStatus }

// again is what it panics with where a process of its own would start itself
// again.
type again struct{ args, env []string }

// dieOf ends make by a signal.
func (w *Walk) dieOf(sig unix.Signal) {
	if w.inside {
		panic(killed{unix.WaitStatus(sig)})
	}
	killSelf(sig)
}

// dieWith ends make at once, without what comes last.
func (w *Walk) dieWith(status int) {
	if w.inside {
		panic(killed{unix.WaitStatus(status << 8)})
	}
	os.Exit(status)
}

// diesUnread tells whether writing what nobody reads ends make.
func diesUnread() bool { return !signal.Ignored(unix.SIGPIPE) }
