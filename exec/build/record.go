package build

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
	"fmake/tracefs"
)

// succeeded turns the record of a finished action into its trace.
func (a *action) succeeded(rec *tracefs.Record) error {
	b := a.b
	if rec == nil { // no tracing: as GNU make
		b.changedUnseen()
		return nil
	}
	if a.n.always && a.old != nil && a.untouched(rec) {
		b.ranAgain(a.n)
		a.done()
		a.n.idled = true
		return nil // it did nothing: what is known of its last real run stays
	}
	a.n.idled = false
	b.forgetWrites(rec)
	if c := a.contended(rec); len(c) > 0 {
		a.sharedPath(c, rec)
		return nil
	}
	if p := cmp.Or(a.meddled(rec), a.overtakenAt(rec), a.putOver(rec)); p != "" {
		a.changedUnder(p, rec)
		return nil
	}
	if a.n.reruns < maxReruns && b.madeElsewhere(a.n) {
		a.notGood(rec, 0)
		b.again(a.f, nil, "another build has made it at the same time")
		return nil
	}
	t := a.trace(rec)
	b.forgetWrites(rec)
	if p := cmp.Or(a.moved, a.overtakenAt(rec), a.putOver(rec)); p != "" { // while what it has left was hashed
		a.changedUnder(p, rec)
		return nil
	}
	if a.leftAlone(t) {
		t.Run = a.old.Run
	}
	if a.n.always || t.Flags&cache.Stateful != 0 {
		a.carryOver(t)
	}
	if !a.n.always {
		a.dropOld(t)
		if b.single == nil { // else who started it goes by its having run
			a.keepTimes(t)
		}
	}
	if b.chain != nil {
		b.chain.remove(a.n.name)
		b.chain.add(a.n.name, t)
	}
	a.put(t)
	b.logsChanged(a.n, a.old, t)
	if a.view.used() { // else the environment is not even expanded
		b.meetEnv(b.environ(a.f))
	}
	b.putRight(a.n.name)
	a.n.run, a.n.old = t.Run, t
	b.own(a.f, t.Outputs)
	a.n.stale = ""
	b.ranAgain(a.n)
	b.ended(a, t)
	if a.n.stale == "" { // else what it made is known to be wrong
		b.keep(a, t)
	}
	a.done()
	return nil
}

// leftAlone reports whether an action has written nothing, as last time, though its target's
// file is there ("y.tab.h: y.tab.c; @true"): to those for which the run counts that is no other
// run, as it is none to GNU make, which goes by the file's time.
func (a *action) leftAlone(t *cache.Trace) bool {
	return a.old != nil && a.old.Flags&(cache.Failed|cache.Always|cache.Provisional) == 0 && t.Flags&cache.Always == 0 &&
		len(t.Outputs) == 0 && len(a.old.Outputs) == 0 && a.old.Key == t.Key
}

// changedUnder handles a path that changed while the action looked at it. If
// another action of this build did it, the action runs again after that; if
// somebody else did, nothing is recorded. Either way what it left is not good and is
// undone when it next runs.
func (a *action) changedUnder(p string, rec *tracefs.Record) {
	b := a.b
	key := b.sp.key(p)
	moved := b.moved // by others
	a.spoilt(rec)
	switch w := b.lastBefore(a.n, b.wrote[key], time.Time{}); {
	case w != nil:
		b.hazard(a.f, w.f, key)
		return
	case len(b.wrote[key]) > 0:
		b.again(a.f, nil, b.display(key)+" was written by an action after it while its recipe ran")
		return
	case b.active > 0 || b.nativesOn > 0 || moved.After(a.started) || b.level > 0: // or a recipe of a make above
		b.again(a.f, nil, b.display(key)+" changed while its recipe ran")
		return
	}
	b.warn("%s was changed by somebody else while the recipe of %s ran; nothing is recorded of it", b.display(key), a.f.Name)
}

// done lets the journal entry be crossed out once the graph is saved.
func (a *action) done() {
	if a.journal == 0 {
		return
	}
	a.b.cross(a.journal)
	a.b.saveSoon()
}

// cross lets a journal entry be crossed out once the graph is saved.
func (b *Build) cross(id uint64) {
	if id == 0 {
		return
	}
	b.tree.waits(id)
}

// failed records what an action that failed has left, so that its next run
// undoes it. The earlier trace is gone: its files may be overwritten.
func (a *action) failed(rec *tracefs.Record, status int) {
	b := a.b
	if rec == nil {
		b.changedUnseen()
		return
	}
	b.forgetWrites(rec)
	a.remember(rec)
	a.n.clash = a.contended(rec)
	a.notGood(rec, status)
}

// notGood records what an action has left that must not be taken as good.
func (a *action) notGood(rec *tracefs.Record, status int) *cache.Trace {
	b := a.b
	t := &cache.Trace{
		Target: a.f.Name, Dir: b.sp.key(b.sp.cwd), Status: status, Flags: cache.Failed | b.passing(a.f), Serial: a.n.serial,
		Reason: a.n.reason,
	}
	t.Started, t.Duration = a.times()
	t.Inputs = a.n.looksOfFailed() // for the make above
	if a.stateful(rec) {
		t.Flags |= cache.Stateful // it goes on from here
		if a.old != nil && a.old.Flags&cache.Stateful != 0 {
			t.Inputs = unionInputs(t.Inputs, a.old.Inputs)
		}
	}
	t.Outputs, t.Befores = a.outputs(rec)
	left := t.Outputs
	// Old files that it did not touch stay, but are not good.
	a.keepOutputs(t, func(*cache.Output) bool { return true })
	b.chain.remove(a.n.name)
	b.chain.addFailed(a.n.name, t)
	a.put(t)
	b.moved = time.Now() // also for who saw what is not good change
	a.showSegments(left)
	b.ranAgain(a.n)
	a.done()
	return t
}

// forgetWrites lets everything that an action wrote be looked at again.
func (b *Build) forgetWrites(rec *tracefs.Record) {
	for _, w := range rec.Writes {
		b.lookAgain(w.Path)
	}
}

// lookAgain forgets what is known of a path that has changed, and of the listing that
// it is in.
func (b *Build) lookAgain(p string) {
	b.w.forget(p)
	key := b.sp.key(p)
	dir, _ := splitPath(key)
	b.checker.Forget(key, dir)
}

// meddled returns a path that somebody else changed while the action looked at
// it, or "".
func (a *action) meddled(rec *tracefs.Record) string {
	b := a.b
	if len(rec.Meddled) > 0 {
		return rec.Meddled[0]
	}
	for i := range rec.Looks {
		l := &rec.Looks[i]
		if l.Flags&tracefs.LookContent == 0 || l.Stat.Mode&unix.S_IFMT != unix.S_IFREG || a.passOver(l.Path) || findWrite(rec.Writes, l.Path) != nil {
			continue
		}
		st, ok := b.w.lstat(l.Path)
		if ok && sameLook(&l.Stat, st) {
			continue
		}
		b.w.forget(l.Path) // the look may be older than the action
		if st, ok = b.w.lstat(l.Path); !ok || !sameLook(&l.Stat, st) {
			return l.Path
		}
	}
	return ""
}

// sameLook reports whether a file is the one that an action saw. The time of its last
// change counts, because a file that was made again as it was gets its old mtime back.
func sameLook(saw *tracefs.Stat, now cache.FileStat) bool {
	return now.Size == saw.Size && now.Mtime == saw.Mtime && now.Ctime == saw.Ctime && now.Ino == saw.Ino
}

// passOver is true for paths that are no inputs and no versions. Most paths are
// met by many actions, so the answer is kept.
func (a *action) passOver(p string) bool {
	over, known := a.b.passed[p]
	if !known {
		over = isKernel(p) || a.b.sp.isAmbient(p)
		a.b.passed[p] = over
	}
	return over
}

// trace makes the trace of a successful action.
func (a *action) trace(rec *tracefs.Record) *cache.Trace {
	b := a.b
	k := b.recipeKey(a.f, a.n)
	t := &cache.Trace{
		Target: a.f.Name, Dir: b.sp.key(b.sp.cwd), Key: k.key, FullKey: k.full, Recipe: k.text, Vars: k.vars,
		Chunks: a.chunks, Serial: a.n.serial, Reason: a.n.reason,
		Status: a.status,
	}
	t.Started, t.Duration = a.times()
	t.Outputs, t.Befores = a.outputs(rec)
	var execs map[string]bool
	t.Inputs, execs = a.inputs(rec, t)
	a.within = a.listedWithin(rec, t)
	a.n.through = nil
	for _, dir := range rec.Through {
		if b.sp.inProject(dir) {
			a.n.through = append(a.n.through, b.sp.key(dir))
		}
	}
	b.shareDirs(a.n, t)
	t.Flags = a.flags(rec, t) | b.passing(a.f)
	if t.Flags&cache.Stateful != 0 && a.old != nil && (a.old.Flags&cache.Failed == 0 || a.old.Flags&cache.Stateful != 0) {
		t.Inputs = a.notOwn(unionInputs(t.Inputs, b.current(a.old.Inputs)))
	}
	if a.view.used() {
		t.Env = b.envInputs(a.f, a.n, t.Inputs, execs)
		b.values().keep(b.environ(a.f), t.Env)
	}
	b.addRoot(t)
	var strong []cache.Hash
	t.Tokens, strong = b.tokens(a.f, t.Inputs)
	t.Strong = cache.StrongKey(t.FullKey, t.Inputs, t.Env, strong)
	t.Run = cache.NewDigest("run").Hash(t.Strong).Uint(uint64(t.Started)).Uint(uint64(unix.Getpid())).Sum()
	t.Procs = a.procs(rec, t)
	if a.n.always || t.Flags&cache.Stateful != 0 {
		t.Befores = a.othersBefores(t.Befores)
	}
	b.noteUnseen(t)
	return t
}

// appended is true for a file to which the action has appended without reading it, and
// of which what it appended was not kept apart: nobody's input and nobody's version.
func (a *action) appended(rec *tracefs.Record, p string) bool {
	w := findWrite(rec.Writes, p)
	return w != nil && w.Append && w.Segment == "" && p != a.n.path
}

// flags finds out whether the action was a function of files.
func (a *action) flags(rec *tracefs.Record, t *cache.Trace) cache.TraceFlags {
	b := a.b
	var fl cache.TraceFlags
	if !a.leftTarget(t) {
		fl |= cache.Always | cache.NoStore
	}
	if a.n.always {
		fl |= cache.NoStore | cache.Forced
	}
	for i := range rec.Procs {
		argv := rec.Procs[i].Argv
		if listed(b.lists.impure, argv) {
			fl |= cache.NoStore
		}
	}
	if a.stateful(rec) || slices.ContainsFunc(rec.Writes, func(w tracefs.Write) bool { return w.Before.Lost }) {
		fl |= cache.Stateful | cache.NoStore
	}
	if b.isSpecial(".FMAKE_NOCACHE", a.f) {
		fl |= cache.NoStore
	}
	if len(rec.Setuid) > 0 {
		fl |= cache.Native | cache.NoStore
	}
	if len(rec.Sockets) > 0 || !looksAtProject(t) && !b.hasStdin() || b.single != nil && a.leavesTemporary(rec) || a.writesOutside(t) || looked(rec, "/etc/resolv.conf") {
		fl |= cache.NoStore
	}
	return fl
}

// stateful reports whether the action's tools keep a state of their own.
func (a *action) stateful(rec *tracefs.Record) bool {
	return a.b.isSpecial(".FMAKE_STATEFUL", a.f) ||
		slices.ContainsFunc(rec.Procs, func(p tracefs.Proc) bool { return listed(a.b.lists.stateful, p.Argv) })
}

// isSpecial reports whether a special target of fmake's own names f.
func (b *Build) isSpecial(special string, target *makefile.File) bool {
	f := b.db.Lookup(special)
	if f == nil {
		return false
	}
	for _, d := range f.Deps {
		if d.File != nil && d.File.Name == target.Name {
			return true
		}
	}
	return false
}

// procs turns the process tree into indices of inputs and outputs.
func (a *action) procs(rec *tracefs.Record, t *cache.Trace) []cache.Proc {
	sp := a.b.sp
	out := make([]cache.Proc, len(rec.Procs))
	if len(out) == 0 {
		return nil
	}
	recipeEnv := envList(a.b.environ(a.f))
	for i := range rec.Procs {
		p := &rec.Procs[i]
		q := cache.Proc{Parent: p.Parent, Argv: p.Argv, Dir: sp.key(p.Dir), Env: p.Env}
		if p.Parent < 0 {
			q.Env = tracefs.EnvDelta(recipeEnv, p.Env)
		}
		for _, r := range p.Reads {
			key := sp.key(r)
			if j, ok := slices.BinarySearchFunc(t.Inputs, key, func(in cache.Input, k string) int { return strings.Compare(in.Path, k) }); ok {
				q.Reads = append(q.Reads, uint32(j))
			}
		}
		for _, w := range p.Writes {
			key := sp.key(w)
			if j, ok := slices.BinarySearchFunc(t.Outputs, key, func(o cache.Output, k string) int { return strings.Compare(o.Path, k) }); ok {
				q.Writes = append(q.Writes, uint32(j))
			}
		}
		out[i] = q
	}
	return out
}
