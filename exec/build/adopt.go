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

// maxUsers is how large a file of the user is kept: people edit text.
const maxUsers = 16 << 20

// keepUsers keeps the user's file, in whose place the target's recipe is about to leave its
// own. What its prerequisites are may change yet while others run, and back to what they were.
func (b *Build) keepUsers(n *node, old *cache.Trace) {
	if old == nil || old.Flags&cache.Provisional == 0 || len(old.Outputs) != 1 || b.active == 0 && !b.repeated {
		return
	}
	o := &old.Outputs[0]
	if o.Type != typeRegular || o.Size > maxUsers || b.client() == nil {
		return
	}
	if _, _, err := b.contents.PutFile(b.sp.abs(o.Path), o.Hash); err == nil {
		n.users = old
	}
}

// usersAgain reports whether a target is to have the user's file again: its recipe ran in
// this build because of what has come to be as it was since.
func (b *Build) usersAgain(n *node) bool {
	t := n.users
	if t == nil || !b.contents.Has(t.Outputs[0].Hash) {
		return false
	}
	if _, by := b.makingInput(n, func() *cache.Trace { return t }, false); by != nil {
		return false
	}
	return !slices.ContainsFunc(t.Inputs, func(in cache.Input) bool {
		return !b.w.same(&in) && !b.seesAsWas(n.name, n.serial, t.Flags, &in)
	})
}

// giveBack puts the user's file back in place of what the target's recipe has left, and
// undoes whatever else that did.
func (b *Build) giveBack(f *makefile.File, n *node) {
	t := *n.users
	t.Outputs = slices.Clone(t.Outputs)
	t.Serial, n.users = n.serial, nil
	a := &action{b: b, f: f, n: n, old: b.graph.Target(n.name)}
	a.journal = b.begin(n, b.passing(f))
	a.hidden = b.rollBack(a)
	o := &t.Outputs[0]
	mtime := time.Unix(0, o.Stat.Mtime)
	b.putBack(o, b.sp.abs(o.Path))
	b.setTime(o, mtime)
	a.dropHidden(&t)
	b.chain.remove(n.name)
	a.put(&t)
	b.ranAgain(n)
	n.run, n.old, n.stale = t.Run, &t, ""
	b.left(b.settle(done{f: f, n: n, t: &t}), a.old)
	a.done()
}
