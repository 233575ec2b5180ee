package build

import (
	"slices"

	"fmake/cache"
	"fmake/makefile"
)

// Makes of one build may meet the same file: "$(MAKE) F=1 x.o; $(MAKE) F=2 x.o".
// It belongs to the one that was there first, as it does among the targets of one
// makefile; to the others GNU make's rule applies. And a recipe that starts a make
// is looked at, in the next build, by what the make below brought up to date.

// visit notes that a target is up to date in this build.
func (b *Build) visit(n *node) {
	b.tree.visited(n.name, visit{make: b.identity(), above: b.opts.Above.Serial})
}

// identity tells makes with other flags, goals or makefiles apart; a make that is
// run again is the same one, also if there is more to include by now.
func (b *Build) identity() string {
	if b.self == "" {
		b.self = b.sp.cwd + " " + b.db.ExpandFor("$(MAKEFLAGS) $(MAKECMDGOALS) $(firstword $(MAKEFILE_LIST))", nil)
	}
	return b.self
}

// ofOtherMake reports whether another make of this build has brought a target up
// to date before.
func (b *Build) ofOtherMake(n *node) bool {
	v, ok := b.tree.visit(n.name)
	return ok && v.make != b.identity()
}

// visitedBelow lists what the makes that a recipe has started brought up to date
// in this build.
func (b *Build) visitedBelow(n *node) []string {
	b.hearVisits()
	return b.tree.below(n.told-b.step, n.told)
}

// Publish lets makes in other processes know what is known so far. One is about to start.
func (b *Build) Publish() {
	b.Save()
	b.tellVisits()
}

func (b *Build) tellVisits() {
	if err := b.tree.tellVisits(&b.opts.Shared.register); err != nil {
		b.trouble("telling other makes what is up to date", err)
	}
}

func (b *Build) hearVisits() {
	if err := b.tree.hearVisits(&b.opts.Shared.register); err != nil {
		b.trouble("hearing from other makes what is up to date", err)
	}
}

// keepBelow keeps for the next build what is below a recipe, and, if that succeeded, the
// command line's variables that it was made with: they go down to the make below.
func (b *Build) keepBelow(f *makefile.File, n *node, status int) {
	if f.Phony {
		return // entered every time
	}
	below := b.visitedBelow(n)
	if status == 0 {
		b.graph.SetSection(overridesSection+n.name, []byte(b.overrides()))
	} else {
		below = b.triedBelow(n, below)
	}
	b.graph.SetBelow(n.name, below)
}

// triedBelow adds to what the makes below a recipe that failed have brought up to date
// what was known to be below it, and what has failed there now.
func (b *Build) triedBelow(n *node, below []string) []string {
	for _, e := range b.graph.Below() {
		if e.Target == n.name {
			below = append(below, e.Needs)
		}
	}
	if b.graph.Refresh() == nil { // one that cannot be read was reported when it was first read
		for name := range b.entriesBelow(n, cache.Failed) {
			below = append(below, name)
		}
	}
	slices.Sort(below)
	return slices.Compact(below)
}

// overridesSection, with the name of a target, holds overrides.
const overridesSection = "overrides "

// overrides are the command line's variables; it is never empty.
func (b *Build) overrides() string { return "variables " + b.db.ExpandFor("$(MAKEOVERRIDES)", nil) }

// staleBelow says why a file target whose recipe starts a make has to be entered
// although GNU make's rule does not ask for it, or returns "": something that the
// make below brought up to date is not any more. In a make that its own recipe has started,
// and that needs its file, GNU make's rule has to do: to enter it would never end.
func (b *Build) staleBelow(n *node) string {
	if b.isEntered(n) {
		return ""
	}
	if was := b.graph.Section(overridesSection + n.name); was != nil && string(was) != b.overrides() {
		return "the command line gives its make other variables"
	}
	for _, e := range b.graph.Below() {
		if e.Target != n.name {
			continue
		}
		entry, ok := b.graph.Entry(e.Needs)
		if !ok {
			continue
		}
		if entry.Flags()&cache.Failed != 0 {
			return "what a make below it does for " + b.display(e.Needs) + " has failed"
		}
		if entry.Flags()&cache.Always != 0 {
			continue // what always runs is no reason, as in GNU make
		}
		outs := entry.Outputs()
		if gone := b.missingOutput(outs); gone != nil {
			return b.display(gone.Path) + ", which a make below it makes, is gone"
		}
		in := b.checker.Holds(&entry, func(in *cache.Input) bool {
			return b.chain.agrees(e.Needs, entry.Serial(), entry.Flags(), in)
		})
		if in != nil {
			return "of what a make below it made, " + b.display(e.Needs) + " is stale: " + b.describe(in)
		}
	}
	return ""
}
