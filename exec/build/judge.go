package build

import (
	"errors"
	"slices"
	"time"

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
	on      string       // the prerequisite, target or variable that why is about, "" if none
	adopt   bool         // take over what GNU make's rule finds good
	again   bool         // files that are gone come back as the graph says, see sameAgain
	others  bool         // its file belongs to another target's action
	fresh   bool         // holds, but mtimes have to say so too
	users   bool         // the user's file comes back, see usersAgain

	// For UpToDate, all that is used of the trace: to decode the rest of it is
	// most of the work of a build that has nothing to do.
	run  cache.Hash
	outs []cache.Output
}

// assumedNew names a prerequisite that -W declares to be new. Under -n, one that would
// be made counts as new as well, but for another reason.
func (b *Build) assumedNew(f *makefile.File) string {
	for _, d := range f.Deps {
		if d.File != nil && !d.OrderOnly && d.File.Run.Mtime == exec.MtimeNew && b.pretended[b.node(d.File).path] == "" {
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
	b.recoverCut()
	n := b.node(f)
	b.number(f, n)
	b.finishLogs()
	b.visited[n.name] = true
	b.onlyFiles = false
	looking := time.Now()
	d := b.decide(f, n, must)
	b.waits(f, n, d.verdict == exec.AfterRunning)
	if d.verdict == exec.AfterRunning || d.verdict == exec.Undecided {
		b.repeated = true // what comes after it may be judged before it
		return d.verdict
	}
	if b.elsewhere(f, n, &d, must) {
		return exec.Undecided
	}
	if d.others && !must && !b.opts.DryRun && !b.takeBack(n) {
		d = decision{verdict: exec.Run, why: "what others have left of it cannot be put back", old: b.graph.Target(n.name)}
	}
	n.reason, n.old = d.why, d.old
	n.decided, n.must = &d, must
	if d.verdict != exec.UpToDate && (d.verdict != exec.AsMake || must) {
		n.made = &d
	}
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
	if d.verdict == exec.UpToDate || d.verdict == exec.Restored || d.verdict == exec.AsMake && !must {
		defer b.release(n)
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
		b.stays(f, n)
		n.run = d.run
		b.own(f, d.outs)
		b.settle(done{f: f, n: n, started: looking})
		b.ranAgain(n) // an earlier visit of this make had found that it has to, and what it goes by has changed
	case exec.AsMake:
		if !must {
			b.trust(f, n, looking)
		}
		if d.others && !must {
			b.dropTrace(n)
		}
		if d.adopt {
			b.adopt(f, n)
			b.visit(n)
		}
		if f.Recipe.AnyRecurse && !f.Phony && !must {
			b.passedBy = append(b.passedBy, &done{f: f, n: n, started: time.Now()}) // see findPassedBy
		}
	case exec.Restored:
		if d.users {
			b.giveBack(f, n)
			break
		}
		if err := b.restore(f, n, d); err != nil {
			b.warn("%s: cannot restore from the cache: %v", f.Name, err)
			d.verdict = exec.Run
		}
	}
	return d.verdict
}

// takeBack puts back what others have left and a failed run of a target has written over
// that is not to run again, since its file is theirs. It is false if that cannot be done.
func (b *Build) takeBack(n *node) bool {
	e, known := b.graph.Entry(n.name)
	if !known || e.Flags()&cache.Failed == 0 {
		return true
	}
	outs := e.Outputs()
	for i := range outs {
		chain := b.chain.of(outs[i].Path)
		if len(chain) == 0 || !b.leftAsIs(&outs[i]) {
			continue
		}
		last := &chain[len(chain)-1].out
		if last.Type == typeRegular && !sameContent(last, &outs[i]) && !b.putVersion(last, b.sp.abs(last.Path)) {
			return false
		}
	}
	return true
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
	b.chain.remove(n.name)
	b.graph.Delete(n.name)
	b.putRight(n.name)
}

// markForced makes $? of a target that runs every time tell by content, too, what
// changed since its last real run: its recipe may decide by that. If it is
// something that the makefile does not name, everything counts as changed.
func (b *Build) markForced(f *makefile.File, n *node) {
	t := b.graph.Target(n.name)
	if t == nil || t.Flags&cache.Provisional != 0 {
		return
	}
	failed := t.Flags&cache.Failed != 0 // what it has left is not good, whatever its time
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
		d.Changed = d.Changed || all || failed
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

// pretendedInput says which input of a trace would be made anew first, and by which
// target, or "".
func (b *Build) pretendedInput(f *makefile.File, t *cache.Trace) (why, by string) {
	if len(b.pretended) == 0 {
		return "", ""
	}
	for i := range t.Inputs {
		if target := b.pretended[b.sp.abs(t.Inputs[i].Path)]; target != "" && target != f.Name {
			return "its input " + b.display(t.Inputs[i].Path) + " would be made anew by the recipe of " + target, target
		}
	}
	for i := range t.Tokens {
		if target := b.pretended[b.sp.abs(t.Tokens[i].Name)]; target != "" && target != f.Name {
			return "its prerequisite " + target + " would be remade", target
		}
	}
	return "", ""
}

// writtenBy returns the other target whose recipe has left a target's file in this build, so
// that serial make would not make it any more; nil if there is none. What came to its end in
// this build before the other wrote the file is a version of its own, and may have to be
// made again; so is what an earlier build has made, if the other comes after it.
func (b *Build) writtenBy(f *makefile.File, n *node) *makefile.File {
	owner := b.owned[n.path]
	if owner == nil || owner == f || n.stale != "" || n.last != nil {
		return nil
	}
	e, known := b.graph.Entry(n.name)
	if !known || e.Flags()&(cache.Failed|cache.Provisional) != 0 || !n.before(b.node(owner)) {
		return owner
	}
	return nil
}

// decide follows the procedure "Deciding one target" of the design, step by
// step. It changes nothing.
func (b *Build) decide(f *makefile.File, n *node, must bool) decision {
	if owner := b.writtenBy(f, n); owner != nil {
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
	if b.usersAgain(n) {
		return decision{verdict: exec.Restored, why: "what it is made of is as it was when the user changed it", hit: n.users, users: true}
	}
	if n.stale != "" {
		return decision{verdict: exec.Run, why: n.stale, old: b.graph.Target(n.name)}
	}
	if _, bad := b.suspect[n.name]; bad {
		return b.orCached(f, n, decision{verdict: exec.Run, why: "what it left may not have reached the disk", old: b.graph.Target(n.name)})
	}
	if name := b.assumedNew(f); must && name != "" {
		return decision{verdict: exec.Run, why: "-W says that " + name + " is new", old: b.graph.Target(n.name)}
	}
	entry, known := b.graph.Entry(n.name)
	_, exists := b.w.lstat(n.path)
	must = must || !exists && b.vanished(f, n)
	var outs []cache.Output
	if known && entry.Flags()&cache.Failed == 0 {
		outs = entry.Outputs()
		known = !exists || b.ownVersion(&entry, outs, n) // else the file is the user's
	}
	if !known {
		return b.untraced(f, n, exists, must)
	}
	if entry.Flags()&cache.Failed != 0 {
		why := "its last run failed"
		if entry.Status() == statusCut {
			why = "its last run was cut short"
		}
		return b.orCached(f, n, decision{verdict: exec.Run, why: why, old: entry.Trace()})
	}
	if !exists && !must {
		return decision{verdict: exec.AsMake, why: "it is an intermediate file that nothing needs now"}
	}
	return b.traced(f, n, entry, outs, must)
}

// vanished tells whether a file that is not there has been when make looked: a recipe
// that runs, or ran since, has removed it.
func (b *Build) vanished(f *makefile.File, n *node) bool {
	if b.active+b.nativesOn+len(b.natives) == 0 || n.path != b.w.real(b.sp.target(f.Name)) {
		return false
	}
	return hadFile(f)
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
		words, name := newerThan(f)
		return b.orCached(f, n, decision{verdict: exec.Run, why: "it is older than " + words, on: name})
	}
	if by := b.unfinished(n); by != "" {
		return decision{verdict: exec.AsMake, why: "its file is what the recipe of " + b.display(by) + " has left so far", others: true}
	}
	if by := b.leftByOther(n); by != nil {
		why := "its file is what the recipe of " + by.Name + " left"
		if b.aboutToRun(by) {
			return decision{verdict: exec.AfterRunning, why: why + ", and may leave anew now", on: by.Name}
		}
		return decision{verdict: exec.AsMake, why: why, others: true}
	}
	return decision{verdict: exec.AsMake, why: "it is newer than its prerequisites, and nothing is known of how it was made", adopt: true}
}

// unfinished names the other target whose recipe is about to write a target's file, or has
// failed after it had, "" if there is none: what stands there is nobody's version.
func (b *Build) unfinished(n *node) string {
	if b.active > 0 {
		if by := b.beingWritten(n.path); by != "" {
			return by
		}
	}
	key := b.sp.key(n.path)
	b.chain.of(key) // makes the index
	for i := range b.chain.failed[key] {
		if x := &b.chain.failed[key][i]; x.target != n.name && b.leftAsIs(&x.out) {
			return x.target
		}
	}
	return ""
}

// leftByOther returns the other target of this makefile whose recipe has left a target's file
// in an earlier build, nil if there is none. That one may not have been looked at yet in this one:
// with several jobs it may have more to wait for.
func (b *Build) leftByOther(n *node) *makefile.File {
	for _, x := range slices.Backward(b.chain.of(b.sp.key(n.path))) {
		if x.target == n.name || !b.leftAsIs(&x.out) {
			continue
		}
		if f := b.db.Lookup(b.display(x.target)); f != nil && f.Recipe != nil {
			return f
		}
	}
	return nil
}

// aboutToRun tells whether the recipe of a target runs now, or may as soon as one that does
// has ended.
func (b *Build) aboutToRun(f *makefile.File) bool {
	return len(b.running) > 0 && b.waiting.has(b.node(f)) || slices.ContainsFunc(b.running, func(a *action) bool { return a.f == f })
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
func newerThan(f *makefile.File) (words, name string) {
	for _, d := range f.Deps {
		if d.Changed && !d.OrderOnly && d.File != nil {
			return "its prerequisite " + d.File.Name, d.File.Name
		}
	}
	return "a prerequisite", ""
}
