package build

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// noVersion is true for paths where what an action writes is no version.
func (a *action) noVersion(rec *tracefs.Record, p string) bool {
	return a.passOver(p) || a.b.sp.isTemp(p) || tracefs.IsVersionControl(p) || a.appended(rec, p)
}

// lost is true for a file that an action has changed in place and that was too
// large to be saved: nothing is known of what it was, so the action keeps it as it
// is when it runs again.
func lost(rec *tracefs.Record, p string) bool {
	w := findWrite(rec.Writes, p)
	return w != nil && w.Before.Lost
}

// outputs turns writes into versions, and into what they replaced.
func (a *action) outputs(rec *tracefs.Record) (outs, befores []cache.Output) {
	b := a.b
	inodes := a.linkable(rec)
	for i := range rec.Writes {
		w := &rec.Writes[i]
		if w.Segment != "" {
			if o, ok := a.segment(w, a.noVersion(rec, w.Path)); ok {
				outs = append(outs, o)
			}
			continue
		}
		if a.noVersion(rec, w.Path) {
			continue
		}
		if w.Before.Lost {
			b.warn("%s was too large to be saved before the recipe of %s changed it; it will not be undone", b.display(b.sp.key(w.Path)), a.f.Name)
			continue // it is part of the state that the action keeps
		}
		o, ok := b.outputAt(w.Path)
		bef := a.before(rec, w)
		if !ok && bef == nil {
			continue // made and removed
		}
		if st := o.Stat; o.Type == typeRegular && st.Ino != 0 {
			id := [2]uint64{st.Dev, st.Ino}
			if first, dup := inodes[id]; dup {
				o.SameAs = first
			}
			inodes[id] = o.Path
		}
		if bef != nil {
			if o.Type == typeDir && bef.Type == typeDir {
				continue // it was there already: the same as seeing it
			}
			befores = append(befores, *bef)
		}
		outs = append(outs, o)
	}
	sortOutputs(outs)
	sortOutputs(befores)
	return outs, befores
}

// linkable maps the files that the action looked at and did not write: an output
// that is one of them was linked to it.
func (a *action) linkable(rec *tracefs.Record) map[[2]uint64]string {
	inodes := make(map[[2]uint64]string)
	if len(rec.Writes) == 0 {
		return inodes
	}
	for i := range rec.Looks {
		l := &rec.Looks[i]
		if l.Stat.Mode&unix.S_IFMT == typeRegular && a.b.sp.inProject(l.Path) && findWrite(rec.Writes, l.Path) == nil {
			inodes[[2]uint64{l.Stat.Dev, l.Stat.Ino}] = a.b.sp.key(l.Path)
		}
	}
	return inodes
}

// linked reports whether the action made another name of a file.
func linked(key string, t *cache.Trace) bool {
	return slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return o.SameAs == key })
}

// outputAt is the version that stands at a path now; ok is false if nothing is
// there.
func (b *Build) outputAt(p string) (o cache.Output, ok bool) {
	o.Path = b.sp.key(p)
	st, ok := b.w.lstat(p)
	if !ok {
		return o, false
	}
	o.Type, o.Mode = st.Mode&unix.S_IFMT, st.Mode&0o7777
	switch o.Type {
	case typeRegular:
		o.Size = st.Size
		h, err := b.w.hash(p)
		if err == nil {
			o.Hash = h.Hash
			if !h.Racy {
				o.Stat = h.Stat
			}
		}
	case typeLink:
		o.Link, _ = os.Readlink(p) // empty when it vanished meanwhile: it will not hold
	}
	return o, true
}

// before is the version that a write replaced, nil if there was none. Its content
// goes into the store, so that the write can be undone.
func (a *action) before(rec *tracefs.Record, w *tracefs.Write) *cache.Output {
	if !w.Before.Exists {
		return nil
	}
	o := a.replaced(w)
	if o.Type != typeDir && (isContended(rec, w.Path) || a.b.chain.failedLeft(a.n.name, &o)) {
		return nil
	}
	under := a.b.chain.beneath(a.n, &o)
	if under == &o || readFirst(rec, w.Path) {
		return &o
	}
	if a.under == nil {
		a.under = make(map[string]*cache.Output)
	}
	a.under[o.Path] = under
	return under
}

// readFirst reports whether an action has read a file before it wrote it.
func readFirst(rec *tracefs.Record, p string) bool {
	l := findLook(rec, p)
	return l != nil && l.Flags&(tracefs.LookContent|tracefs.LookUndecided) != 0
}

// othersBefores turns the versions that an action found into those of others: what it
// left itself last time was not undone if it keeps a state or runs every time.
func (a *action) othersBefores(befores []cache.Output) []cache.Output {
	old := a.old
	if old == nil && len(befores) > 0 {
		old = a.b.graph.Target(a.n.name)
	}
	if old == nil {
		return befores
	}
	var others []cache.Output
	for _, o := range befores {
		left := findOutput(old.Outputs, o.Path)
		if left == nil || !sameContent(left, &o) {
			others = append(others, o)
		} else if before := findOutput(old.Befores, o.Path); before != nil {
			others = append(others, *before)
		}
	}
	return others
}

// isContended reports whether what an action found at a path was what another was
// writing there: nobody's version.
func isContended(rec *tracefs.Record, p string) bool {
	return slices.ContainsFunc(rec.Contended, func(c tracefs.Contention) bool { return c.Path == p && !c.Existed })
}

func (a *action) replaced(w *tracefs.Write) cache.Output {
	b := a.b
	o := cache.Output{Path: b.sp.key(w.Path), Type: w.Before.Stat.Mode & unix.S_IFMT, Mode: w.Before.Stat.Mode & 0o7777, Size: w.Before.Stat.Size, Link: w.Before.Link}
	if o.Type != typeRegular {
		return o
	}
	o.Stat.Ctime = w.Before.Stat.Ctime // see putBase; without an inode it stands for no file
	if w.Before.Saved != "" {
		if h, _, err := b.blobs.PutDurable(w.Before.Saved); err == nil {
			o.Hash = h
		}
		return o
	}
	if v := b.chain.of(o.Path); len(v) > 0 {
		o.Hash = v[len(v)-1].out.Hash
	}
	return o
}

// leftTarget reports whether the recipe left a file of the target's name.
func (a *action) leftTarget(*cache.Trace) bool {
	if a.b.single != nil {
		return true // it has none
	}
	_, ok := a.b.w.lstat(a.n.path)
	return ok
}

// writesOutside is true for an action with outputs outside the project, or too
// large ones: those are not restored.
func (a *action) writesOutside(t *cache.Trace) bool {
	const limit = 4 << 30
	return slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return o.Path[0] == '/' || o.Size > limit })
}

func findWrite(list []tracefs.Write, p string) *tracefs.Write {
	i, ok := slices.BinarySearchFunc(list, p, compareWrite)
	if !ok {
		return nil
	}
	return &list[i]
}

func compareWrite(w tracefs.Write, p string) int { return strings.Compare(w.Path, p) }

func sortOutputs(o []cache.Output) {
	slices.SortFunc(o, func(x, y cache.Output) int { return strings.Compare(x.Path, y.Path) })
}
