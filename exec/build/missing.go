package build

import (
	"maps"
	"slices"
	"time"

	"fmake/cache"
	"fmake/makefile"
)

// A file that nothing says how to make and that does not exist may still be left by
// a recipe that comes before in serial order: of this make, or of the make above,
// which has to learn what this one missed.

// missedName is the entry in the graph under which a make tells the one above what
// it missed; it stands beside the makefile.
const missedName = "?missed"

// Awaits implements exec.Referee.
func (b *Build) Awaits(f *makefile.File) bool {
	if b.opts.Serial == nil || b.opts.Serial() || !b.unfinishedBefore(f, b.node(f)) {
		return false
	}
	if f.Parent != nil {
		b.awaited[b.node(f).name] = f.Parent
	}
	return true
}

// arrived learns from whom an awaited file came.
func (b *Build) arrived(path string, from *makefile.File) {
	f := b.awaited[path]
	if f == nil {
		return
	}
	delete(b.awaited, path)
	if hasDep(f, from) {
		return // known
	}
	b.debug("hazard: %s: it waited for %s of %s", f.Name, b.display(path), from.Name)
	b.learn(f, from)
}

// arrivedUnseen is arrived for all that a recipe in the real tree may have left.
func (b *Build) arrivedUnseen(from *makefile.File) {
	for path := range b.awaited {
		if b.exists(b.sp.abs(path)) {
			b.arrived(path, from)
		}
	}
}

// Missed implements exec.Referee. What is missed is an absence that an action which
// failed has seen.
func (b *Build) Missed(f *makefile.File) {
	if b.opts.Above.Root == "" {
		return // nobody to tell
	}
	by := f
	if f.Parent != nil {
		by = f.Parent
	}
	n := b.node(by)
	b.number(by, n)
	b.missed = append(b.missed, cache.Input{Path: b.node(f).name, Kind: cache.InputAbsent})
	name := joinPath(b.sp.key(b.sp.cwd), missedName)
	b.graph.Put(name, &cache.Trace{
		Target: name, Dir: b.sp.key(b.sp.cwd), Flags: cache.Failed, Serial: n.serial,
		Started: time.Now().UnixNano(), Inputs: b.missed, Reason: "nothing says how to make it",
	})
}

// demandBelow lists the targets of this makefile that makes below a recipe have
// looked for in vain since it began.
func (b *Build) demandBelow(f *makefile.File, n *node) []*makefile.File {
	if b.graph.Refresh() != nil {
		return nil // a graph that cannot be read was reported when it was first read
	}
	var needs []*makefile.File
	below := b.entriesBelow(n, cache.Failed)
	for _, name := range slices.Sorted(maps.Keys(below)) { // what is learned must not hang on chance
		e := below[name]
		t := e.Trace()
		if t.Started < n.tried.UnixNano() {
			continue // of an earlier build
		}
		for _, in := range t.Inputs {
			if in.Kind != cache.InputAbsent || in.Path[0] != '.' {
				continue
			}
			// It may exist by now: what comes after the make below has made it.
			need := b.makeable(in.Path)
			if need == nil || need == f || !n.demandOnce(need) {
				continue
			}
			b.debug("demand: %s: %s below it needs %s", n.name, name, b.display(in.Path))
			needs = append(needs, need)
		}
	}
	return needs
}

// demandOnce notes that a target was asked for, and reports whether it had not been
// before: having it did not help then.
func (n *node) demandOnce(need *makefile.File) bool {
	if n.demanded[need] {
		return false
	}
	if n.demanded == nil {
		n.demanded = make(map[*makefile.File]bool)
	}
	n.demanded[need] = true
	return true
}
