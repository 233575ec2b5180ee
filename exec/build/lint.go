package build

import (
	"fmt"
	"slices"
	"strings"

	"fmake/cache"
)

// Lint names files that are sources only because their action has left the
// graph: an object whose source was deleted, which "ar r lib *.o" still takes.
// GNU make does not see them either, so nothing is done about them.
func (b *Build) Lint(tell func(string)) {
	left := b.leftOver()
	if len(left) == 0 {
		return
	}
	for _, name := range b.graph.Names() {
		if !b.visited[name] {
			continue
		}
		t := b.graph.Target(name)
		for i := range t.Inputs {
			in := &t.Inputs[i]
			if in.Kind != cache.InputListing {
				continue
			}
			for _, p := range left[in.Path] {
				if hasContent(t.Inputs, p) {
					tell(fmt.Sprintf("%s takes %s, which it found in a listing; no rule makes that any more", t.Target, b.display(p)))
				}
			}
		}
	}
}

// leftOver lists by directory the files that actions have left which are no part
// of this build, where no rule makes them and they are as they were left.
func (b *Build) leftOver() map[string][]string {
	left := make(map[string][]string)
	for _, name := range b.graph.Names() {
		e, ok := b.graph.Entry(name)
		if _, made := b.tree.visit(name); made {
			continue
		}
		if !ok || b.visited[name] || e.Flags()&cache.Failed != 0 {
			continue
		}
		outs := e.Outputs()
		for i := range outs {
			o := &outs[i]
			if o.Type != typeRegular || !strings.HasPrefix(o.Path, "./") || b.madeHere(o.Path) || !b.leftAsIs(o) {
				continue
			}
			dir, _ := splitPath(o.Path)
			if !slices.Contains(left[dir], o.Path) {
				left[dir] = append(left[dir], o.Path)
			}
		}
	}
	return left
}

// madeHere reports whether a rule of this makefile makes a file.
func (b *Build) madeHere(key string) bool {
	f := b.db.Lookup(b.display(key))
	return f != nil && f.Recipe != nil
}
