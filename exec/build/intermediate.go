package build

import (
	"fmake/cache"
	"fmake/makefile"
)

// Intermediate files are deleted when the make that made them ends. What a make that was
// killed has left of them looks like the user's own files, which are no intermediate
// ones (manual, Chains of Implicit Rules); so it is written down which were made as such.

// passing returns the flag of a target that its make is going to delete.
func (b *Build) passing(f *makefile.File) cache.TraceFlags {
	if !b.db.AllSecondary && f.Passing() {
		return cache.Intermediate
	}
	return 0
}

// Leftover tells whether a file is there, as a recipe has left it, only because a make
// that made it as an intermediate file was killed.
func (b *Build) Leftover(name string) bool {
	b.recoverCut()
	key := b.sp.key(b.sp.target(name))
	e, ok := b.graph.Entry(key)
	if !ok || e.Flags()&cache.Intermediate == 0 || b.visited[key] {
		return false
	}
	o := findOutput(e.Outputs(), key)
	return o != nil && b.leftAsIs(o)
}

// stays takes back that a target is going to be deleted: somebody has asked for it by name,
// and so it is no intermediate file any more.
func (b *Build) stays(f *makefile.File, n *node) {
	e, ok := b.graph.Entry(n.name)
	if !ok || e.Flags()&cache.Intermediate == 0 || b.passing(f) != 0 {
		return
	}
	t := *b.graph.Target(n.name)
	t.Flags &^= cache.Intermediate
	b.graph.Put(n.name, &t)
}
