package exec

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// signalWatch hands signals that end make to the walk, which looks for them
// whenever it waits.
type signalWatch struct {
	c chan os.Signal
	// arrived is closed when the first signal has come.
	arrived chan struct{}

	once          sync.Once
	wake, abandon func()
	told          bool // the make above passes signals on: nothing is caught
}

// fatalSignals end make after it has cleaned up.
func fatalSignals() []os.Signal {
	return []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM,
		unix.SIGPIPE, unix.SIGXCPU, unix.SIGXFSZ,
	}
}

// quietStart is how long a make that has started nothing yet leaves signals to
// their default action.
const quietStart = 30 * time.Millisecond

// watchSignals prepares to catch signals. wake interrupts a walk that waits;
// abandon removes what must not outlive a make that cannot be waited for.
//
// To catch signals takes the Go runtime two threads and a dozen switches between
// them, a tenth of the time of a make that has nothing to do. Such a make has
// nothing to clean up either, so that their default action is right; arm starts
// to catch them before there is something, and in any case soon.
func watchSignals(wake, abandon func()) *signalWatch {
	s := &signalWatch{c: make(chan os.Signal, 8), arrived: make(chan struct{}), wake: wake, abandon: abandon}
	time.AfterFunc(quietStart, s.arm)
	return s
}

// arm catches signals from now on. Those that were ignored when make was started
// stay ignored.
func (s *signalWatch) arm() {
	if s != nil && !s.told {
		s.once.Do(s.catch)
	}
}

func (s *signalWatch) catch() {
	in := make(chan os.Signal, 8)
	for _, sig := range fatalSignals() {
		if !signal.Ignored(sig) {
			signal.Notify(in, sig)
		}
	}
	go func() {
		first := true
		for sig := range in {
			s.c <- sig
			if first {
				close(s.arrived)
				first = false
			}
			s.wake()
			time.AfterFunc(patience, func() { s.force(sig) })
		}
	}()
}

// groupDelay is how much later than a command's a signal may come to make that
// was sent to both.
const groupDelay = 50 * time.Millisecond

// expect is called, outside the walk, when a command has ended. If a signal of
// the kind that a terminal sends to all has killed it, make's own may be about
// to arrive: nothing may go on before that is known. It tells whether one came.
func (s *signalWatch) expect(status unix.WaitStatus) bool {
	if s == nil || !status.Signaled() {
		return false
	}
	switch status.Signal() {
	case unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM:
	default:
		return false
	}
	select {
	case <-s.arrived:
		return true
	case <-time.After(groupDelay):
		return false
	}
}

// force ends a make that does not look for signals because it computes.
func (s *signalWatch) force(sig os.Signal) {
	if len(s.c) == 0 {
		return
	}
	s.abandon()
	killSelf(sig.(syscall.Signal))
}

// patience is how long the walk may take to look for a signal.
const patience = 2 * time.Second

// check handles a signal that has come.
func (s *signalWatch) check(w *Walk) {
	if s == nil {
		return
	}
	select {
	case sig := <-s.c:
		w.interrupted(sig)
	default:
	}
}

// interrupted cleans up and dies of the signal.
func (w *Walk) interrupted(s os.Signal) {
	sig := s.(syscall.Signal)
	if w.dying {
		w.dieOf(sig)
	}
	w.dying = true
	if sig == unix.SIGTERM {
		for i := len(w.jobs) - 1; i >= 0; i-- {
			if j := w.jobs[i]; j.run != nil && j.run.pid() > 0 {
				j.run.signal(sig)
			}
		}
	}
	w.cancelScripts(sig)
	switch sig {
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT:
		for i := len(w.jobs) - 1; i >= 0; i-- {
			w.deleteTargets(w.jobs[i])
		}
		for len(w.jobs) > 0 {
			w.reap(true, false)
		}
	default:
		for len(w.jobs) > 0 {
			w.reap(true, true)
		}
	}
	w.removeIntermediates(true)
	w.cleanUp()
	if sig == unix.SIGQUIT {
		w.dieWith(exitTrouble) // the signal itself would leave a core
	}
	w.dieOf(sig)
}

// cancelScripts ends scripts and makes that run in process: the terminal's signal
// does not end them as it ends a shell.
func (w *Walk) cancelScripts(sig unix.Signal) {
	for _, j := range w.jobs {
		switch r := j.run.(type) {
		case script:
			r.signal(sig)
		case travel:
			r.signal(sig)
		case process:
			if p, ok := r.p.(*inside); ok {
				p.Signal(sig)
			}
		}
	}
}

// killSelf ends the process by a signal with its default action. signal.Reset
// would not do: Go itself then takes the signal, and ignores some kinds.
func killSelf(sig syscall.Signal) {
	var byDefault struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, unsafe.Sizeof(byDefault.mask), 0, 0)
	unix.Kill(os.Getpid(), sig)
	// The signal may be delivered to another thread; nothing may happen before.
	select {}
}

// signalText is the C library's name of a signal.
func signalText(sig unix.Signal) string {
	names := [...]string{
		1: "Hangup", "Interrupt", "Quit", "Illegal instruction", "Trace/breakpoint trap", "Aborted", "Bus error",
		"Floating point exception", "Killed", "User defined signal 1", "Segmentation fault", "User defined signal 2",
		"Broken pipe", "Alarm clock", "Terminated", "Stack fault", "Child exited", "Continued", "Stopped (signal)",
		"Stopped", "Stopped (tty input)", "Stopped (tty output)", "Urgent I/O condition", "CPU time limit exceeded",
		"File size limit exceeded", "Virtual timer expired", "Profiling timer expired", "Window changed", "I/O possible",
		"Power failure", "Bad system call",
	}
	if int(sig) > 0 && int(sig) < len(names) {
		return names[sig]
	}
	if sig >= 34 {
		return sprintf("Real-time signal %d", int(sig)-34)
	}
	return sprintf("Unknown signal %d", int(sig))
}
