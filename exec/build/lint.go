package build

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/exec/lint"
	"fmake/makefile"
)

// Lint holds the makefile against what the recipes of this make really did. It is for
// the end of a build.
func (b *Build) Lint() ([]lint.Finding, []lint.Order) {
	m := &lint.Make{Dir: b.sp.cwd, DB: b.db, Place: lint.Place{Level: b.level, Serial: b.opts.Above.Serial}}
	for f, n := range b.nodes {
		if n.decided != nil && f.Recipe != nil && f.Renamed == nil {
			m.Targets = append(m.Targets, f)
		}
	}
	slices.SortFunc(m.Targets, func(x, y *makefile.File) int {
		return cmp.Or(cmp.Compare(b.node(x).serial, b.node(y).serial), strings.Compare(x.Name, y.Name))
	})
	m.Known = &lintKnowledge{b: b, oldest: b.oldestRun(m.Targets), commands: b.opts.Above.Root != "" || slices.ContainsFunc(m.Targets, isCommand)}
	findings, orders := lint.Look(m)
	return append(findings, b.leftOvers()...), orders
}

// isCommand reports whether what a target's recipe writes is not known.
func isCommand(f *makefile.File) bool { return f.Phony || f.Recipe.AnyRecurse }

// oldestRun is when the first of the recipes ran whose work is in force.
func (b *Build) oldestRun(targets []*makefile.File) int64 {
	oldest := int64(math.MaxInt64)
	for _, f := range targets {
		if e, ok := b.graph.Entry(b.node(f).name); ok && e.From() == cache.FromRun {
			oldest = min(oldest, e.Started())
		}
	}
	return oldest
}

// lintKnowledge implements lint.Knowledge.
type lintKnowledge struct {
	b        *Build
	oldest   int64 // when the first recipe ran
	commands bool  // recipes ran of which it is not known what they wrote
	index    *string
}

func (k *lintKnowledge) Key(f *makefile.File) string {
	n := k.b.node(f)
	if f.DoubleColon == nil && len(f.AlsoMake) == 0 {
		return n.name
	}
	return k.b.sp.key(n.path)
}

func (k *lintKnowledge) KeyOf(name string) string {
	return k.b.sp.key(k.b.w.realFile(k.b.sp.target(name)))
}

func (k *lintKnowledge) Path(key string) string {
	p := k.b.sp.abs(key)
	if rel, err := filepath.Rel(k.b.sp.cwd, p); err == nil && strings.HasPrefix(key, "./") {
		return rel
	}
	return p
}

func (k *lintKnowledge) Trace(f *makefile.File) *cache.Trace {
	if isCommand(f) {
		return nil
	}
	return k.b.graph.Target(k.b.node(f).name)
}

// Always implements lint.Knowledge. That a recipe leaves no file of the target's name is
// known only when it has run.
func (k *lintKnowledge) Always(f *makefile.File) bool {
	n := k.b.node(f)
	if n.always {
		return true
	}
	e, known := k.b.graph.Entry(n.name)
	return known && e.Flags()&cache.Always != 0
}

func (k *lintKnowledge) UsesLists(f *makefile.File) bool {
	names := k.b.reach.recipe(f.Recipe.Text, f).names
	for _, list := range []string{"^", "?", "+", "^D", "^F", "?D", "?F", "+D", "+F"} {
		if names[list] {
			return true
		}
	}
	return false
}

// WriterElsewhere implements lint.Knowledge. Provisional traces have written nothing.
func (k *lintKnowledge) WriterElsewhere(key string) bool {
	return slices.ContainsFunc(k.b.chain.of(key), func(v version) bool {
		e, ok := k.b.graph.Entry(v.target)
		return ok && e.Dir() != k.b.sp.key(k.b.sp.cwd)
	})
}

// State implements lint.Knowledge. What commands have written looks like a source; it is
// one if version control has it, or if it was there before anything ran.
func (k *lintKnowledge) State(key string) (exists, source bool) {
	st, ok := k.b.w.lstat(k.b.sp.abs(key))
	if !ok {
		return false, false
	}
	return true, !k.commands || st.Mtime < k.oldest || k.isTracked(key)
}

// isTracked reports whether git has a file. Its index holds the names as they are, each
// followed by a zero byte, unless it is of a version that compresses them.
func (k *lintKnowledge) isTracked(key string) bool {
	if k.index == nil {
		text, _ := os.ReadFile(filepath.Join(k.b.sp.root, ".git", "index")) // without one nothing is tracked
		index := string(text)
		k.index = &index
	}
	return strings.Contains(*k.index, strings.TrimPrefix(key, "./")+"\x00")
}

// Below implements lint.Knowledge.
func (k *lintKnowledge) Below(f *makefile.File) (first, end uint64, ok bool) {
	n := k.b.node(f)
	return n.told - k.b.step, n.told, f.Recipe.AnyRecurse && n.told != 0
}

func (k *lintKnowledge) IsSystem(key string) bool {
	for _, dir := range []string{"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/nix", "/gnu", "/var/lib"} {
		if within(key, dir) {
			return true
		}
	}
	return k.b.sp.isTemp(key) || isKernel(key)
}

// leftOvers finds files that are sources only because their action has left the graph:
// an object whose source was deleted, which "ar r lib *.o" still takes. GNU make does
// not see them either, so nothing is done about them.
func (b *Build) leftOvers() []lint.Finding {
	left := b.leftOver()
	if len(left) == 0 {
		return nil
	}
	var out []lint.Finding
	for _, name := range b.graph.Names() {
		if !b.visited[name] {
			continue
		}
		t := b.graph.Target(name)
		for i := range t.Inputs {
			in := &t.Inputs[i]
			if in.Kind != cache.InputListing {
				continue
			}
			for _, p := range left[in.Path] {
				if hasContent(t.Inputs, p) {
					text := fmt.Sprintf("%s takes %s, which it found in a listing; no rule makes that any more", t.Target, b.display(p))
					out = append(out, lint.Finding{Kind: lint.LeftOver, Text: text})
				}
			}
		}
	}
	return out
}

// leftOver lists by directory the files that actions have left which are no part
// of this build, where no rule makes them and they are as they were left.
func (b *Build) leftOver() map[string][]string {
	left := make(map[string][]string)
	for _, name := range b.graph.Names() {
		e, ok := b.graph.Entry(name)
		if _, made := b.tree.visit(name); made {
			continue
		}
		if !ok || b.visited[name] || e.Flags()&cache.Failed != 0 || isLeavings(e.Key(), e.Flags()) {
			continue
		}
		outs := e.Outputs()
		for i := range outs {
			o := &outs[i]
			if o.Type != typeRegular || !strings.HasPrefix(o.Path, "./") || b.madeHere(o.Path) || !b.leftAsIs(o) {
				continue
			}
			dir, _ := splitPath(o.Path)
			if !slices.Contains(left[dir], o.Path) {
				left[dir] = append(left[dir], o.Path)
			}
		}
	}
	return left
}

// madeHere reports whether a rule of this makefile makes a file.
func (b *Build) madeHere(key string) bool {
	f := b.db.Lookup(b.display(key))
	return f != nil && f.Recipe != nil
}
