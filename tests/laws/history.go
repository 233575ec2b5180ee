package laws

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
)

// Course says what kind of history to generate.
type Course struct {
	Steps   int
	MaxJobs int
	Kills   bool
}

// NewHistory makes up what a user does with a project.
func NewHistory(p *Project, c Course) History {
	u := &user{
		r: rand.New(rand.NewPCG(p.Seed, 3)), p: p, course: c,
		files: p.Files.Clone(), kinds: map[string]Kind{}, before: map[string][]Entry{},
	}
	for name, k := range p.Kinds {
		u.kinds[name] = k
	}
	h := History{Project: p}
	for range c.Steps {
		h.Steps = append(h.Steps, u.step())
	}
	return h
}

// user makes up steps; it knows the sources as they will be then.
type user struct {
	r          *rand.Rand
	p          *Project
	course     Course
	files      Tree
	kinds      map[string]Kind
	before     map[string][]Entry // what a source was
	count      int
	handEdited bool // in this step
}

func (u *user) pick(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[u.r.IntN(len(names))]
}

// of returns the sources of some kinds, in order.
func (u *user) of(kinds ...Kind) []string {
	var names []string
	for _, name := range u.files.Names() {
		if slices.Contains(kinds, u.kinds[name]) {
			names = append(names, name)
		}
	}
	return names
}

// write makes an op of a source's new content.
func (u *user) write(name string, e Entry) []Op {
	if old, found := u.files[name]; found {
		u.before[name] = append(u.before[name], old)
	}
	u.files.Put(name, e)
	return []Op{{What: opWrite, Path: name, With: &e, Old: u.r.IntN(6) == 0}}
}

// step makes up a step.
func (u *user) step() Step {
	s := Step{Mode: Full, Jobs: 1 + u.r.IntN(u.course.MaxJobs)}
	edited := false
	u.handEdited = false
	switch n := u.r.IntN(20); {
	case n < 2:
		s.Mode = Cleaned
	case n < 4:
		s.Mode = Partial
		s.Goal = u.goal()
	case n < 6 && u.course.Kills:
		s.Mode = Killed
		s.Whom = []string{"make", "engine", "all"}[u.r.IntN(3)]
		s.After = u.r.Float64()
	case n < 7 && u.course.Kills:
		s.Mode, s.Whom, s.After = Interrupt, "interrupt", u.r.Float64()
	case n < 9:
		s.Mode = Broken
		s.Ops = append(s.Ops, u.edit()...)
		edited = true
	}
	for range 1 + u.r.IntN(3) {
		if edited {
			continue
		}
		after := u.handEdited
		ops := u.change()
		if after {
			ops = newer(ops)
		}
		s.Ops = append(s.Ops, ops...)
	}
	return s
}

// newer makes changes younger than a file that was edited by hand just before: of
// one that looks older, GNU make's rule says that the edited file stays.
func newer(ops []Op) []Op {
	ops = slices.DeleteFunc(ops, func(op Op) bool { return op.With != nil && op.With.Kind == 'l' })
	for i := range ops {
		ops[i].Old = false
	}
	return ops
}

// goal picks a target of the top. Files that other rules edit are left out: a build of
// such a file alone has what others left there for a source.
func (u *user) goal() string {
	var names []string
	for _, r := range u.p.Rules {
		if r.Dir == "" && !r.Phony && !r.Via && r.Sub == "" && !u.edited(r.Targets[0]) {
			names = append(names, r.Targets[0])
		}
	}
	return u.pick(names)
}

// edited tells whether some rule edits a file in place or appends to it.
func (u *user) edited(name string) bool {
	return slices.ContainsFunc(u.p.Rules, func(r *Rule) bool { return r.edits(name) })
}

// change makes up one thing that a user does to the tree.
func (u *user) change() []Op {
	changes := []struct {
		weight int
		make   func() []Op
	}{
		{10, u.edit},
		{4, u.editText},
		{4, u.comment},
		{4, u.revert},
		{3, u.shadow},
		{2, u.unshadow},
		{3, u.addListed},
		{3, u.removeListed},
		{3, u.manifest},
		{4, u.flag},
		{1, u.argument},
		{1, u.environment},
		{3, u.deleteOutput},
		{2, u.handEdit},
		{1, u.renameWild},
		{1, u.moveOut},
		{1, u.point},
		{1, u.mode},
	}
	total := 0
	for _, c := range changes {
		total += c.weight
	}
	n := u.r.IntN(total)
	for _, c := range changes {
		if n -= c.weight; n < 0 {
			return c.make()
		}
	}
	return nil
}

// changedLine replaces a line that has no meaning to minicc by another.
func (u *user) changedLine(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for _, i := range u.r.Perm(len(lines)) {
		first, _, _ := strings.Cut(lines[i], " ")
		switch first {
		case "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta":
			lines[i] = word(u.r) + "\n"
			return strings.Join(lines, "")
		}
	}
	return text + word(u.r) + "\n"
}

func (u *user) edit() []Op {
	name := u.pick(u.of(Code))
	e := u.files[name]
	switch u.r.IntN(6) {
	case 0:
		e.Text += word(u.r) + "\n"
	case 1:
		e.Text += "include \"base.h\"\n"
	default:
		e.Text = u.changedLine(e.Text)
	}
	return u.write(name, e)
}

func (u *user) editText() []Op {
	name := u.pick(u.of(Text, Tool))
	e := u.files[name]
	if u.kinds[name] == Tool {
		e.Text += "echo more\n"
	} else {
		e.Text = u.changedLine(e.Text)
	}
	return u.write(name, e)
}

// comment changes what no compilation shows.
func (u *user) comment() []Op {
	name := u.pick(u.of(Code, Tool, CSource))
	e := u.files[name]
	if u.kinds[name] == CSource {
		e.Text += fmt.Sprintf("/* %d */\n", u.r.IntN(1000))
	} else {
		e.Text += fmt.Sprintf("# another comment %d\n", u.r.IntN(1000))
	}
	return u.write(name, e)
}

// revert takes a source back to what it was.
func (u *user) revert() []Op {
	var names []string
	for _, name := range u.files.Names() {
		if len(u.before[name]) > 0 {
			names = append(names, name)
		}
	}
	name := u.pick(names)
	if name == "" {
		return nil
	}
	return u.write(name, u.before[name][u.r.IntN(len(u.before[name]))])
}

// shadow adds a header earlier on the -I path than one that is there, or one
// that some sources take if it exists.
func (u *user) shadow() []Op {
	name := "over/" + u.pick(u.p.Shadow)
	if u.r.IntN(3) == 0 {
		name = fmt.Sprintf("inc/opt%d.h", 1+u.r.IntN(4))
	}
	u.kinds[name] = Code
	return u.write(name, file("# a shadow\nshadow "+word(u.r)+"\n"))
}

func (u *user) unshadow() []Op {
	names := u.files.In("over")
	for _, name := range u.files.In("inc") {
		if strings.HasPrefix(name, "inc/opt") {
			names = append(names, name)
		}
	}
	return u.remove(u.pick(names))
}

func (u *user) remove(name string) []Op {
	if name == "" {
		return nil
	}
	delete(u.files, name)
	delete(u.before, name)
	return []Op{{What: opRemove, Path: name}}
}

// wildDirs returns the folders that the makefile finds by wildcard.
func (u *user) wildDirs() []string {
	var dirs []string
	for _, w := range u.p.Wilds {
		for name, e := range u.files {
			if e.Kind == 'd' && strings.HasPrefix(name, w.Prefix) {
				dirs = append(dirs, name)
			}
		}
	}
	slices.Sort(dirs)
	return dirs
}

func (u *user) addListed() []Op {
	u.count++
	dir := u.pick(append(u.wildDirs(), u.p.Listed...))
	switch {
	case dir == "":
		return nil
	case strings.HasPrefix(dir, "wild"):
		name := fmt.Sprintf("%s/n%d.c", dir, u.count)
		u.kinds[name] = Code
		return u.write(name, file("# new\ninclude \"base.h\"\n"+word(u.r)+"\n"))
	}
	name := fmt.Sprintf("%s/n%d.txt", dir, u.count)
	u.kinds[name] = Text
	return u.write(name, file(word(u.r)+"\n"))
}

func (u *user) removeListed() []Op {
	var names []string
	for _, dir := range append(u.wildDirs(), u.p.Listed...) {
		// One stays: a pattern that matches nothing is another story.
		if all := u.files.In(dir); len(all) > 1 {
			names = append(names, all...)
		}
	}
	return u.remove(u.pick(names))
}

func (u *user) manifest() []Op {
	name := u.pick(u.of(Manifest))
	if name == "" {
		return nil
	}
	var text string
	for _, line := range []string{"one", "two", "three", "four", "five", "six"} {
		if u.r.IntN(2) == 0 {
			text += line + "\n"
		}
	}
	return u.write(name, file(text))
}

// flag changes the settings that the makefile includes.
func (u *user) flag() []Op {
	var defs string
	for i := 1; i <= 3; i++ {
		if u.r.IntN(2) == 0 {
			defs += fmt.Sprintf(" -DFLAG%d", i)
		}
	}
	e := file(fmt.Sprintf("TAG := %s\nDEFS :=%s\nMODE := %d\n", []string{"one", "two"}[u.r.IntN(2)], defs, u.r.IntN(3)))
	return u.write("flags.mk", e)
}

func (u *user) argument() []Op {
	return []Op{{What: opArgs, Path: []string{"", "TAG=three", "MODE=9", "DEFS=-DFLAG2"}[u.r.IntN(4)]}}
}

func (u *user) environment() []Op {
	return []Op{{What: opEnv, Path: []string{"first", "second", "third"}[u.r.IntN(3)]}}
}

func (u *user) renameWild() []Op {
	from := u.pick(u.wildDirs())
	if from == "" {
		return nil
	}
	to := "wild_" + string(rune('a'+u.r.IntN(5)))
	if _, taken := u.files[to]; taken {
		return nil
	}
	for _, name := range append(u.files.Under(from), from) {
		moved := to + strings.TrimPrefix(name, from)
		u.files[moved] = u.files[name]
		u.kinds[moved] = u.kinds[name]
		delete(u.files, name)
		delete(u.before, name)
	}
	return []Op{{What: opRename, Path: from, To: to}}
}

// point turns a symbolic link to another source.
func (u *user) point() []Op {
	var plain []string // headers that include nothing and stay
	for _, name := range u.files.In("inc") {
		if !strings.HasPrefix(name, "inc/opt") && !strings.Contains(u.files[name].Text, "include") {
			plain = append(plain, "../"+name)
		}
	}
	if len(plain) == 0 {
		return nil
	}
	return u.write("links/alias.h", symlink(u.pick(plain)))
}

// mode changes the permissions of a text.
func (u *user) mode() []Op {
	name := u.pick(u.of(Text))
	e := u.files[name]
	e.Mode = []fs.FileMode{0o600, 0o644, 0o755}[u.r.IntN(3)]
	return u.write(name, e)
}
