package build

import (
	"cmp"
	"os"
	"path"
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
	if a.n.always && a.old != nil && a.view.untouched(rec) {
		a.done()
		return nil // it did nothing: what is known of its last real run stays
	}
	b.forgetWrites(rec)
	if c := a.contended(rec); c != nil {
		a.sharedPath(c, rec)
		return nil
	}
	if p := cmp.Or(a.meddled(rec), a.overtakenAt(rec)); p != "" {
		a.changedUnder(p, rec)
		return nil
	}
	t := a.trace(rec)
	if a.moved != "" {
		a.changedUnder(a.moved, rec)
		return nil
	}
	if a.n.always || t.Flags&cache.Stateful != 0 {
		a.carryOver(t)
	}
	if !a.n.always {
		a.dropOld(t)
		a.keepTimes(t)
	}
	if b.chain != nil {
		b.chain.remove(a.n.name, a.old)
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
	b.cross(a.n.again)
	a.n.again = 0
	b.ended(a, t)
	if a.n.stale == "" { // else what it made is known to be wrong
		b.keep(a, t)
	}
	a.done()
	return nil
}

// changedUnder handles a path that changed while the action looked at it. If
// another action of this build did it, the action runs again after that; if
// somebody else did, nothing is recorded. Either way what it left is not good and is
// undone when it next runs.
func (a *action) changedUnder(p string, rec *tracefs.Record) {
	b := a.b
	key := b.sp.key(p)
	a.notGood(rec, 0)
	switch w := b.lastBefore(a.n, b.wrote[key], time.Time{}); {
	case a.n.reruns >= maxReruns:
	case w != nil:
		b.hazard(a.f, w.f, key)
		return
	case len(b.wrote[key]) > 0:
		b.again(a.f, nil, b.display(key)+" was written by an action after it while its recipe ran")
		return
	case b.active > 0 || b.nativesOn > 0 || b.moved.After(a.started):
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
	b.mu.Lock()
	b.pending = append(b.pending, id)
	b.mu.Unlock()
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
	a.notGood(rec, status)
}

// notGood records what an action has left that must not be taken as good.
func (a *action) notGood(rec *tracefs.Record, status int) {
	b := a.b
	t := &cache.Trace{
		Target: a.f.Name, Dir: b.sp.key(b.sp.cwd), Status: status, Flags: cache.Failed, Serial: a.n.serial,
		Started: a.started.UnixNano(), Duration: int64(time.Since(a.started)), Reason: a.n.reason,
	}
	t.Inputs = a.n.looksOfFailed() // for the make above
	t.Outputs, t.Befores = a.outputs(rec)
	left := t.Outputs
	// Old files that it did not touch stay, but are not good.
	a.keepOutputs(t, func(*cache.Output) bool { return true })
	b.chain.remove(a.n.name, a.old)
	b.chain.addFailed(a.n.name, t)
	a.put(t)
	a.showSegments(left)
	a.done()
}

// forgetWrites lets everything that an action wrote be looked at again.
func (b *Build) forgetWrites(rec *tracefs.Record) {
	for _, w := range rec.Writes {
		b.lookAgain(w.Path)
	}
}

// lookAgain forgets what is known of a path that has changed.
func (b *Build) lookAgain(p string) {
	b.w.forget(p)
	b.checker.Forget(b.sp.key(p))
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
		Chunks: a.chunks, Started: a.started.UnixNano(), Duration: int64(time.Since(a.started)), Serial: a.n.serial, Reason: a.n.reason,
	}
	t.Outputs, t.Befores = a.outputs(rec)
	var execs map[string]bool
	t.Inputs, execs = a.inputs(rec, t)
	b.shareDirs(t)
	t.Flags = a.flags(rec, t)
	if t.Flags&cache.Stateful != 0 && a.old != nil && a.old.Flags&cache.Failed == 0 {
		t.Inputs = unionInputs(t.Inputs, b.current(a.old.Inputs))
	}
	if a.view.used() {
		t.Env = b.envInputs(a.f, a.n, t.Inputs, execs)
	}
	var strong []cache.Hash
	t.Tokens, strong = b.tokens(a.f, t.Inputs)
	t.Strong = cache.StrongKey(t.FullKey, t.Inputs, t.Env, strong)
	t.Run = cache.NewDigest("run").Hash(t.Strong).Uint(uint64(t.Started)).Uint(uint64(unix.Getpid())).Sum()
	t.Procs = a.procs(rec, t)
	return t
}

// inputs turns looks into inputs, sorted by path, and names those that were
// executed.
func (a *action) inputs(rec *tracefs.Record, t *cache.Trace) ([]cache.Input, map[string]bool) {
	b := a.b
	var in []cache.Input
	execs := make(map[string]bool)
	looks := append(rec.Looks, a.systemLooks(rec)...)
	slices.SortFunc(looks, func(x, y tracefs.Look) int { return strings.Compare(x.Path, y.Path) })
	for i := range looks {
		l := &looks[i]
		if a.passOver(l.Path) || a.holdsAmbient(l, rec) || a.implied(looks, i) || a.appended(rec, l.Path) || lost(rec, l.Path) || b.sp.isTemp(l.Path) && findWrite(rec.Writes, l.Path) != nil {
			continue
		}
		if l.Flags&tracefs.LookExec != 0 {
			execs[b.sp.key(l.Path)] = true
		}
		in = a.appendInputs(in, l, rec, t)
	}
	slices.SortFunc(in, compareInputs)
	return slices.CompactFunc(in, func(x, y cache.Input) bool { return compareInputs(x, y) == 0 }), execs
}

// appended is true for a file to which the action has appended without reading it, and
// of which what it appended was not kept apart: nobody's input and nobody's version.
func (a *action) appended(rec *tracefs.Record, p string) bool {
	w := findWrite(rec.Writes, p)
	return w != nil && w.Append && w.Segment == "" && p != a.n.path
}

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

// appendInputs adds what one look saw.
func (a *action) appendInputs(in []cache.Input, l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) []cache.Input {
	b := a.b
	key := b.sp.key(l.Path)
	add := func(x cache.Input) {
		x.Path = key
		in = append(in, x)
	}
	typ := l.Stat.Mode & unix.S_IFMT
	if l.Flags&tracefs.LookAbsent != 0 && l.Stat.Ino == 0 {
		add(cache.Input{Kind: cache.InputAbsent})
		return in
	}
	if l.Flags&tracefs.LookListing != 0 {
		add(cache.Input{Kind: cache.InputListing, Hash: cache.HashNames(a.listed(l, rec, t))})
	}
	if l.Flags&tracefs.LookLink != 0 && l.Link != "" {
		add(cache.Input{Kind: cache.InputLink, Hash: cache.HashString(l.Link)})
	}
	if (l.Flags&(tracefs.LookContent|tracefs.LookUndecided) != 0 || linked(key, t)) && typ == unix.S_IFREG {
		add(a.contentInput(l, rec, t))
		return in
	}
	if l.Flags&(tracefs.LookListing|tracefs.LookLink) == 0 {
		x := cache.Input{Kind: cache.InputExists, Mode: l.Stat.Mode}
		switch typ {
		case unix.S_IFREG:
			x.Size = l.Stat.Size
		case unix.S_IFLNK:
			x.Mode = unix.S_IFLNK
		}
		add(x)
	}
	return in
}

// contentInput hashes what the action read: the file as it is, or its
// pre-image if the action changed it afterwards.
func (a *action) contentInput(l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) cache.Input {
	b := a.b
	x := cache.Input{Kind: cache.InputContent, Mode: l.Stat.Mode}
	if w := findWrite(rec.Writes, l.Path); w != nil {
		if bef := findOutput(t.Befores, b.sp.key(l.Path)); bef != nil {
			x.Hash = bef.Hash
		}
		return x
	}
	h, err := b.w.hash(l.Path)
	if err != nil {
		return x // unreadable to fmake: a zero hash never holds
	}
	if !sameLook(&l.Stat, h.Stat) {
		a.moved = l.Path // between the end of the action and now
	}
	x.Hash = h.Hash
	if !h.Racy {
		x.Stat = h.Stat
	}
	return x
}

// listed are the names that a listing counts by: as the action saw them, less
// its own and what editors leave.
func (a *action) listed(l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) []string {
	key := a.b.sp.key(l.Path)
	out := make([]string, 0, len(l.Names))
	for _, n := range l.Names {
		if isEditorName(n) {
			continue
		}
		o := findOutput(t.Outputs, joinPath(key, n))
		if o != nil && findOutput(t.Befores, o.Path) == nil && !isOlderLog(o, findWrite(rec.Writes, joinPath(l.Path, n))) {
			continue
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out
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
	return &o
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
	if len(rec.Sockets) > 0 || !looksAtProject(t) || a.writesOutside(t) || looked(rec, "/etc/resolv.conf") {
		fl |= cache.NoStore
	}
	return fl
}

// stateful reports whether the action's tools keep a state of their own.
func (a *action) stateful(rec *tracefs.Record) bool {
	return a.b.isSpecial(".FMAKE_STATEFUL", a.f) ||
		slices.ContainsFunc(rec.Procs, func(p tracefs.Proc) bool { return listed(a.b.lists.stateful, p.Argv) })
}

// leftTarget reports whether the recipe left a file of the target's name.
func (a *action) leftTarget(*cache.Trace) bool {
	_, ok := a.b.w.lstat(a.n.path)
	return ok
}

// looksAtProject reports whether what the action did can hang on the project: it
// read a file or a directory there, or missed one that it did not make itself.
func looksAtProject(t *cache.Trace) bool {
	return slices.ContainsFunc(t.Inputs, func(x cache.Input) bool {
		if x.Path[0] != '.' {
			return false
		}
		switch x.Kind {
		case cache.InputContent, cache.InputListing:
			return true
		case cache.InputAbsent:
			return findOutput(t.Outputs, x.Path) == nil
		}
		return false
	})
}

// writesOutside is true for an action with outputs outside the project, or too
// large ones: those are not restored.
func (a *action) writesOutside(t *cache.Trace) bool {
	const limit = 4 << 30
	return slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return o.Path[0] == '/' || o.Size > limit })
}

func looked(rec *tracefs.Record, p string) bool {
	_, ok := slices.BinarySearchFunc(rec.Looks, p, func(l tracefs.Look, s string) int { return strings.Compare(l.Path, s) })
	return ok
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

// systemLooks selects from what the whole build looked at in system trees what
// concerns this action: absences and links of names that it used, and those of
// names that nobody found.
func (a *action) systemLooks(rec *tracefs.Record) []tracefs.Look {
	b := a.b
	if b.engine == nil {
		return nil
	}
	all, err := b.engine.SystemLooks()
	if err != nil {
		b.warn("engine: %v", err)
		return nil
	}
	own := make(map[string]bool)
	for i := range rec.Looks {
		own[stemName(rec.Looks[i].Path)] = true
	}
	for n := range own {
		b.found[n] = true
	}
	var out []tracefs.Look
	for again := true; again; {
		again = false
		for i := range all {
			l := &all[i]
			if l.Flags&tracefs.LookLink == 0 || own[stemName(l.Path)] || !own[stemName(l.Link)] {
				continue
			}
			own[stemName(l.Path)], again = true, true
		}
	}
	for i := range all {
		l := &all[i]
		if l.Stat.Mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		if n := stemName(l.Path); own[n] || !b.found[n] {
			out = append(out, *l)
		}
	}
	return out
}

// stemName is the last element of a path, a precompiled header's called like
// its header.
func stemName(p string) string { return strings.TrimSuffix(path.Base(p), ".gch") }

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

// current gives inputs with what they are now.
func (b *Build) current(in []cache.Input) []cache.Input {
	out := make([]cache.Input, 0, len(in))
	for i := range in {
		if x, err := b.w.asInput(b.sp.abs(in[i].Path), in[i].Kind, nil); err == nil {
			out = append(out, x)
		}
	}
	return out
}

// unionInputs merges two sorted lists; the first wins. A file that was read in
// one run and only looked up in another counts by both.
func unionInputs(x, y []cache.Input) []cache.Input {
	out := append(append([]cache.Input(nil), x...), y...)
	slices.SortStableFunc(out, compareInputs)
	return slices.CompactFunc(out, func(p, q cache.Input) bool { return compareInputs(p, q) == 0 })
}

// compareInputs orders inputs by path and kind.
func compareInputs(x, y cache.Input) int {
	return cmp.Or(strings.Compare(x.Path, y.Path), cmp.Compare(x.Kind, y.Kind))
}

func findWrite(list []tracefs.Write, p string) *tracefs.Write {
	i, ok := slices.BinarySearchFunc(list, p, func(w tracefs.Write, s string) int { return strings.Compare(w.Path, s) })
	if !ok {
		return nil
	}
	return &list[i]
}

func sortOutputs(o []cache.Output) {
	slices.SortFunc(o, func(x, y cache.Output) int { return strings.Compare(x.Path, y.Path) })
}
