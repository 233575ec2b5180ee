package build

import (
	"cmp"
	"math"
	"slices"

	"fmake/cache"
	"fmake/makefile"
)

// The serial order is kept: each action has its place in the graph, and the next build
// begins with those places, whatever part of the makefile it is about. A build of one
// target knows of the others only by them. What is new comes between its neighbours;
// what must move, because an edge was learned or the makefile says otherwise now, takes
// along what a make below it has done. A build with the default goal puts everything
// where it finds it. Other goals may be named in any order, and what they have is moved
// only by what it needs.

// place is where a target is among those of one make: in serial order and, where that has no
// room for them, in the order of the make.
type place struct {
	serial uint64
	rank   int
}

func (n *node) place() place { return place{n.serial, n.rank} }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.serial, q.serial), cmp.Compare(p.rank, q.rank))
}

// before reports whether a target comes before another of its make.
func (n *node) before(m *node) bool { return n.place().compare(m.place()) < 0 }

// placeOf returns the place that a target has had, 0 if none or one that is no place of
// this make. A command that runs every time belongs where it is asked for.
func (b *Build) placeOf(f *makefile.File) uint64 {
	n := b.node(f)
	at, known := b.places[n.name]
	if !known { // whether its recipe starts a make is not known yet
		at, known = b.belowAt.Of(b.nameBelow(n))
	}
	if !known {
		if e, ok := b.graph.Entry(n.name); ok && e.Flags()&cache.Always == 0 {
			at = e.Serial()
		}
	}
	if !b.ruler().fits(at) {
		return 0
	}
	return at
}

// nameBelow names what a make below a target does: of two makefiles in one folder each may
// have an "all" that starts makes, and of two makes one may make a file and the other start
// a make for it.
func (b *Build) nameBelow(n *node) string { return n.name + " " + b.family() }

// makefileName is the first makefile's, which is not known when the build is opened.
func (b *Build) makefileName() string {
	if b.firstMakefile == "" {
		b.firstMakefile = b.db.ExpandFor("$(firstword $(MAKEFILE_LIST))", nil)
	}
	return b.firstMakefile
}

// ruler returns the places that this make may give.
func (b *Build) ruler() ruler {
	if b.level == 0 {
		// A make that was started by hand in a folder that a make above it knows, too,
		// finds places of a make below there.
		return ruler{to: math.MaxUint64, step: b.step, fine: steps[1]}
	}
	return ruler{from: b.serial, to: b.serial + steps[min(b.level, len(steps))-1], step: b.step, fine: b.step}
}

// deep tells that this make is so far below the first that it has no places of its own.
func (b *Build) deep() bool { return b.level >= len(steps) }

// givePlaces gives everything in the order its place.
func (b *Build) givePlaces() {
	b.belowAt = b.graph.PlacesBelow()
	b.families = b.graph.Families()
	spots := b.spots()
	p := placer{ruler: b.ruler(), spots: spots, known: b.knownPlaces}
	if !b.underWay() {
		p.moved = func(m move) { b.movePlaces([]move{m}) }
	}
	if b.opts.Remaking != nil {
		p.first = b.opts.Remaking()
	}
	if p.from != 0 {
		p.floor = b.madeBefore(p.from)
	}
	if b.db.ExpandFor("$(MAKECMDGOALS)", nil) != "" {
		p.needs = b.needsOf
	}
	if b.deep() || !p.place() {
		p.pack()
	}
	if !inOrder(spots) {
		b.repeated = true // what is before something else may be made after it
	}
	claimed := slices.Clone(b.families)
	last := uint64(0)
	var below []move
	for i := range spots {
		s := &spots[i]
		below = append(below, b.takePlace(s, i)...)
		if s.actor != nil && !s.fixed {
			last = max(last, s.at)
		}
		if s.actor != nil && s.at != s.was && b.level == 0 {
			claimed = claimed.claim(s.at, b.family())
		}
	}
	b.keepFamilies(claimed)
	b.movePlaces(below)
	b.tree.makes(p.from, b.identity(), last)
}

// inOrder reports whether the places of spots rise, but for those that another make has given.
func inOrder(spots []spot) bool {
	last := uint64(0)
	for i := range spots {
		if s := &spots[i]; !s.fixed {
			if s.at < last {
				return false
			}
			last = s.at
		}
	}
	return true
}

// madeBefore returns what has to be before all places of this make: that of the last thing
// which makes have made that the same recipe has started before.
func (b *Build) madeBefore(from uint64) uint64 {
	if b.journal != nil {
		if _, err := b.tree.hear(); err != nil {
			b.trouble("hearing of other makes", err)
		}
	}
	return b.tree.madeBefore(from, b.identity())
}

// underWay reports whether recipes run now. Makes that they have started count their places
// from that of the recipe as it was then: nothing may pass them.
func (b *Build) underWay() bool { return b.active+b.nativesOn > 0 }

// keepFamilies keeps for other makes whose the places are.
func (b *Build) keepFamilies(f families) {
	if !slices.Equal(f, b.families) && !b.opts.DryRun {
		b.graph.SetFamilies(f)
	}
	b.families = f
}

// spots lists what is in the order.
func (b *Build) spots() []spot {
	last := -1
	for _, at := range b.order {
		last = max(last, at)
	}
	spots := make([]spot, last+1)
	for f, at := range b.order {
		s := &spots[at]
		s.files = append(s.files, f)
		if (f.Recipe != nil || b.mayFindRecipe(f)) && (s.actor == nil || f.Name < s.actor.Name) {
			s.actor = f
		}
	}
	for i := range spots {
		if s := &spots[i]; s.actor != nil {
			s.was, s.fixed = b.hadPlace(s.actor)
		}
	}
	return spots
}

// mayFindRecipe tells whether a target without a recipe, for which no implicit rule was sought
// yet, has a place as a recipe of this make has: what needs it must not come before that, even
// if it has to move.
func (b *Build) mayFindRecipe(f *makefile.File) bool {
	if f.TriedImplicit || f.Phony {
		return false
	}
	r, at := b.ruler(), b.placeOf(f)
	return at != 0 && (at-r.from)%r.step == 0
}

// hadPlace returns the place that a target has had, 0 if none, and whether another make has
// brought it up to date there: one that shares the places of this make, or one before it,
// such as the make above, which has made what is generated. A make after this one may have
// been there first, too; in serial order this one is.
func (b *Build) hadPlace(f *makefile.File) (at uint64, fixed bool) {
	n, at := b.node(f), b.placeOf(f)
	if !b.ofOtherMake(n) {
		return at, false
	}
	e, known := b.graph.Entry(n.name)
	if known && e.Serial() != 0 && e.Serial() < b.ruler().from {
		return e.Serial(), true
	}
	if first, end := b.placesBelow(at); known && f.Recipe != nil && f.Recipe.AnyRecurse && e.Serial() >= first && e.Serial() < end {
		return at, false // that make is one which its own recipe has started
	}
	return at, at != 0
}

// needsOf lists where in the order that is which is made before a spot.
func (b *Build) needsOf(s *spot) (at []int) {
	for _, f := range s.files {
		for _, d := range f.Deps {
			if d.File == nil {
				continue
			}
			if i, known := b.order[d.File.Current()]; known {
				at = append(at, i)
			}
		}
	}
	return at
}

// knownPlaces lists all places that something has, in any order.
func (b *Build) knownPlaces() []uint64 {
	var all []uint64
	for _, name := range b.graph.Names() {
		if e, ok := b.graph.Entry(name); ok {
			all = append(all, e.Serial())
		}
	}
	for _, p := range b.belowAt {
		all = append(all, p.At)
	}
	for _, at := range b.places {
		all = append(all, at)
	}
	return all
}

// takePlace lets everybody know the place of a spot, and which it is in the order, and returns what happens to the
// places of what makes below it have done.
func (b *Build) takePlace(s *spot, rank int) (below []move) {
	for _, f := range s.files {
		n := b.node(f)
		n.serial, n.rank = s.at, rank
		if f.Recipe == nil {
			continue // another make's rule says when it is made
		}
		b.serials[n.name], b.places[n.name] = s.at, s.at
		was := cmp.Or(s.was, b.placeOfRun(n))
		if was == 0 || was == s.at || b.opts.DryRun {
			continue
		}
		if at, _ := b.belowAt.Of(b.nameBelow(n)); at != was {
			b.replace(n.name, was, s.at)
		} else if n.below == 0 { // else see moveBelow
			below = append(below, b.moveOfBelow(was, s.at))
			b.graph.SetPlaceBelow(b.nameBelow(n), s.at)
		}
	}
	return below
}

// placeOfRun returns the place by which a run in this build is known, or what was put back, 0 if
// there was none. What had its turn before places were given again, with a recipe that was found
// late, has one between those that are given.
func (b *Build) placeOfRun(n *node) uint64 {
	if n.last == nil || !n.last.left {
		return 0
	}
	e, ok := b.graph.Entry(n.name)
	if !ok {
		return 0
	}
	return e.Serial()
}

// moveOfBelow is what happens to the places of what makes below a recipe have done when
// that has moved.
func (b *Build) moveOfBelow(from, to uint64) move {
	first, end := b.placesBelow(from)
	return move{first, end, to - from}
}

// placesBelow returns where the places begin and end of what makes below a recipe do that has
// a place.
func (b *Build) placesBelow(at uint64) (first, end uint64) {
	if b.step == 1 {
		return at, at + 1 // they share its own place
	}
	return at - b.step + 1, at
}

// replace moves one action.
func (b *Build) replace(name string, from, to uint64) {
	if t := b.graph.Target(name); t != nil && t.Serial == from {
		t.Serial = to
		b.graph.Put(name, t)
	}
}

// movePlaces makes some moves at once: what one has moved, another does not move again.
func (b *Build) movePlaces(moves []move) {
	if len(moves) == 0 {
		return
	}
	moved := func(at uint64) (uint64, bool) {
		i := slices.IndexFunc(moves, func(m move) bool { return m.of(at) != at })
		if i < 0 {
			return at, false
		}
		return moves[i].of(at), true
	}
	for _, name := range b.graph.Names() {
		if e, ok := b.graph.Entry(name); ok {
			if to, yes := moved(e.Serial()); yes {
				b.replace(name, e.Serial(), to)
			}
		}
	}
	for _, p := range b.belowAt {
		if to, yes := moved(p.At); yes {
			b.graph.SetPlaceBelow(p.Target, to)
		}
	}
	b.belowAt = b.graph.PlacesBelow()
	for name, at := range b.places {
		b.places[name], _ = moved(at)
	}
	for _, n := range b.nodes {
		n.below, _ = moved(n.below)
	}
	f := slices.Clone(b.families)
	for _, m := range moves {
		f.move(m)
	}
	b.keepFamilies(f)
}
