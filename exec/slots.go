package exec

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/makefile"
)

const ignoreErrors = flags.IgnoreErrors

// waker lets goroutines interrupt a walk that polls descriptors. Without one
// (fd -1) the walk only ever waits on its channel.
type waker struct{ fd atomic.Int32 }

// open makes the descriptor.
func (k *waker) open() error {
	if k.fd.Load() > 0 {
		return nil
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		k.fd.Store(int32(fd))
	}
	return err
}

func (k *waker) signal() {
	if fd := k.fd.Load(); fd > 0 {
		one := [8]byte{1}
		unix.Write(int(fd), one[:])
	}
}

// close is for when nobody signals any more.
func (k *waker) close() {
	if fd := k.fd.Swap(0); fd > 0 {
		unix.Close(int(fd))
	}
}

func (k *waker) clear() {
	var buf [8]byte
	unix.Read(int(k.fd.Load()), buf[:])
}

// takeSlot waits until one more job may run.
func (w *Walk) takeSlot() {
	if w.pool == nil || w.slots == 1 {
		for w.slots > 0 && w.used == w.slots {
			w.reap(true, false)
		}
		return
	}
	for w.tokens > 0 {
		w.reap(false, false)
		w.startWaiting()
		if w.tokens == 0 {
			return
		}
		got, err := w.pool.TryAcquire()
		if err != nil {
			w.fatal(makefile.Pos{}, err.Error())
		}
		if got {
			w.debugf(debugJobs, 0, "Obtained token for child.")
			return
		}
		w.pollSlot()
	}
}

// pollSlot waits for a token, a report or, if jobs wait for the load to go
// down, a second.
func (w *Walk) pollSlot() {
	w.wake.clear()
	if len(w.done) > 0 || len(w.backlog) > 0 {
		return
	}
	timeout := -1
	if len(w.waiting) > 0 {
		timeout = 1000
	}
	fds := []unix.PollFd{
		{Fd: int32(w.pool.ReadFD()), Events: unix.POLLIN},
		{Fd: w.wake.fd.Load(), Events: unix.POLLIN},
	}
	unix.Poll(fds, timeout)
	w.signals.check(w)
}

// loadTooHigh tells whether more is running on the machine than -l allows.
func (w *Walk) loadTooHigh() bool {
	limit, ok := w.set.MaxLoad()
	if !ok {
		return false
	}
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return false
	}
	n, ok := runningProcesses(string(text))
	if !ok {
		return false
	}
	w.debugf(debugJobs, 0, "Running: system = %d / make = %d (max requested = %f)", n, w.used, limit)
	return float64(n) > limit
}

// runningProcesses reads the fourth field of /proc/loadavg, RUNNING/TOTAL: the
// averages lag too far behind to steer by.
func runningProcesses(loadavg string) (int, bool) {
	fields := strings.Fields(loadavg)
	if len(fields) < 4 {
		return 0, false
	}
	running, _, _ := strings.Cut(fields[3], "/")
	n, err := strconv.Atoi(running)
	return n, err == nil
}

// badStdin is the standard input of all jobs but one: a pipe that nobody can
// write to.
type badStdin struct{ r *os.File }

func (b *badStdin) file() *os.File {
	if b.r != nil {
		return b.r
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	w.Close()
	b.r = r
	return r
}

// close is for when no job can use it any more.
func (b *badStdin) close() {
	if b.r != nil {
		b.r.Close()
	}
}
