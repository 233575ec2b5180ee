package build

import (
	"fmt"

	"fmake/cache"
	"fmake/exec/explain"
	"fmake/makefile"
)

// inputGroup is one heading of the list of inputs.
type inputGroup struct {
	title string
	want  func(in *cache.Input) bool
	brief bool // only the number, unless something differs
}

func inputGroups() []inputGroup {
	project := func(in *cache.Input) bool { return in.Path[0] == '.' }
	read := func(in *cache.Input) bool {
		return in.Kind == cache.InputContent || in.Kind == cache.InputListing
	}
	return []inputGroup{
		{"Inputs in the project", func(in *cache.Input) bool { return project(in) && read(in) }, false},
		{"Looked up in the project", func(in *cache.Input) bool { return project(in) && !read(in) }, true},
		{"Inputs of the system", func(in *cache.Input) bool { return !project(in) && read(in) }, true},
		{"Looked up in the system", func(in *cache.Input) bool { return !project(in) && !read(in) }, true},
	}
}

// explainInputs lists the inputs in groups, with what of them differs.
func (b *Build) explainInputs(a *explain.Answer, t *cache.Trace) {
	for _, g := range inputGroups() {
		if in := b.explainGroup(g, t); in.Count > 0 {
			a.Inputs = append(a.Inputs, in)
		}
	}
	for _, e := range t.Env {
		if e.Set && b.rootPath(e.Name) == "" {
			a.Env = append(a.Env, e.Name)
		}
	}
}

func (b *Build) explainGroup(g inputGroup, t *cache.Trace) explain.Inputs {
	out := explain.Inputs{Title: g.title}
	name := b.nameOf(t)
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if !g.want(in) {
			continue
		}
		out.Count++
		differs := !b.w.same(in) && !b.chain.sameAsSeen(name, t, in)
		switch {
		case differs:
			out.Shown = append(out.Shown, b.describeIn(t.Inputs, in))
		case !g.brief:
			out.Shown = append(out.Shown, in.Hash.Short()+" "+b.display(in.Path))
		}
	}
	return out
}

// nameOf is a trace's name in the graph.
func (b *Build) nameOf(t *cache.Trace) string {
	dir := b.sp.abs(t.Dir)
	if t.Target != "" && t.Target[0] == '/' {
		dir = ""
	}
	return b.sp.key(b.w.real(b.sp.target(joinPath(dir, t.Target))))
}

// explainDeclared says how declared prerequisites and real inputs differ.
func (b *Build) explainDeclared(a *explain.Answer, f *makefile.File, t *cache.Trace) {
	if isLeavings(t.Key, t.Flags) {
		return // what it has read is not known
	}
	declared := make(map[string]bool)
	for _, d := range f.Deps {
		if d.File == nil {
			continue
		}
		n := b.node(d.File)
		declared[n.name], declared[b.sp.key(b.w.realFile(n.path))] = true, true
		if !d.OrderOnly && !b.wasRead(d.File, t.Inputs) {
			a.Unread = append(a.Unread, d.File.Name)
		}
	}
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if in.Path[0] == '.' && in.Kind == cache.InputContent && !declared[in.Path] {
			a.Undeclared = append(a.Undeclared, b.display(in.Path))
		}
	}
}

func (b *Build) explainOutputs(t *cache.Trace) []explain.Output {
	var out []explain.Output
	for i := range t.Outputs {
		o := &t.Outputs[i]
		path := b.display(o.Path)
		e := explain.Output{Path: path, AsIs: b.leftAsIs(o)}
		switch o.Type {
		case 0:
			e.What, e.Text = "removed", "removed "+path
		case typeDir:
			e.What, e.Text = "directory", "directory "+path
		case cache.TypeSegment:
			e.What, e.Text = "appended", fmt.Sprintf("%d bytes appended to %s", o.Size, path)
		case typeLink:
			e.What, e.Text = "link to "+o.Link, "link "+path+" -> "+o.Link
		default:
			e.What, e.Text = o.Hash.String(), o.Hash.Short()+" "+path
		}
		out = append(out, e)
	}
	return out
}
