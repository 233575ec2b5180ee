package exec

import (
	"iter"
	"slices"

	"fmake/makefile"
)

// depOrderer gives the prerequisites of a target in the order of some walk.
type depOrderer func(f *makefile.File) []*makefile.Dep

// asWritten is the order of a walk below intermediate files. GNU make does not
// shuffle there.
func asWritten(f *makefile.File) []*makefile.Dep { return f.Deps }

// chainOf walks over the prerequisites of f while circles are being cut. It goes as
// GNU make does along its linked list: what a visit further down a circle drops is
// passed over if the walk has not come to it, and from a dropped one it goes on to
// what followed when that was dropped.
func (w *Walk) chainOf(f *makefile.File, order depOrderer) iter.Seq[*makefile.Dep] {
	return func(yield func(*makefile.Dep) bool) {
		list, own := order(f), f.Deps
		for i := 0; i < len(list); {
			d := list[i]
			if !yield(d) {
				return
			}
			i++
			if len(w.followed) == 0 || sameSlice(own, f.Deps) {
				continue // what else changes a list is for the next walk
			}
			now := order(f)
			if at := slices.Index(now, d); at >= 0 {
				list, own, i = now, f.Deps, at+1
				continue
			}
			next, dropped := w.followed[d]
			if dropped && next == nil {
				return
			}
			if at := slices.Index(list[i:], next); dropped && at >= 0 {
				i += at
			}
		}
	}
}

func sameSlice(a, b []*makefile.Dep) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// dropCircle removes a prerequisite that leads back to where the walk came from.
// It is a prerequisite of owner, which is f or a peer that f's recipe makes too;
// kept is the last one before it in this walk that was not dropped, nil if none.
//
// If owner is a peer and nothing before d was kept, GNU make gives f what follows d,
// and leaves the peer as it is; recipes show it in $^. From then on the two lists
// have the same end.
func (w *Walk) dropCircle(f, owner *makefile.File, d, kept *makefile.Dep) {
	w.sayCircle(f, d)
	order := w.depOrder(owner)
	at := slices.Index(order, d)
	shuffled := !sameSlice(order, owner.Deps)
	switch {
	case at < 0:
		return // a visit further down the circle has dropped it
	case owner == f || kept != nil:
		w.cut(owner, order, at)
		if i := slices.Index(f.Deps, d); !shuffled && i > 0 && f.Deps[i-1] == kept {
			w.setDeps(f, slices.Delete(slices.Clone(f.Deps), i, i+1))
		}
		return
	}
	w.setDeps(f, owner.Deps[at+1:])
	if shuffled {
		w.shuffle.order[f] = slices.Clone(order[at+1:])
	}
}

// dropBelow is dropCircle in a walk below an intermediate file.
func (w *Walk) dropBelow(f *makefile.File, d *makefile.Dep) {
	w.sayCircle(f, d)
	if at := slices.Index(f.Deps, d); at >= 0 {
		w.cut(f, f.Deps, at)
	}
}

func (w *Walk) sayCircle(f *makefile.File, d *makefile.Dep) {
	w.con.complain(makefile.Pos{}, "Circular "+f.Name+" <- "+d.File.Name+" dependency dropped.")
}

// cut removes from the prerequisites of owner the one in whose place the one at this
// place in order has its turn: with --shuffle that may be another.
func (w *Walk) cut(owner *makefile.File, order []*makefile.Dep, at int) {
	if w.followed == nil {
		w.followed = make(map[*makefile.Dep]*makefile.Dep)
	}
	d := order[at]
	w.followed[d] = nil
	if at+1 < len(order) {
		w.followed[d] = order[at+1]
	}
	turns := w.depOrder(owner)
	shuffled := !sameSlice(turns, owner.Deps)
	w.setDeps(owner, slices.Delete(slices.Clone(owner.Deps), at, at+1))
	if shuffled {
		w.shuffle.order[owner] = slices.Delete(slices.Clone(turns), at, at+1)
	}
}

// setDeps gives a target other prerequisites while a walk may be going over them.
func (w *Walk) setDeps(f *makefile.File, deps []*makefile.Dep) {
	f.Deps = slices.Clone(deps)
	delete(w.shuffle.order, f)
}
