package laws

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// patience is how long a failing history may be shortened.
const patience = 4 * time.Minute

// Shrink drops steps, rules and ops from a history as long as it still breaks
// the same law. It returns what is left and how that fails.
func Shrink(s Subject, h History, f *Failure, dir string) (History, *Failure) {
	k := &shrinker{subject: s, dir: dir, law: f.Law, until: time.Now().Add(patience), best: h, failure: f}
	k.try(k.with(h.Project, h.Steps[:max(0, min(len(h.Steps), f.Step+1))]))
	k.try(k.with(k.best.Project.only(f.named(h.Project)), k.best.Steps))
	for before := -1; before != k.size() && time.Now().Before(k.until); {
		before = k.size()
		k.steps()
		k.ops()
		k.rules()
	}
	return k.best, k.failure
}

type shrinker struct {
	subject Subject
	dir     string
	law     string
	until   time.Time
	best    History
	failure *Failure
	tries   int
}

func (k *shrinker) size() int {
	n := len(k.best.Project.Rules) + len(k.best.Steps)
	for _, s := range k.best.Steps {
		n += len(s.Ops)
	}
	return n
}

// try plays a shorter history and takes it if it fails likewise.
func (k *shrinker) try(h History) bool {
	if time.Now().After(k.until) {
		return false
	}
	k.tries++
	dir := filepath.Join(k.dir, fmt.Sprint("try", k.tries))
	defer os.RemoveAll(dir)
	var f *Failure
	if err := Play(k.subject, h, dir); !errors.As(err, &f) || f.Law != k.law {
		return false
	}
	k.best, k.failure = h, f
	return true
}

// with is another history of the same kind.
func (k *shrinker) with(p *Project, steps []Step) History { return History{p, steps, k.best.Busy} }

// steps drops runs of steps, long ones first.
func (k *shrinker) steps() {
	for n := len(k.best.Steps); n > 0; n /= 2 {
		for i := 0; i+n <= len(k.best.Steps); {
			rest := slices.Delete(slices.Clone(k.best.Steps), i, i+n)
			if !k.try(k.with(k.best.Project, rest)) {
				i += n
			}
		}
	}
}

// ops drops single ops and makes builds serial.
func (k *shrinker) ops() {
	for i := len(k.best.Steps) - 1; i >= 0; i-- {
		for j := len(k.best.Steps[i].Ops) - 1; j >= 0; j-- {
			k.tryStep(i, func(s *Step) { s.Ops = slices.Delete(slices.Clone(s.Ops), j, j+1) })
		}
		if k.best.Steps[i].Jobs > 1 {
			k.tryStep(i, func(s *Step) { s.Jobs = 1 })
		}
	}
}

func (k *shrinker) tryStep(i int, change func(*Step)) {
	steps := slices.Clone(k.best.Steps)
	change(&steps[i])
	k.try(k.with(k.best.Project, steps))
}

// rules drops runs of rules with everything that hangs on them.
func (k *shrinker) rules() {
	for n := len(k.best.Project.Rules) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(k.best.Project.Rules); {
			before := len(k.best.Project.Rules)
			p := k.best.Project.without(k.best.Project.Rules[i : i+n])
			k.try(k.with(p, k.best.Steps))
			if len(k.best.Project.Rules) == before {
				i += n
			}
		}
	}
}

// named returns the rules whose outputs a failure names.
func (f *Failure) named(p *Project) []*Rule {
	var rules []*Rule
	for _, r := range p.Rules {
		for _, name := range append(r.outputs(), r.Targets...) {
			says := func(line string) bool { return strings.Contains(line, name) }
			if path.Ext(name) != "" && slices.ContainsFunc(f.Lines, says) {
				rules = append(rules, r)
				break
			}
		}
	}
	return rules
}

// only returns the project with some rules and what these hang on. All that is
// left out had no part in making them, so that the rest is a project again.
func (p *Project) only(rules []*Rule) *Project {
	g := newGraph(p)
	needed := g.closure(rules...)
	for _, r := range p.Rules {
		if r.Sub != "" && slices.ContainsFunc(p.Rules, func(below *Rule) bool { return needed[below] && below.Dir == r.Sub }) {
			needed[r] = true
		}
	}
	var gone []*Rule
	for _, r := range p.Rules {
		if !needed[r] && (!r.Phony || r.Sub != "") && (r.Dir == "" || !needed[g.makers[r.Dir+".all"]]) {
			gone = append(gone, r)
		}
	}
	return p.without(gone)
}

// without returns the project less some rules and what hangs on them. Phony
// groups only lose members.
func (p *Project) without(gone []*Rule) *Project {
	drop := newGraph(p).downstreamOf(gone)
	q := *p
	q.Rules, q.All = nil, nil
	names := map[string]bool{}
	for _, r := range p.Rules {
		if !drop[r] || r.Targets[0] == "FORCE" {
			q.Rules = append(q.Rules, r)
			continue
		}
		for _, name := range r.names() {
			names[name] = true
		}
	}
	for i, r := range q.Rules {
		if !r.Phony {
			continue
		}
		c := *r
		c.Prereqs = slices.DeleteFunc(slices.Clone(r.Prereqs), func(d Prereq) bool { return names[d.Name] })
		q.Rules[i] = &c
	}
	for _, name := range p.All {
		if !names[name] {
			q.All = append(q.All, name)
		}
	}
	return &q
}

// downstreamOf returns rules and what hangs on them, but not phony groups.
func (g graph) downstreamOf(rules []*Rule) map[*Rule]bool {
	return g.downstreamWhere(func(r *Rule) bool { return slices.Contains(rules, r) })
}

func (g graph) downstreamWhere(has func(*Rule) bool) map[*Rule]bool {
	found := map[*Rule]bool{}
	for _, r := range g.project.Rules {
		if r.Phony && r.Sub == "" && !has(r) {
			continue
		}
		for below := range g.closure(r) {
			if has(below) {
				found[r] = true
			}
		}
	}
	return found
}

// Describe writes a failing history as a text: the law, the steps, and the
// project's makefiles and sources in the txtar format.
func Describe(h History, f *Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n%v\n\nsteps:\n", h.Project.Seed, f)
	for i, s := range h.Steps {
		fmt.Fprintf(&b, "%3d  %v\n", i, s)
		for _, op := range s.Ops {
			if op.With != nil {
				fmt.Fprintf(&b, "       %s = %.300q %v\n", op.Path, op.With.Text, op.With.Mode)
			}
		}
	}
	fmt.Fprintf(&b, "\noutput of the build:\n%s\n", strings.Join(lastLines(f.Output, 60), "\n"))
	p := h.Project
	t := rendering{project: p, sources: p.Files, damaged: p.Damaged}.tree()
	said := b.String()
	for _, name := range p.makefiles() {
		said += t[name].Text
	}
	for _, name := range t.Names() {
		if !slices.Contains(p.makefiles(), name) && !strings.Contains(said, path.Base(name)) {
			continue // nobody speaks of it
		}
		switch e := t[name]; e.Kind {
		case 'f':
			fmt.Fprintf(&b, "-- %s --\n%s", name, e.Text)
		case 'l':
			fmt.Fprintf(&b, "-- %s -- (a link to %s)\n", name, e.Text)
		}
	}
	return b.String()
}
