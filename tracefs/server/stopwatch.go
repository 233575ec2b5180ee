package server

import (
	"time"

	"golang.org/x/sys/unix"
)

// slow is how long a request takes that keeps others waiting.
const slow = 2 * time.Millisecond

// stopwatch finds out whether requests wait for the file system below. A request
// that was only kept from running, on a busy machine, takes long too; the thread
// has not given up its processor by itself then. That is asked for only while
// requests take long.
type stopwatch struct {
	began time.Time
	wary  bool
	waits int64
}

func (w *stopwatch) start() {
	if w.wary {
		w.waits = threadWaits()
	}
	w.began = time.Now()
}

// stop tells whether the request has waited for long.
func (w *stopwatch) stop() bool {
	was := w.wary
	w.wary = time.Since(w.began) > slow
	return was && w.wary && threadWaits() > w.waits
}

// threadWaits returns how often this thread has waited for anything.
func threadWaits() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &u)
	return int64(u.Nvcsw)
}
