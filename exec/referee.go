package exec

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/makefile"
)

// Ruling is what becomes of a recipe that has failed.
type Ruling uint8

// The rulings of a Referee.
const (
	// Final: it has failed.
	Final Ruling = iota
	// Hold: actions before it in serial order are unfinished, so it has not
	// failed yet. It is asked about again when nothing else can go on.
	Hold
	// Again: it runs once more, after what it needs.
	Again
)

// Rerun is a recipe that has to run again, after targets that it turned out to
// need.
type Rerun struct {
	File  *makefile.File
	Needs []*makefile.File
	// Earlier: all that it should not have seen is of an earlier build.
	Earlier bool
}

// Referee judges runs that went ahead of what they needed: recipes are run
// optimistically, checked, and repeated. A nil Referee takes every run as it is.
type Referee interface {
	// Failed is asked about a recipe whose Action has ended with a failure.
	Failed(f *makefile.File) (Ruling, []*makefile.File)
	// Hazards is asked when all goals are made: it gives the recipes that saw
	// what they should not have seen.
	Hazards() []Rerun
	// Waiting tells whether it would give any that are known by now.
	Waiting() bool
	// Awaits is asked about a file that does not exist and that nothing says how to
	// make: it tells whether something before it in serial order is unfinished, and
	// may leave the file yet.
	Awaits(f *makefile.File) bool
	// Missed is told of such a file when its absence ends the build.
	Missed(f *makefile.File)
}

// maxRounds bounds how often hazards are repaired in parallel; after that the
// rest of the build goes serial.
const maxRounds = 3

// heldJob is a failed job whose ruling is not final.
type heldJob struct {
	job    *job
	status unix.WaitStatus
	code   int
}

// settle makes the goals until nothing has to be repeated, and shows what was printed.
func (w *Walk) settle(goals []*makefile.GoalDep) Status {
	status := w.makeSettled(goals)
	w.showRest()
	return status
}

// makeSettled makes goals until nothing has to be repeated.
func (w *Walk) makeSettled(goals []*makefile.GoalDep) Status {
	status := w.makeGoals(goals)
	for w.opt.Referee != nil && !w.dryRun() && !w.question() && !w.touching() {
		again := w.again()
		if len(again) == 0 {
			break
		}
		all := slices.Clone(goals)
		for _, r := range again { // a command that has run does not lead to what it needs
			all = append(all, &makefile.GoalDep{Dep: makefile.Dep{File: r.File}})
		}
		for _, g := range all {
			g.Changed = true // something ran: it is not "up to date"
		}
		w.pass++
		status = max(status, w.makeGoals(all))
	}
	return status
}

// again lets all that saw what it should not have seen be made once more, and returns what
// that is.
func (w *Walk) again() []Rerun {
	again := w.opt.Referee.Hazards()
	if w.remaking {
		// Makefiles that are made at the same time may wait for each other.
		again = slices.DeleteFunc(again, func(r Rerun) bool { return !r.Earlier })
	}
	if len(again) == 0 {
		return nil
	}
	w.unsure, w.rearmed = true, true
	if w.rounds++; w.rounds > maxRounds {
		w.slots = 1
	}
	for _, r := range again {
		w.rearm(r)
	}
	w.forgetHeld()
	return again
}

// forgetHeld drops the failures of what is to be made once more: it may end well then, and
// is judged by that.
func (w *Walk) forgetHeld() {
	w.held = slices.DeleteFunc(w.held, func(h heldJob) bool {
		if h.job.file.Run.State != stateIdle {
			return false
		}
		h.job.out.discard()
		return true
	})
}

// tooEarly reports whether a command is about to run, for good, although something that it
// may need has to be made once more; that is then about to be, as soon as no recipe runs
// that may have read it. Once something had to be repeated nobody knows what else will, and
// commands wait for all that serial make would have made by then.
func (w *Walk) tooEarly(f *makefile.File) bool {
	if !f.Phony || f.Recipe == nil || w.opt.Referee == nil || w.remaking || w.dryRun() || w.question() || w.touching() {
		return false
	}
	if w.opt.Referee.Waiting() && (len(w.jobs)+len(w.waiting) > 0 || len(w.again()) > 0) {
		return true
	}
	return w.heldBefore(f) || w.unsure && w.unfinished
}

// heldBefore tells whether what serial make would have made before a target has failed, and
// that is not final.
func (w *Walk) heldBefore(f *makefile.File) bool {
	if len(w.held) == 0 {
		return false
	}
	order := w.serialOrder()
	return slices.ContainsFunc(w.held, func(h heldJob) bool { return order[h.job.file] < order[f] })
}

// rearm makes a target and all that depend on it unmade.
func (w *Walk) rearm(r Rerun) {
	r.File = r.File.Current()
	for _, need := range r.Needs {
		w.addNeed(r.File, need)
	}
	w.unmake(r.File)
	above := dependents(w.db)
	seen := map[*makefile.File]bool{r.File: true}
	for queue := above[r.File]; len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		if seen[f] || f.Phony && f.Recipe != nil && f.Run.Updated {
			continue // a command that ran has run
		}
		seen[f] = true
		w.unmake(f)
		queue = append(queue, above[f]...)
	}
}

// unmake forgets that a target was made.
func (w *Walk) unmake(f *makefile.File) {
	f.Run.State, f.Run.Status = stateIdle, StatusNone
	f.Run.Updated, f.Run.Considered = false, 0
	f.Run.Mtime = MtimeUnknown
	if f.Phony {
		f.Run.Mtime = MtimeNone // whatever may be there of its name
	}
}

// dependents maps each file to those that have it as a prerequisite.
func dependents(db *makefile.Database) map[*makefile.File][]*makefile.File {
	above := make(map[*makefile.File][]*makefile.File)
	for _, head := range db.Files() {
		for f := head; f != nil; f = f.Prev {
			for _, d := range f.Deps {
				if d.File != nil {
					dep := d.File.Current()
					above[dep] = append(above[dep], f)
				}
			}
		}
	}
	return above
}

// addNeed makes need an order-only prerequisite of f, unless it is one already,
// is made by the same run, or depends on f itself.
func (w *Walk) addNeed(f, need *makefile.File) {
	need = need.Current()
	if slices.Contains(f.Together(), need) || slices.ContainsFunc(f.Deps, func(d *makefile.Dep) bool { return d.File == need }) || w.reaches(need, f, nil) {
		return
	}
	d := w.db.NewDep()
	d.File, d.OrderOnly, d.IgnoreAutoVars, d.Learned = need, true, true, true
	f.Deps = append([]*makefile.Dep{d}, f.Deps...)
	w.shape++
}

// reaches tells whether to is below from.
func (w *Walk) reaches(from, to *makefile.File, seen map[*makefile.File]bool) bool {
	if from == to {
		return true
	}
	if seen == nil {
		seen = make(map[*makefile.File]bool)
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, d := range from.Deps {
		if d.File != nil && w.reaches(d.File.Current(), to, seen) {
			return true
		}
	}
	return false
}

// AddNeeds adds learned edges before anything is made.
func (w *Walk) addNeeds(edges []Rerun) {
	for _, e := range edges {
		for _, need := range e.Needs {
			w.addNeed(e.File.Current(), need)
		}
	}
}

// rule asks the referee about a job that has failed. It returns true if the
// failure is not final; the job is then out of the walk's hands.
func (w *Walk) rule(j *job, status unix.WaitStatus, code int) bool {
	if w.opt.Referee == nil || j.action == nil || w.dying || j.file.Phony && !j.file.Recipe.AnyRecurse {
		return false
	}
	j.file.Run.Status = StatusFailed
	w.endJob(j)
	ruling, needs := w.opt.Referee.Failed(j.file)
	switch ruling {
	case Again:
		j.out.discard()
		w.retry(j.file, needs)
		return true
	case Hold:
		w.held = append(w.held, heldJob{j, status, code})
		return true
	}
	return false
}

// retry lets the next pass make a target again, after what it needs.
func (w *Walk) retry(f *makefile.File, needs []*makefile.File) {
	w.unsure = true
	for _, need := range needs {
		w.addNeed(f, need)
	}
	w.unmake(f)
	setState(f, stateDeps) // those above wait for it
}

// resolveHeld decides about the first of the held jobs in serial order. It is
// called when nothing else can go on.
func (w *Walk) resolveHeld() {
	// Recipes that saw what they should not have seen run again first: the failure may come
	// of that.
	if len(w.again()) > 0 {
		return
	}
	order := w.serialOrder()
	first := 0
	for i := range w.held {
		if order[w.held[i].job.file] < order[w.held[first].job.file] {
			first = i
		}
	}
	h := w.held[first]
	w.held = slices.Delete(w.held, first, first+1)
	ruling, needs := w.opt.Referee.Failed(h.job.file)
	if ruling == Again {
		h.job.out.discard()
		w.retry(h.job.file, needs)
		return
	}
	w.lineFailed(h.job, h.status, h.code)
	w.show(h.job)
	h.job.out.close()
	w.finish(h.job.file)
	if !h.job.dontCare && !w.keepGoing() {
		w.die(h.code)
	}
}

// serialOrder numbers all targets below the goals in the order in which make -j1
// would make them.
func (w *Walk) serialOrder() map[*makefile.File]int {
	order := make(map[*makefile.File]int)
	next := 0
	inside := make(map[*makefile.File]bool)
	var visit func(f *makefile.File)
	visit = func(f *makefile.File) {
		f = f.Current()
		if _, done := order[f]; done || inside[f] {
			return
		}
		inside[f] = true
		run := f.Together() // all that one run makes is in one place
		for i := range run {
			run[i] = run[i].Current()
			for _, d := range run[i].Deps {
				if d.File != nil {
					visitChain(d.File, visit)
				}
			}
		}
		for _, g := range run {
			if _, done := order[g]; !done {
				order[g] = next
			}
		}
		next++
	}
	for _, g := range w.goals {
		visitChain(g.File, visit)
	}
	w.positions = order
	return order
}

// foundDeps notes that prerequisites of a target were found during the build: the
// serial order is another one if any that is made itself was not known to come
// before the target.
func (w *Walk) foundDeps(f *makefile.File) {
	at, known := w.positions[f]
	for _, d := range f.Deps {
		if d.File == nil {
			continue
		}
		dep := d.File.Current()
		if dep.Recipe == nil && len(dep.Deps) == 0 {
			continue // a source
		}
		if pos, ok := w.positions[dep]; !known || !ok || pos > at {
			w.shape++
			return
		}
	}
}

// visitChain visits all rules of a double-colon target.
func visitChain(f *makefile.File, visit func(*makefile.File)) {
	f = f.Current()
	if f.DoubleColon == nil {
		visit(f)
		return
	}
	for f = f.DoubleColon; f != nil; f = f.Prev {
		visit(f)
	}
}

// Looking lets functions see files as a view shows them while something is expanded.
func (s *Session) Looking(v View, expand func()) { s.w.looking(v, expand) }

// SerialOrder is the order in which make -j1 would make the targets below the
// goals, as far as their prerequisites are known.
func (s *Session) SerialOrder() map[*makefile.File]int { return s.w.serialOrder() }

// Remaking tells whether the makefiles themselves are being made, which comes before all
// else.
func (s *Session) Remaking() bool { return s.w.remaking }

// Shape changes whenever the serial order may have: it depends on prerequisites
// that are found during the build.
func (s *Session) Shape() int { return s.w.shape }

// Serial tells whether one recipe runs at a time, and all that comes before it has been made:
// where many did at first, some may have failed, which is not judged yet.
func (s *Session) Serial() bool { return s.w.slots == 1 && len(s.w.held) == 0 }

// Makeable returns the target of the makefile that makes a file of this name, or
// nil. Its name must have a suffix or a directory part; a rule must name it, or a pattern rule of the makefile's own must fit that
// does not match anything.
func (s *Session) Makeable(name string) *makefile.File {
	if !strings.ContainsAny(name, "./") {
		return nil // as likely a command's name as a file's
	}
	f := s.db.Lookup(name)
	if f == nil || !f.IsTarget && f.Recipe == nil {
		if !s.fitsPattern(name) {
			return nil
		}
		f = s.db.Enter(name)
	}
	if f.Recipe == nil && !f.TriedImplicit {
		f.TriedImplicit = true
		s.db.TryImplicit(f, 0, prober{s.w})
		s.w.foundDeps(f)
	}
	if f.Recipe == nil {
		return nil
	}
	return f.Current()
}

func (s *Session) fitsPattern(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	for _, r := range s.db.Patterns {
		if r.Builtin {
			continue
		}
		for _, t := range r.Targets {
			before, after, ok := strings.Cut(t, "%")
			if !ok || before == "" && after == "" {
				continue
			}
			for _, n := range []string{name, base} {
				if len(n) > len(before)+len(after) && strings.HasPrefix(n, before) && strings.HasSuffix(n, after) {
					return true
				}
			}
		}
	}
	return false
}
