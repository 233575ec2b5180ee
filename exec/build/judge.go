package build

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
	"fmake/tracefs"
)

// decision is the answer for one target, with the reason in words.
type decision struct {
	verdict exec.Verdict
	why     string       // one sentence without the target's name
	old     *cache.Trace // the trace that was checked, nil if none; never for UpToDate
	hit     *cache.Trace // the trace to restore, for Restored
	differs *cache.Input // the first input that is not as it was
	adopt   bool         // take over what GNU make's rule finds good
	others  bool         // its file belongs to another target's action
	fresh   bool         // holds, but mtimes have to say so too

	// For UpToDate, all that is used of the trace: to decode the rest of it is
	// most of the work of a build that has nothing to do.
	run  cache.Hash
	outs []cache.Output
}

// assumedNew names a prerequisite that -W declares to be new.
func assumedNew(f *makefile.File) string {
	for _, d := range f.Deps {
		if d.File != nil && !d.OrderOnly && d.File.Run.Mtime == exec.MtimeNew {
			return d.File.Name
		}
	}
	return ""
}

// surprising is true for a target that GNU make would have left alone: the user
// is told once why fmake does not.
func (d *decision) surprising(must bool) bool {
	return !must && (d.verdict == exec.Run || d.verdict == exec.Restored)
}

// Judge implements exec.Judge.
func (b *Build) Judge(f *makefile.File, must bool) exec.Verdict {
	if b.engineErr != nil && !errors.Is(b.engineErr, tracefs.ErrKilled) {
		return exec.AsMake // no tracing here: GNU make's rule alone
	}
	n := b.node(f)
	b.number(f, n)
	b.visited[n.name] = true
	d := b.decide(f, n, must)
	n.reason, n.old = d.why, d.old
	n.decided, n.must = &d, must
	if n.always && !f.Phony && !f.Recipe.AnyRecurse {
		b.markForced(f, n)
	}
	if b.opts.DryRun {
		b.pretend(f, n, d, must)
		return d.verdict
	}
	if d.surprising(must) && n.stale == "" && !b.opts.Always {
		b.say(f.Name, d.why)
	}
	switch d.verdict {
	case exec.UpToDate:
		if d.adopt {
			b.adopt(f, n)
			d.run = n.run
		}
		if d.fresh {
			b.freshen(f, n)
		}
		n.run = d.run
		b.own(f, d.outs)
		b.settle(done{f: f, n: n})
	case exec.AsMake:
		if d.others && !must {
			b.dropTrace(n)
		}
		if d.adopt {
			b.adopt(f, n)
			b.visit(n)
		}
	case exec.Restored:
		if err := b.restore(f, n, d); err != nil {
			b.warn("%s: cannot restore from the cache: %v", f.Name, err)
			d.verdict = exec.Run
		}
	}
	return d.verdict
}

// dropTrace forgets what a target's own recipe did once if that is not what stands
// there: its file is another action's now, of which it is no later version.
func (b *Build) dropTrace(n *node) {
	e, known := b.graph.Entry(n.name)
	if !known {
		return
	}
	outs := e.Outputs()
	if !slices.ContainsFunc(outs, func(o cache.Output) bool { return !b.leftAsIs(&o) }) {
		return
	}
	b.chain.remove(n.name, b.graph.Target(n.name))
	b.graph.Delete(n.name)
	b.putRight(n.name)
}

// markForced makes $? of a target that runs every time tell by content, too, what
// changed since its last real run: its recipe may decide by that. If it is
// something that the makefile does not name, everything counts as changed.
func (b *Build) markForced(f *makefile.File, n *node) {
	t := b.graph.Target(n.name)
	if t == nil || t.Flags&(cache.Failed|cache.Provisional) != 0 {
		return
	}
	named := make(map[string]*makefile.Dep, len(f.Deps))
	for _, d := range f.Deps {
		if !d.OrderOnly && d.File != nil {
			named[b.sp.key(b.w.realFile(b.node(d.File).path))] = d
		}
	}
	all := false
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if in.Kind != cache.InputContent && in.Kind != cache.InputAbsent || findOutput(t.Outputs, in.Path) != nil || b.w.same(in) {
			continue
		}
		if d := named[in.Path]; d != nil {
			d.Changed = true
		} else if in.Path[0] == '.' {
			all = true
		}
	}
	for _, d := range named {
		d.Changed = d.Changed || all
	}
}

// pretend notes, under -n, the files that would be made anew, because what was
// made from them would have to be looked at again.
func (b *Build) pretend(f *makefile.File, n *node, d decision, must bool) {
	if d.verdict == exec.UpToDate || d.verdict == exec.AsMake && !must {
		return
	}
	b.pretended[n.path] = f.Name
	for _, t := range []*cache.Trace{d.old, d.hit} {
		for i := 0; t != nil && i < len(t.Outputs); i++ {
			b.pretended[b.sp.abs(t.Outputs[i].Path)] = f.Name
		}
	}
}

// pretendedInput says which input of a trace would be made anew first, or "".
func (b *Build) pretendedInput(f *makefile.File, t *cache.Trace) string {
	if len(b.pretended) == 0 {
		return ""
	}
	for i := range t.Inputs {
		if target := b.pretended[b.sp.abs(t.Inputs[i].Path)]; target != "" && target != f.Name {
			return "its input " + b.display(t.Inputs[i].Path) + " would be made anew by the recipe of " + target
		}
	}
	for i := range t.Tokens {
		if target := b.pretended[b.sp.abs(t.Tokens[i].Name)]; target != "" && target != f.Name {
			return "its prerequisite " + target + " would be remade"
		}
	}
	return ""
}

// decide follows the procedure "Deciding one target" of the design, step by
// step. It changes nothing.
func (b *Build) decide(f *makefile.File, n *node, must bool) decision {
	// What came to its end in this build before the other wrote the file is a version
	// of its own, and may have to be made again.
	if owner := b.owned[n.path]; owner != nil && owner != f && n.stale == "" && n.last == nil {
		return decision{verdict: exec.AsMake, why: "its file was written by the recipe of " + owner.Name + " in this build", others: true}
	}
	if why := b.alwaysRun(f, n, must); why != "" {
		n.always = true
		if f.Recipe.AnyRecurse && !f.Phony && !must {
			if stale := b.staleBelow(n); stale != "" {
				return decision{verdict: exec.Run, why: stale}
			}
		}
		return decision{verdict: exec.AsMake, why: why}
	}
	if n.stale == "" && b.ofOtherMake(n) {
		return decision{verdict: exec.AsMake, why: "another make of this build has brought it up to date"}
	}
	if b.opts.Always {
		return decision{verdict: exec.Run, why: "-B makes every target", old: b.graph.Target(n.name)}
	}
	if n.stale != "" {
		return decision{verdict: exec.Run, why: n.stale, old: b.graph.Target(n.name)}
	}
	if s, bad := b.suspect[n.name]; bad {
		return b.unfinished(f, n, s)
	}
	if name := assumedNew(f); must && name != "" {
		return decision{verdict: exec.Run, why: "-W says that " + name + " is new", old: b.graph.Target(n.name)}
	}
	entry, known := b.graph.Entry(n.name)
	_, exists := b.w.lstat(n.path)
	var outs []cache.Output
	if known && entry.Flags()&cache.Failed == 0 {
		outs = entry.Outputs()
		known = !exists || b.ownVersion(&entry, outs, n) // else the file is the user's
	}
	if !known {
		return b.untraced(f, n, exists, must)
	}
	if entry.Flags()&cache.Failed != 0 {
		return b.orCached(f, n, decision{verdict: exec.Run, why: "its last run failed", old: entry.Trace()})
	}
	if !exists && !must {
		return decision{verdict: exec.AsMake, why: "it is an intermediate file that nothing needs now"}
	}
	return b.traced(f, n, entry, outs, must)
}

// alwaysRun says why GNU make runs f every time, or returns "".
func (b *Build) alwaysRun(f *makefile.File, n *node, must bool) string {
	switch {
	case f.Phony:
		return "it is phony"
	case f.Recipe.AnyRecurse:
		return "its recipe runs a make"
	case makefile.IsArchiveName(f.Name):
		return "it is a member of an archive"
	case !must:
		return ""
	}
	for _, d := range f.Deps {
		if d.OrderOnly || d.File == nil {
			continue
		}
		if d.File.Phony {
			return "its prerequisite " + d.File.Name + " is phony"
		}
		if d.File.Intermediate || makefile.IsArchiveName(d.File.Name) {
			continue
		}
		if p := b.node(d.File).path; !b.exists(p) && !b.goneByRight(b.sp.key(p)) {
			return "its prerequisite " + d.File.Name + " does not exist as a file"
		}
	}
	if e, ok := b.graph.Entry(n.name); ok && e.Flags()&cache.Always != 0 && e.Key() == b.recipeKey(f, n).key {
		if _, exists := b.w.lstat(n.path); !exists {
			return "its recipe leaves no file of that name"
		}
	}
	return ""
}

// unfinished decides about a target whose last run was cut short.
func (b *Build) unfinished(f *makefile.File, n *node, s suspect) decision {
	why := "its last run was cut short"
	if s.failed {
		why = "its last run failed"
	}
	return b.orCached(f, n, decision{verdict: exec.Run, why: why, old: b.graph.Target(n.name)})
}

// untraced decides about a target of which no action is known to have left what
// is there.
func (b *Build) untraced(f *makefile.File, n *node, exists, must bool) decision {
	if !exists {
		if !must {
			return decision{verdict: exec.AsMake, why: "it is an intermediate file that nothing needs now"}
		}
		return b.orCached(f, n, decision{verdict: exec.Run, why: "it does not exist"})
	}
	if must && b.onlyFreshened(f, n) {
		return decision{verdict: exec.UpToDate, why: "its prerequisites are as they were but for their times", adopt: true, fresh: true}
	}
	if must {
		return b.orCached(f, n, decision{verdict: exec.Run, why: "it is older than " + newerThan(f)})
	}
	return decision{verdict: exec.AsMake, why: "it is newer than its prerequisites, and nothing is known of how it was made", adopt: true}
}

// onlyFreshened reports whether a target is older than its prerequisites only because
// those were found good, or came out as they were, and got new times in this build: by
// the times that they had, GNU make's rule lets it be.
func (b *Build) onlyFreshened(f *makefile.File, n *node) bool {
	st, ok := b.w.lstat(n.path)
	if !ok || slices.ContainsFunc(f.AlsoMake, func(g *makefile.File) bool { return !b.exists(b.node(g).path) }) {
		return false
	}
	newer := 0
	for _, d := range f.Deps {
		if d.OrderOnly || d.File == nil {
			continue
		}
		if !b.exists(b.node(d.File).path) {
			return false
		}
		if !d.Changed {
			continue
		}
		newer++
		if was, fresh := b.freshened[d.File]; !fresh || was > st.Mtime {
			return false
		}
	}
	return newer > 0 // else something else than its prerequisites demands it
}

// newerThan names the prerequisite that makes GNU make's rule remake f.
func newerThan(f *makefile.File) string {
	for _, d := range f.Deps {
		if d.Changed && !d.OrderOnly && d.File != nil {
			return "its prerequisite " + d.File.Name
		}
	}
	return "a prerequisite"
}

// traced decides by the trace of the target's last run.
func (b *Build) traced(f *makefile.File, n *node, e cache.Entry, outs []cache.Output, must bool) decision {
	run := func(why string, differs *cache.Input) decision {
		return b.orCached(f, n, decision{verdict: exec.Run, why: why, old: e.Trace(), differs: differs})
	}
	if e.Flags()&cache.Provisional == 0 {
		if key := b.recipeKey(f, n); key.key != e.Key() {
			if why := b.recipeDiffers(f, n, e.Trace()); why != "" {
				return run(why, nil)
			}
		}
	}
	if b.opts.DryRun {
		if why := b.pretendedInput(f, e.Trace()); why != "" {
			return decision{verdict: exec.Run, why: why, old: e.Trace()}
		}
	}
	in := b.checker.Holds(&e, func(in *cache.Input) bool {
		return b.chain.agrees(n.name, e.Serial(), e.Flags(), in) || b.sameIntermediate(in)
	})
	if in != nil {
		return run(b.describe(in), in)
	}
	if why := b.envDiffers(f, e); why != "" {
		return run(why, nil)
	}
	if b.pathChanged() {
		if why := b.commandsMoved(e.Trace()); why != "" {
			return run(why, nil)
		}
	}
	if why := b.tokensDiffer(f, n, e, must); why != "" {
		return run(why, nil)
	}
	if out := b.missingOutput(outs); out != nil {
		old, gone := e.Trace(), b.display(out.Path)
		if e.Flags()&(cache.NoStore|cache.Stateful) != 0 && e.Flags()&cache.Provisional == 0 {
			return decision{verdict: exec.Run, why: gone + " is gone", old: old}
		}
		if b.printsTheSame(f, n, old) && b.opts.Cache != CacheOff && b.haveContents(old) {
			return decision{verdict: exec.Restored, why: gone + " was gone", old: old, hit: old}
		}
		return run(gone+" is gone", nil)
	}
	if p := b.overwritten(n, outs); p != "" {
		why, old := p+" was written again by an action before it", e.Trace()
		if e.Flags()&cache.NoStore == 0 && b.printsTheSame(f, n, old) && b.opts.Cache != CacheOff && b.haveContents(old) {
			return decision{verdict: exec.Restored, why: why, old: old, hit: old}
		}
		return decision{verdict: exec.Run, why: why, old: old}
	}
	return decision{verdict: exec.UpToDate, why: "everything that its recipe looked at is as it was", run: e.Run(), outs: outs, fresh: must}
}

// printsTheSame reports whether a recipe, which does what it did when a trace was
// made, also says what it said then: what is restored is replayed.
func (b *Build) printsTheSame(f *makefile.File, n *node, t *cache.Trace) bool {
	return b.recipeKey(f, n).full == t.FullKey
}

// differs checks every input as the action sees it, chain of versions included,
// and returns the first that is not as it was.
func (b *Build) differs(name string, t *cache.Trace) *cache.Input {
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if !b.w.same(in) && !b.chain.sameAsSeen(name, t, in) && !b.sameIntermediate(in) {
			return in
		}
	}
	return nil
}

// sameIntermediate reports whether an input that is gone is an intermediate file
// that would be made as it was: GNU make deleted it, so it is missing by right.
func (b *Build) sameIntermediate(in *cache.Input) bool {
	p := b.sp.abs(in.Path)
	if b.exists(p) {
		return false
	}
	f := b.db.Lookup(b.display(in.Path))
	if f == nil || f.Recipe == nil || !f.Intermediate && !f.Secondary {
		return false
	}
	t := b.graph.Target(b.node(f).name)
	if t == nil || t.Flags&(cache.Failed|cache.Provisional) != 0 {
		return false
	}
	out := findOutput(t.Outputs, in.Path)
	return out != nil && sameVersion(out, in) && b.recipeKey(f, b.node(f)).key == t.Key && b.differs(b.node(f).name, t) == nil
}

// goneByRight reports whether a path is absent because the action that wrote it
// last removed it: it was made and used up.
func (b *Build) goneByRight(key string) bool {
	chain := b.chain.of(key)
	return len(chain) > 1 && chain[len(chain)-1].out.Type == 0
}

// describe says in words how an input differs from what a trace saw.
func (b *Build) describe(in *cache.Input) string {
	now, err := b.w.asInput(b.sp.abs(in.Path), in.Kind, nil)
	name := b.display(in.Path)
	switch {
	case err != nil:
		return fmt.Sprintf("%s cannot be read: %v", name, err)
	case in.Kind == cache.InputAbsent:
		return name + " appeared"
	case now.Kind == cache.InputAbsent:
		return name + " vanished"
	case in.Kind == cache.InputListing && now.Kind == in.Kind:
		return "the names in " + name + " changed"
	case in.Kind == cache.InputLink && now.Kind == in.Kind:
		return "the link " + name + " points elsewhere"
	case in.Kind == cache.InputContent && now.Kind == in.Kind && now.Hash != in.Hash:
		return fmt.Sprintf("%s changed (%s -> %s)", name, in.Hash.Short(), now.Hash.Short())
	case in.Mode != now.Mode:
		return fmt.Sprintf("the mode of %s changed (%04o -> %04o)", name, in.Mode&0o7777, now.Mode&0o7777)
	case in.Size != now.Size:
		return fmt.Sprintf("the size of %s changed (%d -> %d)", name, in.Size, now.Size)
	}
	return name + " changed"
}

// display is how a path of a trace is called in messages: relative to where
// make runs.
func (b *Build) display(key string) string {
	p := b.sp.abs(key)
	if p == b.sp.cwd {
		return "."
	}
	if within(p, b.sp.cwd) && b.sp.cwd != "/" {
		return p[len(b.sp.cwd)+1:]
	}
	return p
}

// missingOutput returns the first output inside the project that is gone, nil if
// none is.
func (b *Build) missingOutput(outs []cache.Output) *cache.Output {
	for i := range outs {
		o := &outs[i]
		if o.Type == 0 || o.Path[0] == '/' {
			continue
		}
		if _, ok := b.w.lstat(b.sp.abs(o.Path)); ok {
			continue
		}
		if b.goneByRight(o.Path) {
			continue
		}
		return o
	}
	return nil
}

// overwritten names an output that an action before it in serial order has
// written in this build, so that the later version has to be put back.
func (b *Build) overwritten(n *node, outs []cache.Output) string {
	if len(b.wrote) == 0 {
		return ""
	}
	for i := range outs {
		o := &outs[i]
		for _, w := range b.wrote[o.Path] {
			if w.n != n && w.n.serial < n.serial && o.Type != typeDir && !b.leftAsIs(o) {
				return b.display(o.Path)
			}
		}
	}
	return ""
}

// ownVersion reports whether the target's file is what its action, or a later
// action that changed the file, left there.
func (b *Build) ownVersion(e *cache.Entry, outs []cache.Output, n *node) bool {
	for i := range outs {
		o := &outs[i]
		if o.Path == n.name || b.sp.abs(o.Path) == n.path {
			if b.leftAsIs(o) {
				return true
			}
			chain := b.chain.of(o.Path)
			return len(chain) > 0 && b.leftAsIs(&chain[len(chain)-1].out)
		}
	}
	return e.Flags()&cache.Always != 0
}

// leftAsIs reports whether what is at an output's path is exactly what the
// action left.
func (b *Build) leftAsIs(o *cache.Output) bool {
	p := b.sp.abs(o.Path)
	st, ok := b.w.lstat(p)
	if o.Type == 0 || !ok {
		return o.Type == 0 && !ok
	}
	if o.Type == cache.TypeSegment {
		return true // of what stands there it is a part
	}
	if st.Mode&unix.S_IFMT != o.Type {
		return false
	}
	switch o.Type {
	case typeRegular:
		if st.Mode&0o7777 != o.Mode || st.Size != o.Size {
			return false
		}
		if o.Stat.Ino != 0 && st.Same(o.Stat) && !b.graph.Suspect(st) {
			return true
		}
		return b.w.hasHash(p, o.Hash)
	case typeLink:
		text, err := os.Readlink(p)
		return err == nil && text == o.Link
	case typeDir:
		return true // its names are other versions' business
	}
	return true
}

// own makes f the owner of everything its action left.
func (b *Build) own(f *makefile.File, outs []cache.Output) {
	for i := range outs {
		if o := &outs[i]; o.Type == typeRegular || o.Type == typeLink {
			b.owned[b.sp.abs(o.Path)] = f
		}
	}
}

// freshen gives the targets of a trace that holds a new mtime, because GNU make, an
// IDE or test -nt would otherwise think them stale. Other files that the recipe left
// are as it would have left them.
func (b *Build) freshen(f *makefile.File, n *node) {
	t := b.graph.Target(n.name)
	if t == nil {
		return
	}
	for _, g := range f.Together() {
		g.Run.Mtime = exec.MtimeUnknown // those above have to see the new one
		if st, ok := b.w.lstat(b.node(g).path); ok {
			b.freshened[g] = st.Mtime
		}
	}
	nt := *t
	nt.Outputs = append([]cache.Output(nil), t.Outputs...)
	for i := range nt.Outputs {
		o := &nt.Outputs[i]
		if o.Type != typeRegular || o.Path[0] == '/' || o.SameAs != "" || !b.isTarget(n, o.Path) || !b.leftAsIs(o) {
			continue
		}
		b.touch(o)
	}
	b.graph.Put(n.name, &nt)
	n.old = &nt
}

// touch sets the mtime of an output to now and takes over its new stat.
func (b *Build) touch(o *cache.Output) { b.setTime(o, time.Now()) }

// setTime sets the mtime of a file or link that an action left.
func (b *Build) setTime(o *cache.Output, mtime time.Time) {
	p := b.sp.abs(o.Path)
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(mtime.UnixNano())}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, p, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return // not ours to touch: only the next GNU make would care
	}
	b.w.forget(p)
	if st, ok := b.w.lstat(p); ok && o.Type == typeRegular {
		o.Stat = st
		b.hasher.Learn(st, o.Hash)
	}
}
