package build

import (
	"fmt"
	"strings"
	"time"

	"fmake/cache"
	"fmake/exec/explain"
	"fmake/makefile"
)

// recipeKey names what a recipe would do, without what it would read.
type recipeKey struct {
	done bool
	key  cache.Hash // decides whether a trace holds
	full cache.Hash // decides whether a result may be restored: what is printed counts too
	text string     // the expanded recipe, or the unexpanded one if expanding it has effects
	vars []string   // for an unexpanded one: the values of the variables it names

	unexpanded bool
	expansion
}

// recipeKey computes the key of f's recipe once per build. The target counts as
// absent while its recipe is expanded for this, so that $? is $^.
func (b *Build) recipeKey(f *makefile.File, n *node) *recipeKey {
	k := &n.recipe
	if k.done {
		return k
	}
	k.done = true
	b.db.Chop(f.Recipe)
	b.db.InitFileVars(f, false)
	b.db.SetAutoVars(f, f.Stem, true)
	// The warnings come when the recipe is expanded to run.
	quiet := &b.db.Options().WarnUndefined
	defer func(was bool) { *quiet = was }(*quiet)
	*quiet = false
	e := b.reach.recipe(f.Recipe.Text, f)
	lines := f.Recipe.Lines
	if k.unexpanded = e.impure; e.impure {
		k.vars = b.reach.values(e, f)
	} else {
		lines = b.expand(f, n, e.lists)
	}
	k.text = strings.Join(lines, "\n")
	shell, flags := b.db.ExpandFor("$(SHELL)", f), b.db.ExpandFor("$(.SHELLFLAGS)", f)
	context := func(domain string) *cache.Digest {
		d := cache.NewDigest(domain).String(n.name).String(b.sp.key(b.sp.cwd)).String(shell).String(flags)
		if b.db.OneShell {
			d.String("oneshell")
		}
		return d.Strings(k.vars)
	}
	same := plainly
	if e.impure || !takesQuotes(shell) { // quotes may mean something else in there
		same = func(line string) string { return line }
	}
	d := context("key")
	for _, l := range lines {
		if c := comparable(same(withoutPrefix(b.opts.Shells.neutral(l)))); c != "" {
			d.String(c)
		}
	}
	k.key = d.Sum()
	d = context("full")
	for _, l := range lines {
		if isSilent(l) { // else it would be replayed as it was printed
			text := withoutPrefix(l)
			l = l[:len(l)-len(text)] + same(text)
		}
		d.String(l)
	}
	k.full = withProcessor(d.Sum(), k.text)
	return k
}

// expand expands the lines of a recipe. lists says that they may list names.
func (b *Build) expand(f *makefile.File, n *node, lists bool) []string {
	lines := make([]string, len(f.Recipe.Lines))
	expand := func() {
		for i, l := range f.Recipe.Lines {
			lines[i] = b.db.ExpandFor(l, f)
		}
	}
	if !lists || b.opts.Looking == nil {
		expand()
		return lines
	}
	v := b.earlierView(f, n)
	n.recipe.expansion = expansion{lists: true, at: time.Now(), dirs: v.drops}
	b.opts.Looking(v, expand)
	return lines
}

// prefixes are the characters and blanks that may stand before a recipe line.
const prefixes = "@-+ \t"

func withoutPrefix(line string) string { return strings.TrimLeft(line, prefixes) }

// isSilent is true for a recipe line that is never printed.
func isSilent(line string) bool {
	text := withoutPrefix(line)
	return strings.Contains(line[:len(line)-len(text)], "@") && !strings.Contains(strings.ReplaceAll(text, "\\\n", ""), "\n")
}

// recipeDiffers says in words how the recipe differs from the one that a trace
// was made with.
func (b *Build) recipeDiffers(f *makefile.File, n *node, t *cache.Trace) string {
	k := b.recipeKey(f, n)
	if why := varsDiffer(t.Vars, k.vars); why != "" {
		return why
	}
	was, is := wordDiff(t.Recipe, k.text)
	switch {
	case was == "" && is == "":
		return "its recipe's shell, flags or directory changed"
	case was == "":
		return fmt.Sprintf("its recipe now also says %q", is)
	case is == "":
		return fmt.Sprintf("its recipe no longer says %q", was)
	}
	why := fmt.Sprintf("its recipe changed (%q -> %q)", was, is)
	if name := b.variableWith(f, is); name != "" {
		why += fmt.Sprintf("; variable %s was %q", name, was)
	}
	return why
}

// variableWith names a variable from the command line or the environment that
// the changed words come from.
func (b *Build) variableWith(f *makefile.File, text string) string {
	e := b.reach.recipe(f.Recipe.Text, f)
	for name := range e.names {
		v := b.db.VarIn(name, f.Vars)
		if v == nil || v.Value == "" || len(name) < 2 {
			continue
		}
		if strings.Contains(text, v.Value) || strings.Contains(v.Value, text) {
			return name
		}
	}
	return ""
}

func varsDiffer(was, is []string) string {
	old := make(map[string]string, len(was))
	for _, v := range was {
		name, value, _ := strings.Cut(v, "=")
		old[name] = value
	}
	for _, v := range is {
		name, value, _ := strings.Cut(v, "=")
		if o, ok := old[name]; ok && o != value {
			return fmt.Sprintf("variable %s changed (%q -> %q)", name, o, value)
		}
	}
	return ""
}

// wordDiff cuts the common beginning and end of two texts, by words, and
// returns what is between.
func wordDiff(was, is string) (string, string) {
	a, b := strings.Fields(was), strings.Fields(is)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return explain.Clip(strings.Join(a, " ")), explain.Clip(strings.Join(b, " "))
}
