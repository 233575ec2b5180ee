package build

import (
	"cmp"
	"slices"

	"fmake/cache"
)

// Makefiles that are run by themselves in one tree know nothing of each other: no serial
// order says which of them comes first. Their targets have places in one order all the
// same, each makefile's in a row, and it is kept whose they are: what another makefile's
// recipes have left is a source.

// families says, by place, which makefile a place belongs to: the one of the last entry
// that is not after it. At counts in steps of the make at the top.
type families []cache.Place

// topPlace is the place of the make at the top that one of it or of a make below is part
// of, in its steps. There is none at 0.
func topPlace(at uint64) uint64 { return (at-1)>>topShift + 1 }

// of returns the makefile that a place belongs to, "" if it is not known.
func (f families) of(at uint64) string {
	if i := f.find(topPlace(at)); i >= 0 {
		return f[i].Target
	}
	return ""
}

// find returns the index of the last entry that is not after a place, -1 if there is
// none.
func (f families) find(top uint64) int {
	i, found := slices.BinarySearchFunc(f, top, func(p cache.Place, t uint64) int { return cmp.Compare(p.At, t) })
	if found {
		return i
	}
	return i - 1
}

// claim gives a place to a makefile.
func (f families) claim(at uint64, name string) families {
	top := topPlace(at)
	was := f.of(at)
	if was == name {
		return f
	}
	i := f.find(top)
	next := i + 1
	if i > 0 && was == "" && f[i-1].Target == name { // what is free between its places is its own, too
		f[i].At = top + 1
		if next < len(f) && f[next].At == top+1 {
			f = slices.Delete(f, i, next)
		}
		return f
	}
	if next == len(f) || f[next].At != top+1 {
		f = slices.Insert(f, next, cache.Place{Target: was, At: top + 1})
	}
	if i >= 0 && f[i].At == top {
		f[i].Target = name
		return f
	}
	return slices.Insert(f, next, cache.Place{Target: name, At: top})
}

// move follows places that have moved.
func (f families) move(m move) {
	top := move{topPlace(m.from), topPlace(m.to), m.by >> topShift}
	for i := range f {
		f[i].At = top.of(f[i].At)
	}
}

// several reports whether there is more than one makefile.
func (f families) several() bool {
	return slices.ContainsFunc(f, func(p cache.Place) bool { return p.Target != "" && p.Target != f[0].Target })
}

// family is the name of this make's makefile among those of the tree.
func (b *Build) family() string { return b.sp.key(b.sp.cwd) + " " + b.makefileName() }
