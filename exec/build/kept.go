package build

import (
	"time"

	"fmake/cache"
	"fmake/makefile"
)

// What an action keeps of its last run: times of files that came out as they were,
// and files that it left alone.

// keepTimes gives files and links that came out exactly as they were their earlier mtimes,
// where GNU make's rule saw no reason to make them: nobody who goes by mtimes has
// to see a change then. Where it did, that holds for what is no target: the recipe
// may leave alone what need not change, but it could not see its earlier files.
func (a *action) keepTimes(t *cache.Trace) {
	if a.old == nil {
		return
	}
	for i := range t.Outputs {
		o := &t.Outputs[i]
		was := findOutput(a.old.Outputs, o.Path)
		if was == nil || !sameOutput(was, o) {
			continue
		}
		mtime := a.mtimes[o.Path]
		if a.b.hadTime(a.f, was, mtime); mtime == 0 {
			continue // it was gone
		}
		if (o.Type == typeRegular || o.Type == typeLink) && !(a.n.must && a.b.isTarget(a.n, o.Path)) {
			a.b.setTime(o, time.Unix(0, mtime))
		}
	}
}

// sameOutput reports whether two versions of a path look the same to whoever reads it.
func sameOutput(x, y *cache.Output) bool {
	return sameContent(x, y) && x.Mode == y.Mode
}

// sameContent tells whether two versions differ by their modes at most.
func sameContent(x, y *cache.Output) bool {
	return x.Type == y.Type && x.Hash == y.Hash && x.Link == y.Link
}

// hadTime notes that a target of f's run has come out as it was: GNU make's rule would
// have gone by the time that it had, or by that of a file which is gone, as recorded.
func (b *Build) hadTime(f *makefile.File, was *cache.Output, mtime int64) {
	if mtime == 0 {
		mtime = was.Stat.Mtime
	}
	if g := b.targetAt(f, was.Path); g != nil && mtime != 0 {
		b.freshened[g] = mtime
	}
}

// targetAt returns which of the targets of f's run is at a path, nil if none is.
func (b *Build) targetAt(f *makefile.File, path string) *makefile.File {
	for _, g := range f.Together() {
		if b.sp.key(b.node(g).path) == path {
			return g
		}
	}
	return nil
}

// isTarget reports whether an output of an action is a target of the makefile.
func (b *Build) isTarget(n *node, path string) bool {
	if b.sp.abs(path) == n.path {
		return true
	}
	f := b.db.Lookup(b.display(path))
	return f != nil && (f.IsTarget || f.Recipe != nil)
}

// carryOver adds to the trace of a recipe of which nothing is undone, one that
// always runs or whose tool keeps its own state, what earlier runs left and this
// one left alone.
func (a *action) carryOver(t *cache.Trace) { a.keepOutputs(t, a.b.leftAsIs) }

// keepOutputs adds to a trace those outputs of the last run that it does not have
// and that are to be kept.
func (a *action) keepOutputs(t *cache.Trace, keep func(o *cache.Output) bool) {
	if a.old != nil {
		addOutputs(t, a.old, keep)
	}
}

// addOutputs adds to t those outputs of another trace that t has none in place of, and
// returns them.
func addOutputs(t, from *cache.Trace, which func(o *cache.Output) bool) []cache.Output {
	var added []cache.Output
	for i := range from.Outputs {
		o := &from.Outputs[i]
		if findOutput(t.Outputs, o.Path) == nil && which(o) {
			added = append(added, *o)
		}
	}
	if len(added) > 0 {
		t.Outputs = append(t.Outputs, added...)
		sortOutputs(t.Outputs)
	}
	return added
}

// keepDirs lets the action go on as the maker of directories that it made
// before and that are still there: its mkdir -p only found them this time, and
// seeing a directory and making it are the same.
func (a *action) keepDirs(t *cache.Trace) {
	a.keepOutputs(t, func(o *cache.Output) bool { return o.Type == typeDir && a.b.exists(a.b.sp.abs(o.Path)) })
}
