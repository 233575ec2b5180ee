package build

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// version is one link of the chain of one path: what one action left there.
type version struct {
	serial uint64
	target string
	out    cache.Output
	before *cache.Output // what it replaced; nil if nothing was there

	unwatched bool // what is in it, if it is a directory, came with it
}

// versions holds for every path that actions of this graph write the chain of
// versions in serial order. It is built when something first differs from what
// the disk shows, because as long as the disk agrees nobody needs it.
type versions struct {
	b     *Build
	paths map[string][]version // Output.Path form
	dirs  map[string][]string  // directory -> names of its entries in paths

	// What actions that failed have left: it stands in the tree until they run again.
	failed map[string][]version

	mixed bool // makefiles that know nothing of each other have left them

	// What commands of earlier builds have left.
	commands map[string]bool
}

// of returns the chain of one path, oldest first.
func (v *versions) of(path string) []version {
	if v.paths == nil {
		v.index()
	}
	return v.paths[path]
}

// allOf returns the versions of one path, what failed actions have left included, oldest of
// either kind first.
func (v *versions) allOf(path string) []version {
	return slices.Concat(v.of(path), v.failed[path])
}

// ofFamily returns the chain of one path without what is a stranger's to the action with a
// position in serial order.
func (v *versions) ofFamily(path string, serial uint64) []version {
	chain := v.of(path)
	others := func(x version) bool { return v.isStranger(&x, serial) }
	if !slices.ContainsFunc(chain, others) {
		return chain
	}
	return slices.DeleteFunc(slices.Clone(chain), others)
}

// isStranger reports whether a version is of another makefile than the action with a
// position in serial order, one that this make's makefile does not know.
func (v *versions) isStranger(x *version, serial uint64) bool {
	if !v.mixed || v.b.families.of(x.serial) == cmp.Or(v.b.families.of(serial), v.b.family()) {
		return false
	}
	f := v.b.db.Lookup(v.b.display(x.target))
	return f == nil || f.Recipe == nil
}

func (v *versions) index() {
	v.paths = make(map[string][]version)
	v.dirs = make(map[string][]string)
	v.failed = make(map[string][]version)
	v.commands = make(map[string]bool)
	v.mixed = v.b.families.several()
	var left []string
	for _, name := range v.b.graph.Names() {
		e, ok := v.b.graph.Entry(name)
		if ok && e.Flags()&cache.Failed != 0 {
			v.enterFailed(name, e.Serial(), e.Outputs(), e.Befores())
			continue
		}
		if !ok || e.Flags()&cache.Provisional != 0 {
			continue // what was adopted is a source
		}
		if isLeavings(e.Key(), e.Flags()) {
			if _, here := v.b.serials[name]; here {
				left = append(left, name)
				continue
			}
		}
		if e.Flags()&cache.Always != 0 && !v.b.visited[name] {
			// So is what was left by a command that is no part of this build.
			for _, o := range e.Outputs() {
				v.commands[o.Path] = true
			}
			continue
		}
		v.enter(name, e.Serial(), e.Outputs(), e.Befores())
	}
	for _, name := range left {
		v.enterLeavings(name)
	}
}

// enterLeavings enters what a phony recipe has left and no action has.
func (v *versions) enterLeavings(name string) {
	e, _ := v.b.graph.Entry(name)
	outs := slices.DeleteFunc(e.Outputs(), func(o cache.Output) bool { return len(v.allOf(o.Path)) > 0 })
	v.enter(name, e.Serial(), outs, nil)
	for _, o := range outs {
		v.paths[o.Path][0].unwatched = true
	}
}

// Generated tells whether an action of the graph has left a file, good or not.
func (b *Build) Generated(name string) bool {
	key := b.sp.key(b.w.real(b.sp.target(name)))
	return len(b.chain.of(key)) > 0 || len(b.chain.failed[key]) > 0
}

// add enters what an action left. The index need not exist yet.
func (v *versions) add(name string, t *cache.Trace) {
	if v.paths == nil || t == nil {
		return
	}
	v.enter(name, t.Serial, t.Outputs, t.Befores)
}

// addFailed enters what an action has left that failed. The index need not exist yet.
func (v *versions) addFailed(name string, t *cache.Trace) {
	if v.paths != nil {
		v.enterFailed(name, t.Serial, t.Outputs, t.Befores)
	}
}

func (v *versions) enterFailed(name string, serial uint64, outputs, befores []cache.Output) {
	serial = v.serial(name, serial)
	for i := range outputs {
		o := &outputs[i]
		v.failed[o.Path] = append(v.failed[o.Path], version{serial: serial, target: name, out: *o, before: findOutput(befores, o.Path)})
	}
}

// failedLeft reports whether a file is what another action has left that failed, where
// nothing was before: who writes over that replaces no version.
func (v *versions) failedLeft(name string, o *cache.Output) bool {
	v.of(o.Path) // makes the index
	return slices.ContainsFunc(v.failed[o.Path], func(x version) bool {
		return x.target != name && x.before == nil && sameContent(&x.out, o)
	})
}

func (v *versions) enter(name string, serial uint64, outputs, befores []cache.Output) {
	serial = v.serial(name, serial)
	for i := range outputs {
		o := &outputs[i]
		ver := version{serial: serial, target: name, out: *o, before: findOutput(befores, o.Path)}
		chain := v.paths[o.Path]
		if len(chain) == 0 {
			d, n := splitPath(o.Path)
			v.dirs[d] = append(v.dirs[d], n)
		}
		at, _ := slices.BinarySearchFunc(chain, serial, func(x version, s uint64) int {
			return cmp.Compare(x.serial, s)
		})
		v.paths[o.Path] = slices.Insert(chain, at, ver)
	}
}

// serial returns the position of an action that once had the position was: the
// order may have moved since.
func (v *versions) serial(name string, was uint64) uint64 {
	if now, ok := v.b.serials[name]; ok {
		return now
	}
	return was
}

// remove takes an action's versions out again: those that the graph knows of.
func (v *versions) remove(name string) {
	if v.paths == nil {
		return
	}
	e, ok := v.b.graph.Entry(name)
	if !ok {
		return
	}
	outs := e.Outputs()
	for i := range outs {
		p := outs[i].Path
		v.paths[p] = slices.DeleteFunc(v.paths[p], func(x version) bool { return x.target == name })
		v.failed[p] = slices.DeleteFunc(v.failed[p], func(x version) bool { return x.target == name })
	}
}

// othersBelow reports whether actions other than target have versions below a
// directory.
func (v *versions) othersBelow(dir, target string) bool {
	v.of(dir) // makes the index
	for p, chain := range v.paths {
		if !strings.HasPrefix(p, dir+"/") {
			continue
		}
		if slices.ContainsFunc(chain, func(x version) bool { return x.target != target }) {
			return true
		}
	}
	return false
}

// own says how an action sees the versions that it left itself: not at all,
// unless it keeps its own state.
type own bool

// seen returns what the action name at position serial sees at a path, if that
// is not simply what is on the disk: ok is false then.
func (v *versions) seen(name string, serial uint64, path string, keeps own) (out cache.Output, ok bool) {
	chain := v.ofFamily(path, serial)
	later := slices.IndexFunc(chain, func(x version) bool {
		if x.target == name {
			return !bool(keeps)
		}
		return x.serial > serial
	})
	if later < 0 {
		failed := v.failedAfter(name, serial, path, keeps)
		if failed == nil {
			return cache.Output{}, false
		}
		if len(chain) == 0 {
			out = orAbsent(failed.before, path)
			return out, out.Type != 0 || !v.holdsSeen(name, serial, path)
		}
		later = len(chain)
	}
	if !v.stands(chain) {
		return cache.Output{Path: path}, v.edited(name, chain)
	}
	if before := chain[:later]; endsInSegment(before) || later == 0 && endsInSegment(chain[:1]) {
		return v.b.whole(path, before)
	}
	if later > 0 {
		out = chain[later-1].out
	} else {
		out = orAbsent(chain[0].before, path)
	}
	return out, out.Type != 0 || chain[0].unwatched || !v.holdsSeen(name, serial, path)
}

// holdsSeen reports whether something is in a directory that the action name at position
// serial sees: then it sees the directory, whoever has made that. A file that the user
// edited by hand, or that was adopted, counts as a source.
func (v *versions) holdsSeen(name string, serial uint64, dir string) bool {
	p := v.b.sp.abs(dir)
	if st, ok := v.b.w.lstat(p); !ok || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return false
	}
	names, _ := v.b.w.names(p)
	return slices.ContainsFunc(names, func(entry string) bool {
		key := joinPath(dir, entry)
		out, ok := v.seen(name, serial, key, false)
		return !ok && !v.commands[key] || ok && out.Type != 0
	})
}

// holdsEdited reports whether something is in a directory that an action has made there and
// the user has changed since: it is not hidden from the action's next run, nor is the
// directory.
func (v *versions) holdsEdited(name, dir string) bool {
	v.of(dir) // makes the index
	return slices.ContainsFunc(v.dirs[dir], func(entry string) bool {
		key := joinPath(dir, entry)
		chain := v.of(key)
		return v.edited(name, chain) && v.b.exists(v.b.sp.abs(key)) && !v.stands(chain) || v.holdsEdited(name, key)
	})
}

// edited reports whether what stands at a path is what an action has made there, changed by
// the user since. That is no reason to run the action again, which would undo it.
func (v *versions) edited(name string, chain []version) bool {
	return len(chain) == 1 && chain[0].target == name && chain[0].before == nil && chain[0].out.Type == typeRegular
}

func orAbsent(o *cache.Output, path string) cache.Output {
	if o == nil {
		return cache.Output{Path: path}
	}
	return *o
}

// failedAfter returns what the action itself, or one after it, has left at a path, and
// failed, if that is what stands there.
func (v *versions) failedAfter(name string, serial uint64, path string, keeps own) *version {
	for i := range v.failed[path] {
		x := &v.failed[path][i]
		mine := x.target == name
		after := x.serial > serial && !v.isStranger(x, serial)
		if (mine && !bool(keeps) || !mine && after) && x.out.Type != cache.TypeSegment && v.b.leftAsIs(&x.out) {
			return x
		}
	}
	return nil
}

// top returns the last version of a path: what one after the action has left and failed, where
// there is nothing else. Nil if nobody has left any.
func (v *versions) top(n *node, path string) *version {
	if chain := v.of(path); len(chain) > 0 {
		return &chain[len(chain)-1]
	}
	return v.failedAfter(n.name, n.serial, path, false)
}

// stands reports whether one of the versions is what the disk shows: the newest, or
// that of who ran last out of order or before the build ended. If none is, the file is
// the user's and the chain says nothing.
func (v *versions) stands(chain []version) bool {
	for i := range slices.Backward(chain) {
		out := &chain[i].out
		if out.Type == cache.TypeSegment {
			if v.b.logStands(out.Path) {
				return true
			}
		} else if v.b.leftAsIs(out) {
			return true
		}
	}
	return slices.ContainsFunc(v.failed[chain[0].out.Path], func(x version) bool { return v.b.leftAsIs(&x.out) })
}

// standsBefore reports whether what stands at a path is a version of an action before a
// target's, and of none after it. Both have to be of this make: what another one makes,
// and a makefile that is remade before everything, has no place in its order.
func (v *versions) standsBefore(n *node, path string) bool {
	if _, mine := v.b.serials[n.name]; !mine {
		return false
	}
	chain := v.of(path)
	before := chain[:countBefore(chain, n)]
	if endsInSegment(before) {
		_, mine := v.b.serials[before[len(before)-1].target]
		out, ok := v.b.whole(path, before)
		return mine && ok && out.Type != 0 && v.b.leftAsIs(&out)
	}
	for i := range slices.Backward(chain) {
		if x := &chain[i]; x.out.Type != cache.TypeSegment && v.b.leftAsIs(&x.out) {
			_, mine := v.b.serials[x.target]
			return mine && x.target != n.name && x.serial < n.serial && x.out.Type != 0
		}
	}
	return false
}

// countBefore returns how many versions of a chain are of actions before another one.
func countBefore(chain []version, n *node) int {
	i := slices.IndexFunc(chain, func(x version) bool { return x.target == n.name || x.serial > n.serial })
	if i < 0 {
		return len(chain)
	}
	return i
}

// under returns the version that an action finds at a path, nil if actions before it
// have left none there or what stands is the user's.
func (v *versions) under(n *node, path string) *cache.Output {
	chain := v.of(path)
	if len(chain) == 0 || !v.stands(chain) {
		return nil
	}
	return below(chain, n)
}

// below returns the version of a chain that an action is to find, nil if there is none.
func below(chain []version, n *node) *cache.Output {
	if i := countBefore(chain, n); i > 0 {
		return &chain[i-1].out
	}
	return chain[0].before
}

// beneath returns what an action has replaced in serial order that has replaced a version in
// time: what comes before that, if it is of an action after it. Nil if nothing does.
func (v *versions) beneath(n *node, o *cache.Output) *cache.Output {
	same := func(x *version) bool { return x.target != n.name && sameContent(&x.out, o) }
	chain := v.of(o.Path)
	later := func(x version) bool { return same(&x) && x.serial > n.serial }
	earlier := func(x version) bool { return same(&x) && x.serial <= n.serial }
	if o.Type == typeDir || !slices.ContainsFunc(chain, later) || slices.ContainsFunc(chain, earlier) {
		return o
	}
	return below(chain, n)
}

// isAfter reports whether a version is of an action after another that its makefile knows of.
func (v *versions) isAfter(x *version, n *node) bool {
	return x.target != n.name && x.serial > n.serial && !v.isStranger(x, n.serial)
}

// isLater reports whether what an action read at a path is a version that comes after
// it, or what a run of this build has left after it that was not good.
func (v *versions) isLater(n *node, in *cache.Input) bool {
	later := false
	for _, x := range v.ofFamily(in.Path, n.serial) {
		if x.target == n.name || x.out.Type != typeRegular || x.out.Hash != in.Hash {
			continue
		}
		if x.serial < n.serial {
			return false // or the same as one before it
		}
		later = true
	}
	return later || slices.ContainsFunc(v.failed[in.Path], func(x version) bool {
		return v.b.spoiled[x.target] && x.out.Type == typeRegular && x.out.Hash == in.Hash && v.isAfter(&x, n)
	})
}

// onlyOnTop reports whether what stands at a path, a file or link, is there only because an
// action has left one there, or ones after it that have changed that: without the first there
// would be none.
func (v *versions) onlyOnTop(n *node, o *cache.Output) bool {
	chain := v.ofFamily(o.Path, n.serial)
	return o.Type != typeDir && len(chain) > 1 && chain[0].target == n.name && chain[0].before == nil && v.stands(chain)
}

// onlyLater reports whether a path is there by actions after another alone, each of which
// leaves a file or link of its own.
func (v *versions) onlyLater(n *node, path string) bool {
	chain := v.ofFamily(path, n.serial)
	return len(chain) > 0 && chain[0].before == nil && !slices.ContainsFunc(chain, func(x version) bool {
		return x.target == n.name || x.serial <= n.serial || x.out.Type != typeRegular && x.out.Type != typeLink
	})
}

func endsInSegment(chain []version) bool {
	return len(chain) > 0 && chain[len(chain)-1].out.Type == cache.TypeSegment
}

// hidden returns a test for names in a directory that the action name at
// position serial does not see: made by itself or by actions after it.
func (v *versions) hidden(name string, serial uint64, dir string, keeps own) func(string) bool {
	if v.paths == nil {
		v.index()
	}
	entries := v.dirs[dir]
	if len(entries) == 0 {
		return nil
	}
	gone := make(map[string]bool)
	for _, n := range entries {
		if out, ok := v.seen(name, serial, joinPath(dir, n), keeps); ok && out.Type == 0 {
			gone[n] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return func(n string) bool { return gone[n] }
}

// sameAsSeen reports whether an input is as the action sees it in its view.
func (v *versions) sameAsSeen(name string, t *cache.Trace, in *cache.Input) bool {
	return v.agrees(name, t.Serial, t.Flags, in)
}

// agrees is sameAsSeen for an action of which only position and flags are known.
func (v *versions) agrees(name string, serial uint64, flags cache.TraceFlags, in *cache.Input) bool {
	serial = v.serial(name, serial)
	keeps := own(flags&cache.Stateful != 0)
	if in.Kind == cache.InputListing {
		return v.listedSame(name, in, v.hidden(name, serial, in.Path, keeps))
	}
	out, ok := v.seen(name, serial, in.Path, keeps)
	if ok {
		return sameVersion(&out, in)
	}
	if l := v.b.lowered[in.Path]; l != nil {
		return sameVersion(&l.above, in)
	}
	return v.b.w.same(in)
}

// sameVersion compares a version with what an input saw.
func sameVersion(o *cache.Output, in *cache.Input) bool {
	switch in.Kind {
	case cache.InputAbsent:
		return o.Type == 0
	case cache.InputLink:
		return o.Link != "" && cache.HashString(o.Link) == in.Hash
	case cache.InputContent:
		return o.Type == typeRegular && o.Hash == in.Hash && o.Type|o.Mode == in.Mode
	case cache.InputExists:
		if o.Type == typeLink {
			return in.Mode == typeLink
		}
		return o.Type|o.Mode == in.Mode && (o.Type != typeRegular || o.Size == in.Size)
	}
	return false
}

func findOutput(list []cache.Output, path string) *cache.Output {
	i, ok := slices.BinarySearchFunc(list, path, func(o cache.Output, p string) int { return strings.Compare(o.Path, p) })
	if !ok {
		return nil
	}
	return &list[i]
}
