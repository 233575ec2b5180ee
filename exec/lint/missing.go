package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
)

const (
	typeRegular = unix.S_IFREG
	typeLink    = unix.S_IFLNK
)

// Look finds what is wrong with one make's makefile, and in which order makes below it run.
func Look(m *Make) ([]Finding, []Order) {
	l := newLinter(m)
	for i := range l.subjects {
		l.missing(&l.subjects[i])
	}
	l.twice()
	l.outside()
	for i := range l.subjects {
		l.stray(&l.subjects[i])
		l.surplus(&l.subjects[i])
	}
	return l.found, l.orders()
}

// missing finds what a recipe has read and the makefile does not say that it needs.
func (l *linter) missing(s *subject) {
	r := l.reachOf(s.f)
	always := l.Known.Always(s.f)
	var needs, lacks, sealed []string
	declared := l.dependencyFiles(s)
	for i := range s.trace.Inputs {
		in := &s.trace.Inputs[i]
		if in.Kind != cache.InputContent || !inProject(in.Path) || isVersionControl(in.Path) || l.writes(s, in.Path) {
			continue
		}
		w := l.writer(s, in.Path)
		if l.waitsFor(l.made(in.Path, w), s) {
			continue
		}
		if w != nil && !r.ordered[in.Path] && !l.before(r, w) {
			l.hazard(s, w, in.Path, declared[in.Path])
			if declared[in.Path] {
				continue // in all builds but the first
			}
		} else if always || r.newer[in.Path] || declared[in.Path] || w != nil && l.renews(r, w) {
			continue
		}
		if name := l.need(in.Path, w); name != "" && !slices.Contains(needs, name) {
			needs = append(needs, name)
			lacks = append(lacks, l.Known.Path(in.Path))
			if strings.HasPrefix(name, wildcard) && l.impliedHere(in.Path) {
				sealed = append(sealed, l.Known.Path(in.Path))
			}
		}
	}
	if len(needs) == 0 {
		return
	}
	slices.Sort(needs)
	l.report(s, Missing, fmt.Sprintf("%s reads %s, which it does not declare", s.f.Name, list(lacks)), l.addition(s, needs, sealed))
}

// addition is what would declare a target's needs, nil if no line can: a double-colon
// rule is not the only one of its target, and an intermediate file that a line names is
// none any more.
func (l *linter) addition(s *subject, needs, sealed []string) *Addition {
	a := &Addition{Makefile: l.main, Dir: l.Dir, Target: s.f.Name, Needs: needs, Apart: l.Known.UsesLists(s.f), Sealed: sealed}
	if s.f.DoubleColon != nil || s.f.Intermediate || !writable(a) {
		return nil
	}
	return a
}

// before tells whether the recipe that wrote something comes before, and renews whether
// what it makes makes the target be made again.
func (l *linter) before(r reach, w *subject) bool { return anyOf(w.own, r.ordered) }
func (l *linter) renews(r reach, w *subject) bool { return anyOf(w.own, r.newer) }

func anyOf(keys, in map[string]bool) bool {
	for k := range keys {
		if in[k] {
			return true
		}
	}
	return false
}

// writes tells whether a file is a recipe's own, or one that a later recipe changes
// again: a target that declared that would never be up to date.
func (l *linter) writes(s *subject, key string) bool {
	return s.own[key] || slices.ContainsFunc(l.writers[key], func(w *subject) bool {
		return w.f == s.f || w.trace.Serial > s.trace.Serial
	})
}

// made is the target of this make whose recipe makes a file, nil if none does.
func (l *linter) made(key string, w *subject) *makefile.File {
	f := l.byKey[key]
	switch {
	case f != nil && f.Recipe != nil && !f.Phony:
		return f
	case w != nil:
		return w.f
	}
	return nil
}

// waitsFor tells whether a target comes after a recipe: what the recipe has read of it an
// earlier run has left, and to say that it needs the target would go round in a circle.
func (l *linter) waitsFor(f *makefile.File, s *subject) bool {
	if f == nil {
		return false
	}
	r, known := l.reached[f]
	if !known {
		r = l.reachOf(f)
		l.reached[f] = r
	}
	return anyOf(s.own, r.ordered)
}

// need is how a line of the makefile names a file that a recipe has read, "" if none
// can. Of what this make does not make it is not certain that it is there when make
// looks for it; only if it is, it counts.
func (l *linter) need(key string, w *subject) string {
	if f := l.made(key, w); f != nil {
		return f.Name
	}
	exists, source := l.Known.State(key)
	if !exists {
		return "" // it was made and used up
	}
	name := l.Known.Path(key)
	if f := l.byKey[key]; f != nil && filepath.Clean(f.Name) == f.Name { // a compiler says a/../b/c.h
		name = f.Name
	}
	if !source || l.Known.WriterElsewhere(key) {
		return ifThere(name)
	}
	return name
}

// ifThere names a file that counts only if it exists when the makefile is read.
func ifThere(name string) string {
	if strings.ContainsAny(name, " \t*?[\\") {
		return "" // nothing names that in $(wildcard)
	}
	return wildcard + name + ")"
}

const wildcard = "$(wildcard "

// hazard reports what GNU make may run in either order. What a dependency file declares is
// not missing otherwise, so that the hazard says what would mend it.
func (l *linter) hazard(s, w *subject, key string, declared bool) {
	if l.DB.NotParallel {
		return
	}
	var add *Addition
	if declared {
		add = l.addition(s, []string{l.made(key, w).Name}, nil)
	}
	l.report(s, Hazard, fmt.Sprintf("%s reads %s, which the recipe of %s writes, and nothing orders the two under -j",
		s.f.Name, l.Known.Path(key), w.f.Name), add)
	f := &l.found[len(l.found)-1]
	f.Key, f.Place = key, l.Place
}

// report adds a finding about a target.
func (l *linter) report(s *subject, kind Kind, text string, add *Addition) {
	f := Finding{Kind: kind, File: l.main, Text: text, Add: add}
	if pos := s.f.Recipe.Pos; pos.File != "" {
		f.File, f.Line = l.absolute(pos.File), pos.Line
	}
	l.found = append(l.found, f)
}

func inProject(key string) bool { return strings.HasPrefix(key, "./") }

// isVersionControl is true for what version control keeps for itself: no rule can name
// what of it a recipe has read.
func isVersionControl(key string) bool {
	for _, dir := range []string{"/.git/", "/.hg/", "/.svn/"} {
		if strings.Contains(key, dir) {
			return true
		}
	}
	return false
}

// mostNamed bounds how many files a sentence names.
const mostNamed = 8

// list names files in a sentence.
func list(names []string) string {
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n > mostNamed:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), n-mostNamed)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
