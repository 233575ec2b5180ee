package build

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// Explain prints what is known of one target that was walked over: the decision
// and its reason in one sentence, what its recipe read and wrote last time, and
// where its present state came from. It runs and changes nothing.
func (b *Build) Explain(out io.Writer, f *makefile.File) {
	n := b.node(f)
	if f.Recipe == nil {
		b.explainSource(out, f)
		return
	}
	d := n.decided
	if d == nil {
		d = &decision{} // it was not looked at
	}
	fmt.Fprintf(out, "%s %s: %s.\n", f.Name, verdictWords(d, n.must), d.why)
	t := b.graph.Target(n.name)
	if t == nil {
		fmt.Fprintln(out, "Nothing is known of an earlier run.")
		return
	}
	b.explainRun(out, t, "Its recipe")
	b.explainProcs(out, t)
	b.explainInputs(out, f, t)
	b.explainOutputs(out, t, "the recipe")
}

// explainSource prints the sentence for a file without a recipe.
func (b *Build) explainSource(out io.Writer, f *makefile.File) {
	st := "exists"
	if _, ok := b.w.lstat(b.node(f).path); !ok {
		st = "does not exist"
	}
	fmt.Fprintf(out, "%s is a source: no rule makes it, and it %s.\n", f.Name, st)
}

func verdictWords(d *decision, must bool) string {
	switch d.verdict {
	case exec.UpToDate:
		return "is up to date"
	case exec.Restored:
		return "would be restored from the cache"
	case exec.Run:
		return "would be rebuilt"
	}
	if must {
		return "would be made as GNU make does"
	}
	return "is up to date by GNU make's rule"
}

// explainRun says how the present state came about; who has run.
func (b *Build) explainRun(out io.Writer, t *cache.Trace, who string) {
	when := time.Unix(0, t.Started).Format("2006-01-02 15:04:05")
	took := time.Duration(t.Duration).Round(time.Millisecond)
	switch {
	case t.Flags&cache.Failed != 0:
		fmt.Fprintf(out, "%s failed at %s with status %d; what it left is not good.\n", who, when, t.Status)
	case t.From == cache.FromAdopted:
		fmt.Fprintf(out, "It was adopted at %s: %s.\n", when, t.Reason)
	case t.From == cache.FromCache:
		fmt.Fprintf(out, "It came from the cache (first made at %s in %v) because %s.\n", when, took, t.Reason)
	default:
		fmt.Fprintf(out, "%s last ran at %s, took %v, because %s.\n", who, when, took, t.Reason)
	}
	if t.Flags&cache.NoStore != 0 && t.From == cache.FromRun && t.Flags&cache.Failed == 0 {
		fmt.Fprintln(out, "Its result is not kept in the cache, because it is no function of the project's files.")
	}
	if t.Recipe != "" {
		fmt.Fprintf(out, "Recipe:\n  %s\n", strings.ReplaceAll(t.Recipe, "\n", "\n  "))
	}
}

// explainProcs prints the process tree.
func (b *Build) explainProcs(out io.Writer, t *cache.Trace) {
	if len(t.Procs) == 0 {
		return
	}
	fmt.Fprintln(out, "Processes:")
	var walk func(parent int32, indent string)
	walk = func(parent int32, indent string) {
		for i := range t.Procs {
			p := &t.Procs[i]
			if p.Parent != parent || int32(i) == parent {
				continue
			}
			fmt.Fprintf(out, "%s%s (opened %d, wrote %d%s)\n", indent, clip(strings.Join(p.Argv, " ")), len(p.Reads), len(p.Writes), setsNames(p.Env))
			walk(int32(i), indent+"  ")
		}
	}
	walk(-1, "  ")
}

// setsNames names the variables in which a process differs from its parent.
func setsNames(env []string) string {
	text := ""
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		text += " " + name
	}
	if text == "" {
		return ""
	}
	return ", sets" + text
}

// inputGroup is one heading of the list of inputs.
type inputGroup struct {
	title string
	want  func(in *cache.Input) bool
	brief bool // only the number, unless something differs
}

// explainInputs prints the inputs in groups, and how declared prerequisites and
// real ones differ.
func (b *Build) explainInputs(out io.Writer, f *makefile.File, t *cache.Trace) {
	project := func(in *cache.Input) bool { return in.Path[0] == '.' }
	read := func(in *cache.Input) bool {
		return in.Kind == cache.InputContent || in.Kind == cache.InputListing
	}
	groups := []inputGroup{
		{"Inputs in the project", func(in *cache.Input) bool { return project(in) && read(in) }, false},
		{"Looked up in the project", func(in *cache.Input) bool { return project(in) && !read(in) }, true},
		{"Inputs of the system", func(in *cache.Input) bool { return !project(in) && read(in) }, true},
		{"Looked up in the system", func(in *cache.Input) bool { return !project(in) && !read(in) }, true},
	}
	for _, g := range groups {
		b.explainGroup(out, g, b.node(f).name, t)
	}
	if b.single != nil {
		b.explainEnv(out, t)
		return // nothing is declared
	}
	declared := make(map[string]bool)
	var unread []string
	for _, d := range f.Deps {
		if d.File == nil {
			continue
		}
		n := b.node(d.File)
		declared[n.name], declared[b.sp.key(b.w.realFile(n.path))] = true, true
		if !d.OrderOnly && !b.wasRead(d.File, t.Inputs) {
			unread = append(unread, d.File.Name)
		}
	}
	var undeclared []string
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if project(in) && in.Kind == cache.InputContent && !declared[in.Path] {
			undeclared = append(undeclared, b.display(in.Path))
		}
	}
	b.explainNames(out, "Undeclared inputs", undeclared)
	b.explainNames(out, "Declared but not read", unread)
	b.explainEnv(out, t)
}

func (b *Build) explainGroup(out io.Writer, g inputGroup, name string, t *cache.Trace) {
	var lines []string
	total := 0
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if !g.want(in) {
			continue
		}
		total++
		differs := !b.w.same(in) && !b.chain.sameAsSeen(name, t, in)
		switch {
		case differs:
			lines = append(lines, "  "+b.describe(in))
		case !g.brief:
			lines = append(lines, fmt.Sprintf("  %s %s", in.Hash.Short(), b.display(in.Path)))
		}
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(out, "%s: %d\n", g.title, total)
	for _, l := range lines {
		fmt.Fprintln(out, l)
	}
}

func (b *Build) explainNames(out io.Writer, title string, names []string) {
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	fmt.Fprintf(out, "%s: %s\n", title, strings.Join(slices.Compact(names), " "))
}

func (b *Build) explainEnv(out io.Writer, t *cache.Trace) {
	var set []string
	rooted := false
	for _, e := range t.Env {
		switch {
		case b.rootPath(e.Name) != "":
			rooted = true
		case e.Set:
			set = append(set, e.Name)
		}
	}
	b.explainNames(out, "Environment variables that count", set)
	if rooted {
		fmt.Fprintln(out, "What it left or printed holds the path of the project, and is of use here only.")
	}
}

func (b *Build) explainOutputs(out io.Writer, t *cache.Trace, who string) {
	if len(t.Outputs) == 0 {
		return
	}
	fmt.Fprintf(out, "Outputs: %d\n", len(t.Outputs))
	for i := range t.Outputs {
		o := &t.Outputs[i]
		state := ""
		if !b.leftAsIs(o) {
			state = " (not as " + who + " left it)"
		}
		switch o.Type {
		case 0:
			fmt.Fprintf(out, "  removed %s%s\n", b.display(o.Path), state)
		case typeDir:
			fmt.Fprintf(out, "  directory %s%s\n", b.display(o.Path), state)
		case cache.TypeSegment:
			fmt.Fprintf(out, "  %d bytes appended to %s%s\n", o.Size, b.display(o.Path), state)
		case typeLink:
			fmt.Fprintf(out, "  link %s -> %s%s\n", b.display(o.Path), o.Link, state)
		default:
			fmt.Fprintf(out, "  %s %s%s\n", o.Hash.Short(), b.display(o.Path), state)
		}
	}
}
