package build

import (
	"cmp"
	"fmt"
	"slices"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// ExplainMiss adds to what was explained of a target why the cache has nothing for it:
// which stored run comes nearest, and what of that is not as it is now.
func (b *Build) ExplainMiss(a *explain.Answer, f *makefile.File) {
	a.Miss = &explain.Miss{}
	if f == nil || f.Recipe == nil {
		a.Miss.Text = "The cache is only asked about targets of this makefile."
		return
	}
	n := b.node(f)
	if why := b.neverStored(f, n); why != "" {
		a.Miss.Text = "The cache is never asked about it, because " + why + "."
		return
	}
	if d := n.decided; d != nil && d.verdict == exec.Restored {
		a.Miss.Text = "The cache has what it would be."
		return
	}
	c := b.client()
	if c == nil {
		a.Miss.Text = "The cache cannot be used."
		return
	}
	traces, err := c.Similar(b.recipeKey(f, n).full, f.Name, b.sp.key(b.sp.cwd))
	if err != nil {
		a.Miss.Text = fmt.Sprintf("The cache cannot be asked: %v.", err)
		return
	}
	b.nearest(a.Miss, f, n, traces)
}

// neverStored says why a target's results are not stored, or "".
func (b *Build) neverStored(f *makefile.File, n *node) string {
	if b.opts.Cache == CacheOff {
		return "--cache=off says so"
	}
	must := n.decided == nil || n.must
	if why := b.alwaysRun(f, n, must); why != "" {
		return why
	}
	if e, ok := b.graph.Entry(n.name); ok && e.Flags()&cache.NoStore != 0 && e.Flags()&cache.Provisional == 0 {
		return "its result is no function of the project's files"
	}
	if !b.mayRestore(f, n) {
		return "its recipe runs a program whose results are never stored"
	}
	return ""
}

// candidate is a stored run with what of it is not as it is now.
type candidate struct {
	t       *cache.Trace
	reasons []explain.Reason
}

// nearest says what the stored run from which the least differs has seen otherwise.
func (b *Build) nearest(m *explain.Miss, f *makefile.File, n *node, traces []*cache.Trace) {
	if len(traces) == 0 {
		m.Text = "The cache has never seen this target made, neither here nor in another tree."
		return
	}
	all := make([]candidate, 0, len(traces))
	for _, t := range traces {
		all = append(all, candidate{t, b.unlike(f, n, t)})
	}
	best := slices.MinFunc(all, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(len(x.reasons), len(y.reasons)), cmp.Compare(y.t.Started, x.t.Started))
	})
	if len(best.reasons) == 0 {
		m.Text = "The cache has a run that saw everything as it is now; its results are gone, or a prerequisite was made otherwise."
		return
	}
	m.Text = fmt.Sprintf("Of %d stored runs of it the nearest is from %s; this is not as it was then:", len(traces), timeWords(best.t.Started))
	if len(traces) == 1 {
		m.Text = fmt.Sprintf("The one stored run of it is from %s; this is not as it was then:", timeWords(best.t.Started))
	}
	m.Differ = best.reasons
	if len(m.Differ) > mostDiffering {
		more := len(m.Differ) - mostDiffering
		m.Differ = append(m.Differ[:mostDiffering:mostDiffering], explain.Reason{Text: fmt.Sprintf("and %d more", more)})
	}
}

// unlike lists what a stored run has seen otherwise than the target's recipe would.
func (b *Build) unlike(f *makefile.File, n *node, t *cache.Trace) []explain.Reason {
	var out []explain.Reason
	if k := b.recipeKey(f, n); k.full != t.FullKey {
		out = append(out, explain.Reason{Text: "the recipe, or its shell or directory:", Words: explain.DiffWords(t.Recipe, k.text)})
	}
	for i := range t.Inputs {
		in := &t.Inputs[i]
		now, err := b.seenInput(n, cache.PathRef{Path: in.Path, Kind: in.Kind})
		if err != nil || !sameInput(&now, in) {
			out = append(out, explain.Reason{Text: b.describeIn(t.Inputs, in)})
		}
	}
	env := b.environ(f)
	for _, e := range t.Env {
		value, set := env[e.Name]
		if set != e.Set || set && cache.HashString(value) != e.Value {
			out = append(out, explain.Reason{Text: b.envReason(e.Name, value, set, e.Set)})
		}
	}
	return append(out, b.unlikeTokens(f, t)...)
}

// unlikeTokens lists the prerequisites that a stored run has not read either, and that
// count otherwise now. Of targets it is not known whether they do: the runs that made
// them may have been in other trees.
func (b *Build) unlikeTokens(f *makefile.File, t *cache.Trace) []explain.Reason {
	var out []explain.Reason
	now, _ := b.tokens(f, t.Inputs)
	for _, tok := range now {
		i := slices.IndexFunc(t.Tokens, func(was cache.Token) bool { return was.Name == tok.Name })
		switch {
		case i < 0:
			out = append(out, explain.Reason{Text: "its prerequisite " + b.display(tok.Name) + " is new"})
		case t.Tokens[i].Hash != tok.Hash:
			out = append(out, explain.Reason{Text: tokenReason(b.display(tok.Name), tok, t.Tokens[i])})
		}
	}
	return out
}
