package build

import (
	"slices"
	"time"

	"fmake/cache"
	"fmake/exec"
)

// A file that actions edit in place has one version after another, and only the last
// stands in the tree. Who read an earlier one, and runs again without those that edited
// it since, must find what he would find in a serial build: the file is put back for as
// long as he runs. The logs have their own way, see lower.

// loweredFile is a file that was put back for actions that run now.
type loweredFile struct {
	under   cache.Output // what stands there
	above   cache.Output // what stood there, and comes back
	mtime   time.Time    // of that
	users   int
	journal uint64 // of who left it, for a make that dies meanwhile
}

// lowerFiles puts the files that an action reads back to the versions that it is to
// see, and returns a function that undoes it.
func (b *Build) lowerFiles(n *node, old *cache.Trace) (raise func()) {
	if b.seesAll(n) {
		return func() {}
	}
	paths := slices.Clone(n.lowered)
	for i := 0; old != nil && i < len(old.Inputs); i++ {
		in := &old.Inputs[i]
		if in.Kind == cache.InputContent && in.Path[0] == '.' && len(b.chain.of(in.Path)) > 0 && !slices.Contains(paths, in.Path) {
			paths = append(paths, in.Path)
		}
	}
	var done []string
	for _, path := range paths {
		if old != nil && findOutput(old.Outputs, path) != nil || b.log(path) != nil || !b.mustNotSee(n, path) {
			continue // see putUnder
		}
		if b.lowerFile(n, path) {
			done = append(done, path)
		}
	}
	return func() {
		for _, path := range done {
			b.raiseFile(path)
		}
	}
}

// lowerFile puts one file back, and reports whether it had to.
func (b *Build) lowerFile(n *node, path string) bool {
	if l := b.lowered[path]; l != nil {
		l.users++
		return true
	}
	p := b.sp.abs(path)
	under, ok := b.chain.seen(n.name, n.serial, path, false)
	if !ok || under.Type != typeRegular || b.client() == nil || !b.contents.Has(under.Hash) {
		return false
	}
	above, ok := b.outputAt(p)
	if !ok || above.Type != typeRegular || above.Hash == under.Hash || b.beingWritten(p) != "" {
		return false
	}
	if _, _, err := b.contents.PutFile(p, above.Hash); err != nil {
		return false
	}
	st, _ := b.w.lstat(p)
	l := &loweredFile{under: under, above: above, mtime: time.Unix(0, st.Mtime), users: 1}
	if top := b.chain.top(n, path); top != nil {
		var flags cache.TraceFlags
		if e, ok := b.graph.Entry(top.target); ok {
			flags = e.Flags() & cache.Intermediate
		}
		l.journal = b.begin(&node{name: top.target, serial: top.serial}, flags)
	}
	b.lowered[path] = l
	b.putBack(&under, p)
	return true
}

// raiseFile undoes lowerFile, if nobody has written the file meanwhile.
func (b *Build) raiseFile(path string) {
	l := b.lowered[path]
	if l.users--; l.users > 0 {
		return
	}
	delete(b.lowered, path)
	p := b.sp.abs(path)
	b.lookAgain(p)
	if l.above.Hash != l.under.Hash && b.leftAsIs(&l.under) {
		b.putBack(&l.above, p)
		b.setTime(&l.above, l.mtime)
	}
	if l.journal != 0 {
		if err := b.journal.Drop(l.journal); err != nil {
			b.trouble("writing down what runs", err)
		}
	}
	b.wasLowered(path)
}

// undoneBelow undoes what an action has left at a path where another version stands now for
// another recipe: it does not come back after that.
func (b *Build) undoneBelow(a *action, o *cache.Output) bool {
	l := b.lowered[o.Path]
	if l == nil || !sameContent(&l.above, o) {
		return false
	}
	found := b.foundFirst(a, o.Path)
	if found == nil || found.Type != typeRegular || !b.contents.Has(found.Hash) {
		return false
	}
	l.above, l.mtime = *found, time.Unix(0, found.Stat.Mtime)
	return true
}

// wasLowered lets those run again that looked at a file while it was put back for
// another.
func (b *Build) wasLowered(path string) {
	for _, d := range b.looked[path] {
		if d.n.last == d && d.n.stale == "" && !b.sawIt(d, path) {
			b.again(d.f, nil, b.display(path)+" was put back for another recipe while its own ran")
		}
	}
}

// inputPutBack returns what a trace has read and is put back now for a recipe that runs: by
// what stands there nobody else can be judged. It is "" if there is nothing of that kind.
func (b *Build) inputPutBack(t func() *cache.Trace) string {
	paths := b.putBackNow()
	if len(paths) == 0 {
		return ""
	}
	inputs := t().Inputs
	for i := range inputs {
		if in := &inputs[i]; in.Kind == cache.InputContent && slices.Contains(paths, in.Path) {
			return in.Path
		}
	}
	return ""
}

// putBackNow lists the files that are put back now, also by other makes in this process.
func (b *Build) putBackNow() (paths []string) {
	for path := range b.lowered {
		paths = append(paths, path)
	}
	b.tree.logs.mu.Lock()
	defer b.tree.logs.mu.Unlock()
	for path, l := range b.tree.logs.known {
		if l.lowered > 0 {
			paths = append(paths, path)
		}
	}
	return paths
}

// afterRunning is the verdict for what has to wait for a recipe, which may be another make's.
func (b *Build) afterRunning() exec.Verdict {
	if len(b.running) > 0 {
		return exec.AfterRunning
	}
	return exec.Undecided
}
