package build

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// Directories commute: to see one and to make it, mkdir -p by many recipes, is the
// same to all that put something into it.

// shareDirs makes the action one of the makers of directories that others have
// made and that it has put something into, if only for a while: its mkdir -p only found them, and
// seeing a directory and making it are the same. So that it has missed one that it made
// then is no input. It tells whether there are any of others.
func (b *Build) shareDirs(n *node, t *cache.Trace) bool {
	var made []cache.Output
	t.Inputs = slices.DeleteFunc(t.Inputs, func(in cache.Input) bool {
		if own := findOutput(t.Outputs, in.Path); own != nil {
			return in.Kind == cache.InputAbsent && own.Type == typeDir && in.Path[0] == '.' // "test -d dir || mkdir dir"
		}
		if !n.foundDir(&in, t) {
			return false
		}
		for _, v := range b.chain.of(in.Path) {
			if v.out.Type == typeDir && v.before == nil {
				made = append(made, cache.Output{Path: in.Path, Type: typeDir, Mode: in.Mode & 0o7777})
				return true
			}
		}
		return false
	})
	t.Outputs = append(t.Outputs, made...)
	sortOutputs(t.Outputs)
	return len(made) > 0
}

// foundDir is true for a directory that an action found and put something into.
func (n *node) foundDir(in *cache.Input, t *cache.Trace) bool {
	if in.Kind != cache.InputExists || in.Mode&unix.S_IFMT != typeDir || in.Path[0] != '.' {
		return false
	}
	below := in.Path + "/"
	i, _ := slices.BinarySearchFunc(t.Outputs, below, func(o cache.Output, p string) int { return strings.Compare(o.Path, p) })
	return i < len(t.Outputs) && strings.HasPrefix(t.Outputs[i].Path, below) ||
		slices.ContainsFunc(n.through, func(dir string) bool { return strings.HasPrefix(dir+"/", below) })
}

// shareMade makes actions that ended before, and had put something into a directory
// that this one made, makers of it too: when they ended it was not known who had
// made it. See shareDirs.
func (b *Build) shareMade(t *cache.Trace) {
	for i := range t.Outputs {
		dir := t.Outputs[i].Path
		if t.Outputs[i].Type != typeDir || findOutput(t.Befores, dir) != nil {
			continue
		}
		for _, d := range b.looked[dir] {
			if d.n.last != d || d.t == nil {
				continue
			}
			shared := *d.t // a copy: the store may be reading the trace
			shared.Inputs, shared.Outputs = slices.Clone(d.t.Inputs), slices.Clone(d.t.Outputs)
			if !b.shareDirs(d.n, &shared) {
				continue
			}
			b.chain.remove(d.n.name)
			b.chain.add(d.n.name, &shared)
			b.graph.Put(d.n.name, &shared)
			d.t, d.n.old = &shared, &shared
			b.wroteAt(d, dir) // who comes after it has missed the directory
		}
	}
}

// mostShared is of how many directories beside each other that an action is a maker of it
// is tried which of them it found.
const mostShared = 4

// listedSame reports whether a directory has the names that an action saw, but for those
// that drop names and for directories that the action is itself a maker of. Whether it has
// found such a one or made it is chance under -j, and no matter to it.
func (v *versions) listedSame(name string, in *cache.Input, drop func(string) bool) bool {
	p := v.b.sp.abs(in.Path)
	now, err := v.b.w.asInput(p, in.Kind, drop)
	if err != nil || sameInput(&now, in) {
		return err == nil
	}
	own := v.madeIn(name, in.Path)
	if len(own) == 0 || len(own) > mostShared {
		return false
	}
	names, _ := v.b.w.names(p)
	names = without(without(names, drop), func(n string) bool { return slices.Contains(own, n) })
	for found := range 1 << len(own) {
		with := slices.Clone(names)
		for i, n := range own {
			if found&(1<<i) != 0 {
				with = append(with, n)
			}
		}
		slices.Sort(with)
		if cache.HashNames(with) == in.Hash {
			return true
		}
	}
	return false
}

// madeIn lists the names of the directories in another that an action is a maker of.
func (v *versions) madeIn(name, dir string) (names []string) {
	v.of(dir) // makes the index
	for _, n := range v.dirs[dir] {
		if slices.ContainsFunc(v.paths[joinPath(dir, n)], func(x version) bool {
			return x.target == name && x.out.Type == typeDir && x.before == nil
		}) {
			names = append(names, n)
		}
	}
	return names
}

// onlyMade reports whether all that an action has put into a directory is among some
// directories there.
func onlyMade(w *done, dir string, names []string) bool {
	if w.t == nil || len(names) == 0 {
		return false
	}
	for i := range w.t.Outputs {
		o := &w.t.Outputs[i]
		if in, name := splitPath(o.Path); in == dir && (o.Type != typeDir || !slices.Contains(names, name)) {
			return false
		}
	}
	return true
}

// holdsAmbient is true for a directory that an action only needed to put something
// into which is no version, as cmake's mkdir -p CMakeFiles/Progress does.
func (a *action) holdsAmbient(l *tracefs.Look, rec *tracefs.Record) bool {
	if l.Stat.Mode&unix.S_IFMT != typeDir && l.Flags&tracefs.LookAbsent == 0 || l.Flags&tracefs.LookListing != 0 {
		return false
	}
	below := l.Path + "/"
	i, _ := slices.BinarySearchFunc(rec.Writes, below, func(w tracefs.Write, p string) int { return strings.Compare(w.Path, p) })
	return i < len(rec.Writes) && strings.HasPrefix(rec.Writes[i].Path, below) && a.passOver(rec.Writes[i].Path)
}

// implied is true for a directory that was only passed through on the way to
// something that exists below it, and that the action has not replaced: that may be what
// one after it has left, together with the directory.
func (a *action) implied(rec *tracefs.Record, looks []tracefs.Look, i int) bool {
	l := &looks[i]
	if l.Stat.Mode&unix.S_IFMT != unix.S_IFDIR || l.Flags&^(tracefs.LookExists|tracefs.LookSystem) != 0 {
		return false
	}
	if within(a.b.sp.cwd, l.Path) {
		return true
	}
	prefix := l.Path + "/"
	from, _ := slices.BinarySearchFunc(looks[i+1:], prefix, func(x tracefs.Look, p string) int { return strings.Compare(x.Path, p) })
	for _, x := range looks[i+1+from:] {
		if !strings.HasPrefix(x.Path, prefix) {
			return false
		}
		if x.Flags&tracefs.LookAbsent == 0 && findWrite(rec.Writes, x.Path) == nil {
			return true
		}
	}
	return false
}
