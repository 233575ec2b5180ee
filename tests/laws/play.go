package laws

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// first builds from clean. The truth of an undamaged project built with one
// job includes every byte that is printed (law 1).
func (w *world) first(h History) error {
	jobs := 1
	if len(h.Steps) > 0 {
		jobs = h.Steps[0].Jobs
	}
	t, err := w.truth("")
	if err != nil {
		return err
	}
	if t.status != 0 {
		return fmt.Errorf("the project is no project: the reference make says\n%s", t.output)
	}
	d, err := w.full(jobs)
	if err != nil || jobs > 1 || w.project.Damaged {
		return err
	}
	want, got := plainOutput(t.output, w.oracle.dir), plainOutput(d.output, w.work)
	if want != got {
		lines := firstDifference(want, got)
		return w.failure("the first build prints something else (law 1)", d, lines)
	}
	return nil
}

// programName is the word before a message of make.
var programName = regexp.MustCompile(`(?m)^[\w./-]*make[\w.-]*(\[\d+\])?: `)

// plainOutput takes out what differs between two makes in two folders.
func plainOutput(text, dir string) string {
	return programName.ReplaceAllString(strings.ReplaceAll(text, dir, "."), "make$1: ")
}

// play does one step.
func (w *world) play(s Step) error {
	for _, op := range s.Ops {
		if err := w.apply(op); err != nil {
			return err
		}
	}
	if err := w.errands(s); err != nil {
		return err
	}
	switch s.Mode {
	case Killed, Interrupt:
		if err := w.killed(s); err != nil {
			return err
		}
	case Cleaned:
		if err := w.clean(s.Jobs); err != nil {
			return err
		}
	case Broken:
		if err := w.broken(s); err != nil {
			return err
		}
	case Partial:
		if len(w.state.kept) == 0 {
			return w.partial(s)
		}
	}
	_, err := w.full(s.Jobs)
	return err
}

// errands builds this and that before the build that counts, as people do: some targets
// in any order, or a folder with a makefile of its own from inside. How these end is no
// matter, what they leave must not be in the way.
func (w *world) errands(s Step) error {
	if !w.busy || len(w.state.kept) > 0 {
		return nil
	}
	r := rand.New(rand.NewPCG(w.project.Seed, uint64(w.step)))
	for range r.IntN(3) {
		o := w.order(s.Jobs, w.errand(r))
		if subs := w.project.subs(); len(subs) > 0 && r.IntN(3) == 0 {
			o = w.order(s.Jobs, "")
			o.dir = path.Join(o.dir, subs[r.IntN(len(subs))])
		}
		if _, err := w.build(o); err != nil {
			return err
		}
	}
	return nil
}

// errand names one to three targets.
func (w *world) errand(r *rand.Rand) string {
	var names []string
	for name := range newGraph(w.project).makers {
		if !strings.Contains(name, "$") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return strings.Join(names[:min(len(names), 1+r.IntN(3))], " ")
}

// apply does an op and writes the makefiles anew where they name other sources
// than before.
func (w *world) apply(op Op) error {
	if err := w.state.apply(op, w.project, w.work); err != nil {
		return fmt.Errorf("%s %s: %w", op.What, op.Path, err)
	}
	if k, edited := w.state.kept[op.Path]; edited && op.What == opHandEdit && w.built != nil {
		// The edit is newer than what is there, also by a build of some targets only, and
		// older than what the next build makes of sources that changed in the same step.
		there := w.built.Clone()
		disk, err := Snapshot(w.work)
		if err != nil {
			return fmt.Errorf("looking at what was edited: %w", err)
		}
		for name := range there {
			if e, found := disk[name]; found {
				there.Put(name, e)
			}
		}
		for name, e := range w.state.sources() {
			there.Put(name, e)
		}
		k.prereqs = w.declared(op.Path, there)
		w.state.kept[op.Path] = k
	}
	t := w.rendering(nil).tree()
	for _, name := range w.project.makefiles() {
		full := path.Join(w.work, name)
		old, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		if string(old) == t[name].Text {
			continue
		}
		if err := os.WriteFile(full, []byte(t[name].Text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// full builds everything, compares with the truth, and builds again, twice: nothing
// may run and nothing may change. The second build finds out that there is nothing to
// do, the third goes by that.
func (w *world) full(jobs int) (done, error) {
	if w.subject.CleanFirst {
		if err := w.clean(1); err != nil {
			return done{}, err
		}
	}
	t, err := w.truth("")
	if err != nil {
		return done{}, err
	}
	if t.status != 0 {
		return done{}, fmt.Errorf("step %d: the sources do not build: the reference make says\n%s", w.step, t.output)
	}
	d, err := w.build(w.order(jobs, ""))
	if err != nil {
		return d, err
	}
	w.took = d.took
	if d.status != 0 {
		return d, w.failure(fmt.Sprintf("the build fails with status %d, the serial one does not", d.status), d, lastLines(d.output, 12))
	}
	if err := w.compare(t.tree, d, "the tree is not that of a serial build from clean (law 2)"); err != nil {
		return d, err
	}
	w.adopt(t)
	w.built = t.tree
	if w.subject.Lenient {
		return d, nil
	}
	if err := w.again(t, jobs); err != nil {
		return d, err
	}
	return d, w.again(t, jobs)
}

func (w *world) again(t *truth, jobs int) error {
	d, err := w.build(w.order(jobs, ""))
	if err != nil {
		return err
	}
	if d.status != 0 {
		return w.failure(fmt.Sprintf("the second build fails with status %d", d.status), d, lastLines(d.output, 12))
	}
	var ran []string // what runs in every build is silent
	for line := range strings.Lines(d.output) {
		if !programName.MatchString(line) {
			ran = append(ran, strings.TrimRight(line, "\n"))
		}
	}
	if len(ran) > 0 {
		return w.failure("the second build runs something (law 3)", d, ran)
	}
	return w.compare(t.tree, d, "the second build changes the tree (law 3)")
}

func (w *world) compare(want Tree, d done, law string) error {
	got, err := Snapshot(w.work)
	if err != nil {
		return err
	}
	if lines := Diff(want, got, w.makefilesDiffer); len(lines) > 0 {
		return w.failure(law, d, lines)
	}
	return nil
}

func lastLines(text string, n int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[max(0, len(lines)-n):]
}

// clean runs clean and compares with what the reference make leaves when it
// cleans the same tree.
func (w *world) clean(jobs int) error {
	before, err := Snapshot(w.work)
	if err != nil {
		return err
	}
	t, err := w.oracle.ask(before, "clean", w.state.args, w.state.tag)
	if err != nil {
		return err
	}
	d, err := w.build(w.order(jobs, "clean"))
	if err != nil {
		return err
	}
	if err := w.compare(t.tree, d, "clean leaves something else"); err != nil {
		return err
	}
	for name := range w.state.left {
		if _, there := t.tree[name]; !there {
			delete(w.state.left, name)
		}
	}
	for name := range w.state.kept {
		if _, there := t.tree[name]; !there {
			delete(w.state.kept, name)
		}
	}
	return nil
}

// broken builds with a source that does not compile: the status must be as
// that of a serial build, and what is left must not be taken for good when the
// source is right again.
func (w *world) broken(s Step) error {
	if len(s.Ops) == 0 {
		return nil // a step that was shortened
	}
	source := s.Ops[len(s.Ops)-1].Path
	good, found := w.state.files[source]
	if !found {
		return nil
	}
	bad := good
	bad.Text = good.Text + "error of the user's\n"
	if err := w.apply(Op{What: opWrite, Path: source, With: &bad}); err != nil {
		return err
	}
	t, err := w.truth("")
	if err != nil {
		return err
	}
	d, err := w.build(w.order(s.Jobs, ""))
	if err != nil {
		return err
	}
	if (t.status == 0) != (d.status == 0) {
		return w.failure(fmt.Sprintf("exit status %d, that of the serial build is %d", d.status, t.status), d, lastLines(d.output, 12))
	}
	return w.apply(Op{What: opWrite, Path: source, With: &good})
}

// onlyChanged reports whether ops have changed sources and neither added nor removed
// anything since the last build.
func (w *world) onlyChanged(ops []Op) bool {
	return w.built != nil && !slices.ContainsFunc(ops, func(op Op) bool {
		_, was := w.built[op.Path]
		return op.What != opWrite || !was
	})
}

// partial builds one target. Of an undamaged project it compares what the
// target hangs on, except what depends on the rules that ran before, or is edited by
// rules that it does not hang on; a damaged one does not say what that is, so that there
// the build must not fail as long as all is there that the last build has made.
func (w *world) partial(s Step) error {
	g := newGraph(w.project)
	goal := g.makers[s.Goal]
	if goal == nil {
		return nil
	}
	d, err := w.build(w.order(s.Jobs, s.Goal))
	if err != nil || w.project.Damaged && !w.onlyChanged(s.Ops) {
		return err
	}
	t, err := w.truth(s.Goal)
	if err != nil {
		return err
	}
	if w.project.Damaged && (t.status != 0 || d.status == 0) {
		return nil
	}
	if (t.status == 0) != (d.status == 0) {
		return w.failure(fmt.Sprintf("building %s: exit status %d, from clean it is %d", s.Goal, d.status, t.status), d, lastLines(d.output, 12))
	}
	got, err := Snapshot(w.work)
	if err != nil {
		return err
	}
	want, have := Tree{}, Tree{}
	soft := g.downstream(func(r *Rule) bool { return r.Soft })
	closure := g.closure(goal)
	for r := range closure {
		if soft[r] {
			continue
		}
		for _, name := range r.outputs() {
			if slices.ContainsFunc(w.project.Rules, func(r *Rule) bool { return !closure[r] && r.edits(name) }) {
				continue // it stays as that has left it
			}
			if e, found := t.tree[name]; found {
				want[name] = e
			}
			if e, found := got[name]; found {
				have[name] = e
			}
		}
	}
	lines := slices.DeleteFunc(Diff(want, have, w.makefilesDiffer), func(line string) bool { return strings.Contains(line, "should not be there") })
	if len(lines) > 0 {
		return w.failure("after building "+s.Goal+", what it hangs on is not that of a serial build (law 2)", d, lines)
	}
	return nil
}
