package build

import (
	"slices"

	"golang.org/x/sys/unix"

	"fmake/makefile"
	"fmake/tracefs"
)

// Two actions that write one path at the same time leave neither's version there:
// the shell of one empties the file that the other has just filled. Both run
// again, the later in serial order after the earlier, and what they left is not
// good.

// contended returns the paths that other actions wrote while this one did, of those that
// matter.
func (a *action) contended(rec *tracefs.Record) []tracefs.Contention {
	if len(rec.Contended) == 0 || a.stateful(rec) {
		return nil // it keeps its own state, and guards it itself
	}
	return slices.DeleteFunc(slices.Clone(rec.Contended), func(c tracefs.Contention) bool {
		return !a.b.sp.inProject(c.Path) || a.noVersion(rec, c.Path)
	})
}

// sharedPath handles an action one of whose files another has written, too.
func (a *action) sharedPath(shared []tracefs.Contention, rec *tracefs.Record) {
	b, key := a.b, a.b.sp.key(shared[0].Path)
	a.spoilt(rec)
	if a.n.reruns >= maxReruns {
		b.warn("%s is written by other recipes, too, whenever that of %s runs; nothing is recorded of it", b.display(key), a.f.Name)
		return
	}
	b.separateAll(a.f, a.n, shared)
}

// spoilt records what an action has left that others have written or changed meanwhile, so
// that it runs again; those of them that are to run again, too, do so one after the other.
func (a *action) spoilt(rec *tracefs.Record) {
	b := a.b
	t := a.notGood(rec, 0)
	b.spoiled[a.n.name] = true
	for i := range rec.Writes {
		key := b.sp.key(rec.Writes[i].Path)
		b.states.add(key, rec.Writes[i].After.Ctime, state{target: a.n.name, serial: a.n.serial, before: findOutput(t.Befores, key)})
		for _, x := range b.chain.failed[key] {
			other := b.db.Lookup(b.display(x.target))
			if x.target == a.n.name || !b.spoiled[x.target] || other == nil || other == a.f {
				continue
			}
			first, second := a.f, other
			if b.earlier(b.node(other), a.n) {
				first, second = other, a.f
			}
			b.again(second, first, "it and "+first.Name+" have spoilt "+b.display(key)+" for each other")
		}
	}
}

// separateAll is separate for each of several others: one that this action is not told
// from could be in its way again.
func (b *Build) separateAll(f *makefile.File, n *node, shared []tracefs.Contention) {
	for i := range shared {
		b.separate(f, n, &shared[i])
	}
}

// separate lets an action run again that has written a path while another did, so that
// only one of them does.
func (b *Build) separate(f *makefile.File, n *node, c *tracefs.Contention) {
	path := b.display(b.sp.key(c.Path))
	other := b.db.Lookup(b.display(c.By))
	if other != nil && other != f && b.earlier(b.node(other), n) {
		b.again(f, other, "it wrote "+path+" while "+other.Name+" did")
		return
	}
	if other != nil && !c.Existed && !slices.Contains(n.hide, c.Path) {
		n.hide = append(n.hide, c.Path) // a later version, for its next run
		n.hid = len(n.hide)
	}
	b.again(f, nil, "it wrote "+path+" while a recipe after it did")
}

// overtakenAt returns a path that an action has written and that was written again
// between its end and now, "" if there is none.
func (a *action) overtakenAt(rec *tracefs.Record) string {
	if rec.Leftover {
		return "" // its own processes may go on writing
	}
	for i := range rec.Writes {
		w := &rec.Writes[i]
		if w.Segment != "" || w.After.Mode&unix.S_IFMT != typeRegular || !a.b.sp.inProject(w.Path) || a.noVersion(rec, w.Path) {
			continue
		}
		if st, ok := a.b.w.lstat(w.Path); !ok || !st.Same(fileStat(&w.After)) {
			return w.Path
		}
	}
	return ""
}
