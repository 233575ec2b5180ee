package build

import (
	"fmt"
	"os"
	"strings"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// mostDiffering bounds how many inputs that differ are named below one target.
const mostDiffering = 5

// reasoner follows reasons down to what has changed. No target is met twice.
type reasoner struct {
	b   *Build
	met map[string]bool // by name in the graph
}

// reasons says why what was decided about a target was decided.
func (b *Build) reasons(f *makefile.File, d *decision) []explain.Reason {
	r := &reasoner{b: b, met: make(map[string]bool)}
	return r.of(f, d)
}

// inputReasons is reasons for a target of another make, of which only the trace is
// known.
func (b *Build) inputReasons(name string, t *cache.Trace) []explain.Reason {
	r := &reasoner{b: b, met: map[string]bool{name: true}}
	return r.inputs(name, t)
}

func (r *reasoner) of(f *makefile.File, d *decision) []explain.Reason {
	n := r.b.node(f)
	r.met[n.name] = true
	if d.verdict == exec.UpToDate || d.verdict == exec.AsMake && !n.must {
		return r.history(r.b.graph.Target(n.name))
	}
	var out []explain.Reason
	if d.old != nil {
		out = r.recipe(n, d.old)
	}
	if d.differs != nil {
		inputs := r.inputs(n.name, d.old)
		if len(inputs) == 1 && inputs[0].Text == d.why {
			inputs = inputs[0].Why // what differs was said already
		}
		out = append(out, inputs...)
	}
	if d.on == "" {
		return out
	}
	if words := r.variable(f, d); words != nil {
		return append(out, explain.Reason{Text: "the variable's value:", Words: words})
	}
	if below := r.b.db.Lookup(d.on); below != nil {
		out = append(out, r.file(below)...)
	}
	return out
}

// recipe shows what of a recipe's text has changed.
func (r *reasoner) recipe(n *node, old *cache.Trace) []explain.Reason {
	if !n.recipe.done || n.recipe.key == old.Key || old.Flags&cache.Provisional != 0 {
		return nil
	}
	was, is, title := old.Recipe, n.recipe.text, "the recipe:"
	if was == is {
		was, is, title = strings.Join(old.Vars, " "), strings.Join(n.recipe.vars, " "), "the variables that the recipe names:"
	}
	if was == is {
		return nil
	}
	return []explain.Reason{{Text: title, Words: explain.DiffWords(was, is)}}
}

// inputs names what differs of a trace's inputs, each with where that comes from.
func (r *reasoner) inputs(name string, t *cache.Trace) []explain.Reason {
	b := r.b
	var out []explain.Reason
	more := 0
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if b.w.same(in) || b.chain.sameAsSeen(name, t, in) || b.sameIntermediate(in) {
			continue
		}
		if len(out) == mostDiffering {
			more++
			continue
		}
		out = append(out, explain.Reason{Text: b.describeIn(t.Inputs, in), Why: r.origin(in.Path)})
	}
	if more > 0 {
		out = append(out, explain.Reason{Text: fmt.Sprintf("and %d more of its inputs differ", more)})
	}
	return out
}

// origin says where what stands at a path comes from.
func (r *reasoner) origin(key string) []explain.Reason {
	chain := r.b.chain.of(key)
	if len(chain) == 0 || !r.b.chain.stands(chain) {
		return r.source(key)
	}
	return r.writer(key, chain[len(chain)-1].target)
}

// writer says why a recipe ran that has written a path.
func (r *reasoner) writer(key, name string) []explain.Reason {
	b := r.b
	t := b.graph.Target(name)
	if t == nil || r.met[name] {
		return nil
	}
	r.met[name] = true
	text := fmt.Sprintf("%s was written by the recipe of %s", b.display(key), t.Target)
	if t.Dir != b.sp.key(b.sp.cwd) {
		text += " (of the make in " + b.display(t.Dir) + ")"
	}
	text += " at " + timeWords(t.Started)
	if t.Reason != "" {
		text += ", because " + t.Reason
	}
	return []explain.Reason{{Text: text, Why: r.history(t)}}
}

// source says when a file was changed that no recipe has written.
func (r *reasoner) source(key string) []explain.Reason {
	st, err := os.Stat(r.b.sp.abs(key))
	if err != nil || st.IsDir() {
		return nil
	}
	return []explain.Reason{{Text: fmt.Sprintf("%s is a source, last modified at %s", r.b.display(key), timeWords(st.ModTime().UnixNano()))}}
}

// history follows the reason of a run that is over: inputs that it names and that
// recipes have written.
func (r *reasoner) history(t *cache.Trace) []explain.Reason {
	if t == nil {
		return nil
	}
	var out []explain.Reason
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if in.Path[0] != '.' || !hasWord(t.Reason, r.b.display(in.Path)) {
			continue
		}
		if chain := r.b.chain.of(in.Path); len(chain) > 0 {
			out = append(out, r.writer(in.Path, chain[len(chain)-1].target)...)
		}
	}
	return out
}

// hasWord reports whether a sentence has a word.
func hasWord(sentence, word string) bool {
	for _, w := range strings.Fields(sentence) {
		if w == word {
			return true
		}
	}
	return false
}

// file says what would become of a prerequisite, and why.
func (r *reasoner) file(f *makefile.File) []explain.Reason {
	b := r.b
	n := b.node(f)
	if r.met[n.name] {
		return nil
	}
	r.met[n.name] = true
	if f.Recipe == nil {
		return r.source(n.name)
	}
	if d := n.decided; d != nil && (d.verdict != exec.UpToDate && d.verdict != exec.AsMake || n.must) {
		_, words := verdictWords(d, n.must)
		return []explain.Reason{{Text: f.Name + " " + words + ": " + d.why, Why: r.of(f, d)}}
	}
	t := b.graph.Target(n.name)
	if t == nil {
		return nil
	}
	text := fmt.Sprintf("%s was last made at %s, because %s", f.Name, timeWords(t.Started), inThePast(t.Reason))
	return []explain.Reason{{Text: text, Why: r.history(t)}}
}

// variable shows how the value of an environment variable has changed, as far as the
// old one is known.
func (r *reasoner) variable(f *makefile.File, d *decision) []explain.Word {
	if d.old == nil {
		return nil
	}
	for _, e := range d.old.Env {
		if e.Name != d.on || !e.Set {
			continue
		}
		was, known := r.b.values().value(e)
		is := r.b.environ(f)[d.on]
		if known && was != is {
			return explain.DiffWords(was, is)
		}
	}
	return nil
}
