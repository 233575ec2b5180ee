package lint

import (
	"path"
	"strings"

	"fmake/makefile"
)

// impliedHere reports whether an implicit rule of this make would make a file that no recipe of
// it has made, as soon as a line names it: "%.o: %.c" takes an object of a folder beside, which
// another make makes, for one of its own.
func (l *linter) impliedHere(key string) bool {
	if f := l.byKey[key]; f != nil && f.IsTarget {
		return false
	}
	name := l.Known.Path(key)
	for _, r := range l.DB.Patterns {
		for _, target := range r.Targets {
			if stem, dir, ok := stemOf(target, name); ok && r.Recipe != nil && l.mayApply(r, stem, dir) {
				return true
			}
		}
	}
	return false
}

// stemOf matches a name with the pattern of a rule. One without a slash is about the last part
// of the name, and what stands before comes before the prerequisites, too.
func stemOf(pattern, name string) (stem, dir string, ok bool) {
	if !strings.Contains(pattern, "/") {
		dir, name = path.Split(name)
	}
	before, after, _ := strings.Cut(pattern, "%")
	if len(name) <= len(before)+len(after) || !strings.HasPrefix(name, before) || !strings.HasSuffix(name, after) {
		return "", "", false
	}
	return name[len(before) : len(name)-len(after)], dir, true
}

// mayApply reports whether the first prerequisite of a rule is there.
func (l *linter) mayApply(r *makefile.PatternRule, stem, dir string) bool {
	if len(r.Deps) == 0 {
		return true
	}
	name := r.Deps[0].Name // that of a pattern stays here
	if !strings.Contains(name, "%") {
		return true
	}
	exists, _ := l.Known.State(l.Known.KeyOf(dir + strings.Replace(name, "%", stem, 1)))
	return exists
}
