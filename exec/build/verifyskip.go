package build

import (
	"fmt"
	"strings"

	"fmake/cache"
	"fmake/makefile"
)

// unverifiable says why a recipe cannot run a second time, "" if it can.
func (b *Build) unverifiable(f *makefile.File, n *node, t *cache.Trace) string {
	switch {
	case f.Recipe.AnyRecurse:
		return "it starts a make, which verifies its own targets"
	case f.Phony:
		return "it is phony, so what it does cannot be undone"
	case makefile.IsArchiveName(f.Name):
		return "it is a member of an archive, which other recipes change too"
	case n.always || t != nil && t.Flags&(cache.Always|cache.Forced) != 0:
		return "it is made every time, so what it does is not undone"
	case t == nil:
		return "nothing is known of what its recipe does; make it anew with -B --verify"
	}
	return b.unverifiableRun(n, t)
}

// unverifiableRun says what in the first run stands against a second one.
func (b *Build) unverifiableRun(n *node, t *cache.Trace) string {
	switch {
	case t.Flags&cache.Provisional != 0:
		return "its recipe has not run yet, GNU make's rule found it up to date; make it anew with -B --verify"
	case t.Flags&cache.Native != 0:
		return "its recipe starts a setuid program, which cannot be traced"
	case t.Flags&cache.Stateful != 0:
		return "its recipe keeps a state of its own between runs"
	case b.opts.Shells.neutral(t.Recipe) != t.Recipe:
		return "its recipe holds text that a $(shell) printed which prints something else each time"
	}
	for i := range t.Procs {
		if argv := t.Procs[i].Argv; listed(b.lists.impure, argv) {
			prog := argv[0][strings.LastIndexByte(argv[0], '/')+1:]
			return "its recipe runs " + prog + ", which is never the same twice or reaches beyond files"
		}
	}
	for i := range t.Outputs {
		if why := b.unverifiableOutput(&t.Outputs[i]); why != "" {
			return why
		}
	}
	for i := range t.Inputs {
		if in := &t.Inputs[i]; !b.chain.sameAsSeen(n.name, t, in) {
			return "its input " + b.display(in.Path) + " is not as it was any more"
		}
	}
	return ""
}

func (b *Build) unverifiableOutput(o *cache.Output) string {
	name := b.display(o.Path)
	switch {
	case o.Path[0] == '/':
		return "its recipe writes " + name + ", outside the project"
	case o.Type == cache.TypeSegment || b.log(o.Path) != nil:
		return "its recipe appends to " + name + ", as others may"
	case !b.leftAsIs(o):
		return name + " is not as its recipe left it any more"
	case o.Type != 0 && o.Type != typeRegular && o.Type != typeLink && o.Type != typeDir:
		return fmt.Sprintf("%s is neither file, link nor directory", name)
	}
	return ""
}
