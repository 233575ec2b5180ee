package exec

import (
	"fmake/makefile"
)

// remake makes a target that has to be made: it runs its recipe, touches it, or
// finds that nothing can be done.
func (w *Walk) remake(f *makefile.File, depth int) Status {
	w.about(debugBasic, depth, "Must remake target '%s'.", f)
	if f.Name != f.HName {
		w.debugf(debugBasic, 0, "  Ignoring VPATH name '%s'.", f.HName)
		f.IgnoreVPath = true
	}
	w.startRemake(f)
	if f.Run.State != stateFinished {
		w.about(debugVerbose, depth, "Recipe of '%s' is being run.", f)
		return StatusSuccess
	}
	switch f.Run.Status {
	case StatusFailed:
		w.about(debugBasic, depth, "Failed to remake target file '%s'.", f)
	case StatusSuccess:
		w.about(debugBasic, depth, "Successfully remade target file '%s'.", f)
	case StatusQuestion:
		w.about(debugBasic, depth, "Target file '%s' needs to be remade under -q.", f)
	}
	f.Run.Updated = true
	return f.Run.Status
}

func (w *Walk) startRemake(f *makefile.File) {
	if f.Recipe == nil {
		f.Run.Status = StatusSuccess
		if !f.Phony && !f.IsTarget {
			// Nothing says how to make it.
			if w.await(f) {
				return
			}
			f.Run.Status = StatusNone // should this be the end
			if !w.remaking || !f.DontCare {
				w.noRule(f)
			}
			f.Run.Status = StatusFailed
		}
		w.finish(f)
		return
	}
	w.db.Chop(f.Recipe)
	if !w.touching() || f.Recipe.AnyRecurse {
		w.runRecipe(f)
		return
	}
	f.Run.Status = StatusSuccess
	w.finish(f)
}

// noRule reports a target that nothing says how to make; or, if it failed
// because of something below it that was not reported then, reports that.
func (w *Walk) noRule(f *makefile.File) {
	for _, d := range f.Deps {
		if d.File != nil && d.File.Run.Updated && d.File.Run.Status > StatusSuccess && f.NoDiag {
			w.noRule(d.File)
			return
		}
	}
	w.includeError()
	f.NoDiag = false
	text := "No rule to make target '" + f.Name + "'"
	if f.Parent != nil {
		text += ", needed by '" + f.Parent.Name + "'"
	}
	if !w.keepGoing() {
		w.fatal(makefile.Pos{}, text)
	}
	w.con.complain(makefile.Pos{}, "*** "+text+".")
}

// includeError says which include directive asked for the makefile whose making
// has just failed.
func (w *Walk) includeError() {
	if w.goal == nil || !w.remaking || !w.goal.Included || w.goal.DontCare || w.goal.Err == nil {
		return
	}
	goal := w.goal
	for _, g := range w.db.ReadFiles {
		if g.File.Current() == goal.File.Current() {
			goal = g // the first directive that names the file
			break
		}
	}
	if goal.Err == nil {
		return
	}
	w.con.complain(goal.Pos, goal.File.Name+": "+errorText(goal.Err))
	goal.Err = nil
}

// finish notes that nothing more will be done for a target, and what its file
// and those of its recipe's other targets are like now.
func (w *Walk) finish(f *makefile.File) {
	ran := f.Run.State == stateRunning
	f.Run.State = stateFinished
	f.Run.Updated = true
	w.finished++
	touched := false
	if w.touching() && f.Run.Status == StatusSuccess {
		touched = w.touchIfAsked(f)
	}
	if f.Run.MtimeBefore == MtimeUnknown {
		f.Run.MtimeBefore = f.Run.Mtime
	}
	if ran && !f.Phony || touched {
		f.Run.Mtime = w.timeAfter(f)
	}
	if f.DoubleColon != nil {
		w.shareTime(f)
	}
	if ran && f.Run.Status != StatusNone {
		w.finishOthers(f)
	} else if f.Run.Status == StatusNone {
		f.Run.Status = StatusSuccess
	}
}

// timeAfter says what is known of a file's time after its recipe ran. If its
// lines were only printed, or there are none, it counts as new.
func (w *Walk) timeAfter(f *makefile.File) int64 {
	onlyShown := w.question() || w.dryRun() || w.touching()
	switch {
	case onlyShown && f.Recipe != nil && f.Recipe.Text == "":
		return MtimeUnknown // not even an empty line counts as printed
	case onlyShown && f.Recipe != nil:
		for _, flag := range f.Recipe.Flags {
			if flag&makefile.FlagRecurse == 0 {
				return MtimeNew
			}
		}
	case f.IsTarget && f.Recipe == nil:
		return MtimeNew
	case f.Recipe != nil && isBlankRecipe(f.Recipe) && makefile.IsArchiveName(f.Name):
		// Such a rule passes it on to the archive that a member's file is new.
		return MtimeNew
	}
	return MtimeUnknown
}

// touchIfAsked does the work of -t for a target whose recipe, if it has lines
// that run even under -t, has succeeded.
func (w *Walk) touchIfAsked(f *makefile.File) bool {
	if f.Recipe == nil || f.Phony || allRecurse(f.Recipe) {
		return false
	}
	f.Run.Status = w.touch(f)
	w.started++ // so that nobody says "is up to date"
	return true
}

func allRecurse(r *makefile.Recipe) bool {
	if !r.AnyRecurse {
		return false
	}
	for _, flag := range r.Flags {
		if flag&makefile.FlagRecurse == 0 {
			return false
		}
	}
	return true
}

// shareTime gives all rules of a double-colon target the time of the newest, as
// soon as all are done.
func (w *Walk) shareTime(f *makefile.File) {
	newest := f.Run.Mtime
	for g := f.DoubleColon; g != nil; g = g.Prev {
		if !g.Run.Updated {
			return
		}
		if newest != MtimeUnknown && (g.Run.Mtime == MtimeUnknown || g.Run.Mtime > newest) {
			newest = g.Run.Mtime
		}
	}
	for g := f.DoubleColon; g != nil; g = g.Prev {
		g.Run.Mtime = newest
	}
}

// finishOthers finishes the other targets of a recipe that ran. As in GNU make, a
// grouped target itself is looked up with them: under -n it keeps its old time.
func (w *Walk) finishOthers(f *makefile.File) {
	for _, other := range f.Group() {
		other = other.Current()
		other.Run.State = stateFinished
		other.Run.Updated = true
		other.Run.Status = f.Run.Status
		if !other.Phony {
			// Looked up at once: nobody will search VPATH for it later.
			w.lookUp(other, false)
		}
	}
	if f.TriedImplicit && len(f.AlsoMake) > 0 {
		w.missingPeers(f)
	}
}

// missingPeers warns about a pattern rule that did not make all its targets.
func (w *Walk) missingPeers(f *makefile.File) {
	m := f.Run.Mtime
	if m == MtimeUnknown {
		m = w.nameTime(f.Name)
	}
	if !isTime(m) || m <= f.Run.MtimeBefore {
		return
	}
	var pos makefile.Pos
	if f.Recipe != nil {
		pos = f.Recipe.Pos
		pos.Offset = f.Run.Line
	}
	for _, other := range f.AlsoMake {
		if other = other.Current(); other.Run.Mtime == MtimeNone {
			w.con.complain(pos, "warning: pattern recipe did not update peer target '"+other.Name+"'.")
		}
	}
}

// fatal ends make with a message.
func (w *Walk) fatal(pos makefile.Pos, text string) {
	w.con.fatal(pos, text)
	w.die(exitFailure)
}

// stop is what die panics with.
type stop struct{ status int }

// die unwinds to Session.Run, which waits for the running jobs and exits.
func (w *Walk) die(status int) { panic(stop{status}) }
