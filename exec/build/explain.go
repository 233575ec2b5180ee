package build

import (
	"fmt"
	"strings"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// Walks reports whether a name that is to be explained has to be walked over: it is a
// target of this makefile, or may become one by an implicit rule, or nobody knows it.
// Of all others the graph of the tree knows more than the makefile.
func (b *Build) Walks(name string) bool {
	f := b.db.Lookup(name)
	if f != nil && f.IsTarget {
		return true
	}
	path := b.w.real(b.sp.target(name))
	key := b.sp.key(path)
	if e, known := b.graph.Entry(key); known {
		return e.Dir() == b.sp.key(b.sp.cwd)
	}
	return b.exists(path) || !b.mentioned(key)
}

// Explain says what is known of one file: what would be done with it and why, what its
// recipe read and wrote last time, who wrote and who reads it. f is nil if it was not
// walked over. Explain runs and changes nothing.
func (b *Build) Explain(name string, f *makefile.File) *explain.Answer {
	a := &explain.Answer{Name: name}
	path := b.w.real(b.sp.target(name))
	switch {
	case f != nil && f.Recipe != nil:
		b.explainTarget(a, f)
		path = b.node(f).path
	case f != nil && b.isGroup(f, path):
		b.explainNeeds(a, f)
	default:
		b.explainFile(a, path)
	}
	l := b.linksOf(b.sp.key(path))
	a.ReadBy = l.readers
	if a.State != explain.Elsewhere && (f == nil || f.Recipe == nil || len(l.writers) > 1) {
		a.WrittenBy = l.writers
	}
	return a
}

// explainTarget fills in what is known of a target of this makefile.
func (b *Build) explainTarget(a *explain.Answer, f *makefile.File) {
	n := b.node(f)
	d := n.decided
	if d == nil {
		d = &decision{why: "it was not looked at"}
	}
	var words string
	a.State, words = verdictWords(d, n.must)
	if d.verdict == exec.Restored && d.hit != nil && d.hit.From == cache.FromFar {
		words = "would be restored from the remote cache"
	}
	a.Sentence = fmt.Sprintf("%s %s: %s.", f.Name, words, d.why)
	t := b.graph.Target(n.name)
	if t == nil {
		a.Run = &explain.Run{Text: "Nothing is known of an earlier run."}
		a.Why = b.reasons(f, d)
		return
	}
	a.Why = b.reasons(f, d)
	a.Run = b.explainRun(t, "Its recipe")
	a.Run.Notes = append(a.Run.Notes, b.explainPrograms(n.name, t)...)
	b.explainAway(a, n.name)
	b.explainInputs(a, t)
	b.explainDeclared(a, f, t)
	a.Outputs = b.explainOutputs(t)
}

// verdictWords says what would become of a target.
func verdictWords(d *decision, must bool) (explain.State, string) {
	switch d.verdict {
	case exec.UpToDate:
		return explain.UpToDate, "is up to date"
	case exec.Restored:
		return explain.Restore, "would be restored from the cache"
	case exec.Run:
		return explain.Rebuild, "would be rebuilt"
	}
	if must {
		return explain.ByMake, "would be made as GNU make does"
	}
	return explain.UpToDate, "is up to date by GNU make's rule"
}

// explainFile fills in what is known of a file that no rule of this makefile makes.
func (b *Build) explainFile(a *explain.Answer, path string) {
	key := b.sp.key(path)
	if t := b.graph.Target(key); t != nil && t.Dir != b.sp.key(b.sp.cwd) {
		b.explainElsewhere(a, key, t)
		return
	}
	state := "exists"
	if !b.exists(path) {
		state = "does not exist"
	}
	if chain := b.chain.of(key); len(chain) > 0 {
		a.State = explain.Byproduct
		a.Sentence = fmt.Sprintf("%s is written by the recipe of %s, and it %s.", a.Name, b.display(chain[len(chain)-1].target), state)
		return
	}
	a.State = explain.Source
	a.Sentence = fmt.Sprintf("%s is a source: no rule makes it, and it %s.", a.Name, state)
}

// explainElsewhere fills in what is known of a target of another make. Its makefile is
// not at hand, so nothing can be said of its recipe, environment and prerequisites.
func (b *Build) explainElsewhere(a *explain.Answer, key string, t *cache.Trace) {
	a.State = explain.Elsewhere
	by := fmt.Sprintf("%s is made by the make in %s", a.Name, b.display(t.Dir))
	switch why := b.staleElsewhere(key, t); {
	case why == "":
		a.Sentence = by + "; what its recipe looked at is as it was."
	default:
		a.Sentence = fmt.Sprintf("%s, which would have to look at it: %s.", by, why)
	}
	a.Why = b.inputReasons(key, t)
	a.Run = b.explainRun(t, "Its recipe")
	b.explainAway(a, key)
	b.explainInputs(a, t)
	a.Outputs = b.explainOutputs(t)
}

// staleElsewhere says what is not as a recipe of another make left or saw it, or "".
func (b *Build) staleElsewhere(key string, t *cache.Trace) string {
	if t.Flags&cache.Failed != 0 {
		return "its last run failed"
	}
	if in := b.differs(key, t); in != nil {
		return b.describeIn(t.Inputs, in)
	}
	if out := b.missingOutput(t.Outputs); out != nil {
		return b.display(out.Path) + " is gone"
	}
	return ""
}

// inThePast tells a reason as what was one then.
func inThePast(reason string) string {
	return strings.ReplaceAll(reason, "does not exist", "did not exist")
}

// explainRun says how the present state came about; who has run.
func (b *Build) explainRun(t *cache.Trace, who string) *explain.Run {
	when, because := timeWords(t.Started), inThePast(t.Reason)
	took := time.Duration(t.Duration).Round(time.Millisecond)
	r := &explain.Run{Recipe: t.Recipe, Procs: explainProcs(t)}
	switch {
	case t.Flags&cache.Failed != 0:
		r.Text = fmt.Sprintf("%s failed at %s with status %d; what it left is not good.", who, when, t.Status)
	case t.From == cache.FromAdopted:
		r.Text = fmt.Sprintf("It was adopted at %s: %s.", when, because)
	case t.From == cache.FromAway:
		r.Text = fmt.Sprintf("%s last ran on another machine at %s, took %v, because %s.", who, when, took, because)
	case t.From == cache.FromFar:
		r.Text = fmt.Sprintf("It came from the remote cache (first made at %s in %v) because %s.", when, took, because)
	case t.From == cache.FromCache:
		r.Text = fmt.Sprintf("It came from the cache (first made at %s in %v) because %s.", when, took, because)
	default:
		r.Text = fmt.Sprintf("%s last ran at %s, took %v, because %s.", who, when, took, because)
	}
	if t.Flags&cache.NoStore != 0 && t.From == cache.FromRun && t.Flags&cache.Failed == 0 && !isLeavings(t.Key, t.Flags) {
		r.Notes = append(r.Notes, "Its result is not kept in the cache, because it is no function of the project's files.")
	}
	if b.holdsRoot(t) {
		r.Notes = append(r.Notes, "What it left or printed holds the path of the project, and is of use here only.")
	}
	return r
}

func timeWords(ns int64) string { return time.Unix(0, ns).Format("2006-01-02 15:04:05") }

// explainProcs turns the list of processes into a tree.
func explainProcs(t *cache.Trace) []explain.Proc {
	var below func(parent int32) []explain.Proc
	below = func(parent int32) []explain.Proc {
		var procs []explain.Proc
		for i := range t.Procs {
			p := &t.Procs[i]
			if p.Parent != parent || int32(i) == parent {
				continue
			}
			q := explain.Proc{Argv: p.Argv, Reads: len(p.Reads), Writes: len(p.Writes), Children: below(int32(i))}
			for _, e := range p.Env {
				name, _, _ := strings.Cut(e, "=")
				q.Sets = append(q.Sets, name)
			}
			procs = append(procs, q)
		}
		return procs
	}
	return below(-1)
}
