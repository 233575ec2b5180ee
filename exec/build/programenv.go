package build

import (
	"slices"
	"strings"

	"fmake/cache"
)

// The environment of a program counts as that of a recipe does: a variable that its words
// or a program or library that it read names, one that the makefile exports, one of the
// documented list. PATH counts as a whole: where it leads to is found by look-ups, but
// those of another value are in no trace.

// exportedNames are the variables of the recipe's environment that the makefile says are
// to be there.
func (a *action) exportedNames() map[string]bool {
	names := make(map[string]bool)
	for name := range a.b.environ(a.f) {
		if a.b.exported(name) {
			names[name] = true
		}
	}
	return names
}

// pathOf is the value of PATH in an environment.
func pathOf(env []string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			return v
		}
	}
	return ""
}

// env fills in which variables mattered to a program, and all that it had.
func (k *keeper) env(p *programRun, t *cache.Trace) {
	b, ps := k.a.b, k.a.programs
	env := envMap(p.env)
	named, all := k.namedBy(p, t)
	t.Env = b.envThat(env, func(name string) bool {
		if b.envNamed(name, t.Recipe, nil, ps.isExported) {
			return true
		}
		if _, never := b.envCandidate(name); never {
			return false
		}
		return all || !b.lists.envIfNamed.has(name) && named(name)
	})
	t.Vars = append(t.Vars, ps.keepNames(env))
}

func (ps *programs) isExported(name string) bool { return ps.exported[name] }

// namedBy tells which variables the programs that a program has read name. If one of them is
// not there any more, any variable may matter.
func (k *keeper) namedBy(p *programRun, t *cache.Trace) (named func(name string) bool, all bool) {
	b := k.a.b
	var read []cache.Input
	d := cache.NewDigest("programs")
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if !namesVariables(in) {
			continue
		}
		path := b.sp.abs(in.Path)
		if h, here := p.read[path]; here && !b.w.hasHash(path, h) {
			return nil, true
		}
		read = append(read, *in)
		d.Hash(in.Hash)
	}
	key := d.Sum()
	if k.named[key] == nil {
		k.named[key] = make(map[string]bool)
	}
	known := k.named[key]
	return func(name string) bool {
		yes, ok := known[name]
		if !ok {
			yes = slices.ContainsFunc(b.nameSets(read, nil), func(s nameSet) bool { return s.has(name) })
			known[name] = yes
		}
		return yes
	}, false
}

// namesPrefix begins the names of the sections that list the variables which programs had;
// most have the same ones. A trace names its section.
const namesPrefix = "env "

// keepNames keeps the names of an environment, and returns the name of their section.
func (ps *programs) keepNames(env map[string]string) string {
	names := make([]string, 0, len(env))
	for name := range env {
		if !ps.b.lists.envNever.has(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	section := namesPrefix + cache.HashNames(names).Short()
	ps.graph.SetSection(section, []byte(strings.Join(names, "\n")))
	return section
}

// envDiffers says in words which variable is not as it was when a program ran.
func (ps *programs) envDiffers(p *programRun, t *cache.Trace) string {
	env := envMap(p.env)
	for _, in := range t.Env {
		value, set := env[in.Name]
		if set != in.Set || set && cache.HashString(value) != in.Value {
			return "environment variable " + in.Name + " is not as it was"
		}
	}
	return ""
}

// envGrew says in words which variable is set that was not when a program ran, and that
// would have mattered to it. What it read has to be as it was.
func (ps *programs) envGrew(p *programRun, t *cache.Trace) string {
	b := ps.b
	i := slices.IndexFunc(t.Vars, func(v string) bool { return strings.HasPrefix(v, namesPrefix) })
	if i < 0 {
		return "its environment is not known"
	}
	had := setOf(strings.Split(string(ps.graph.Section(t.Vars[i])), "\n"))
	var sets []nameSet
	for name := range envMap(p.env) {
		if had[name] || b.lists.envNever.has(name) {
			continue
		}
		if sets == nil {
			sets = b.nameSets(t.Inputs, nil)
		}
		if b.envNamed(name, t.Recipe, sets, ps.isExported) {
			return "environment variable " + name + " is set now"
		}
	}
	return ""
}
