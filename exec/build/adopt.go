package build

import (
	"slices"
	"strings"
	"time"

	"fmake/cache"
	"fmake/makefile"
)

// What GNU make's rule finds good, and no recorded action has left, is the user's.

// adopt takes over a target that GNU make's rule finds good and of which nothing
// is known: its declared prerequisites' contents become its provisional trace.
func (b *Build) adopt(f *makefile.File, n *node) {
	k := b.recipeKey(f, n)
	t := &cache.Trace{
		Target: f.Name, Dir: b.sp.key(b.sp.cwd), Key: k.key, FullKey: k.full, Recipe: k.text, Vars: k.vars,
		Serial: n.serial, Started: time.Now().UnixNano(), Flags: cache.Provisional | cache.NoStore, From: cache.FromAdopted,
		Reason: "GNU make's rule found it up to date",
	}
	for _, d := range f.Deps {
		if d.OrderOnly || d.File == nil || d.File.Phony {
			continue
		}
		t.Inputs = append(t.Inputs, b.named(d.File)...)
	}
	slices.SortFunc(t.Inputs, func(x, y cache.Input) int { return strings.Compare(x.Path, y.Path) })
	t.Inputs = slices.CompactFunc(t.Inputs, func(x, y cache.Input) bool { return x.Path == y.Path })
	if o, ok := b.outputAt(n.path); ok {
		t.Outputs = []cache.Output{o}
	}
	t.Strong = cache.StrongKey(t.FullKey, t.Inputs, nil, nil)
	t.Run = cache.NewDigest("adopted").Hash(t.Strong).Sum()
	if len(t.Outputs) == 1 {
		t.Run = cache.NewDigest("adopted").Hash(t.Outputs[0].Hash).Sum()
	}
	b.chain.remove(n.name) // what it once left is the user's now
	b.graph.Put(n.name, t)
	n.run, n.old = t.Run, t
}

// named is a prerequisite by its name and content: which file the name leads to, and
// what is in that.
func (b *Build) named(f *makefile.File) (inputs []cache.Input) {
	take := func(p string, kind cache.InputKind) {
		if in, err := b.w.asInput(p, kind, nil); err == nil && in.Kind == kind {
			inputs = append(inputs, in)
		}
	}
	name := b.sp.target(f.Name)
	for _, link := range b.w.linksOn(name) {
		take(link, cache.InputLink)
	}
	take(b.w.realFile(name), cache.InputContent)
	return inputs
}
