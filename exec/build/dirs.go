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
// made and that it has put something into: its mkdir -p only found them, and
// seeing a directory and making it are the same. It tells whether there are any.
func (b *Build) shareDirs(t *cache.Trace) bool {
	var made []cache.Output
	t.Inputs = slices.DeleteFunc(t.Inputs, func(in cache.Input) bool {
		if !foundDir(&in, t) || findOutput(t.Outputs, in.Path) != nil {
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
func foundDir(in *cache.Input, t *cache.Trace) bool {
	if in.Kind != cache.InputExists || in.Mode&unix.S_IFMT != typeDir || in.Path[0] != '.' {
		return false
	}
	below := in.Path + "/"
	i, _ := slices.BinarySearchFunc(t.Outputs, below, func(o cache.Output, p string) int { return strings.Compare(o.Path, p) })
	return i < len(t.Outputs) && strings.HasPrefix(t.Outputs[i].Path, below)
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
			if !b.shareDirs(&shared) {
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
// something that exists below it.
func (a *action) implied(looks []tracefs.Look, i int) bool {
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
		if x.Flags&tracefs.LookAbsent == 0 {
			return true
		}
	}
	return false
}
