package lint

import (
	"fmt"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/makefile"
)

// twice finds files that several recipes write. Who only appends takes part in a file
// that is meant to be shared.
func (l *linter) twice() {
	for _, key := range sortedKeys(l.writers) {
		writers := l.writers[key]
		if len(writers) < 2 || slices.ContainsFunc(writers, func(w *subject) bool { return w.f.DoubleColon != nil && w.own[key] }) {
			continue // double-colon rules are meant to be several
		}
		names := make([]string, 0, len(writers))
		for _, w := range writers {
			names = append(names, w.f.Name)
		}
		l.report(writers[0], Twice, fmt.Sprintf("%s is written by the recipes of %s", l.Known.Path(key), list(names)), nil)
	}
}

// stray finds what a recipe writes that is no target of any rule: plain make does not
// make it again when it is gone.
func (l *linter) stray(s *subject) {
	if s.f.Phony || l.Known.Always(s.f) {
		return
	}
	declared := l.dependencyFiles(s)
	var names []string
	for i := range s.trace.Outputs {
		o := &s.trace.Outputs[i]
		f := l.byKey[o.Path]
		switch {
		case !inProject(o.Path) || o.Type != typeRegular && o.Type != typeLink:
		case s.own[o.Path] || f != nil && f.Recipe != nil:
		case isDependencyFile(o.Path) && len(declared) > 0:
		case len(l.writers[o.Path]) > 1: // see twice
		default:
			names = append(names, l.Known.Path(o.Path))
		}
	}
	if len(names) > 0 {
		l.report(s, Stray, fmt.Sprintf("the recipe of %s also writes %s, which no rule makes", s.f.Name, list(names)), nil)
	}
}

// surplus finds sources that a target declares and its recipe does not read. An empty
// file is a stamp, and a makefile stands for the recipe.
func (l *linter) surplus(s *subject) {
	var names []string
	for _, d := range s.f.Deps {
		if d.File == nil || d.OrderOnly {
			continue
		}
		g := d.File.Current()
		key := l.Known.Key(g)
		if g.Recipe != nil || g.Phony || len(g.Deps) > 0 || l.isMakefile(g) || !l.isToken(s, key) {
			continue
		}
		names = append(names, g.Name)
	}
	if len(names) > 0 {
		l.report(s, Surplus, fmt.Sprintf("%s declares and does not read %s", s.f.Name, list(names)), nil)
	}
}

// isToken tells whether a prerequisite is a file with content that was not read.
func (l *linter) isToken(s *subject, key string) bool {
	i := slices.IndexFunc(s.trace.Tokens, func(t cache.Token) bool { return t.Name == key })
	return i >= 0 && s.trace.Tokens[i].Mtime == 0
}

func (l *linter) isMakefile(f *makefile.File) bool {
	return slices.ContainsFunc(l.DB.ReadFiles, func(g *makefile.GoalDep) bool { return g.File != nil && g.File.Current() == f })
}

// outside finds files of people outside the project that recipes read: another clone
// does not have them.
func (l *linter) outside() {
	readers := make(map[string][]string)
	first := make(map[string]*subject)
	for i := range l.subjects {
		s := &l.subjects[i]
		for j := range s.trace.Inputs {
			in := &s.trace.Inputs[j]
			if in.Kind != cache.InputContent || !strings.HasPrefix(in.Path, "/") || l.Known.IsSystem(in.Path) {
				continue
			}
			if first[in.Path] == nil {
				first[in.Path] = s
			}
			readers[in.Path] = append(readers[in.Path], s.f.Name)
		}
	}
	for _, key := range sortedKeys(readers) {
		l.report(first[key], Outside, fmt.Sprintf("%s, which is outside the project, is read by %s", key, list(readers[key])), nil)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
