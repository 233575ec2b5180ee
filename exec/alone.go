package exec

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"fmake/exec/recipe"
)

// Alone is a command that runs by itself: there is neither a makefile nor a walk, only
// the action that the command is.
type Alone struct {
	Argv   []string
	Env    []string
	Dir    string
	Stdin  *os.File
	Extra  []ExtraFile // what it inherits besides
	action Action
	tap    *capture
}

// Run runs the command in the view of its action, passes on what it prints, ends the
// action, and returns how the command has ended. If it could not be started, the error is
// a *StartError.
func (c *Alone) Run(a Action) (status unix.WaitStatus, err error) {
	c.action = a
	if c.tap = newCapture(sameFile(stdout, stderr)); c.tap == nil {
		return 0, errors.Join(errors.New("no descriptors are left"), a.End(exitFailure, false))
	}
	defer c.tap.close()
	out, errs := c.tap.writers()
	relay := catchSignals()
	p, err := StartProgram(a.View(), c.Argv, recipe.Stdio{In: c.Stdin, Out: out, Err: errs, Extra: c.Extra}, c.Env, c.Dir)
	if err != nil {
		relay.dropped()
		_ = a.End(exitFailure, false) // what matters is why it did not start
		return 0, &StartError{c.Argv[0], err}
	}
	relay.pass(p)
	status, err = c.attend(p)
	interrupted := relay.stop()
	if end := a.End(shellStatus(status), interrupted || status.Signaled()); err == nil {
		err = end
	}
	return status, err
}

// attend passes on what a command prints until it has ended. What processes that it has
// left in the background print later is nobody's.
func (c *Alone) attend(p Process) (status unix.WaitStatus, err error) {
	printed, done := make(chan ended, 16), make(chan struct{})
	c.tap.start(func(stream int, data []byte) { printed <- ended{stream: stream, data: data} })
	go func() {
		status, _, err = p.Wait()
		close(done)
	}()
	c.print(printed, done)
	c.tap.halt(func(stopped <-chan struct{}) { c.print(printed, stopped) })
	for len(printed) > 0 {
		c.show(<-printed)
	}
	c.tap.drain(func(stream int, data []byte) { c.show(ended{stream: stream, data: data}) })
	return status, err
}

// print passes on what is printed until something else is over.
func (c *Alone) print(printed <-chan ended, over <-chan struct{}) {
	for {
		select {
		case e := <-printed:
			c.show(e)
		case <-over:
			return
		}
	}
}

// show passes on one piece. Where it cannot be written, nothing is read any more: the
// command learns of that when it goes on writing, as it would without us.
func (c *Alone) show(e ended) {
	c.action.Output(e.stream, e.data)
	if writeAll(e.stream, e.data) != nil {
		c.tap.cut(e.stream)
	}
}

// Attend starts a command that runs by itself, and waits for it; signals are passed on to it
// meanwhile.
func Attend(start func() (Process, error)) (unix.WaitStatus, error) {
	relay := catchSignals()
	p, err := start()
	if err != nil {
		relay.dropped()
		return 0, err
	}
	relay.pass(p)
	defer relay.stop()
	status, _, err := p.Wait()
	return status, err
}

// shellStatus is the status of a command as a shell has it in $?.
func shellStatus(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// relay passes signals on to a command.
type relay struct {
	in   chan os.Signal
	over chan struct{}
	came chan struct{} // closed when one that ends commands has come
}

// catchSignals keeps signals for a command that is about to start, as soon as that may be
// known to others: who knows only us means the command. What was ignored stays so.
func catchSignals() *relay {
	r := &relay{in: make(chan os.Signal, 8), over: make(chan struct{}), came: make(chan struct{})}
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(sig) {
			signal.Notify(r.in, sig)
		}
	}
	return r
}

// dropped lets the signals that have come have their usual effect, since there is no command.
func (r *relay) dropped() {
	signal.Stop(r.in)
	for len(r.in) > 0 {
		_ = unix.Kill(unix.Getpid(), (<-r.in).(unix.Signal))
	}
}

// pass passes signals on from now on. What a terminal sends to all it has sent to the command
// already.
func (r *relay) pass(p Process) {
	go func() {
		first := true
		for {
			select {
			case <-r.over:
				return
			case s := <-r.in:
				sig := s.(unix.Signal)
				if ends := sig != unix.SIGUSR1 && sig != unix.SIGUSR2; ends && first {
					close(r.came)
					first = false
				}
				if !sentToAll(sig) {
					_ = p.Signal(sig) // it may have ended
				}
			}
		}
	}()
}

// stop lets signals have their usual effect again, and tells whether one came that ends
// commands.
func (r *relay) stop() (interrupted bool) {
	signal.Stop(r.in)
	close(r.over)
	select {
	case <-r.came:
		return true
	default:
		return false
	}
}

// sentToAll tells whether a signal is one that comes from the terminal, to all that are in
// its foreground.
func sentToAll(sig unix.Signal) bool {
	if !slices.Contains([]unix.Signal{unix.SIGINT, unix.SIGQUIT}, sig) {
		return false
	}
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer unix.Close(tty)
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// DieAs ends the process as a command has ended, by the same signal or with the same
// status. A core is the command's affair.
func DieAs(status unix.WaitStatus) {
	if status.Signaled() {
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
		killSelf(status.Signal())
	}
	os.Exit(status.ExitStatus())
}

// Print writes all of data to the stream 1 or 2.
func Print(stream int, data []byte) error { return writeAll(stream, data) }

// Become makes this process the command, in the world as it is. It returns only if that
// cannot be done.
func Become(argv, env []string, stdin *os.File) error {
	path, err := HostView{}.LookPath(argv[0], pathOf(env), "")
	if err == nil {
		err = takeStdin(stdin)
	}
	if err == nil {
		err = unix.Exec(path, argv, env)
	}
	if errors.Is(err, unix.ENOEXEC) {
		err = unix.Exec(defaultShell, append([]string{defaultShell, path}, argv[1:]...), env)
	}
	return &StartError{argv[0], err}
}

// takeStdin puts a file in the place of the standard input.
func takeStdin(f *os.File) error {
	if f == nil || f.Fd() == 0 {
		return nil
	}
	return unix.Dup3(int(f.Fd()), 0, 0)
}

// StartError says that a command could not be started.
type StartError struct {
	Command string
	Err     error
}

func (e *StartError) Error() string { return e.Command + ": " + errorText(e.Err) }

func (e *StartError) Unwrap() error { return e.Err }

// Status is the status with which a shell ends in its place.
func (e *StartError) Status() int {
	if errors.Is(e.Err, unix.ENOENT) || errors.Is(e.Err, unix.ENOTDIR) {
		return 127
	}
	return 126
}

// Inherited lists the descriptors besides the first three that whoever started us has left
// to our children.
func Inherited() []ExtraFile {
	names, err := readNames("/proc/self/fd", new(unix.Stat_t))
	if err != nil {
		return nil
	}
	var files []ExtraFile
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err == nil && fd > stderr && inherited(fd) == uintptr(fd) {
			files = append(files, ExtraFile{FD: fd, File: os.NewFile(uintptr(fd), name)})
		}
	}
	return files
}
