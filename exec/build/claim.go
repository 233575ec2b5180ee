package build

import (
	"os"
	"slices"
	"strconv"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
	"fmake/tracefs/procfs"
)

// Several builds of one tree may go on at the same time. Before a build makes a target it
// claims it, and reads in the journal what others have left since it last looked: of two
// builds of a target one makes it, and the other takes the result. Nobody waits for a
// build that may itself wait for this one, nor for ever: see outwaited.

// claim is what a build knows of its claim on a target.
type claim struct {
	has   bool
	alone bool      // it goes on without
	since time.Time // when another was first found to have it
	until time.Time // how long that may have it, zero for as long as it lives
}

// elsewhere reports whether what was decided about a target has to be decided once more:
// another build makes it now, or has made it since this one looked.
func (b *Build) elsewhere(f *makefile.File, n *node, d *decision, must bool) bool {
	if b.journal == nil || b.single != nil || b.opts.DryRun {
		return false
	}
	makes := d.verdict == exec.Run || d.verdict == exec.Restored || d.verdict == exec.AsMake && must
	if !makes && !d.adopt || f.Phony || f.Recipe.AnyRecurse || makefile.IsArchiveName(f.Name) {
		return false
	}
	if n.claim.has || n.claim.alone || b.take(f, n) {
		if !b.takeNews(n) && !b.cameBack(d) {
			if n.claim.alone && d.adopt {
				*d = decision{verdict: exec.Run, why: "its file is what another build has left so far", old: b.graph.Target(n.name)}
			}
			return false
		}
		b.release(n)
	}
	b.repeated = true // what comes after it may be judged before it
	for _, g := range f.Together() {
		b.lookAgain(b.node(g).path)
	}
	return true
}

// cameBack reports whether a file that was missing is there now: what another build puts
// back as the graph says, it tells nobody.
func (b *Build) cameBack(d *decision) bool {
	if !d.again {
		return false
	}
	came := false
	for i := range d.old.Outputs {
		p := b.sp.abs(d.old.Outputs[i].Path)
		if b.exists(p) {
			continue
		}
		if _, err := cache.Lstat(p); err == nil {
			b.lookAgain(p)
			came = true
		}
	}
	return came
}

// take claims a target, and reports whether this build may make it.
func (b *Build) take(f *makefile.File, n *node) bool {
	by, ok, err := b.tree.claims.Take(n.name)
	if err != nil {
		b.trouble("keeping builds at the same time apart", err)
		return true
	}
	n.claim.has = ok
	if ok || b.outwaited(f, n, by) {
		n.claim.alone = !ok
		return true
	}
	return false
}

// release lets others make a target.
func (b *Build) release(n *node) {
	if n.claim.has {
		b.tree.claims.Release(n.name)
	}
	n.claim = claim{}
}

// patience is how long a build waits silently.
const patience = time.Second

// outwaited reports whether a build does not wait any longer for another process that makes
// a target: one that has taken twice as long as it took before, or that is stopped, or that
// waits for this one.
func (b *Build) outwaited(f *makefile.File, n *node, by int) bool {
	c, now := &n.claim, time.Now()
	if c.since.IsZero() {
		c.since = now
		if t := b.graph.Target(n.name); t != nil && t.Duration > 0 {
			c.until = now.Add(max(2*time.Duration(t.Duration), patience))
		}
	}
	if by != 0 && (isAncestor(by) || isStopped(by)) {
		return true
	}
	if now.Sub(c.since) > patience && b.opts.Say != nil && b.first("wait "+n.name) {
		b.opts.Say(f.Name + " is being made by process " + strconv.Itoa(by) + "; waiting for that")
	}
	return !c.until.IsZero() && now.After(c.until)
}

// isStopped reports whether a process is stopped, by a signal or by who traces it.
func isStopped(pid int) bool {
	st, err := procfs.ReadStat(pid)
	return err == nil && (st.State == 'T' || st.State == 't')
}

// isAncestor reports whether this process was started, at some remove, by another.
func isAncestor(pid int) bool {
	for p := os.Getppid(); p > 1; {
		if p == pid {
			return true
		}
		st, err := procfs.ReadStat(p)
		if err != nil {
			return false
		}
		p = st.Parent
	}
	return false
}

// newsItem is what another process has left.
type newsItem struct {
	target string
	trace  *cache.Trace // nil if it can be had from the graph alone
}

// takeNews takes over what other builds have left since this one last looked. It reports
// whether a target may be touched by that.
func (b *Build) takeNews(n *node) bool {
	cut, err := b.tree.hear()
	if err != nil {
		b.trouble("hearing of other builds", err)
	}
	items := b.tree.newsSince(b.heard)
	b.heard += len(items)
	mine := b.takeCut(cut)
	for i := range items {
		mine = b.takeItem(&items[i], n) || mine
	}
	if (len(items) > 0 || mine) && b.engine != nil {
		if err := b.engine.Refresh(); err != nil {
			b.warn("engine: %v", err)
		}
	}
	return mine
}

// madeElsewhere reports whether another build has ended making a target since this one
// last looked: one of them did not wait for the other, and both have written its files.
func (b *Build) madeElsewhere(n *node) bool {
	if b.journal == nil || b.single != nil {
		return false
	}
	if _, err := b.tree.hear(); err != nil {
		return false // said when the target was judged
	}
	return slices.ContainsFunc(b.tree.newsSince(b.heard), func(i newsItem) bool { return i.target == n.name })
}

// takeItem takes over one result, and reports whether it touches a target.
func (b *Build) takeItem(i *newsItem, n *node) bool {
	if i.trace == nil {
		b.forgetLooks()
		b.chain = &versions{b: b}
		return true
	}
	mine := i.target == n.name
	for _, list := range [][]cache.Output{i.trace.Outputs, i.trace.Befores} {
		for j := range list {
			p := b.sp.abs(list[j].Path)
			b.lookAgain(p)
			mine = mine || p == n.path
		}
	}
	b.chain.remove(i.target)
	if i.trace.Flags&cache.Failed != 0 {
		b.chain.addFailed(i.target, i.trace)
	} else {
		b.chain.add(i.target, i.trace)
	}
	return mine
}

// takeCut writes down what runs have left that were cut short while this build was under
// way, and reports whether there are any. Those of targets that another build has claimed
// are that build's.
func (b *Build) takeCut(runs []cache.JournalRecord) bool {
	var names []string
	runs = slices.DeleteFunc(slices.Clone(runs), func(r cache.JournalRecord) bool {
		_, ok, err := b.tree.claims.Take(r.Target)
		if ok {
			names = append(names, r.Target)
		}
		return !ok || err != nil
	})
	defer func() {
		for _, name := range names {
			b.tree.claims.Release(name)
		}
	}()
	if len(runs) == 0 {
		return false
	}
	b.w.forgetAll()
	b.cutRuns = runs
	b.recoverCut()
	return true
}
