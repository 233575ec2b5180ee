package exec

import (
	"slices"

	"fmake/makefile"
)

// visit is the state of the walk at one rule.
type visit struct {
	f       *makefile.File
	depth   int
	time    int64 // of the target, before anything was made
	missing bool  // the target, or one made with it, does not exist
	must    bool  // GNU make's rule says that it has to be made
	running bool  // some prerequisite is being made
	again   bool  // it cannot be decided yet
	deps    Status
}

// makeRule brings one rule of a target up to date, as far as that can be done
// without waiting.
func (w *Walk) makeRule(f *makefile.File, depth int) Status {
	w.about(debugVerbose, depth, "Considering target file '%s'.", f)
	if status, over := w.alreadyMade(f, depth); over {
		return status
	}
	f.NoDiag = f.DontCare
	if w.missing[f] {
		f.Run.Mtime = MtimeUnknown // it may have come
	}
	v := &visit{depth: depth + 1, deps: StatusSuccess}
	original := f
	setUpdating(f, true)
	w.lookBefore(v, f)
	f = v.f
	setUpdating(f, true)
	w.findRecipe(f, v.depth, "recipe")
	w.makeDeps(v)
	if v.must || w.always {
		w.makeIntermediates(v)
	}
	setUpdating(f, false)
	setUpdating(original, false)
	w.about(debugVerbose, depth, "Finished prerequisites of target file '%s'.", f)

	if v.running {
		setState(f, stateDeps)
		w.about(debugVerbose, depth, "The prerequisites of '%s' are being made.", f)
		return StatusSuccess
	}
	if v.deps > StatusSuccess {
		return w.giveUp(v, depth)
	}
	if f.Run.State == stateDeps {
		setIdle(f)
	}
	w.compareDeps(v)
	runs := w.decide(v, depth)
	if v.again {
		return w.lookAgain(f)
	}
	if runs && w.tooEarly(f) {
		return w.lookAgain(f)
	}
	if !runs {
		return w.leaveAlone(f, depth)
	}
	if !v.must && w.opt.Judge != nil && w.missesIntermediate(f) {
		// GNU make's rule saw no need to look at what is to be read now.
		w.makeIntermediates(v)
		switch {
		case v.running:
			setState(f, stateDeps)
			return StatusSuccess
		case v.deps > StatusSuccess:
			return w.giveUp(v, depth)
		}
	}
	return w.remake(f, depth)
}

// missesIntermediate tells whether a prerequisite is an intermediate file that
// does not exist.
func (w *Walk) missesIntermediate(f *makefile.File) bool {
	for _, d := range f.Deps {
		if d.File.Intermediate && w.mtime(d.File) == MtimeNone {
			return true
		}
	}
	return false
}

// alreadyMade handles targets that were visited before.
func (w *Walk) alreadyMade(f *makefile.File, depth int) (status Status, over bool) {
	if f.Run.Updated {
		if f.Run.Status > StatusSuccess {
			w.about(debugVerbose, depth, "Recently tried and failed to update file '%s'.", f)
			if f.NoDiag && !f.DontCare {
				w.noRule(f)
			}
			return f.Run.Status, true
		}
		w.about(debugVerbose, depth, "File '%s' was considered already.", f)
		return StatusSuccess, true
	}
	switch f.Run.State {
	case stateRunning:
		w.about(debugVerbose, depth, "Still updating file '%s'.", f)
		return StatusSuccess, true
	case stateFinished:
		w.about(debugVerbose, depth, "Finished updating file '%s'.", f)
		return f.Run.Status, true
	}
	return StatusSuccess, false
}

// lookBefore finds out how the target is before anything is made. The search
// along VPATH comes first, so that implicit rules are not sought for a name that
// the file will not have.
func (w *Walk) lookBefore(v *visit, f *makefile.File) {
	v.time = w.mtime(f)
	f = f.Current()
	v.f = f
	v.missing = v.time == MtimeNone
	switch {
	case v.missing:
		w.about(debugBasic, v.depth, "File '%s' does not exist.", f)
	case isTime(v.time) && f.LowResTime:
		v.time = w.roundUp(f, v.time)
	}
	// An intermediate file that was there before is not deleted, nor is any file
	// that need not be made; one that is made before it turns out to be
	// intermediate is, in GNU make too.
	if !v.missing && f.Intermediate && !w.isLeftover(f) {
		f.Secondary = true
	}
	for _, other := range f.AlsoMake {
		if v.missing {
			break
		}
		other = other.Current()
		m := w.mtime(other)
		if v.missing = m == MtimeNone; v.missing {
			w.debugf(debugBasic, v.depth, "Grouped target peer '%s' of file '%s' does not exist.", other.Name, f.Name)
		}
		v.time = min(v.time, m)
	}
	v.must = v.missing
}

// roundUp takes a time without fractions of a second as the end of that second.
func (w *Walk) roundUp(f *makefile.File, m int64) int64 {
	const second = 1_000_000_000
	ns := (m - MtimeBase) % second
	if ns != 0 {
		w.con.complain(makefile.Pos{}, "*** Warning: .LOW_RESOLUTION_TIME file '"+f.Name+"' has a high resolution time stamp")
	}
	return m + second - 1 - ns
}

// findRecipe finds a recipe for a target that the makefile gives none.
//
// What a message calls it depends on where the walk meets the target, in GNU
// make too.
func (w *Walk) findRecipe(f *makefile.File, depth int, called string) {
	if !f.Phony && f.Recipe == nil && !f.TriedImplicit {
		named := len(f.Deps)
		if w.db.TryImplicit(f, depth, prober{w}) {
			w.shuffleFound(f, named)
			w.foundDeps(f)
		}
		f.TriedImplicit = true
	}
	if f.Recipe == nil && !f.IsTarget && w.db.Default != nil && w.db.Default.Recipe != nil {
		w.about(debugImplicit, depth, "Using default "+called+" for '%s'.", f)
		f.Recipe = w.db.Default.Recipe
	}
}

// makeDeps makes the prerequisites of the target and of those that its recipe
// makes too, all but intermediate files, and learns whether any is newer. As in GNU
// make, a grouped target has its turn among the others once more, and what cannot
// be made ends one turn, not all of them.
func (w *Walk) makeDeps(v *visit) {
	w.makeDepsOf(v, v.f)
	for _, other := range v.f.Group() {
		if v.deps > StatusSuccess && !w.keepGoing() && w.opt.Referee != nil {
			return // what failed may have to wait for others
		}
		w.makeDepsOf(v, other) // not the one it was found to be by VPATH
	}
}

func (w *Walk) makeDepsOf(v *visit, owner *makefile.File) {
	w.expandDeps(owner)
	var kept *makefile.Dep // the last prerequisite of owner that was not dropped
	for d := range w.chainOf(owner, w.depOrder) {
		if d.WaitBefore && v.running {
			return
		}
		d.File = d.File.Current()
		before := w.mtime(d.File)
		d.File = d.File.Current()
		if isUpdating(d.File) {
			w.dropCircle(v.f, owner, d, kept)
			continue
		}
		if before == MtimeNone && w.isOutdated(d, v.depth) {
			owner.Deps = slices.DeleteFunc(slices.Clone(owner.Deps), func(x *makefile.Dep) bool { return x == d })
			delete(w.shuffle.order, owner)
			v.must = true
			continue
		}
		kept = d
		d.File.Parent = v.f
		w.makeDep(v, d, before, false)
		if v.deps > StatusSuccess && !w.keepGoing() {
			return
		}
	}
}

// isOutdated reports whether a missing prerequisite is only the word of an
// included makefile that an earlier run of a recipe has written: a header that was
// deleted since. Its target is stale then; that is no error.
func (w *Walk) isOutdated(d *makefile.Dep, depth int) bool {
	if d.From == 0 || w.opt.Generated == nil || d.File.IsTarget || d.File.Phony {
		return false
	}
	w.findRecipe(d.File, depth, "recipe")
	return d.File.Recipe == nil && w.opt.Generated(w.db.ReadFiles[d.From-1].File.Name)
}

// makeDep makes one prerequisite. sure means that the target has to be made, so
// that an intermediate file is made too.
func (w *Walk) makeDep(v *visit, d *makefile.Dep, before int64, sure bool) {
	must := v.must
	undo := w.inheritDontCare(d.File, v.f)
	var status Status
	if sure {
		// It may have been visited when it was not known to be needed.
		d.File.Run.Considered = 0
		status = w.makeFile(d.File, v.depth)
	} else {
		status = w.checkDep(d.File, v.depth, v.time, &must)
		if !d.OrderOnly {
			v.must = must
		}
	}
	v.deps = max(v.deps, status)
	undo()
	d.File = d.File.Current()
	v.running = v.running || busy(d.File)
	if v.running || v.deps > StatusSuccess && !w.keepGoing() {
		return
	}
	after := w.mtime(d.File)
	d.File = d.File.Current()
	if sure {
		d.Changed = v.f.Phony && v.f.Recipe != nil || after != before
		return
	}
	d.Changed = after != before || before == MtimeNone
}

// inheritDontCare makes a makefile that may be missing pass this on to what it
// is made from.
func (w *Walk) inheritDontCare(dep, owner *makefile.File) (undo func()) {
	if !w.remaking {
		return func() {}
	}
	own := dep.DontCare
	dep.DontCare = owner.DontCare
	return func() { dep.DontCare = own }
}

// makeIntermediates makes the intermediate prerequisites of a target that has to
// be made.
func (w *Walk) makeIntermediates(v *visit) {
	for _, d := range w.depOrder(v.f) {
		if !d.File.Intermediate {
			continue
		}
		before := w.mtime(d.File)
		d.File = d.File.Current()
		d.File.Parent = v.f
		w.makeDep(v, d, before, true)
		if v.deps > StatusSuccess && !w.keepGoing() {
			return
		}
	}
}

// giveUp is for a target with a prerequisite that could not be made.
func (w *Walk) giveUp(v *visit, depth int) Status {
	f := v.f
	f.Run.Status = v.deps
	w.finish(f)
	w.about(debugVerbose, depth, "Giving up on target file '%s'.", f)
	if depth == 0 && w.keepGoing() && !w.dryRun() && !w.question() {
		w.con.complain(makefile.Pos{}, "Target '"+f.Name+"' not remade because of errors.")
	}
	return f.Run.Status
}
