package build

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
)

// The types of a version.
const (
	typeRegular = unix.S_IFREG
	typeDir     = unix.S_IFDIR
	typeLink    = unix.S_IFLNK
)

// restore puts back what a trace left, in place of what the target's action
// left last time, and replays what it printed.
func (b *Build) restore(f *makefile.File, n *node, d decision) error {
	b.opts.Idle.Void()
	t := *d.hit
	t.Outputs = slices.Clone(d.hit.Outputs)
	t.Serial, t.Reason = n.serial, d.why
	t.Flags = t.Flags&^cache.Intermediate | b.passing(f)
	if t.From != cache.FromFar && t.From != cache.FromAway {
		t.From = cache.FromCache
	}
	if d.old == nil || d.old.Strong != t.Strong {
		t.Run = cache.NewDigest("restored").Hash(t.Strong).Sum()
	} else {
		t.Run = d.old.Run
	}
	a := &action{b: b, f: f, n: n, old: d.old}
	if !d.again { // else they are what they were
		text, sets := f.Recipe.Text+"\n"+t.Recipe, b.nameSets(t.Inputs, nil)
		t.Env = withUnset(slices.Clone(t.Env), maps.Keys(b.known()), b.environ(f), func(name string) bool { return b.envMatters(name, text, sets) })
		t.Tokens, _ = b.tokens(f, t.Inputs) // the same in meaning, but of the runs that are in force now
	}
	b.announce(a, d, &t)
	b.appeared, b.onlyFiles = b.missingFiles(d)
	a.hidden = b.rollBackSuspect(a, nil)
	b.onlyFiles = b.onlyFiles && len(a.hidden) == 0
	if err := b.restoreAll(t.Outputs); err != nil {
		a.done() // the recipe begins anew
		return err
	}
	for i := 0; d.old != nil && i < len(t.Outputs); i++ {
		if was := findOutput(d.old.Outputs, t.Outputs[i].Path); was != nil && sameOutput(was, &t.Outputs[i]) {
			b.hadTime(f, was, 0)
		}
	}
	a.dropOld(&t)
	b.chain.remove(n.name)
	b.chain.add(n.name, &t)
	if d.again {
		b.graph.PutAgain(n.name, &t)
	} else {
		b.graph.Put(n.name, &t)
	}
	if a.journal != 0 {
		if err := b.journal.LeftAsMeant(a.journal); err != nil {
			b.trouble("writing down what was put back", err)
		}
	}
	b.logsChanged(n, d.old, &t)
	b.meetEnv(b.environ(f))
	b.putRight(n.name)
	b.ranAgain(n)
	n.run, n.old = t.Run, &t
	b.own(f, t.Outputs)
	b.left(b.settle(done{f: f, n: n, t: &t}), d.old)
	a.done()
	b.replay(&t)
	return nil
}

// Appeared implements exec.Appearing.
func (b *Build) Appeared() (paths []string, ok bool) { return b.appeared, b.onlyFiles }

// missingFiles lists the files that are about to come back. It is false if that may change
// more in the tree.
func (b *Build) missingFiles(d decision) (paths []string, ok bool) {
	outs := d.hit.Outputs
	for i := range outs {
		o := &outs[i]
		if o.Type != typeRegular || o.Path[0] == '/' {
			return nil, false
		}
		p := b.sp.abs(o.Path)
		if b.exists(p) {
			continue
		}
		if dir, _ := splitPath(p); !b.exists(dir) {
			return nil, false
		}
		paths = append(paths, p)
	}
	return paths, keepsAll(d.old, outs)
}

// announce writes down what is about to be put back, if that has to be known should it be
// cut short.
func (b *Build) announce(a *action, d decision, t *cache.Trace) {
	if b.replacesNothing(d) || b.changesNothing(a, d) {
		return
	}
	if d.again {
		if b.journal == nil {
			return // trouble was reported when it could not be opened
		}
		if err := b.journal.PutsBack(cache.JournalRecord{Target: a.n.name, Dir: b.sp.key(b.sp.cwd), Serial: a.n.serial}); err != nil {
			b.trouble("writing down what is put back", err)
		}
		return
	}
	if a.journal = b.begin(a.n, b.passing(a.f)); a.journal == 0 {
		return
	}
	if err := b.journal.Means(a.journal, t); err != nil {
		b.trouble("writing down what is put back", err)
	}
}

// changesNothing tells of a decision to restore that every file is as it is to be, but for
// its time, and that none goes: whenever it is cut short, what is there is what the graph
// says, and a power loss takes nothing.
func (b *Build) changesNothing(a *action, d decision) bool {
	if _, bad := b.suspect[a.n.name]; bad || d.again || !harmless(d.hit) || !harmless(d.old) {
		return false
	}
	outs := d.hit.Outputs
	for i := range outs {
		if o := &outs[i]; o.Type != typeRegular || o.SameAs != "" || o.Path[0] == '/' || !b.leftAsIs(o) {
			return false
		}
	}
	return keepsAll(d.old, outs)
}

// keepsAll reports whether all that a result has left, if there is one, is among some
// outputs: nothing of it goes.
func keepsAll(old *cache.Trace, outs []cache.Output) bool {
	return old == nil || !slices.ContainsFunc(old.Outputs, func(o cache.Output) bool { return findOutput(outs, o.Path) == nil })
}

// harmless reports whether a result has replaced nothing.
func harmless(t *cache.Trace) bool {
	return t == nil || len(t.Befores) == 0 && t.Flags&cache.Failed == 0
}

// sameAgain reports whether each of the files that a trace of the graph left is as it is to
// be or missing, whenever it is cut short to put back those that are gone.
func sameAgain(t *cache.Trace) bool {
	return len(t.Befores) == 0 && t.Flags&cache.Failed == 0 &&
		!slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return o.Type == 0 || o.Type == cache.TypeSegment })
}

// restoreAll makes the paths of outputs, which are sorted, what the trace left there:
// contents go before their directories, which come before what is in them.
func (b *Build) restoreAll(outs []cache.Output) error {
	for i := range slices.Backward(outs) {
		if o := &outs[i]; o.Type == 0 {
			if err := b.restoreOne(o); err != nil {
				return err
			}
		}
	}
	var files, links []*cache.Output
	for i := range outs {
		switch o := &outs[i]; {
		case o.Type == 0 || o.Path[0] == '/':
		case o.Type != typeRegular:
			if err := b.restoreOne(o); err != nil {
				return err
			}
		case o.SameAs != "":
			links = append(links, o) // to one of the files
		default:
			files = append(files, o)
		}
	}
	if err := b.restoreFiles(files); err != nil {
		return err
	}
	for _, o := range links {
		if err := b.restoreOne(o); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many contents are put back, or asked for, at a time.
const atOnce = 8

// restoreFiles puts contents back, several at a time.
func (b *Build) restoreFiles(files []*cache.Output) error {
	if len(files) == 1 {
		return b.restoreOne(files[0])
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	done := make([]bool, len(files))
	for i, o := range files {
		if b.leftAsIs(o) {
			b.touch(o)
			continue
		}
		g.Go(func() error {
			st, err := b.contents.Restore(o.Hash, b.sp.abs(o.Path), fileMode(o.Mode))
			if err != nil {
				return fmt.Errorf("restoring %s: %w", b.display(o.Path), err)
			}
			o.Stat, done[i] = st, true
			return nil
		})
	}
	err := g.Wait()
	for i, o := range files {
		b.lookAgain(b.sp.abs(o.Path))
		if done[i] {
			b.hasher.Learn(o.Stat, o.Hash)
		}
	}
	return err
}

// restoreOne makes the path of one output what the trace left there.
func (b *Build) restoreOne(o *cache.Output) error {
	if o.Path[0] == '/' {
		return nil // outside the project: never restored
	}
	p := b.sp.abs(o.Path)
	defer b.lookAgain(p)
	switch o.Type {
	case 0:
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("restoring: %w", err)
		}
		return nil
	case typeDir:
		if err := os.MkdirAll(p, 0o777); err != nil {
			return fmt.Errorf("restoring: %w", err)
		}
		return nil
	case typeLink:
		return cache.RestoreLink(o.Link, p)
	case cache.TypeSegment: // logsChanged puts it in its place
		if b.log(o.Path) == nil && !b.beginLog(o.Path, p) {
			return fmt.Errorf("%s, to which it appended, is not what recipes have left", b.display(o.Path))
		}
		return nil
	case typeRegular:
		return b.restoreFile(o, p)
	}
	return fmt.Errorf("restoring %s: neither file, link nor directory", b.display(o.Path))
}

func (b *Build) restoreFile(o *cache.Output, p string) error {
	if o.SameAs != "" && b.w.hasHash(b.sp.abs(o.SameAs), o.Hash) {
		_ = os.Remove(p)
		if err := os.Link(b.sp.abs(o.SameAs), p); err != nil {
			return fmt.Errorf("restoring: %w", err)
		}
		return nil
	}
	if b.leftAsIs(o) {
		b.touch(o)
		return nil
	}
	st, err := b.contents.Restore(o.Hash, p, fileMode(o.Mode))
	if err != nil {
		return fmt.Errorf("restoring %s: %w", b.display(o.Path), err)
	}
	o.Stat = st
	b.hasher.Learn(st, o.Hash)
	return nil
}

// fileMode turns the permission bits of a version into those of package fs, which
// keeps the upper three elsewhere.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// replay prints what the recipe printed when it ran, so that no warning is lost.
func (b *Build) replay(t *cache.Trace) {
	if b.opts.Print == nil {
		return
	}
	for _, c := range t.Chunks {
		switch {
		case c.Stream != streamEcho:
			b.opts.Print(int(c.Stream), c.Data)
		case !b.opts.Silent:
			b.opts.Print(1, c.Data)
		}
	}
}

// rollBack prepares the tree for a run of an action: what it changed in place
// goes back to the version before, what it made is to be hidden from its view.
// Only what is still exactly what the action left is touched. It returns the
// paths to hide.
func (b *Build) rollBack(a *action) []string {
	if a.old == nil || a.old.Flags&cache.Stateful != 0 || a.n.always && a.old.Status != statusCut {
		return b.rollBackSuspect(a, nil)
	}
	b.ofRun(a)
	var hide []string
	a.mtimes = make(map[string]int64)
	for i := range a.old.Outputs {
		o := &a.old.Outputs[i]
		p := b.sp.abs(o.Path)
		if st, ok := b.w.lstat(p); ok {
			a.mtimes[o.Path] = st.Mtime
		}
		before := findOutput(a.old.Befores, o.Path)
		switch {
		case o.Path[0] == '/' || b.undoneBelow(a, o):
		case o.Type == cache.TypeSegment:
			b.withdraw(o.Path, a.n)
		case b.log(o.Path) != nil:
			if before == nil && b.exists(p) && !b.hasBefore(o.Path, a.n) {
				hide = append(hide, p) // with what others have appended to it
			} // else see lower
		case o.Type == 0:
			if before != nil && !b.exists(p) {
				b.putBack(before, p)
			}
		case before != nil && b.putFound(a, o.Path, p):
		case b.laterVersion(a, o.Path) && !b.leftByFailed(a, o):
			if before != nil {
				b.putUnder(a, o.Path, p)
			} else if b.chain.onlyOnTop(a.n, o) {
				hide = append(hide, p)
			}
		case b.failedOnSomething(a, o.Path, before) && (b.putUnder(a, o.Path, p) || b.putBase(a.n, o.Path, p)):
		case !b.leftAsIs(o) || b.leftBefore(a, o):
		case before != nil && before.Hash != o.Hash:
			if found := b.foundFirst(a, o.Path); found != nil {
				b.putBack(found, p)
			} else {
				hide = append(hide, p)
			}
		case slices.Contains(a.n.shown, p):
		case before == nil && (o.Type != typeDir || b.ownDir(o.Path, a)):
			hide = append(hide, p)
		}
	}
	return b.rollBackSuspect(a, hide)
}

// leftBefore reports whether an action before this one has left the same as it at a path:
// it has made anew what it could have found, and is to find it next time.
func (b *Build) leftBefore(a *action, o *cache.Output) bool {
	under := b.chain.under(a.n, o.Path)
	return under != nil && under.Type != 0 && under.Type != typeDir && sameOutput(under, o)
}

// ownDir reports whether a directory is this action's alone: no action before it has made
// it, nobody else made what is in it, no source is in it, and no other rule makes it.
func (b *Build) ownDir(key string, a *action) bool {
	if b.single != nil {
		return b.onlyOwnIn(key, a.old) // what other commands have left is in nobody's chain
	}
	f := b.db.Lookup(b.display(key))
	earlier := func(x version) bool { return x.serial < a.n.serial && x.out.Type == typeDir }
	return (f == nil || f == a.f || f.Recipe == nil) && !slices.ContainsFunc(b.chain.of(key), earlier) && !b.chain.othersBelow(key, a.n.name) && !b.chain.holdsSeen(a.n.name, a.n.serial, key) && !b.chain.holdsEdited(a.n.name, key)
}

func (b *Build) exists(p string) bool {
	_, ok := b.w.lstat(p)
	return ok
}

// laterVersion reports whether another action changed the path afterwards: then
// what stands there is not this action's to undo.
func (b *Build) laterVersion(a *action, path string) bool {
	if f := b.owned[b.sp.abs(path)]; f != nil && f != a.f {
		return true // in this build
	}
	chain := b.chain.of(path)
	if len(chain) == 0 {
		return false
	}
	last := &chain[len(chain)-1]
	return last.target != a.n.name && (last.serial > a.n.serial || a.old.Flags&cache.Failed == 0)
}

// leftByFailed reports whether what stands at a path is what the action's failed run has left
// there, though actions after it have versions from earlier builds.
func (b *Build) leftByFailed(a *action, o *cache.Output) bool {
	return a.old.Flags&cache.Failed != 0 && b.leftAsIs(o) &&
		!slices.ContainsFunc(b.chain.of(o.Path), func(x version) bool {
			return x.target != a.n.name && x.serial > a.n.serial && b.leftAsIs(&x.out)
		})
}

// failedOnSomething reports whether the action's last run failed and there may be a version
// of a path that it is to find. There is none if that run came to its end and found nothing
// there, and no action before it has left anything: what one after it says that it replaced
// was the action's own.
func (b *Build) failedOnSomething(a *action, path string, found *cache.Output) bool {
	if a.old.Flags&cache.Failed == 0 {
		return false
	}
	return found != nil || a.old.Status == statusCut ||
		slices.ContainsFunc(b.chain.of(path), func(x version) bool { return x.serial < a.n.serial })
}

// putUnder puts a file that the action edits in place back to what the action is to
// see, though actions after it have edited it too, and reports whether there is an
// earlier version: theirs are gone from the tree then, and they run again.
func (b *Build) putUnder(a *action, path, p string) bool {
	return b.putVersion(b.chain.under(a.n, path), p)
}

// putFound puts back what an action has found that ran in this build among others, if no
// action before it has left anything: what one after it has replaced was of such runs.
func (b *Build) putFound(a *action, path, p string) bool {
	chain := b.chain.of(path)
	earlier := func(x version) bool { return x.serial < a.n.serial }
	if slices.ContainsFunc(chain, earlier) {
		return false
	}
	over := len(chain) > 0 && b.laterVersion(a, path) && b.chain.stands(chain)
	if !b.spoiled[a.n.name] && !over && !b.standsLater(a.n, path, p) {
		return false
	}
	return b.putVersion(b.foundFirst(a, path), p)
}

// foundFirst returns what was at a path before the last run of an action, and before those
// of later ones of which that run had found what they left.
func (b *Build) foundFirst(a *action, path string) *cache.Output {
	found := findOutput(a.old.Befores, path)
	all := b.chain.allOf(path)
	ended := a.old.Started + a.old.Duration
	for found != nil {
		if s, known := b.stateAt(path, found.Stat.Ctime); known {
			if s.target != a.n.name && !b.laterState(a.n, &s) {
				break
			}
			older := s.before == nil || s.before.Stat.Ctime < found.Stat.Ctime
			if found = s.before; older {
				continue
			}
			break
		}
		i := slices.IndexFunc(all, func(x version) bool {
			if x.target == a.n.name || x.serial < a.n.serial || !sameContent(&x.out, found) {
				return false
			}
			t := b.graph.Target(x.target)
			return t != nil && t.Started < ended
		})
		if i < 0 {
			break
		}
		t := b.graph.Target(all[i].target)
		found, ended = all[i].before, t.Started+t.Duration
		all = slices.Delete(all, i, i+1)
	}
	return found
}

// putBase puts back what was at a path before several actions, none of which has ended well,
// changed it at the same time: each has found what another had left so far, and the one
// that has found what is oldest was the first.
func (b *Build) putBase(n *node, path, p string) bool {
	chain := b.chain.of(path) // makes the index
	failed := b.chain.failed[path]
	if len(failed) < 2 || !slices.ContainsFunc(failed, func(x version) bool { return b.leftAsIs(&x.out) }) {
		return false
	}
	if len(chain) > 0 {
		return b.putVersion(below(chain, n), p)
	}
	if base, known := b.bases[path]; known {
		return b.putVersion(base, p) // what they have found since is what was put back
	}
	var base *cache.Output
	for i := range failed {
		before := failed[i].before
		if before == nil || before.Type != typeRegular {
			return false
		}
		if base == nil || before.Stat.Ctime < base.Stat.Ctime {
			base = before
		}
	}
	b.bases[path] = base
	return b.putVersion(base, p)
}

// putVersion puts a file back if its content is known.
func (b *Build) putVersion(o *cache.Output, p string) bool {
	if o == nil || o.Type != typeRegular || b.client() == nil || !b.contents.Has(o.Hash) {
		return false
	}
	b.putBack(o, p)
	return true
}

// putBack restores the version that an action replaced.
func (b *Build) putBack(o *cache.Output, p string) {
	var err error
	switch o.Type {
	case typeRegular:
		if b.client() == nil {
			return
		}
		if _, err = b.contents.Restore(o.Hash, p, fileMode(o.Mode)); err == nil {
			defer b.putAgain(o, p)
		}
	case typeLink:
		err = cache.RestoreLink(o.Link, p)
	case typeDir:
		err = os.MkdirAll(p, 0o777)
	}
	if err != nil {
		b.warn("cannot undo what an earlier run did to %s: %v", b.display(o.Path), err)
	}
	b.lookAgain(p)
}

// rollBackSuspect adds the target's own file, if it may be that of a run whose result has
// not reached the disk.
func (b *Build) rollBackSuspect(a *action, hide []string) []string {
	s, bad := b.suspect[a.n.name]
	if !bad {
		return hide
	}
	if st, ok := b.w.lstat(a.n.path); ok && st.Ctime >= s.since-clockTick && !slices.Contains(hide, a.n.path) {
		hide = append(hide, a.n.path)
	}
	return hide
}

// dropOld removes what the action left last time and did not leave this time.
func (a *action) dropOld(t *cache.Trace) {
	if a.old == nil || t.Flags&cache.Stateful != 0 || a.old.Flags&(cache.Provisional|cache.Stateful) != 0 {
		a.dropHidden(t)
		return
	}
	for i := len(a.old.Outputs) - 1; i >= 0; i-- { // contents before their directories
		o := &a.old.Outputs[i]
		if o.Path[0] == '/' || o.Type == 0 || o.Type == cache.TypeSegment || findOutput(t.Outputs, o.Path) != nil || findOutput(a.old.Befores, o.Path) != nil {
			continue
		}
		if a.goes(o) {
			a.b.remove(o.Path, o.Type)
		}
	}
	a.dropHidden(t)
}

// goes reports whether nothing is to be at a path any more at which the action has left
// something last time.
func (a *action) goes(o *cache.Output) bool {
	b := a.b
	if b.laterVersion(a, o.Path) {
		return b.chain.onlyOnTop(a.n, o)
	}
	if !b.leftAsIs(o) || b.leftBefore(a, o) {
		return false
	}
	others := func(x version) bool { return x.target != a.n.name }
	return o.Type != typeDir || !slices.ContainsFunc(b.chain.of(o.Path), others)
}

// dropHidden removes what was hidden from the view and has not come back.
func (a *action) dropHidden(t *cache.Trace) {
	slices.Sort(a.hidden)
	for _, p := range slices.Backward(a.hidden) { // contents before their directories
		key := a.b.sp.key(p)
		if findOutput(t.Outputs, key) != nil {
			continue
		}
		typ := uint32(typeRegular)
		if st, ok := a.b.w.lstat(p); ok {
			typ = st.Mode & unix.S_IFMT
		}
		a.b.remove(key, typ)
	}
	a.keepDirs(t)
}

// remove deletes a version from the tree; directories only when nothing of
// others is in them.
func (b *Build) remove(key string, typ uint32) {
	p := b.sp.abs(key)
	var err error
	if typ == typeDir {
		err = unix.Rmdir(p)
	} else {
		err = unix.Unlink(p)
	}
	if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTEMPTY) {
		b.warn("cannot remove %s, which an earlier run left: %v", b.display(key), err)
	}
	b.lookAgain(p)
}
