package build

import (
	"path"
	"slices"

	"fmake/cache"
	"fmake/exec/explain"
)

// links are the recipes that have to do with one path, in serial order.
type links struct {
	readers, writers []explain.Link
}

// linksOf finds them among all traces of the tree, those of other makes included. It
// decodes the whole graph, which takes its time where that is large, and is only done
// for who asks.
func (b *Build) linksOf(key string) links {
	var l links
	for _, name := range b.graph.Names() {
		t := b.graph.Target(name)
		if t == nil || t.Flags&cache.Failed != 0 {
			continue
		}
		if how, i := howRead(t, key); how != "" && name != key {
			l.readers = append(l.readers, b.link(t, how, readBy(t, i)))
		}
		if how, i := howWritten(t, key); how != "" {
			l.writers = append(l.writers, b.link(t, how, writtenBy(t, i)))
		}
	}
	return l
}

func (b *Build) link(t *cache.Trace, how, by string) explain.Link {
	l := explain.Link{Target: t.Target, How: how, By: by}
	if t.Dir != b.sp.key(b.sp.cwd) {
		l.Make = b.display(t.Dir)
	}
	return l
}

// mentioned reports whether any trace has a path among its inputs or outputs.
func (b *Build) mentioned(key string) bool {
	return slices.ContainsFunc(b.graph.Names(), func(name string) bool {
		t := b.graph.Target(name)
		if t == nil {
			return false
		}
		read, _ := howRead(t, key)
		written, _ := howWritten(t, key)
		return read != "" || written != ""
	})
}

// howRead says what a recipe did with a path that it looked at, and which input that is.
// What it read says more than what it looked up. A failed look-up counts only where it
// is no output.
func howRead(t *cache.Trace, key string) (how string, input int) {
	words := map[cache.InputKind]string{
		cache.InputContent: "read it",
		cache.InputListing: "listed it",
		cache.InputLink:    "followed it",
		cache.InputExists:  "looked it up",
		cache.InputAbsent:  "looked for it in vain",
	}
	for i := range t.Inputs {
		if t.Inputs[i].Path == key && findOutput(t.Outputs, key) == nil {
			return words[t.Inputs[i].Kind], i
		}
	}
	for i := range t.Tokens {
		if t.Tokens[i].Name == key {
			return "has it as a prerequisite and did not read it", -1
		}
	}
	return "", -1
}

// howWritten says what a recipe did with a path that it changed, and which output that
// is.
func howWritten(t *cache.Trace, key string) (how string, output int) {
	i := slices.IndexFunc(t.Outputs, func(o cache.Output) bool { return o.Path == key })
	if i < 0 {
		return "", -1
	}
	switch o := &t.Outputs[i]; {
	case o.Type == 0:
		return "removed it", i
	case o.Type == cache.TypeSegment:
		return "appended to it", i
	case findOutput(t.Befores, key) != nil:
		return "changed it", i
	}
	return "wrote it", i
}

// readBy names the program of a recipe that read one of its inputs.
func readBy(t *cache.Trace, input int) string {
	return program(t.Procs, func(p *cache.Proc) bool { return slices.Contains(p.Reads, uint32(input)) })
}

// writtenBy names the program of a recipe that wrote one of its outputs.
func writtenBy(t *cache.Trace, output int) string {
	return program(t.Procs, func(p *cache.Proc) bool { return slices.Contains(p.Writes, uint32(output)) })
}

func program(procs []cache.Proc, did func(*cache.Proc) bool) string {
	for i := range procs {
		if p := &procs[i]; did(p) && len(p.Argv) > 0 {
			return path.Base(p.Argv[0])
		}
	}
	return ""
}
