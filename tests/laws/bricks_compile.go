package laws

import (
	"fmt"
	"path"
	"slices"
)

// code makes a source for minicc that includes some headers, some of them only
// under a flag, and returns what a compilation of it may read.
func (g *generator) code(headers []header) (text string, reads []string, isSoft bool) {
	text = fmt.Sprintf("# comment %d\n", g.r.IntN(1000))
	for i, h := range headers {
		line := fmt.Sprintf("include %q\n", h.name)
		switch {
		case i > 0 && g.chance(3):
			line = fmt.Sprintf("ifdef FLAG%d\n%sendif\n", g.between(1, 3), line)
		case i > 0 && g.chance(3):
			line = fmt.Sprintf("ifdef FLAG%d\n%selse\n%sendif\n", g.between(1, 3), word(g.r)+"\n", line)
		}
		text += line + word(g.r) + "\n"
		reads = append(reads, h.reads...)
		isSoft = isSoft || h.soft
	}
	text += g.text()
	if g.chance(4) {
		text += fmt.Sprintf("maybe %q\n", fmt.Sprintf("opt%d.h", g.between(1, 4)))
	}
	slices.Sort(reads)
	return text, slices.Compact(reads), isSoft
}

// plainHeader adds a header that is a source; it may include others.
func (g *generator) plainHeader() {
	name := fmt.Sprintf("h%d.h", g.id())
	text, reads, isSoft := g.code(some(g, g.headers, g.r.IntN(3)))
	g.source("inc/"+name, Code, file(text))
	g.headers = append(g.headers, header{name, "inc/" + name, append(reads, "inc/"+name), isSoft})
	if g.dir == "" {
		g.p.Shadow = append(g.p.Shadow, name)
	}
}

// compile adds an object and what it is made from.
func (g *generator) compile() {
	n := g.id()
	text, reads, isSoft := g.code(some(g, g.headers, g.between(1, 4)))
	dir := []string{"src", "src", "src/part"}[g.r.IntN(3)]
	src := g.source(fmt.Sprintf("%s/c%d.c", dir, n), Code, file(text))
	if g.chance(6) && g.dir == "" {
		g.viaPattern(n, text, reads, isSoft)
		return
	}
	r := g.rule()
	var obj string
	if g.chance(4) {
		obj = fmt.Sprintf("%s/c%d.o", dir, n) // beside its source
		r.Targets = []string{obj}
	} else {
		obj = g.place(r, fmt.Sprintf("c%d.o", n))
	}
	r.Prereqs = append(g.includes(reads, isSoft), r.Prereqs...)
	r.Prereqs = append(prereqs([]string{src}, Prereq{Keep: g.chance(2)}), r.Prereqs...)
	r.Soft = isSoft
	r.Plain = true
	input := src
	if r.Prereqs[0].Keep {
		input = "$<"
	}
	command := "$(CC) $(CPPFLAGS) -c -o $@ " + input
	switch {
	case g.chance(3):
		dep := obj[:len(obj)-1] + "d"
		command = "$(CC) $(CPPFLAGS) -MD " + dep + " -c -o $@ " + input
		g.block("-include " + dep)
		r.Extra = []string{dep}
		r.Prereqs = g.withoutSources(r.Prereqs, src)
		r.Plain = false // the .d declares what damage took
	case g.chance(8):
		command = "cd " + path.Dir(src) + " && " + g.moved(command, src, obj)
	case g.chance(8):
		r.Recipe = append(r.Recipe, "$(CC) $(CPPFLAGS) -c -o $@.tmp "+input)
		command = "mv $@.tmp $@"
	}
	r.Recipe = append(r.Recipe, command)
	g.add(r)
	g.objects = append(g.objects, obj)
}

// includes declares the headers that a compilation may read.
func (g *generator) includes(reads []string, isSoft bool) []Prereq {
	if isSoft {
		return soft(reads...)
	}
	return hard(reads...)
}

// withoutSources leaves to the .d file what is a source: the makefile names
// only headers that have to be made first.
func (g *generator) withoutSources(list []Prereq, src string) []Prereq {
	return slices.DeleteFunc(list, func(d Prereq) bool {
		_, isSource := g.p.Files[g.full(d.Name)]
		return isSource && d.Name != src
	})
}

// moved rewrites a compilation so that it can be run in the folder of its
// source.
func (g *generator) moved(_, src, obj string) string {
	up := "../"
	if path.Dir(src) == "src/part" {
		up = "../../"
	}
	return fmt.Sprintf("$(CC) $(DEFS) -I%sover -I%sinc -I%sout/gen -I%slinks -c -o %s%s %s",
		up, up, up, up, up, obj, path.Base(src))
}

// viaPattern makes the object by a pattern rule.
func (g *generator) viaPattern(n int, text string, reads []string, isSoft bool) {
	first := g.p.Blocks[g.dir]
	lines := []string{"out/pat/%.o: pat/%.c | out/pat/.made", "\t$(CC) $(CPPFLAGS) -c -o $@ $<", ""}
	if !slices.Contains(first, lines[0]) {
		g.block(lines...)
		g.add(&Rule{Targets: []string{"out/pat/.made"}, Recipe: []string{"mkdir -p $(@D)", "touch $@"}})
	}
	g.source(fmt.Sprintf("pat/p%d.c", n), Code, file(text))
	obj := fmt.Sprintf("out/pat/p%d.o", n)
	g.add(&Rule{Targets: []string{obj}, Via: true, Prereqs: g.includes(reads, isSoft), Soft: isSoft})
	g.objects = append(g.objects, obj)
}

// archive adds a library of some objects, made afresh or in place.
func (g *generator) archive() {
	if len(g.objects) < 2 {
		g.compile()
		return
	}
	members := some(g, g.objects, g.between(2, 6))
	r := g.rule()
	lib := g.place(r, fmt.Sprintf("lib%d.a", g.id()))
	list := ""
	for _, m := range members {
		list += " " + m
	}
	switch g.r.IntN(4) {
	case 0:
		r.Recipe = append(r.Recipe, "ar rcD $@"+list)
	case 1:
		r.Recipe = append(r.Recipe, "rm -f $@", "ar rcsD $@"+list)
	case 2:
		r.Recipe = append(r.Recipe, "ar rcD $@ $?") // everything is newer than nothing
		r.Prereqs = append(kept(members...), r.Prereqs...)
		members = nil
	case 3:
		r.Recipe = append(r.Recipe, "ar rcD $@ $^")
		r.Prereqs = append(kept(members...), r.Prereqs...)
		members = nil
	}
	r.Prereqs = append(r.Prereqs, hard(members...)...)
	g.add(r)
	g.archives = append(g.archives, lib)
}

// program links objects and archives.
func (g *generator) program() {
	inputs := append(some(g, g.objects, g.between(1, 4)), some(g, g.archives, g.r.IntN(3))...)
	if len(inputs) == 0 {
		g.compile()
		return
	}
	r := g.rule()
	r.Plain = true
	g.place(r, fmt.Sprintf("prog%d.bin", g.id()))
	r.Prereqs = append(r.Prereqs, hard(inputs...)...)
	line := "$(CC) -o $@"
	for _, in := range inputs {
		line += " " + in
	}
	r.Recipe = append(r.Recipe, line)
	g.add(r)
}

// realC compiles a little real C with gcc.
func (g *generator) realC() {
	n := g.id()
	h := g.source(fmt.Sprintf("real/r%d.h", n), CSource, file(fmt.Sprintf("#define VALUE %d\n", g.r.IntN(100))))
	c := g.source(fmt.Sprintf("real/r%d.c", n), CSource, file(fmt.Sprintf("/* %d */\n#include \"r%d.h\"\nint value%d(void) { return VALUE; }\n", g.r.IntN(100), n, n)))
	r := g.rule()
	obj := g.place(r, fmt.Sprintf("r%d.o", n))
	r.Prereqs = append(r.Prereqs, hard(c, h)...)
	r.Recipe = append(r.Recipe, "gcc -O0 -w -c -o $@ "+c)
	g.add(r)
	if g.chance(2) {
		g.objects = append(g.objects, obj)
	}
}
