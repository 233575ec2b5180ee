package build

import (
	"slices"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// A target whose trace holds is as much a reader as one whose recipe ran: an
// action before it in serial order may write, later, what it had looked at. Such
// readers are many and writers few, so they are checked against the writers when
// all goals are made, rather than entered path by path while a build that has
// nothing to do goes over them.

// settle notes a target that has come to its end for now, in place of what was
// known of it from an earlier pass.
func (b *Build) settle(d done) *done {
	d.end = time.Now()
	if d.started.IsZero() {
		d.started = d.end // what was put back
	}
	d.n.last = &d
	b.settled = append(b.settled, &d)
	b.visit(d.n)
	return &d
}

// left enters what a target has left in this build, and what of its former
// versions is gone, and finds those that had looked there too early.
func (b *Build) left(d *done, old *cache.Trace) {
	b.moved, d.left = d.end, true
	b.writers = append(b.writers, d)
	for i := range d.t.Outputs {
		b.wroteAt(d, d.t.Outputs[i].Path)
	}
	for i := 0; old != nil && i < len(old.Outputs); i++ {
		if o := &old.Outputs[i]; findOutput(d.t.Outputs, o.Path) == nil {
			b.wroteAt(d, o.Path)
		}
	}
}

// wroteAt enters one path that a target has written.
func (b *Build) wroteAt(d *done, path string) {
	dir, base := splitPath(path)
	for _, l := range b.wrote[path] {
		if l.t != nil && b.comesBefore(d, l) && b.goneFrom(l, path) {
			b.repeat(l.f, d.f, b.writtenAgain(path, d.f))
		}
	}
	b.arrived(path, d.f)
	b.wrote[path] = append(b.wrote[path], d)
	b.filled[dir] = append(b.filled[dir], d)
	for _, l := range b.looked[path] {
		if b.comesBefore(d, l) && !b.sawIt(l, path) {
			b.hazard(l.f, d.f, path)
		}
	}
	for _, l := range b.looked[dir] {
		if b.comesBefore(d, l) && !slices.Contains(b.chain.madeIn(l.n.name, dir), base) && !b.sawNames(l, dir) {
			b.hazard(l.f, d.f, dir)
		}
	}
}

func (b *Build) writtenAgain(path string, by *makefile.File) string {
	return b.display(path) + " was written again by " + by.Name + ", which comes before it"
}

// goneFrom reports whether what a target left at a path is not there any more.
func (b *Build) goneFrom(d *done, path string) bool {
	o := findOutput(d.t.Outputs, path)
	return o != nil && o.Type != typeDir && o.Type != cache.TypeSegment && !b.leftAsIs(o)
}

// comesBefore reports whether what w wrote is in the view of l, if that is still
// the last that is known of it.
func (b *Build) comesBefore(w, l *done) bool {
	return l.n.last == l && l.f != w.f && b.earlier(w.n, l.n)
}

// earlier reports whether one target comes before another in serial order.
func (b *Build) earlier(x, y *node) bool {
	return x.before(y) && (!b.reorder() || x.before(y))
}

// overtaker returns the one that wrote what an input shows, comes before its
// reader in serial order, and ended only after the reader had begun to look.
func (b *Build) overtaker(d *done, in *cache.Input, looking time.Time) *done {
	writers := b.wrote[in.Path]
	if in.Kind == cache.InputListing {
		own := b.chain.madeIn(d.n.name, in.Path)
		writers = slices.DeleteFunc(slices.Clone(b.filled[in.Path]), func(w *done) bool { return onlyMade(w, in.Path, own) })
	}
	if d.n.last != d {
		return nil
	}
	return b.lastBefore(d.n, writers, looking)
}

// lastBefore returns the last of some writers that come before a target, of those that
// have ended since a time.
func (b *Build) lastBefore(n *node, writers []*done, since time.Time) *done {
	var last *done
	for _, w := range writers {
		if w.end.After(since) && b.earlier(w.n, n) && (last == nil || last.n.before(w.n)) {
			last = w
		}
	}
	return last
}

// unwatched returns the last of the recipes in the real tree that come before a
// target and ended only after it had begun to look: they may have written
// anything.
func (b *Build) unwatched(n *node, looking time.Time) *done {
	return b.lastBefore(n, b.natives, looking)
}

// findOvertaken finds the targets that were settled before something that comes
// before them in serial order had written what they look at. They are judged
// again, which finds the difference.
func (b *Build) findOvertaken() {
	if !b.repeated && !b.recovering && b.opts.Serial != nil && b.opts.Serial() {
		return // everything was judged after all that comes before it
	}
	b.reorder()
	var late movers
	kept := b.settled[:0]
	for _, d := range b.settled {
		if d.n.last != d {
			continue
		}
		kept = append(kept, d)
		if d.n.stale == "" && b.listedTooEarly(d) {
			late = nil
			continue
		}
		if d.n.stale != "" || !b.moved.After(d.started) {
			continue
		}
		if d.t == nil && !b.repeated && !b.recovering {
			if late == nil {
				late = b.movers()
			}
			if !late.overtook(d) {
				continue
			}
		}
		if w, why := b.overtook(d); w != nil {
			b.repeat(d.f, w.f, why)
			late = nil // the edge that was learned moves them
			continue
		}
		if gone := b.removedSince(d); gone != nil {
			b.repeatRemoved(d.f, gone.Path)
			continue
		}
		if d.t != nil && (d.ran || b.repeated || b.recovering || b.laterWrote(d)) {
			b.sawLater(d) // what was still being written when it ended, or was not recorded yet
		}
	}
	b.settled = kept
	b.findRemoved()
	b.findPassedBy()
	b.findOvertakenBelow()
}

// laterWrote reports whether one that comes after a target has written in this build what
// that has looked at. Of what was put back nobody knows otherwise: it holds by what the tree
// shows, that of later ones included.
func (b *Build) laterWrote(d *done) bool {
	return slices.ContainsFunc(d.t.Inputs, func(in cache.Input) bool {
		return in.Path[0] == '.' && slices.ContainsFunc(b.wrote[in.Path], func(w *done) bool { return d.n.before(w.n) })
	})
}

// removedSince returns an output of a settled target that is gone, if a recipe in
// the real tree that comes before it may have removed it: "make -j8 clean all".
func (b *Build) removedSince(d *done) *cache.Output {
	if d.t == nil || b.unwatched(d.n, d.started) == nil {
		return nil
	}
	return b.missingOutput(d.t.Outputs)
}

// repeatRemoved lets a target be made once more whose file is gone. Who removed that is no
// prerequisite: a make of this target alone must not run "clean".
func (b *Build) repeatRemoved(f *makefile.File, path string) {
	b.repeat(f, nil, b.display(path)+" was removed by a recipe before it")
}

// trust notes a target whose file GNU make's rule has found good: nothing is known of how it
// was made, and it may be gone once what runs now has ended.
func (b *Build) trust(f *makefile.File, n *node, looking time.Time) {
	if b.active+b.nativesOn > 0 || b.repeated {
		b.trusted[n] = &done{f: f, n: n, started: looking}
	}
}

// findRemoved finds such targets whose files recipes before them have removed since.
func (b *Build) findRemoved() {
	for n, d := range b.trusted {
		key := b.sp.key(n.path)
		if b.unwatched(n, d.started) == nil && b.lastBefore(n, b.wrote[key], d.started) == nil || b.exists(n.path) {
			continue
		}
		delete(b.trusted, n)
		if n.last == nil && hadFile(d.f) {
			b.repeatRemoved(d.f, key)
		}
	}
}

// hadFile reports whether a target's file was there when make looked.
func hadFile(f *makefile.File) bool {
	return f.Run.Mtime != exec.MtimeUnknown && f.Run.Mtime != exec.MtimeNone
}

// movers are the targets that may have written something, in serial order, each
// with the last end of those up to it. They spare targets that hold, and that
// nothing can have overtaken, the decoding of all that they had looked at.
type movers []mover

type mover struct {
	at  place
	end time.Time
}

func (b *Build) movers() movers {
	b.reorder()
	m := make(movers, 0, len(b.natives)+len(b.writers))
	for _, list := range [][]*done{b.natives, b.writers} {
		for _, d := range list {
			m = append(m, mover{d.n.place(), d.end})
		}
	}
	slices.SortFunc(m, func(x, y mover) int { return x.at.compare(y.at) })
	for i := 1; i < len(m); i++ {
		if m[i-1].end.After(m[i].end) {
			m[i].end = m[i-1].end
		}
	}
	return m
}

// overtook reports whether one that comes before a target ended after it was
// judged.
func (m movers) overtook(d *done) bool {
	before, _ := slices.BinarySearchFunc(m, d.n.place(), func(x mover, p place) int { return x.at.compare(p) })
	return before > 0 && m[before-1].end.After(d.started)
}

// overtook returns who wrote what a settled target sees otherwise, or what that had
// left, and says so.
func (b *Build) overtook(d *done) (w *done, why string) {
	if d.t == nil { // of those that hold it is decoded only here
		if d.t = b.graph.Target(d.n.name); d.t == nil {
			return nil, ""
		}
	}
	since := d.started
	if d.ran && b.repeated {
		since = time.Time{} // it may have run without what comes before it only by now
	}
	for i := range d.t.Inputs {
		in := &d.t.Inputs[i]
		if in.Path[0] != '.' {
			continue
		}
		w := b.overtaker(d, in, since)
		if w != nil && !b.w.same(in) && !b.chain.sameAsSeen(d.n.name, d.t, in) && !b.sameIntermediate(in) {
			return w, b.tooEarly(in.Path, w.f)
		}
	}
	if w, why := b.overtookToken(d, since); w != nil {
		return w, why
	}
	for i := range d.t.Outputs {
		path := d.t.Outputs[i].Path
		if w := b.lastBefore(d.n, b.wrote[path], d.started); w != nil && b.goneFrom(d, path) && (b.standsAt(w, path) || b.logStandsBefore(d.n, path)) {
			return w, b.writtenAgain(path, w.f)
		}
	}
	if w := b.unwatched(d.n, d.started); w != nil {
		if in := b.differs(d.n.name, d.t); in != nil {
			return w, b.tooEarly(in.Path, w.f)
		}
	}
	return nil, ""
}

// overtookToken is overtook for a prerequisite that counts though it was not read, and
// that another target's recipe has made.
func (b *Build) overtookToken(d *done, since time.Time) (w *done, why string) {
	for i := range d.t.Tokens {
		w := b.overtaker(d, &cache.Input{Path: d.t.Tokens[i].Name, Kind: cache.InputContent}, since)
		if w == nil {
			continue
		}
		e, known := b.graph.Entry(d.n.name)
		if !known {
			return nil, ""
		}
		if why, _ := b.tokensDiffer(d.f, e, false, e.Trace); why != "" {
			return w, why
		}
	}
	return nil, ""
}

// standsAt reports whether what a target has left at a path is what is there now.
func (b *Build) standsAt(d *done, path string) bool {
	if d.t == nil {
		return false
	}
	o := findOutput(d.t.Outputs, path)
	return o != nil && b.leftAsIs(o)
}

// logStandsBefore reports whether a log is as it was put together up to a target, which has
// written it whole, or to one before it.
func (b *Build) logStandsBefore(n *node, path string) bool {
	return b.logStands(path) && !slices.ContainsFunc(b.chain.of(path), func(x version) bool {
		return x.serial >= n.serial && x.out.Type == typeRegular && b.leftAsIs(&x.out)
	})
}
