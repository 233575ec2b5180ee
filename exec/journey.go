package exec

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/exec/recipe"
	"fmake/makefile"
)

// A recipe may run on another machine. It has a slot as any other, but takes no processor
// here, so that -j can be as large as there are slots there. If it does not run there to a
// good end, nothing has happened, and it runs here.

// Sender is an Action whose recipe may run on another machine.
type Sender interface {
	Action
	// Send prepares that. It is asked once, before the first line runs; nil says that the
	// recipe runs here.
	Send(lines []SentLine) Journey
}

// SentLine is one line of a recipe as another machine has to run it.
type SentLine struct {
	Echo string   // what is printed before it runs, unless make is silent; "" for nothing
	Argv []string // empty for a line that only prints itself
}

// Journey is a recipe on its way.
type Journey interface {
	// Travel returns when the recipe has ended there, or will not, or when it is called home
	// because that takes too long and idle says that there is a processor for it here. It is
	// called outside of the walk.
	Travel(ctx context.Context, idle func() bool)
	// Arrive puts what it has left into place, and shows what it has printed, as if it had
	// run here. It returns false, and does nothing, if it has to run here. gone says that
	// make is ending: nobody wants it any more.
	Arrive(gone bool) bool
}

// travel is a Journey that goes on.
type travel struct{ cancel context.CancelFunc }

func (travel) pid() int             { return -1 } // nothing that runs here
func (t travel) signal(unix.Signal) { t.cancel() }

// depart sends the recipe of a job to another machine, if its action wants that.
func (w *Walk) depart(j *job) bool {
	s, ok := j.action.(Sender)
	if !ok || j.stays || w.dying {
		return false
	}
	j.stays = true // once is enough
	lines, ok := w.sentLines(j)
	if !ok {
		return false
	}
	way := s.Send(lines)
	if way == nil {
		return false
	}
	w.signals.arm()
	w.con.begin()
	w.sends = true
	setState(j.file, stateRunning)
	ctx, cancel := context.WithCancel(context.Background())
	j.way, j.run = way, travel{cancel}
	w.started++
	go func() {
		way.Travel(ctx, w.here.take)
		cancel()
		w.report(ended{job: j})
	}()
	return true
}

// sentLines lists what is to be run, and leaves the job where it is. ok is false if some of
// it has to run here.
func (w *Walk) sentLines(j *job) (lines []SentLine, ok bool) {
	next, rest, noError := j.next, j.rest, j.noError
	defer func() { j.next, j.rest, j.noError = next, rest, noError }()
	for j.advance() {
		text, recipeFlags := w.takeCommand(j)
		plan, err := recipe.MakePlan(w.lineFor(j, text))
		if err != nil || recipeFlags&makefile.FlagRecurse != 0 {
			return nil, false
		}
		l := SentLine{Argv: plan.Argv}
		if recipeFlags&makefile.FlagSilent == 0 {
			l.Echo = text
		}
		switch plan.Road {
		case recipe.Empty:
			continue
		case recipe.Noop:
			l.Argv = nil
		}
		lines = append(lines, l)
	}
	return lines, len(lines) > 0
}

// arrived ends a job whose recipe has run elsewhere, or runs it here. It returns false if
// the job goes on.
func (w *Walk) arrived(j *job) bool {
	previous := w.con.ctx
	w.con.ctx = &j.out
	defer func() { w.con.ctx = previous }()
	way := j.way
	j.way, j.run = nil, nil
	w.db.Dirs().Invalidate()
	defer w.countHere()
	switch {
	case way.Arrive(w.dying):
		w.restoredBy(j)
	case w.dying:
		j.file.Run.Status = StatusFailed
	case w.busyHere():
		w.removeJob(j)
		w.waiting = append(w.waiting, j)
		return true
	default:
		w.startNext(j)
		if j.run != nil {
			return false
		}
		if j.file.Run.Status > StatusSuccess {
			w.deleteTargets(j)
		}
	}
	w.endJob(j)
	w.show(j)
	if !w.dying {
		w.finish(j.file)
	}
	w.removeJob(j)
	w.freeJob(j)
	return true
}

// restoredBy notes that the files of a job's target are as its recipe has left them
// elsewhere.
func (w *Walk) restoredBy(j *job) {
	setState(j.file, stateRunning)
	j.file.Run.Status = StatusSuccess
}

// busyHere tells whether as many recipes run here as this machine has processors: -j is
// about another one, too.
func (w *Walk) busyHere() bool {
	return w.sends && w.countHere() >= runtime.NumCPU()
}

// countHere counts the recipes that run here, for those that may be called home, too.
func (w *Walk) countHere() int {
	n := 0
	for _, j := range w.jobs {
		if j.way == nil {
			n++
		}
	}
	w.here.count(n)
	return n
}

// processors are those of this machine. It is safe for concurrent use.
type processors struct {
	mu    sync.Mutex
	used  int
	taken int // by who was called home, and is not here yet
}

// count says how many are in use. Who was called home is here by then, or soon.
func (p *processors) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used, p.taken = n, 0
}

// take takes one, if there is an idle one.
func (p *processors) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used+p.taken >= runtime.NumCPU() {
		return false
	}
	p.taken++
	return true
}
