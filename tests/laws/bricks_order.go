package laws

import "fmt"

// inPlace adds a file that one recipe makes and others edit, each with a
// stamp, and a reader of the result. The editors commute in none of these
// cases: the serial order decides.
func (g *generator) inPlace() {
	n, in := g.id(), g.anyText()
	shared := fmt.Sprintf("out/shared%d.cfg", n)
	r := g.rule()
	r.Targets = []string{shared}
	r.Prereqs = hard(in)
	r.Recipe = append(r.Recipe, "mkdir -p out", "sed 's/^/cfg /' "+in+" > $@")
	g.add(r)
	last := shared
	for i := range g.between(1, 3) {
		e := g.rule()
		e.Soft = true
		e.Targets = []string{fmt.Sprintf("out/shared%d.%d.stamp", n, i)}
		e.Prereqs = soft(last)
		edit := fmt.Sprintf("sed -i 's/cfg/cfg%d/' %s", i, shared)
		if g.chance(3) {
			edit = fmt.Sprintf("echo by %d >> %s", i, shared)
		}
		e.Recipe = append(e.Recipe, edit, "touch $@")
		g.add(e)
		last = e.Targets[0]
	}
	g.reader(fmt.Sprintf("shared%d.txt", n), last, shared)
}

// appenders adds compilations whose warnings go to one file of the project,
// and sometimes a reader of it.
func (g *generator) appenders() {
	for range g.between(2, 4) {
		n := g.id()
		src := g.source(fmt.Sprintf("src/w%d.c", n), Code, file(fmt.Sprintf("# %d\nwarning number %d\n%s", n, g.r.IntN(9), g.text())))
		r := g.rule()
		r.Soft = true
		obj := g.place(r, fmt.Sprintf("w%d.o", n))
		r.Prereqs = append(r.Prereqs, hard(src)...)
		if g.chain != "" {
			// Damage may not turn the order of appenders round where all
			// does not give it.
			r.Prereqs = append(r.Prereqs, Prereq{Name: g.chain, Order: true, Soft: true})
		}
		r.Extra = []string{"warnings.log"}
		r.Recipe = append(r.Recipe, "$(CC) $(CPPFLAGS) -c -o $@ "+src+" 2>>warnings.log")
		g.add(r)
		g.chain = obj
	}
	if g.chance(2) {
		return
	}
	g.chain = g.reader(fmt.Sprintf("warnings%d.txt", g.id()), g.chain, "warnings.log")
}

// listedLater adds a listing of a folder into which a later recipe writes what
// hangs on the listing: it must never list its own consequence.
func (g *generator) listedLater() {
	n := g.id()
	dir := fmt.Sprintf("later%d", n)
	for i := range 2 {
		g.source(fmt.Sprintf("%s/s%d.txt", dir, i), Text, file(g.text()))
	}
	g.p.Listed = append(g.p.Listed, g.full(dir))
	r := g.rule()
	r.Soft = true
	name := g.place(r, fmt.Sprintf("later%d.lst", n))
	r.Recipe = append(r.Recipe, []string{"ls " + dir + " > $@", "cat " + dir + "/*.txt > $@", "echo " + dir + "/*.txt > $@"}[g.r.IntN(3)])
	g.add(r)
	later := g.rule()
	later.Soft = true
	later.Targets = []string{dir + "/later.txt"}
	later.Prereqs = soft(name)
	later.Recipe = append(later.Recipe, "wc -l < "+name+" > $@")
	g.add(later)
	g.texts = append(g.texts, name)
}

// consumed adds a recipe that deletes what it read.
func (g *generator) consumed() {
	n, in := g.id(), g.anyText()
	tmp := fmt.Sprintf("out/raw%d.tmp", n)
	r := g.rule()
	r.Targets = []string{tmp}
	r.Prereqs = hard(in)
	r.Recipe = append(r.Recipe, "mkdir -p out", "cat "+in+" > $@")
	r.Unlisted = true
	g.add(r)
	use := g.rule()
	use.Soft = true
	name := g.place(use, fmt.Sprintf("used%d.txt", n))
	use.Prereqs = append(use.Prereqs, kept(tmp)...)
	use.Recipe = append(use.Recipe, "sed 's/^/used /' "+tmp+" > $@", "rm "+tmp)
	g.add(use)
	g.texts = append(g.texts, name)
}
