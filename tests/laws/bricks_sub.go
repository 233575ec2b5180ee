package laws

import "fmt"

// wildcards adds sources that the makefile finds itself, compiled by a pattern
// rule into a folder of their own.
func (g *generator) wildcards() {
	g.wild = true
	for _, dir := range []string{"wild_a", "wild_b"} {
		for range g.between(1, 3) {
			text, _, _ := g.code(g.sourceHeaders())
			g.source(fmt.Sprintf("%s/w%d.c", dir, g.id()), Code, file(text))
		}
	}
	g.p.Vars = append(g.p.Vars, "WSRC := $(sort $(wildcard wild_*/*.c))", "WOBJ := $(WSRC:%.c=out/%.o)")
	g.block("out/%.o: %.c", "\t@mkdir -p $(@D)", "\t$(CC) $(CPPFLAGS) -MD $(@:.o=.d) -c -o $@ $<",
		"-include $(WOBJ:.o=.d)", "")
	g.p.Wilds = append(g.p.Wilds, Wild{Prefix: "wild_", Out: "out"})
	g.add(&Rule{Targets: []string{"$(WOBJ)"}, Via: true})
	r := g.rule()
	lib := g.place(r, fmt.Sprintf("libwild%d.a", g.id()))
	r.Prereqs = append(r.Prereqs, soft("$(WOBJ)")...)
	r.Recipe = append(r.Recipe, "rm -f $@", "ar rcPD $@ $(WOBJ)")
	r.Soft = true
	g.add(r)
	g.archives = append(g.archives, lib)
}

// sourceHeaders picks headers whose reading makes nothing necessary.
func (g *generator) sourceHeaders() []header {
	var list []header
	for _, h := range g.headers {
		made := h.soft
		for _, name := range h.reads {
			if _, isSource := g.p.Files[g.full(name)]; !isSource {
				made = true
			}
		}
		if !made {
			list = append(list, h)
		}
	}
	return some(g, list, 2)
}

// subMake adds a folder with a makefile of its own, whose compilations read a
// header that the top makes.
func (g *generator) subMake() {
	n := g.id()
	dir := fmt.Sprintf("sub%d", n)
	s := newGenerator(g.p, g.r, dir, Shape{})
	s.ids = g.ids
	s.block("CC := minicc", "CPPFLAGS := -DFLAG1 -Iinc -Iout/gen", "")
	s.source("inc/base.h", Code, file("# of a sub-make\n"+g.text()))
	s.source("tools/gen.sh", Tool, script(genScript))
	s.headers = []header{{name: "base.h", path: "inc/base.h", reads: []string{"inc/base.h"}}}
	s.outs = []outDir{{path: "out/x"}, s.newOut(true)}
	s.add(&Rule{Targets: []string{"FORCE"}, Phony: true, Unlisted: true})
	above := g.fromAbove()
	s.headers = append(s.headers, header{name: "../../" + above, path: "../" + above, reads: []string{"../" + above}})
	s.compile()
	for range g.between(3, 8) {
		s.brick()
	}
	r := &Rule{Recipe: []string{"@$(MAKE) --no-print-directory " + g.way(dir)}, Sub: dir}
	r.Prereqs = hard(above)
	if len(s.archives) == 0 {
		s.archive()
		s.archive()
	}
	if len(s.archives) > 0 && g.chance(2) {
		lib := dir + "/" + s.archives[0]
		r.Targets = []string{lib}
		r.Prereqs = append(r.Prereqs, Prereq{Name: "FORCE"})
		g.archives = append(g.archives, lib)
	} else {
		r.Targets = []string{dir + ".all"}
		r.Phony = true
	}
	g.add(r)
}

// way gives the options by which a sub-make is reached: at once, or through a make
// between.
func (g *generator) way(dir string) string {
	to := "-C " + dir
	if g.chance(2) {
		return to
	}
	between := dir + ".mk"
	g.p.Files.Put(between, file("all: ; @$(MAKE) --no-print-directory "+to+"\n"))
	return "-f " + between
}

// fromAbove makes a header of the top that a sub-make reads.
func (g *generator) fromAbove() string {
	g.generatedHeader()
	return g.headers[len(g.headers)-1].path
}
