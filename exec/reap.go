package exec

import (
	"golang.org/x/sys/unix"

	"fmake/makefile"
)

// reap takes what other goroutines report. With block it waits until one job
// has moved on; without, it takes what there is. failing means that make is
// ending because of an error.
func (w *Walk) reap(block, failing bool) {
	for len(w.jobs) > 0 {
		if block && failing && !w.saidWaiting && w.serial == nil {
			w.con.complain(makefile.Pos{}, "*** Waiting for unfinished jobs....")
			w.saidWaiting = true
		}
		e, ok := w.receive(block)
		if !ok {
			return
		}
		if e.stream != 0 {
			e.job.out.put(w.con, e.stream, e.data)
			continue
		}
		if w.commandEnded(e, failing) {
			block = false
		}
	}
}

// receive gets the next report.
func (w *Walk) receive(block bool) (ended, bool) {
	if n := len(w.backlog); n > 0 {
		e := w.backlog[0]
		w.backlog = w.backlog[1:]
		return e, true
	}
	w.signals.check(w)
	if !block {
		select {
		case e := <-w.done:
			return e, true
		default:
			return ended{}, false
		}
	}
	for {
		select {
		case e := <-w.done:
			// A signal that came with it has to be handled first.
			w.backlog = append(w.backlog, e)
			w.signals.check(w)
			return w.receive(block)
		case sig := <-w.signals.c:
			w.interrupted(sig)
		}
	}
}

// commandEnded starts the next command of a job, or ends the job. It returns
// false if the job has just gone on to its next command.
func (w *Walk) commandEnded(e ended, failing bool) bool {
	j := e.job
	if e.instead != nil {
		j.run = e.instead()
		return false
	}
	if j.way != nil {
		return w.arrived(j)
	}
	w.collect(j)
	pid := j.run.pid()
	j.run = nil
	w.batchStarted = max(w.batchStarted-1, 0)
	if pid >= 0 || j.action != nil {
		// After a command that did not start, what was found impossible stays so,
		// as in GNU make.
		w.db.Dirs().Invalidate()
	}
	if j.ownsInput {
		w.stdinTaken = false
	}
	failure := w.failure(j, e.status)
	result := "winning"
	if failure != exitSuccess {
		result = "losing"
	}
	w.debugf(debugJobs, 0, "Reaping %s child %p PID %d ", result, j, pid)

	switch {
	case failure != exitSuccess && !j.noError && !w.ignoreErrors():
		if w.rule(j, e.status, failure) {
			w.removeJob(j)
			w.freeSlot(j)
			return true
		}
		w.lineFailed(j, e.status, failure)
	default:
		if failure != exitSuccess {
			w.failureMessage(j, e.status, true)
			failure = exitSuccess
		}
		if w.continueJob(j) {
			return false
		}
	}
	w.endJob(j)
	w.show(j)
	j.file.Run.Line = 0
	if failure != exitSuccess {
		j.file.Run.Line = max(j.line(), 0)
	}
	if !w.dying {
		w.finish(j.file)
	}
	w.debugf(debugJobs, 0, "Removing child %p PID %d from chain.", j, pid)
	w.removeJob(j)
	w.freeJob(j)
	if !failing && failure != exitSuccess && !j.dontCare && !w.keepGoing() && !w.dying {
		w.die(failure)
	}
	return true
}

// failure translates the status of a command to the one with which make itself
// would end.
func (w *Walk) failure(j *job, status unix.WaitStatus) int {
	switch {
	case status.Exited() && status.ExitStatus() == 0:
		return exitSuccess
	case status.Exited() && status.ExitStatus() == 1 && w.question() && j.recursive:
		return exitTrouble
	}
	return exitFailure
}

func (w *Walk) ignoreErrors() bool { return w.set.On(ignoreErrors) || w.db.IgnoreErrors }

func (w *Walk) lineFailed(j *job, status unix.WaitStatus, failure int) {
	j.file.Run.Status = StatusQuestion
	if failure == exitFailure {
		j.file.Run.Status = StatusFailed
		if !j.dontCare {
			w.failureMessage(j, status, false)
		}
	}
	if status.Signaled() || w.db.DeleteOnError {
		w.deleteTargets(j)
	}
}

// continueJob starts the next command of a job. It returns true if the job
// goes on.
func (w *Walk) continueJob(j *job) bool {
	if !j.advance() {
		j.file.Run.Status = StatusSuccess
		return false
	}
	if w.con.mode == SyncLine {
		j.out.dump(w.con)
	}
	if w.dying {
		// Its target is not complete, which must be seen as a failure.
		j.file.Run.Status = StatusFailed
	} else {
		w.startNext(j)
		if j.run != nil {
			return true
		}
	}
	if j.file.Run.Status > StatusSuccess {
		w.deleteTargets(j)
	}
	return false
}

// failureMessage says that a command has failed.
func (w *Walk) failureMessage(j *job, status unix.WaitStatus, ignored bool) {
	if ignored && w.silent() {
		return
	}
	where := "<builtin>"
	if pos := j.pos(); pos.File != "" {
		where = position(pos)
	}
	before, after := "*** ", ""
	if ignored {
		before, after = "", " (ignored)"
	}
	what := sprintf("Error %d", status.ExitStatus())
	if status.Signaled() {
		what = signalText(status.Signal())
		if status.CoreDump() {
			what += " (core dumped)"
		}
	}
	previous := w.con.ctx
	w.con.ctx = &j.out
	w.includeError()
	w.con.complain(makefile.Pos{}, before+"["+where+": "+j.file.Name+"] "+what+after+w.shuffle.note())
	w.con.ctx = previous
}

// collect takes what a command that has ended left in its pipes, before
// anything else is printed for its job.
func (w *Walk) collect(j *job) {
	if j.tap == nil {
		return
	}
	take := func(stream int, data []byte) { j.out.put(w.con, stream, data) }
	j.tap.halt(func(stopped <-chan struct{}) {
		for {
			select {
			case e := <-w.done:
				if e.stream != 0 {
					e.job.out.put(w.con, e.stream, e.data)
				} else {
					w.backlog = append(w.backlog, e)
				}
			case <-stopped:
				return
			}
		}
	})
	for drained := false; !drained; {
		select {
		case e := <-w.done:
			if e.stream != 0 {
				e.job.out.put(w.con, e.stream, e.data)
			} else {
				w.backlog = append(w.backlog, e)
			}
		default:
			drained = true
		}
	}
	j.tap.drain(take)
}

// endJob tells the action that its recipe is over.
func (w *Walk) endJob(j *job) {
	if j.tap != nil {
		j.tap.detach(func(stream int, data []byte) { _ = writeAll(stream, data) })
		j.tap = nil
	}
	defer w.over(j)
	if j.action == nil {
		return
	}
	if len(j.out.shown) > 0 {
		w.shown[j.file] = j.out.shown
	}
	action := j.action
	j.action = nil
	status := exitSuccess
	if j.file.Run.Status > StatusSuccess {
		status = exitFailure
	}
	if err := action.End(status, w.dying); err != nil {
		w.con.complain(makefile.Pos{}, "*** ["+j.file.Name+"] "+err.Error())
		j.file.Run.Status = StatusFailed
	}
}

func (w *Walk) removeJob(j *job) {
	for i, other := range w.jobs {
		if other == j {
			w.jobs = append(w.jobs[:i], w.jobs[i+1:]...)
			w.used--
			if w.sends {
				w.countHere()
			}
			return
		}
	}
}

// freeJob gives back what a job held.
func (w *Walk) freeJob(j *job) {
	w.freeSlot(j)
	w.show(j)
	j.out.close()
}

// freeSlot lets another job run.
func (w *Walk) freeSlot(j *job) {
	if w.tokens > 1 && w.pool != nil {
		if err := w.pool.Release(); err != nil {
			w.fatal(makefile.Pos{}, err.Error())
		}
		w.debugf(debugJobs, 0, "Released token for child %p (%s).", j, j.file.Name)
	}
	w.tokens--
}
