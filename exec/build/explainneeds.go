package build

import (
	"fmt"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// isGroup reports whether a target stands for nothing but what it needs, as "all" does: it
// has no recipe, and no file that one of another target could have written.
func (b *Build) isGroup(f *makefile.File, path string) bool {
	key := b.sp.key(path)
	return f.IsTarget && f.Recipe == nil && len(f.Deps) > 0 &&
		!b.exists(path) && len(b.chain.of(key)) == 0 && b.graph.Target(key) == nil
}

// explainNeeds fills in what would become of what such a target needs.
func (b *Build) explainNeeds(a *explain.Answer, f *makefile.File) {
	a.State = explain.Group
	r := &reasoner{b: b, met: make(map[string]bool)}
	all, stale := b.behind(f, map[*makefile.File]bool{}), 0
	for _, t := range all {
		if !b.wouldBeMade(t) {
			continue
		}
		if stale++; stale <= mostDiffering {
			a.Why = append(a.Why, r.file(t)...)
		}
	}
	if more := stale - mostDiffering; more > 0 {
		a.Why = append(a.Why, explain.Reason{Text: fmt.Sprintf("and %d more", more)})
	}
	a.Sentence = f.Name + " has no recipe; " + needsWords(stale, len(all))
}

// needsWords says how many of the targets that another one needs would be made anew.
func needsWords(stale, all int) string {
	switch {
	case all == 0:
		return "nothing that it needs has one."
	case all == 1 && stale == 1:
		return "the one target that it needs would be made anew."
	case all == 1:
		return "the one target that it needs would not be made anew."
	case stale == 0:
		return fmt.Sprintf("none of the %d targets that it needs would be made anew.", all)
	}
	return fmt.Sprintf("%d of the %d targets that it needs would be made anew.", stale, all)
}

// behind returns the targets with a recipe that a target needs directly, or by way of
// others without.
func (b *Build) behind(f *makefile.File, met map[*makefile.File]bool) (all []*makefile.File) {
	for _, d := range f.Deps {
		if d.File == nil || met[d.File.Current()] {
			continue
		}
		g := d.File.Current()
		met[g] = true
		if g.Recipe != nil {
			all = append(all, g)
			continue
		}
		all = append(all, b.behind(g, met)...)
	}
	return all
}

// wouldBeMade reports whether a target is not up to date.
func (b *Build) wouldBeMade(f *makefile.File) bool {
	n := b.node(f)
	if d := n.decided; d != nil {
		return d.verdict != exec.UpToDate && (d.verdict != exec.AsMake || n.must)
	}
	t := b.graph.Target(n.name)
	return t == nil || t.Flags&cache.Failed != 0
}
