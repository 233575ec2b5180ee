package laws

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// Shape says what kind of project to generate.
type Shape struct {
	Rules  int // at least so many
	Demand bool
	// Writers allows paths that several actions write, and listings of folders
	// that later actions write to: what needs versions in serial order.
	Writers bool
	Subs    bool // sub-makes
	// Without names bricks that are left out.
	Without []string
}

// Generate makes a project from a seed. Bricks are laid one after the other,
// each uses only what is there already, so the order of the rules is an order
// in which everything is made before it is needed.
func Generate(seed uint64, shape Shape) *Project {
	p := &Project{Seed: seed, Demand: shape.Demand, Files: Tree{}, Kinds: map[string]Kind{}, Blocks: map[string][]string{}}
	r := rand.New(rand.NewPCG(seed, 1))
	g := newGenerator(p, r, "", shape)
	g.prepare()
	for len(p.Rules) < shape.Rules {
		g.brick()
	}
	g.finish()
	p.voice()
	return p
}

// generator lays the bricks of one makefile. Names in it are relative to the
// makefile's folder.
type generator struct {
	r     *rand.Rand
	p     *Project
	dir   string // the makefile's folder
	shape Shape
	ids   *int // numbers the names of the whole project

	headers  []header
	texts    []string // readable files, sources and outputs
	objects  []string
	archives []string
	chain    string // the last appender, which the next one comes after
	wild     bool
	outs     []outDir
}

// header is what a compilation may include.
type header struct {
	name  string   // as it is included
	path  string   // where it is
	reads []string // every file that including it may read, itself included
	soft  bool     // including it reads what only serial order protects
}

// outDir is a folder for outputs and the way in which it comes to be.
type outDir struct {
	path string
	rule string // the rule that makes it, an order-only prerequisite; else mkdir -p in each recipe
}

func newGenerator(p *Project, r *rand.Rand, dir string, shape Shape) *generator {
	return &generator{r: r, p: p, dir: dir, shape: shape, ids: new(int)}
}

func (g *generator) id() int              { *g.ids++; return *g.ids }
func (g *generator) chance(n int) bool    { return g.r.IntN(n) == 0 }
func (g *generator) between(a, b int) int { return a + g.r.IntN(b-a+1) }
func (g *generator) full(n string) string { return path.Join(g.dir, n) }
func (g *generator) add(r *Rule) *Rule    { r.Dir = g.dir; g.p.Rules = append(g.p.Rules, r); return r }

func (g *generator) block(lines ...string) { g.p.Blocks[g.dir] = append(g.p.Blocks[g.dir], lines...) }

// source adds a source file.
func (g *generator) source(name string, kind Kind, e Entry) string {
	g.p.Files.Put(g.full(name), e)
	g.p.Kinds[g.full(name)] = kind
	return name
}

// word makes a line of random text.
func word(r *rand.Rand) string {
	names := []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}
	return fmt.Sprintf("%s %d", names[r.IntN(len(names))], r.IntN(1000))
}

// text makes a few random lines.
func (g *generator) text() string {
	var t string
	for range g.between(1, 5) {
		t += word(g.r) + "\n"
	}
	return t
}

// some picks up to n different elements.
func some[T any](g *generator, from []T, n int) []T {
	n = min(n, len(from))
	picked := make([]T, 0, n)
	for _, i := range g.r.Perm(len(from))[:n] {
		picked = append(picked, from[i])
	}
	return picked
}

func (g *generator) pick(from []string) string { return from[g.r.IntN(len(from))] }

// hard, soft and kept make prerequisites.
func hard(names ...string) []Prereq { return prereqs(names, Prereq{}) }
func soft(names ...string) []Prereq { return prereqs(names, Prereq{Soft: true}) }
func kept(names ...string) []Prereq { return prereqs(names, Prereq{Keep: true}) }

func prereqs(names []string, like Prereq) []Prereq {
	var list []Prereq
	for _, name := range names {
		like.Name = name
		list = append(list, like)
	}
	return list
}

// prepare makes what every brick may rely on.
func (g *generator) prepare() {
	g.source("flags.mk", Flags, file("TAG := one\nDEFS := -DFLAG1\nMODE := 1\n"))
	g.source("tools/gen.sh", Tool, script(genScript))
	g.source("tools/env.sh", Tool, script(envScript))
	g.block("CC := minicc", "CPPFLAGS := $(DEFS) -Iover -Iinc -Iout/gen -Ilinks", "")
	g.p.Files.Put("over", Entry{Kind: 'd', Mode: 0o755})
	g.source("inc/base.h", Code, file("# the base\nbase "+g.text()))
	g.p.Files.Put("links/alias.h", symlink("../inc/base.h"))
	g.p.Kinds["links/alias.h"] = Pointer
	g.headers = []header{
		{name: "base.h", path: "inc/base.h", reads: []string{"inc/base.h"}},
		{name: "alias.h", path: "links/alias.h", reads: []string{"links/alias.h"}},
	}
	g.p.Shadow = []string{"base.h"}
	g.add(&Rule{Targets: []string{"FORCE"}, Phony: true, Unlisted: true})
	g.outs = []outDir{{path: "out/gen"}}
	for range 2 {
		g.plainHeader()
	}
	g.generatedHeader()
	for _, way := range []bool{true, false, true} {
		g.outs = append(g.outs, g.newOut(way))
	}
	g.compile()
	g.generatedText()
}

const genScript = `#!/bin/sh
# prints its inputs as lines of a header
for f; do
	echo "# from $f"
	sed 's/^/made /' "$f" || exit 1
done
`

const envScript = `#!/bin/sh
# what the environment says
echo "tag $LAWS_TAG"
`

// newOut makes a folder for outputs. The rule of a folder cannot be demanded,
// since nobody looks for the folder itself.
func (g *generator) newOut(byRule bool) outDir {
	o := outDir{path: fmt.Sprintf("out/d%d", g.id())}
	if byRule {
		o.rule = o.path
		g.add(&Rule{Targets: []string{o.path}, Recipe: []string{"mkdir -p $@"}})
	}
	return o
}

// place gives a new output a folder: what makes the folder goes into the
// recipe or among the prerequisites.
func (g *generator) place(r *Rule, name string) string {
	o := g.outs[g.r.IntN(len(g.outs))]
	r.Targets = append(r.Targets, path.Join(o.path, name))
	if o.rule != "" {
		r.Prereqs = append(r.Prereqs, Prereq{Name: o.rule, Order: true, Soft: true})
	} else {
		r.Recipe = append(r.Recipe, "mkdir -p "+o.path)
	}
	return r.Targets[len(r.Targets)-1]
}

// rule starts a rule. Some say what they do in the way of many makefiles.
func (g *generator) rule() *Rule {
	if g.chance(8) {
		return &Rule{Recipe: []string{"@echo ' MAKE $@'"}}
	}
	return &Rule{}
}

// brick lays one random brick.
func (g *generator) brick() {
	type brick struct {
		name   string
		weight int
		lay    func()
	}
	bricks := []brick{
		{"compile", 10, g.compile},
		{"header", 4, g.plainHeader},
		{"generated header", 4, g.generatedHeader},
		{"two headers", 2, g.twoHeaders},
		{"archive", 3, g.archive},
		{"program", 3, g.program},
		{"text", 5, g.generatedText},
		{"forced", 2, g.forced},
		{"manifest", 2, g.manifest},
		{"stamp", 2, g.stamp},
		{"listing", 2, g.listing},
		{"made script", 2, g.madeScript},
		{"link", 1, g.linkFile},
		{"intermediate", 1, g.intermediate},
		{"made folder", 2, g.madeFolder},
		{"unpacked", 1, g.unpacked},
		{"moved folder", 1, g.movedFolder},
		{"installed", 1, g.installed},
	}
	if g.shape.Writers {
		bricks = append(bricks, brick{"in place", 2, g.inPlace}, brick{"append", 2, g.appenders},
			brick{"listed later", 2, g.listedLater}, brick{"consumed", 1, g.consumed}, brick{"shared folder", 1, g.sharedFolder})
	}
	if g.dir == "" {
		bricks = append(bricks, brick{"real C", 1, g.realC}, brick{"environment", 1, g.environment})
		if !g.wild {
			bricks = append(bricks, brick{"wildcard", 1, g.wildcards})
		}
		if g.shape.Subs {
			bricks = append(bricks, brick{"sub-make", 1, g.subMake})
		}
	}
	bricks = slices.DeleteFunc(bricks, func(b brick) bool { return slices.Contains(g.shape.Without, b.name) })
	total := 0
	for _, b := range bricks {
		total += b.weight
	}
	n := g.r.IntN(total)
	for _, b := range bricks {
		if n -= b.weight; n < 0 {
			b.lay()
			return
		}
	}
}

// finish writes the list of what all asks for.
func (g *generator) finish() {
	var names []string
	for _, r := range g.p.Rules {
		if r.Dir == "" && !r.Unlisted {
			names = append(names, r.Targets...)
		}
	}
	if g.shape.Demand {
		g.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	g.p.All = g.grouped(names)
}

// voice makes the recipes that run in every build silent and the others heard,
// so that a second build that prints a word has run what it should not.
func (p *Project) voice() {
	silent := map[*Rule]bool{}
	for r := range newGraph(p).restless() {
		silent[r] = true
	}
	for _, r := range p.Rules {
		silent[r] = silent[r] || r.Phony
		if silent[r] {
			r.Recipe = slices.DeleteFunc(r.Recipe, func(line string) bool { return strings.HasPrefix(line, "@echo ' MAKE") })
		}
		heard := false
		for i, line := range r.Recipe {
			if silent[r] && r.Sub == "" && !strings.HasPrefix(line, "@") {
				r.Recipe[i] = "@" + line
			}
			heard = heard || !strings.HasPrefix(line, "@")
		}
		if last := len(r.Recipe) - 1; last >= 0 && !silent[r] && !heard && r.Sub == "" {
			r.Recipe[last] = strings.TrimPrefix(r.Recipe[last], "@")
		}
	}
}

// grouped puts some neighbours below phony groups.
func (g *generator) grouped(names []string) []string {
	var list []string
	for len(names) > 0 {
		n := min(g.between(1, 6), len(names))
		chunk := names[:n]
		names = names[n:]
		if n < 3 || g.chance(2) {
			list = append(list, chunk...)
			continue
		}
		group := fmt.Sprintf("group%d", g.id())
		g.add(&Rule{Targets: []string{group}, Prereqs: kept(chunk...), Phony: true, Unlisted: true})
		list = append(list, group)
	}
	return list
}

// Damage returns a copy that has lost a random third of its declared
// prerequisites.
func (p *Project) Damage() *Project {
	r := rand.New(rand.NewPCG(p.Seed, 2))
	d := *p
	d.Damaged = true
	d.Rules = slices.Clone(p.Rules)
	for i, rule := range d.Rules {
		c := *rule
		c.Prereqs = slices.Clone(rule.Prereqs)
		for j, q := range c.Prereqs {
			c.Prereqs[j].Lost = !q.Keep && !(q.Soft && p.Demand) && r.IntN(3) == 0
		}
		d.Rules[i] = &c
	}
	d.Files = maps.Clone(p.Files)
	return &d
}
