package build

import (
	"cmp"
	"strings"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/exec/report"
	"fmake/makefile"
)

// Report tells what this make knows of the targets that it has met, for the end of a
// build.
func (b *Build) Report() *report.Build {
	r := &reporting{b: b, out: &report.Build{}, dir: b.sp.cwd}
	for _, head := range b.db.Files() {
		for f := head; f != nil; f = f.Prev {
			if n := b.nodes[f]; f.Renamed == nil && (f.Run.Updated || n != nil && n.decided != nil) && (f.Recipe != nil || f.IsTarget) {
				r.target(f)
			}
		}
	}
	for _, e := range b.graph.Edges() {
		if r.has(e.Target) {
			r.out.Edges = append(r.out.Edges, report.Edge{Kind: report.Learned, From: e.Target, To: e.Needs})
		}
	}
	return r.out
}

// Durations tells how long each target of the tree took when it was last made, by key.
func (b *Build) Durations() map[string]time.Duration {
	took := make(map[string]time.Duration)
	for _, name := range b.graph.Names() {
		if e, ok := b.graph.Entry(name); ok && e.Flags()&(cache.Failed|cache.Always) == 0 {
			took[name] = time.Duration(e.Duration())
		}
	}
	return took
}

// reporting is one pass over the targets of a make.
type reporting struct {
	b    *Build
	out  *report.Build
	dir  string
	keys map[string]bool
}

func (r *reporting) has(key string) bool { return r.keys[key] }

func (r *reporting) target(f *makefile.File) {
	b := r.b
	n := b.node(f)
	if r.keys == nil {
		r.keys = make(map[string]bool)
	}
	r.keys[n.name] = true
	t := report.Target{Key: n.name, Name: f.Name, Dir: r.dir, Outcome: outcome(f, n), Runs: n.runs}
	switch d := n.toldBy(); {
	case n.idled:
		t.Why = "its recipe, which runs every time, had nothing to do"
	case d != nil:
		t.Why = d.why
	}
	declared := r.declared(f, n)
	if trace := b.graph.Target(n.name); trace != nil && f.Recipe != nil && !f.Phony {
		r.trace(&t, trace, declared)
	}
	r.out.Targets = append(r.out.Targets, t)
}

// toldBy is the decision that tells what became of a target. Where a hazard has had all
// targets judged once more, the last one says only that what was made before is good.
func (n *node) toldBy() *decision { return cmp.Or(n.made, n.decided) }

// outcome says what became of a target.
func outcome(f *makefile.File, n *node) report.Outcome {
	d := n.toldBy()
	switch {
	case f.Run.Status == exec.StatusFailed:
		return report.Failed
	case f.Recipe == nil || d == nil:
		return report.Group
	case n.idled:
		return report.Kept
	case d.verdict == exec.Restored:
		return report.Restored
	case d.verdict == exec.UpToDate && n.must:
		return report.Cut
	case d.verdict == exec.UpToDate, d.verdict == exec.AsMake && !n.must:
		return report.Kept
	}
	return report.Ran
}

// declared tells the prerequisites that are targets, and lists all by key.
func (r *reporting) declared(f *makefile.File, n *node) map[string]bool {
	all := make(map[string]bool)
	for _, d := range f.Deps {
		if d.File == nil {
			continue
		}
		g := d.File.Current()
		m := r.b.node(g)
		all[m.name], all[r.b.sp.key(r.b.w.realFile(m.path))] = true, true
		if g.Recipe == nil && !g.IsTarget {
			continue // a source
		}
		kind := report.Declared
		if d.OrderOnly {
			kind = report.OrderOnly
		}
		r.out.Edges = append(r.out.Edges, report.Edge{Kind: kind, From: n.name, To: m.name})
	}
	return all
}

// mostUndeclared bounds how many undeclared inputs of a target are told.
const mostUndeclared = 20

// trace tells what the recipe of a target did when it last ran.
func (r *reporting) trace(t *report.Target, trace *cache.Trace, declared map[string]bool) {
	b := r.b
	t.Duration, t.Writes = trace.Duration, len(trace.Outputs)
	for i := range trace.Inputs {
		in := &trace.Inputs[i]
		if in.Kind != cache.InputContent {
			continue
		}
		t.Reads++
		if in.Path[0] != '.' || declared[in.Path] || findOutput(trace.Outputs, in.Path) != nil {
			continue
		}
		if chain := b.chain.of(in.Path); len(chain) > 0 && !declared[chain[len(chain)-1].target] {
			r.out.Edges = append(r.out.Edges, report.Edge{Kind: report.Read, From: t.Key, To: chain[len(chain)-1].target})
		}
		if len(t.Undeclared) < mostUndeclared {
			t.Undeclared = append(t.Undeclared, b.display(in.Path))
		}
	}
	r.procs(t, trace)
}

// procs tells the process tree, and which of the processes compile something.
func (r *reporting) procs(t *report.Target, trace *cache.Trace) {
	depth := make([]int, len(trace.Procs))
	for i := range trace.Procs {
		p := &trace.Procs[i]
		if p.Parent >= 0 && int(p.Parent) < i {
			depth[i] = depth[p.Parent] + 1
		}
		t.Procs = append(t.Procs, report.Proc{Depth: depth[i], Text: explain.Clip(strings.Join(p.Argv, " "))})
		r.out.Compiles = append(r.out.Compiles, report.Compiles(r.b.sp.abs(p.Dir), p.Argv)...)
	}
}
