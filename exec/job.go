package exec

import (
	"strings"

	"fmake/makefile"
)

// job is one run of one target's recipe.
type job struct {
	file  *makefile.File
	lines []string // expanded
	next  int      // index of the line after the current one
	rest  string   // what of the current line has not run: a line may expand to several commands

	action Action // nil: nobody watches this run
	view   View
	env    []string
	out    collector
	tap    *capture // the pipes of a captured run, nil otherwise

	noError   bool // errors of the current command do not matter
	recursive bool // the current command may be a make
	ownsInput bool // it has make's standard input
	dontCare  bool // its failure is no news
	deleted   bool // its targets were deleted
	told      bool // the Watcher knows of it
	stays     bool // it runs here, whatever its action says

	way Journey // what it is on, nil if it runs here

	run running // what is going on now, nil if nothing is
}

// line is the index of the current line.
func (j *job) line() int { return j.next - 1 }

// pos is where the current line stands in the makefile.
func (j *job) pos() makefile.Pos {
	pos := j.file.Recipe.Pos
	pos.Offset = max(j.line(), 0)
	return pos
}

// advance moves to the next command that is not empty.
func (j *job) advance() bool {
	for j.rest == "" {
		if j.next == len(j.lines) {
			return false
		}
		j.rest = j.lines[j.next]
		j.next++
	}
	return true
}

// runRecipe starts the recipe of a target that is known to have one.
func (w *Walk) runRecipe(f *makefile.File) {
	if isBlankRecipe(f.Recipe) {
		setState(f, stateRunning)
		f.Run.Status = StatusSuccess
		w.finish(f)
		return
	}
	w.db.InitFileVars(f, false)
	w.newJob(f)
}

// isBlankRecipe tells whether a recipe has nothing to run.
func isBlankRecipe(r *makefile.Recipe) bool {
	return strings.Trim(r.Text, " \t\n\v\f\r-@+") == ""
}

// newJob expands a recipe and starts it as soon as there is a slot.
func (w *Walk) newJob(f *makefile.File) {
	w.startWaiting()
	w.reap(false, false)
	w.db.Chop(f.Recipe)
	j := &job{file: f, dontCare: f.DontCare, view: w.noting(w.host)}
	previous := w.con.ctx
	w.con.ctx = &j.out
	defer func() { w.con.ctx = previous }()
	j.out.sync = w.con.mode != SyncNone

	if !w.begin(j) {
		return
	}
	w.db.SetAutoVars(f, f.Stem, w.always || j.action != nil && j.action.AllNew())
	j.lines = w.expandIn(j, f)
	j.advance()
	w.takeSlot()
	w.tokens++
	w.traceTarget(j)
	w.startWhenIdle(j)
	if w.slots == 1 || w.db.NotParallel {
		for f.Run.State == stateRunning && len(w.jobs)+len(w.waiting) > 0 { // else its failure is held
			w.reap(true, false)
		}
	}
}

// begin makes the view in which a recipe runs.
func (w *Walk) begin(j *job) bool {
	if w.opt.Actions == nil || w.dryRun() || w.question() || w.touching() {
		return true
	}
	action, err := w.opt.Actions.Begin(j.file)
	if err != nil {
		w.con.complain(j.pos(), "*** ["+j.file.Name+"] "+err.Error())
		j.file.Run.Status = StatusFailed
		w.finish(j.file)
		if !w.keepGoing() {
			w.die(exitFailure)
		}
		return false
	}
	if action == nil {
		return true
	}
	j.action, j.view = action, w.noting(action.View())
	if action.Capture() {
		j.out.tap = action.Output
		j.out.holding = w.opt.Referee != nil && (w.slots != 1 || action.Tries()) && !j.file.Phony
		j.out.live = w.con.mode == SyncNone || w.con.mode == SyncLine
		j.out.seen = w.shown[j.file]
	}
	return true
}

// expandIn expands a recipe's lines as its action sees the world.
func (w *Walk) expandIn(j *job, f *makefile.File) (lines []string) {
	if j.action == nil || j.action.Looks() == nil {
		return w.expandLines(f)
	}
	w.looking(j.action.Looks(), func() { lines = w.expandLines(f) })
	return lines
}

// looking lets functions look around through a view while something is expanded.
func (w *Walk) looking(v View, expand func()) {
	outer := w.looks
	w.looks = v
	was := w.db.UseDirs(makefile.NewDirCache(worldHost{w}))
	defer func() {
		w.looks = outer
		w.db.UseDirs(was)
		was.Invalidate() // a command may have written something
	}()
	expand()
}

// expandLines expands all lines before the first one runs.
func (w *Walk) expandLines(f *makefile.File) []string {
	r := f.Recipe
	lines := make([]string, len(r.Lines))
	for i, line := range r.Lines {
		r.Pos.Offset = i
		lines[i] = w.db.ExpandFor(joinReferences(line), f)
	}
	r.Pos.Offset = 0
	return lines
}

// joinReferences turns escaped newlines inside of variable and function
// references into blanks: functions must not see them as text. Those outside
// stay, because they look nice when the line is printed, and belong to the
// shell.
func joinReferences(line string) string {
	if !strings.Contains(line, "\\\n") || !strings.Contains(line, "$") {
		return line
	}
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		out = append(out, line[i])
		i++
		if line[i-1] != '$' || i == len(line) {
			continue
		}
		// $$( is taken for a reference too, as GNU make does.
		if line[i] == '(' || line[i] == '{' {
			out, i = joinReference(out, line, i)
		}
	}
	return string(out)
}

// joinReference copies one reference, whose opening parenthesis is at line[i].
func joinReference(out []byte, line string, i int) ([]byte, int) {
	open, shut := line[i], byte(')')
	if open == '{' {
		shut = '}'
	}
	start, depth := len(out), 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case c == open:
			depth++
		case c == shut:
			if depth--; depth == 0 {
				return append(out, c), i + 1
			}
		case c == '\\' && i+1 < len(line) && line[i+1] == '\n' && !escaped(line, i):
			i += 2
			for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
				i++
			}
			i--
			for len(out) > start+1 && (out[len(out)-1] == ' ' || out[len(out)-1] == '\t') {
				out = out[:len(out)-1]
			}
			c = ' '
		}
		out = append(out, c)
	}
	return out, i
}

// escaped tells whether an odd number of backslashes stands before line[i].
func escaped(line string, i int) bool {
	odd := false
	for i--; i >= 0 && line[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}

// traceTarget says why a target is made, for --trace.
func (w *Walk) traceTarget(j *job) {
	if !w.debugging(debugWhy) {
		return
	}
	f := j.file
	where := "<builtin>"
	if f.Recipe.Pos.File != "" {
		where = position(f.Recipe.Pos)
	}
	newer := strings.TrimSpace(w.db.ExpandFor("$?", f))
	why := "unknown reasons"
	switch {
	case f.Phony:
		why = "target is .PHONY"
	case f.Run.Mtime == MtimeNone:
		why = "target does not exist"
	case newer != "":
		why = newer
	}
	w.con.put(stdout, where+": update target '"+f.Name+"' due to: "+why+"\n")
}

// startWhenIdle starts a job, or puts it off if the machine is too busy.
func (w *Walk) startWhenIdle(j *job) bool {
	if w.used > 0 && (w.loadTooHigh() || j.stays && w.busyHere()) {
		setState(j.file, stateRunning)
		w.waiting = append(w.waiting, j)
		return false
	}
	w.began(j)
	if !w.depart(j) {
		w.startNext(j)
	}
	if j.run != nil {
		w.jobs = append(w.jobs, j)
		w.used++
		w.debugf(debugJobs, 0, "Putting child %p (%s) PID %d on the chain.", j, j.file.Name, j.run.pid())
		return true
	}
	if j.file.Run.State == stateIdle {
		j.file.Run.Status = StatusSuccess
	}
	w.endJob(j)
	if j.file.Run.State != stateFinished {
		w.finish(j.file)
	}
	w.freeJob(j)
	return true
}

// startWaiting starts the jobs that waited for the load to go down.
func (w *Walk) startWaiting() {
	for len(w.waiting) > 0 {
		w.reap(false, false)
		if len(w.waiting) == 0 {
			return
		}
		last := len(w.waiting) - 1
		j := w.waiting[last]
		w.waiting = w.waiting[:last]
		if !w.startWhenIdle(j) {
			return
		}
	}
}
