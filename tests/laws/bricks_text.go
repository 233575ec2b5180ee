package laws

import (
	"fmt"
	"strings"
)

// newHeader says that a made file can be included.
func (g *generator) newHeader(path string, isSoft bool) {
	g.headers = append(g.headers, header{path[strings.LastIndex(path, "/")+1:], path, []string{path}, isSoft})
}

// textSource adds a file of random lines.
func (g *generator) textSource() string {
	return g.source(fmt.Sprintf("data/t%d.txt", g.id()), Text, file(g.text()))
}

// anyText returns a readable text, often an output.
func (g *generator) anyText() string {
	if len(g.texts) == 0 || g.chance(3) {
		g.texts = append(g.texts, g.textSource())
	}
	return g.pick(g.texts)
}

// reader adds a text that a recipe joins from files which are not its prerequisites: only the
// order says that the recipe of another target has left them by then.
func (g *generator) reader(name, after, files string) string {
	r := g.rule()
	r.Soft = true
	made := g.place(r, name)
	r.Prereqs = append(r.Prereqs, soft(after)...)
	r.Recipe = append(r.Recipe, "cat "+files+" > $@")
	g.add(r)
	g.texts = append(g.texts, made)
	return made
}

// generatedHeader adds a header that a recipe makes from a text.
func (g *generator) generatedHeader() {
	name := fmt.Sprintf("out/gen/g%d.h", g.id())
	in := g.anyText()
	r := g.rule()
	r.Targets = []string{name}
	r.Plain = true
	r.Prereqs = hard(in)
	r.Recipe = append(r.Recipe, "mkdir -p out/gen")
	switch g.r.IntN(7) {
	case 0:
		r.Recipe = append(r.Recipe, "sed 's/^/define G_/' "+in+" > $@")
	case 1:
		r.Recipe = append(r.Recipe, "sh tools/gen.sh "+in+" > $@")
		r.Prereqs = append(r.Prereqs, hard("tools/gen.sh")...)
	case 2:
		r.Recipe = append(r.Recipe, "sed 's/a/A/g' "+in+" > $@.tmp && mv $@.tmp $@")
	case 3:
		r.Recipe = append(r.Recipe, "printf '%s\\n' '# made by $(TAG)' > $@", "cat "+in+" >> $@")
	case 4:
		r.Recipe = append(r.Recipe, "cp "+in+" $@", "sed -i 's/e/E/g' $@", "chmod 600 $@")
	case 5:
		r.Recipe = append(r.Recipe, "awk '{ print \"define D\" NR, $$0 }' "+in+" > $@")
	case 6:
		r.Recipe = append(r.Recipe, "@if [ -s "+in+" ]; then echo full; else echo empty; fi > $@; cat "+in+" >> $@")
	}
	g.add(r)
	g.newHeader(name, false)
}

// twoHeaders adds a rule with two targets.
func (g *generator) twoHeaders() {
	n := g.id()
	a, b := fmt.Sprintf("out/gen/a%d.h", n), fmt.Sprintf("out/gen/b%d.h", n)
	in := g.anyText()
	r := g.rule()
	r.Targets = []string{a, b}
	r.Prereqs = hard(in)
	if g.chance(2) {
		r.Colon = " &:"
	}
	r.Recipe = append(r.Recipe, "mkdir -p out/gen", fmt.Sprintf("sed 's/^/a /' %s > %s; sed 's/^/b /' %s > %s", in, a, in, b))
	g.add(r)
	g.newHeader(a, false)
	g.newHeader(b, false)
}

// generatedText adds a text that a recipe makes from others.
func (g *generator) generatedText() {
	a, b := g.anyText(), g.anyText()
	r := g.rule()
	r.Plain = true
	name := g.place(r, fmt.Sprintf("t%d.txt", g.id()))
	command := []string{
		"cat %s %s > $@",
		"sort %s %s > $@",
		"@cat %s > $@ && wc -l < %s >> $@",
		"head -n 3 %s > $@.new; tail -n 2 %s >> $@.new && mv -f $@.new $@",
		"paste -d: %s %s > $@",
		"for f in %s %s; do sed 's/1/one/' $$f || exit 1; done > $@",
		"test -f %s && cat %s > $@",
		"(cat %s; cat %s) > $@",
	}[g.r.IntN(8)]
	// Only a recipe that fails where one of its inputs is absent may be left to
	// demand.
	inputs := hard(a, b)
	if strings.HasPrefix(command, "head") || strings.HasPrefix(command, "(") {
		inputs = append(soft(a), hard(b)...)
	}
	r.Prereqs = append(r.Prereqs, inputs...)
	r.Recipe = append(r.Recipe, fmt.Sprintf(command, a, b))
	g.add(r)
	g.texts = append(g.texts, name)
}

// forced adds a file that is looked after by every build: written anew each
// time, or only if it changes.
func (g *generator) forced() {
	in := g.anyText()
	r := g.rule()
	name := g.place(r, fmt.Sprintf("f%d.h", g.id()))
	r.Prereqs = append(r.Prereqs, Prereq{Name: "FORCE"})
	r.Prereqs = append(r.Prereqs, soft(in)...)
	if g.chance(4) {
		r.Prereqs[len(r.Prereqs)-2].Keep = true
		r.Hot = true
		r.Recipe = append(r.Recipe, "sed 's/^/hot /' "+in+" > $@")
	} else {
		r.Recipe = append(r.Recipe, "sed 's/^/calm /' "+in+" > $@.new", "@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi")
	}
	g.add(r)
	if !r.Hot {
		g.texts = append(g.texts, name)
		return
	}
	reader := g.rule()
	g.place(reader, fmt.Sprintf("hot%d.txt", g.id()))
	reader.Prereqs = append(reader.Prereqs, soft(name)...)
	reader.Recipe = append(reader.Recipe, "cat "+name+" > $@")
	g.add(reader)
}

// manifest adds a recipe that makes as many files as a source has lines, and a
// stamp.
func (g *generator) manifest() {
	n := g.id()
	list := g.source(fmt.Sprintf("data/m%d.list", n), Manifest, file("one\ntwo\nthree\n"))
	dir := fmt.Sprintf("out/m%d", n)
	r := g.rule()
	r.Targets = []string{dir + ".stamp"}
	r.Prereqs = hard(list)
	r.Recipe = append(r.Recipe, "mkdir -p "+dir)
	if g.chance(2) {
		r.Recipe = append(r.Recipe, "while read name; do mkdir -p "+dir+"/$$name; echo $$name > "+dir+"/$$name/file; done < "+list)
	} else {
		r.Recipe = append(r.Recipe, "for name in `cat "+list+"`; do echo $$name > "+dir+"/$$name; done")
	}
	r.Recipe = append(r.Recipe, "touch $@")
	g.add(r)
	reader := g.rule()
	name := g.place(reader, fmt.Sprintf("m%d.txt", n))
	reader.Prereqs = append(reader.Prereqs, soft(dir+".stamp")...)
	reader.Soft = true
	reader.Recipe = append(reader.Recipe, "find "+dir+" -type f | sort > $@")
	g.add(reader)
	g.texts = append(g.texts, name)
}

// stamp adds a recipe whose target is empty and whose results are others.
func (g *generator) stamp() {
	n, in := g.id(), g.anyText()
	r := g.rule()
	g.place(r, fmt.Sprintf("s%d.stamp", n))
	left, right := fmt.Sprintf("out/left%d.txt", n), fmt.Sprintf("out/right%d.txt", n)
	r.Prereqs = append(r.Prereqs, hard(in)...)
	r.Recipe = append(r.Recipe, "test -f "+in, "mkdir -p out", "grep 1 "+in+" > "+left+" || :", "grep -v 1 "+in+" > "+right+" || :", "touch $@")
	g.add(r)
	g.reader(fmt.Sprintf("s%d.txt", n), r.Targets[0], left+" "+right)
}

// listing adds a recipe that depends on the names in a folder of sources, one
// of which may be made.
func (g *generator) listing() {
	n := g.id()
	dir := fmt.Sprintf("ls%d", n)
	for i := range g.between(2, 4) {
		g.source(fmt.Sprintf("%s/s%d.txt", dir, i), Text, file(g.text()))
	}
	g.p.Listed = append(g.p.Listed, g.full(dir))
	r := g.rule()
	r.Soft = true
	name := g.place(r, fmt.Sprintf("ls%d.lst", n))
	if g.chance(2) {
		made := g.rule()
		in := g.anyText()
		made.Targets = []string{dir + "/made.txt"}
		made.Prereqs = hard(in)
		made.Recipe = append(made.Recipe, "cat "+in+" > $@")
		g.add(made)
		r.Prereqs = append(r.Prereqs, soft(dir+"/made.txt")...)
	}
	r.Recipe = append(r.Recipe, []string{
		"ls " + dir + " > $@",
		"cat " + dir + "/*.txt > $@",
		"@for f in " + dir + "/s*.txt; do echo $$f; done > $@",
		"find " + dir + " -name '*.txt' | sort > $@",
	}[g.r.IntN(4)])
	g.add(r)
	g.texts = append(g.texts, name)
}

// madeScript adds a script that a recipe makes and another runs.
func (g *generator) madeScript() {
	n := g.id()
	in := g.source(fmt.Sprintf("tools/s%d.in", n), Tool, file("#!/bin/sh\n# a template\necho @TAG@ $1\ncat $2\n"))
	r := g.rule()
	r.Targets = []string{fmt.Sprintf("out/bin/s%d.sh", n)}
	r.Prereqs = hard(in)
	r.Recipe = append(r.Recipe, "mkdir -p out/bin", "sed 's/@TAG@/$(TAG)/' "+in+" > $@", "chmod +x $@")
	g.add(r)
	text := g.anyText()
	run := g.rule()
	name := g.place(run, fmt.Sprintf("s%d.out", n))
	run.Prereqs = append(run.Prereqs, hard(r.Targets[0], text)...)
	run.Recipe = append(run.Recipe, fmt.Sprintf("./%s $(MODE) %s > $@", r.Targets[0], text))
	g.add(run)
	g.texts = append(g.texts, name)
}

// linkFile adds a recipe that leaves a symbolic or a hard link.
func (g *generator) linkFile() {
	in := g.anyText()
	r := g.rule()
	r.Targets = []string{fmt.Sprintf("out/l%d.lnk", g.id())}
	r.Prereqs = append(r.Prereqs, hard(in)...)
	r.Recipe = append(r.Recipe, "mkdir -p out")
	if g.chance(2) {
		r.Recipe = append(r.Recipe, "test -f "+in, "ln -sf ../"+in+" $@")
	} else {
		other := strings.TrimSuffix(r.Targets[0], ".lnk") + ".orig"
		r.Extra = []string{other}
		r.Recipe = append(r.Recipe, "cp "+in+" "+other, "ln -f "+other+" $@")
	}
	g.add(r)
}

// intermediate adds a chain of pattern rules whose middle GNU make deletes.
func (g *generator) intermediate() {
	n := g.id()
	g.source(fmt.Sprintf("chain/x%d.raw", n), Text, file(g.text()))
	lines := []string{
		"%.mid: %.raw", "\tsed 's/^/mid /' $< > $@", "",
		"out/%.fin: chain/%.mid", "\tmkdir -p out; cat $< > $@", "",
	}
	if !strings.Contains(strings.Join(g.p.Blocks[g.dir], "\n"), lines[0]) {
		g.block(lines...)
	}
	g.add(&Rule{Targets: []string{fmt.Sprintf("out/x%d.fin", n)}, Via: true})
}

// environment adds a recipe that depends on a variable of the environment.
func (g *generator) environment() {
	r := g.rule()
	name := g.place(r, fmt.Sprintf("env%d.txt", g.id()))
	r.Prereqs = append(r.Prereqs, hard("tools/env.sh")...)
	r.Recipe = append(r.Recipe, "sh tools/env.sh > $@")
	g.add(r)
	g.texts = append(g.texts, name)
}
