package exec

import (
	"fmake/makefile"
)

// compareDeps marks the prerequisites that are newer than the target; those
// that were made already have their mark.
func (w *Walk) compareDeps(v *visit) {
	for _, d := range v.f.Deps {
		m := w.mtime(d.File)
		d.File = d.File.Current()
		if !d.OrderOnly && m == MtimeNone && !d.File.Intermediate {
			v.must = true
		}
	}
}

// decide says whether the recipe of a target runs; see visit.again.
func (w *Walk) decide(v *visit, depth int) bool {
	f := v.f
	changed := w.markChanged(v)
	must := v.must
	switch {
	case f.DoubleColon != nil && len(f.Deps) == 0:
		must = true
		w.about(debugBasic, depth, "Target '%s' is double-colon and has no prerequisites.", f)
	case !v.missing && f.IsTarget && !changed && f.Recipe == nil:
		must = false
		w.about(debugVerbose, depth, "No recipe for '%s' and no prerequisites actually changed.", f)
	case !must && f.Recipe != nil && w.always:
		must = true
		w.about(debugVerbose, depth, "Making '%s' due to always-make flag.", f)
	}
	return w.judge(v, must)
}

// markChanged sets the marks that $? is made of and tells whether any
// prerequisite was really made anew.
func (w *Walk) markChanged(v *visit) (changed bool) {
	for _, d := range v.f.Deps {
		m := w.mtime(d.File)
		if !d.OrderOnly {
			changed = changed || d.Changed
		}
		d.Changed = d.Changed || v.missing || m > v.time
		if !v.missing && w.debugging(debugBasic|debugVerbose) {
			w.explainDep(v, d, m)
		}
	}
	return changed
}

func (w *Walk) explainDep(v *visit, d *makefile.Dep, m int64) {
	kind, format := debugVerbose, "Prerequisite '%s' is older than target '%s'."
	switch {
	case d.OrderOnly:
		format = "Prerequisite '%s' is order-only for target '%s'."
	case m == MtimeNone:
		kind, format = debugBasic, "Prerequisite '%s' of target '%s' does not exist."
	case d.Changed:
		kind, format = debugBasic, "Prerequisite '%s' is newer than target '%s'."
	}
	w.debugf(kind, v.depth, format, d.File.Name, v.f.Name)
}

// judge asks the Judge, if there is one, about a target that has a recipe.
func (w *Walk) judge(v *visit, must bool) bool {
	f := v.f
	if w.opt.Judge == nil || f.Recipe == nil {
		return must
	}
	w.db.Chop(f.Recipe)
	switch w.watched(f, must) {
	case UpToDate:
		return false
	case Restored:
		w.restored(f)
		return false
	case Run:
		return true
	case Undecided:
		w.undecided++
		v.again = true
		return false
	case AfterRunning:
		w.unsure = true // what depends on it in ways that no makefile tells has to wait, too
		v.again = true
		return false
	}
	return must
}

// lookAgain has a target looked at once more in the next pass.
func (w *Walk) lookAgain(f *makefile.File) Status {
	for _, g := range f.Together() {
		g.Run.Mtime = MtimeUnknown
	}
	w.db.Dirs().Invalidate()
	setState(f, stateDeps)
	return StatusSuccess
}

// restored notes that the files of a target were put back: those above see a
// target that was made anew.
func (w *Walk) restored(f *makefile.File) {
	w.started++
	for _, g := range f.Together() {
		if g.Run.MtimeBefore == MtimeUnknown {
			g.Run.MtimeBefore = g.Run.Mtime
		}
		g.Run.Mtime = MtimeUnknown
		g.Run.Status = StatusSuccess
		if w.dryRun() || w.question() || w.touching() {
			g.Run.Mtime = MtimeNew
		}
	}
	if j, tells := w.opt.Judge.(Appearing); tells {
		if paths, ok := j.Appeared(); ok {
			w.db.Dirs().Appeared(paths)
			return
		}
	}
	w.db.Dirs().Invalidate()
}

// leaveAlone finishes a target that is up to date. From now on it goes by the
// name under which it was found.
func (w *Walk) leaveAlone(f *makefile.File, depth int) Status {
	if w.debugging(debugVerbose) {
		found := ""
		if f.Name != f.HName {
			found = "; using VPATH name '" + f.HName + "'"
		}
		w.debugf(debugVerbose, depth, "No need to remake target '%s'%s.", f.Name, found)
	}
	putBack := f.Run.Status == StatusSuccess
	w.finish(f)
	if f.Run.Mtime != MtimeNone && !putBack && !(f.Intermediate && w.isLeftover(f)) { // what was put back was made: it can be deleted
		f.Secondary = true
	}
	for g := f; g != nil; g = g.Prev {
		g.Name = g.HName
	}
	return StatusSuccess
}

// checkDep looks at a prerequisite of a target as old as time. An intermediate
// file is not made here; only what it is made from is looked at.
func (w *Walk) checkDep(f *makefile.File, depth int, time int64, must *bool) Status {
	setUpdating(f, true)
	original := f
	defer func() {
		setUpdating(f, false)
		setUpdating(original, false)
	}()
	if f.Phony || !f.Intermediate {
		status := w.makeFile(f, depth)
		f = f.Current()
		m := w.mtime(f)
		f = f.Current()
		if m == MtimeNone || m > time {
			*must = true
		}
		return status
	}
	w.findRecipe(f, depth, "commands")
	f = f.Current()
	m := w.mtime(f)
	f = f.Current()
	if m != MtimeNone && m > time {
		*must = true
		return StatusSuccess
	}
	return w.checkBelow(f, depth+1, time, must)
}

// checkBelow looks at what an intermediate file is made from.
func (w *Walk) checkBelow(f *makefile.File, depth int, time int64, must *bool) Status {
	status, running := StatusSuccess, false
	// What it waited for may be done by now; and it may have been looked at as an
	// order-only prerequisite, which is no reason to make it.
	if f.Run.State != stateRunning {
		if f.Run.State == stateDeps {
			f.Run.Considered = 0
		}
		setIdle(f)
	}
	w.expandDeps(f)
	for d := range w.chainOf(f, asWritten) {
		// What VPATH has found to be a target further up is no circle yet: GNU make
		// goes through that target once more.
		if now := d.File.Current(); !isUpdating(now) {
			d.File = now
		}
		if isUpdating(d.File) {
			w.dropBelow(f, d)
			continue
		}
		d.File.Parent = f
		below := *must
		status = max(status, w.checkDep(d.File, depth, time, &below))
		if !d.OrderOnly {
			*must = below
		}
		d.File = d.File.Current()
		if status > StatusSuccess && !w.keepGoing() {
			break
		}
		running = running || d.File.Run.State == stateRunning || d.File.Run.State == stateDeps
	}
	if running {
		// Tells the levels above to wait before they decide anything.
		setState(f, stateDeps)
	}
	return status
}
