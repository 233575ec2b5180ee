package watch

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec/away"
)

// Recorder runs programs and records what they do.
type Recorder struct {
	table map[uint64]call
	jobs  chan func() // for the thread that traces
	files chan func() // for one that may look at files
	names *names

	odd     string
	looks   map[string]uint64
	written map[string]bool
	procs   []away.Proc
	of      map[int]int // thread: index of its program in procs
	stdin   string      // what the standard input is called
}

// New returns a recorder. It needs the right to trace what it starts.
func New() (*Recorder, error) {
	r := &Recorder{
		table: calls(), jobs: make(chan func()), files: make(chan func()), names: newNames(),
		looks: make(map[string]uint64), written: make(map[string]bool), of: make(map[int]int),
	}
	go func() {
		for f := range r.files {
			f()
		}
	}()
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: it must not be used for anything else
		ready <- install(filter(r.table))
		for f := range r.jobs {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends its threads.
func (r *Recorder) Close() {
	close(r.jobs)
	close(r.files)
}

// Run runs one program in the working directory of this process to its end.
func (r *Recorder) Run(path string, argv, env []string, in, out, errs *os.File) (status unix.WaitStatus, err error) {
	r.stdin, _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", in.Fd()))
	attr := &syscall.ProcAttr{Env: env, Files: []uintptr{in.Fd(), out.Fd(), errs.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true}}
	done := make(chan struct{})
	r.jobs <- func() {
		defer close(done)
		var pid int
		if pid, err = syscall.ForkExec(path, argv, attr); err == nil {
			status, err = r.trace(pid)
		}
	}
	<-done
	return status, err
}

// What is asked for of a program: to be told of what it starts, and its end with ours.
const options = unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEFORK |
	unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL

// trace follows a program and all that it starts.
func (r *Recorder) trace(first int) (result unix.WaitStatus, err error) {
	alive := make(map[int]bool) // threads; true once they have been seen
	for ended, late := false, (time.Time{}); !ended || len(alive) > 0; {
		if ended && late.IsZero() {
			late = time.Now().Add(leave)
		}
		pid, ws, err := await(ended, late)
		if err != nil {
			if !errors.Is(err, unix.ECHILD) && !errors.Is(err, errLate) {
				return 0, fmt.Errorf("trace: %w", err)
			}
			if errors.Is(err, errLate) {
				r.isOdd("it leaves a process behind")
				for p := range alive {
					_ = unix.Kill(p, unix.SIGKILL)
				}
			}
			return result, nil
		}
		switch {
		case ws.Exited() || ws.Signaled():
			delete(alive, pid)
			delete(r.of, pid)
			if pid == first {
				result, ended = ws, true
			}
		case ws.Stopped():
			if err := r.stopped(pid, first, ws, alive); err != nil && !errors.Is(err, unix.ESRCH) {
				return 0, fmt.Errorf("trace: %w", err)
			}
		}
	}
	return result, nil
}

// leave is how long what a program has started may outlive it.
const leave = 200 * time.Millisecond

var errLate = errors.New("a process is left")

// await waits for something to happen; until some time, if there is little to wait for.
func await(bounded bool, until time.Time) (pid int, ws unix.WaitStatus, err error) {
	flags := unix.WALL
	if bounded {
		flags |= unix.WNOHANG
	}
	for {
		pid, err = unix.Wait4(-1, &ws, flags, nil)
		switch {
		case err == unix.EINTR:
		case err != nil || pid != 0:
			return pid, ws, err
		case time.Now().After(until):
			return 0, ws, errLate
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

// stopped handles one stop of one thread, and lets it go on.
func (r *Recorder) stopped(pid, first int, ws unix.WaitStatus, alive map[int]bool) error {
	sig, deliver := ws.StopSignal(), 0
	fresh := !alive[pid]
	alive[pid] = true
	switch event := ws.TrapCause(); {
	case fresh && pid == first && event <= 0:
		if err := unix.PtraceSetOptions(pid, options); err != nil {
			return err
		}
		r.began(pid, -1)
	case event == unix.PTRACE_EVENT_SECCOMP:
		r.called(pid)
	case event == unix.PTRACE_EVENT_FORK, event == unix.PTRACE_EVENT_VFORK, event == unix.PTRACE_EVENT_CLONE:
		if child, err := unix.PtraceGetEventMsg(pid); err == nil {
			r.of[int(child)] = r.programOf(pid)
			alive[int(child)] = alive[int(child)]
		}
	case event == unix.PTRACE_EVENT_EXEC:
		parent := r.programOf(pid)
		if was, err := unix.PtraceGetEventMsg(pid); err == nil && int(was) != pid {
			parent = r.programOf(int(was))
			delete(alive, int(was))
			delete(r.of, int(was))
		}
		r.began(pid, parent)
	case fresh && sig == unix.SIGSTOP: // so begins what is started
	case event > 0:
	default:
		deliver = int(sig)
	}
	return unix.PtraceCont(pid, deliver)
}

// programOf is the program that a thread runs.
func (r *Recorder) programOf(pid int) int {
	if i, ok := r.of[pid]; ok {
		return i
	}
	// It was faster than the news of it.
	i := -1
	r.look(func() {
		if i = slices.IndexFunc([]int{parentOf(pid)}, func(p int) bool { _, ok := r.of[p]; return ok }); i == 0 {
			i = r.of[parentOf(pid)]
		}
	})
	return i
}

// began notes a program that a process has become.
func (r *Recorder) began(pid, parent int) {
	r.look(func() {
		argv := readWords(pid)
		exe, _ := os.Readlink(procFile(pid, "exe"))
		dir, _ := os.Readlink(procFile(pid, "cwd"))
		r.procs = append(r.procs, away.Proc{Parent: parent, Argv: argv, Dir: dir})
		r.note(exe, away.Content)
		for _, l := range loaders(exe) {
			r.note(l, away.Content)
		}
	})
	r.of[pid] = len(r.procs) - 1
}

// look does something that needs to look at files: the thread that traces must not.
func (r *Recorder) look(f func()) {
	done := make(chan struct{})
	r.files <- func() { f(); close(done) }
	<-done
}

// note adds to what was looked at.
func (r *Recorder) note(path string, how uint64) {
	if path == "" || path[0] != '/' || ofKernel(path) {
		return
	}
	if _, known := r.looks[path]; !known {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			how |= away.Absent
		}
	}
	r.looks[path] |= how
}

// ofKernel is true for what is no file of anybody.
func ofKernel(path string) bool {
	for _, d := range []string{"/proc", "/sys", "/dev"} {
		if path == d || strings.HasPrefix(path, d+"/") {
			return true
		}
	}
	return false
}

// isOdd notes why the record is of no use.
func (r *Recorder) isOdd(why string) {
	if r.odd == "" {
		r.odd = why
	}
}

// Odd says why the record is of no use, "" if it is.
func (r *Recorder) Odd() string { return r.odd }

// Looks returns the paths that were looked at, and how.
func (r *Recorder) Looks() map[string]uint64 { return r.looks }

// Written returns the paths that were made, changed or removed.
func (r *Recorder) Written() map[string]bool { return r.written }

// Procs returns the programs that were started.
func (r *Recorder) Procs() []away.Proc { return r.procs }

// Note records a look that whoever uses the recorder has itself, for what is run.
func (r *Recorder) Note(path string) {
	if path[0] != '/' {
		dir, err := os.Getwd()
		if err != nil {
			return
		}
		path = dir + "/" + path
	}
	r.look(func() {
		file, links := r.names.follow(path, true)
		for _, l := range links {
			r.note(l, away.Text)
		}
		r.note(file, away.Seen)
	})
}
