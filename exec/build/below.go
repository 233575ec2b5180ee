package build

import (
	"maps"
	"slices"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// A make below is a process of its own: it knows nothing of what the actions of
// this make write meanwhile, and its own come between two of this make's in serial
// order. What its actions looked at is in the graph that all makes of a tree share,
// so this make finds the hazards between them, and runs the make below again: it
// then decides about each of its targets anew.

// failedBelow rules about a recipe with a make in it that has failed.
func (b *Build) failedBelow(f *makefile.File, n *node) (exec.Ruling, []*makefile.File) {
	if b.opts.Serial == nil || n.demands >= maxReruns {
		return exec.Final, nil
	}
	b.moveBelow()
	var needs []*makefile.File
	if !b.opts.Serial() {
		if b.unfinishedBefore(f, n) {
			return exec.Hold, nil
		}
		needs = files(b.lateBelow(n, cache.Failed))
	}
	if len(needs) == 0 {
		needs = b.demandBelow(f, n)
	}
	if len(needs) == 0 {
		return exec.Final, nil
	}
	n.demands++
	b.repeated = true
	for _, need := range needs {
		b.learn(f, need)
	}
	b.sayAgain(f, needs[0])
	return exec.Again, needs
}

// findOvertakenBelow finds the makes below whose actions looked at what something
// before them has written since.
func (b *Build) findOvertakenBelow() {
	b.moveBelow()
	for _, d := range b.natives {
		if d.f.Recipe.AnyRecurse && d.n.last == d && b.moved.After(d.started) {
			for _, w := range b.lateBelow(d.n, 0) {
				if b.repeat(d.f, w.f, "a make below it looked at what "+w.f.Name+" had not written yet") {
					b.sayAgain(d.f, w.f)
				}
			}
			if w, path := b.laterBelow(d.n); w != nil {
				b.repeat(d.f, nil, "a make below it looked at "+b.display(path)+" of "+w.f.Name+", which comes after it")
			}
		}
	}
}

// laterBelow finds an action below a recipe with a make in it that has read what something
// after that recipe was writing, and the path. Neither that make nor the view of the action
// knew of it.
func (b *Build) laterBelow(n *node) (w *done, path string) {
	after := func(w *done) bool { return n.before(w.n) && w.end.After(n.tried) }
	if !slices.ContainsFunc(b.writers, after) || b.graph.Refresh() != nil {
		return nil, "" // a graph that cannot be read was reported when it was first read
	}
	below := b.entriesBelow(n, 0)
	for _, name := range slices.Sorted(maps.Keys(below)) {
		e := below[name]
		for _, in := range e.Trace().Inputs {
			if in.Path[0] != '.' || in.Kind != cache.InputContent {
				continue
			}
			i := slices.IndexFunc(b.wrote[in.Path], after)
			if i >= 0 && !b.chain.agrees(name, e.Serial(), e.Flags(), &in) {
				return b.wrote[in.Path][i], in.Path
			}
		}
	}
	return nil, ""
}

// findPassedBy finds the recipes with a make in them that had not to be entered when they
// were judged, and of which something below is stale by now: what it looks at was written
// since.
func (b *Build) findPassedBy() {
	b.passedBy = slices.DeleteFunc(b.passedBy, func(d *done) bool {
		if d.n.last != nil {
			return true // it has been entered
		}
		if !b.moved.After(d.started) {
			return false
		}
		d.started = time.Now()
		why := b.staleBelow(d.n)
		return why != "" && b.repeat(d.f, nil, why)
	})
}

// tellPlaces lets makes below know where the targets of this one have their places now:
// an edge that was learned has moved them since their recipes ran.
func (b *Build) tellPlaces() {
	b.moveBelow()
	for _, d := range b.settled {
		e, ok := b.graph.Entry(d.n.name)
		if d.n.last != d || !ok || e.Serial() == d.n.serial {
			continue
		}
		if t := e.Trace(); t != nil {
			t.Serial = d.n.serial
			b.graph.Put(d.n.name, t)
		}
	}
}

func (b *Build) sayAgain(f, need *makefile.File) {
	if b.opts.Say != nil {
		b.opts.Say(f.Name + " is made again, after " + need.Name + ", which it turned out to need")
	}
}

func files(of []*done) []*makefile.File {
	out := make([]*makefile.File, len(of))
	for i, d := range of {
		out[i] = d.f
	}
	return out
}

// lateBelow lists what was written, by something before a recipe with a make in it
// and since that began, at the paths that actions below it have looked at.
func (b *Build) lateBelow(n *node, flags cache.TraceFlags) []*done {
	if !b.wroteSince(n, n.tried) || b.graph.Refresh() != nil {
		return nil // a graph that cannot be read was reported when it was first read
	}
	below := b.entriesBelow(n, flags)
	wrote := make(map[string]uint64) // by path: the last of the actions below that wrote it
	for _, e := range below {
		for _, o := range e.Outputs() {
			wrote[o.Path] = max(wrote[o.Path], e.Serial())
		}
	}
	var late []*done
	found := func(name, path string, w *done) {
		b.debug("hazard: %s: %s below it looked at %s before %s had ended", n.name, name, path, w.f.Name)
		if !slices.Contains(late, w) {
			late = append(late, w)
		}
	}
	for name, e := range below {
		t := e.Trace()
		for _, in := range t.Inputs {
			if last, ok := wrote[in.Path]; ok && last >= e.Serial() {
				continue // it has changed since, by the action itself or one after it
			}
			w := b.lateAt(n, &in)
			if w == nil {
				continue
			}
			found(name, in.Path, w)
		}
		for _, tok := range t.Tokens {
			if w := b.lateToken(n, &tok); w != nil {
				found(name, tok.Name, w)
			}
		}
	}
	slices.SortFunc(late, func(x, y *done) int { return x.n.place().compare(y.n.place()) })
	return late
}

// entriesBelow returns, by name, what is known of the actions below a recipe that
// may be made again: all with these flags, or all that are good.
func (b *Build) entriesBelow(n *node, flags cache.TraceFlags) map[string]cache.Entry {
	below := make(map[string]cache.Entry)
	visited := b.visitedBelow(n)
	for _, name := range b.graph.Names() {
		e, ok := b.graph.Entry(name)
		if !ok || !b.isBelow(e, n) || e.Flags()&cache.Failed != flags {
			continue
		}
		if e.Flags()&(cache.Always|cache.Failed) == cache.Always {
			continue // a command that has run is not repeated
		}
		if _, now := slices.BinarySearch(visited, name); len(visited) > 0 && flags == 0 && !now {
			continue // left by an earlier build, in which it had its place here
		}
		below[name] = e
	}
	return below
}

func (b *Build) isBelow(e cache.Entry, n *node) bool {
	first, end := b.placesBelow(n.below)
	return e.Serial() >= first && e.Serial() < end
}

// moveBelow gives the actions of makes that recipes of this one have started their
// places anew, where those of the recipes have moved since.
func (b *Build) moveBelow() {
	b.reorder()
	var moved []*node
	for _, d := range b.natives {
		if n := d.n; d.f.Recipe.AnyRecurse && n.last == d && n.below != n.serial && !slices.Contains(moved, n) {
			moved = append(moved, n)
		}
	}
	if len(moved) == 0 || b.graph.Refresh() != nil {
		return
	}
	moves := make([]move, len(moved))
	for i, n := range moved {
		moves[i] = b.moveOfBelow(n.below, n.serial)
	}
	b.movePlaces(moves)
	for _, n := range moved {
		n.below = n.serial
		b.graph.SetPlaceBelow(b.nameBelow(n), n.below)
	}
	b.chain = &versions{b: b}
}

// wroteSince reports whether anything before a recipe has ended since.
func (b *Build) wroteSince(n *node, since time.Time) bool {
	if b.unwatched(n, since) != nil {
		return true
	}
	return slices.ContainsFunc(b.settled, func(d *done) bool {
		return d.n != n && d.end.After(since) && b.earlier(d.n, n)
	})
}

// lateAt returns who wrote a path too late for an action below a recipe, nil if
// the path is as that action saw it.
func (b *Build) lateAt(n *node, in *cache.Input) *done {
	if in.Path[0] != '.' {
		return nil
	}
	w := b.overtaker(n.last, in, n.tried)
	if w == nil {
		w = b.unwatched(n, n.tried)
	}
	if w == nil || b.sees(in) {
		return nil
	}
	return w
}

// lateToken is lateAt for a prerequisite that is named and was not read below: it counts
// by its content, and may have been half written.
func (b *Build) lateToken(n *node, tok *cache.Token) *done {
	if tok.Hash.IsZero() || tok.Name[0] != '.' {
		return nil
	}
	w := b.overtaker(n.last, &cache.Input{Path: tok.Name, Kind: cache.InputContent}, n.tried)
	if w == nil {
		return nil
	}
	p := b.sp.abs(tok.Name)
	if st, ok := b.w.lstat(p); ok && b.w.hasHash(p, tok.Hash) && (tok.Mtime == 0 || tok.Mtime == st.Mtime) {
		return nil
	}
	return w
}

// sees reports whether a path is as an action below saw it; the contents that a
// failed one read were not hashed.
func (b *Build) sees(in *cache.Input) bool {
	if in.Kind == cache.InputContent && in.Hash == (cache.Hash{}) {
		return b.w.asBefore(in)
	}
	return b.w.same(in)
}
