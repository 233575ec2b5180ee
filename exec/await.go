package exec

import (
	"time"

	"fmake/makefile"
)

// A makefile may name a file that nothing says how to make and that some recipe
// leaves on the side. Make -j1 has run that recipe by the time it looks, make -j may
// not have: then the file is not missing yet.

// await tells whether to wait for a file that does not exist and has no rule. Those
// above it wait with it, and it is looked at again in each pass.
func (w *Walk) await(f *makefile.File) bool {
	if w.opt.Referee == nil || w.remaking || w.dryRun() || w.question() || w.touching() {
		return false
	}
	if going, asked := w.missing[f]; asked && !going || !w.opt.Referee.Awaits(f) {
		w.opt.Referee.Missed(f)
		return false
	}
	if w.missing == nil {
		w.missing = make(map[*makefile.File]bool)
	}
	w.missing[f] = true
	setState(f, stateDeps)
	return true
}

// stopAwaiting gives up on files that are awaited when nothing goes on any more.
func (w *Walk) stopAwaiting() {
	for f := range w.missing {
		w.missing[f] = false
	}
}

// lookPause is how long the walk waits before it looks again at what it could not decide:
// somebody else is at it.
const lookPause = 10 * time.Millisecond

// awaitChange waits until a job has moved on or, if something could not be decided, a
// moment.
func (w *Walk) awaitChange() {
	if w.undecided == 0 {
		w.reap(true, false)
		return
	}
	select {
	case e := <-w.done:
		w.backlog = append(w.backlog, e)
	case sig := <-w.signals.c:
		w.interrupted(sig)
	case <-time.After(lookPause):
	}
	w.reap(false, false)
}
