package laws

import "fmt"

// madeFolder adds a folder that one recipe makes beside its stamp and others fill, which rely
// on its being there.
func (g *generator) madeFolder() {
	n, in := g.id(), g.anyText()
	dir, stamp := fmt.Sprintf("out/k%d", n), fmt.Sprintf("out/k%d.stamp", n)
	r := g.rule()
	r.Soft = true
	r.Targets = []string{stamp}
	r.Prereqs = hard(in)
	r.Recipe = append(r.Recipe, "mkdir -p out", "test -d "+dir+" || mkdir "+dir, "cp "+in+" $@")
	g.add(r)
	for i := range g.between(1, 2) {
		use, text := g.rule(), g.anyText()
		use.Soft = true
		name := fmt.Sprintf("%s/u%d.txt", dir, i)
		use.Targets = []string{name}
		use.Prereqs = append(hard(text), Prereq{Name: stamp, Order: g.chance(2), Soft: true})
		use.Recipe = append(use.Recipe, "sed 's/^/in a folder /' "+text+" > $@")
		g.add(use)
		g.texts = append(g.texts, name)
	}
}

// unpacked adds a copy of a folder of sources, which a second recipe patches in place, and a
// reader of the whole.
func (g *generator) unpacked() {
	n := g.id()
	from, dir := fmt.Sprintf("pack%d", n), fmt.Sprintf("out/u%d", n)
	for i := range g.between(1, 3) {
		g.source(fmt.Sprintf("%s/s%d.txt", from, i), Text, file(g.text()))
	}
	g.p.Listed = append(g.p.Listed, g.full(from))
	r := g.rule()
	r.Soft = true
	r.Targets = []string{dir + ".stamp"}
	r.Recipe = append(r.Recipe, "mkdir -p out", "rm -rf "+dir, "cp -r "+from+" "+dir, "touch $@")
	g.add(r)
	last := r.Targets[0]
	if g.shape.Writers {
		patch := g.rule()
		patch.Soft = true
		patch.Targets = []string{dir + ".patched"}
		patch.Prereqs = soft(last)
		patch.Recipe = append(patch.Recipe, "for f in "+dir+"/*; do sed -i 's/a/patched a/' $$f || exit 1; done", "touch $@")
		g.add(patch)
		last = patch.Targets[0]
	}
	g.reader(fmt.Sprintf("u%d.txt", n), last, dir+"/*.txt")
}

// movedFolder adds a folder that is made beside its place and moved there.
func (g *generator) movedFolder() {
	n, a, b := g.id(), g.anyText(), g.anyText()
	dir := fmt.Sprintf("out/v%d", n)
	r := g.rule()
	r.Soft = true
	r.Targets = []string{dir + ".stamp"}
	r.Prereqs = hard(a, b)
	r.Recipe = append(r.Recipe, fmt.Sprintf("rm -rf %[1]s.new; mkdir -p %[1]s.new/sub && cp %[2]s %[1]s.new/a && cp %[3]s %[1]s.new/sub/b", dir, a, b),
		fmt.Sprintf("rm -rf %[1]s; mv %[1]s.new %[1]s", dir), "touch $@")
	g.add(r)
	g.reader(fmt.Sprintf("v%d.txt", n), r.Targets[0], fmt.Sprintf("%[1]s/a %[1]s/sub/b", dir))
}

// sharedFolder adds libraries as libtool makes them: all in one folder, which each recipe makes
// if it misses it, and which each linker lists to clear away what is its own.
func (g *generator) sharedFolder() {
	n := g.id()
	dir := fmt.Sprintf("out/libs%d", n)
	for i := range g.between(2, 4) {
		in := g.anyText()
		object, library := fmt.Sprintf("out/libs%d.%d.lo", n, i), fmt.Sprintf("out/libs%d.%d.la", n, i)
		r := g.rule()
		r.Soft = true
		r.Targets = []string{object}
		r.Prereqs = hard(in)
		r.Recipe = append(r.Recipe, "mkdir -p out; test -d "+dir+" || mkdir "+dir, fmt.Sprintf("cp %s %s/%d.o", in, dir, i), "touch $@")
		g.add(r)
		link := g.rule()
		link.Soft = true
		link.Targets = []string{library}
		link.Prereqs = soft(object)
		link.Recipe = append(link.Recipe, fmt.Sprintf("for f in %[1]s/*; do case $$f in %[1]s/%[2]d.so*) rm -f $$f;; esac; done", dir, i),
			fmt.Sprintf("sed 's/^/linked /' %[1]s/%[2]d.o > %[1]s/%[2]d.so.1; ln -sf %[2]d.so.1 %[1]s/%[2]d.so", dir, i), "touch $@")
		g.add(link)
		g.reader(fmt.Sprintf("libs%d.%d.txt", n, i), library, fmt.Sprintf("%s/%d.so", dir, i))
	}
}

// installed adds a command that copies a file's content on every build.
func (g *generator) installed() {
	n, in := g.id(), g.anyText()
	g.add(&Rule{
		Targets: []string{fmt.Sprintf("install%d", n)}, Prereqs: kept(in), Phony: true,
		Recipe: []string{fmt.Sprintf("@mkdir -p out/inst; cat %s > out/inst/%d.txt", in, n)},
	})
}
