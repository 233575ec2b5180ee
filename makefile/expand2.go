package makefile

import "strings"

// ExpandDeps does the second expansion of a file's prerequisites, if that is
// due. It is done when a target is first considered, so that a variable has the
// value that all of the makefiles gave it.
func (db *Database) ExpandDeps(f *File) {
	if f.Snapped {
		return
	}
	f.Snapped = true
	if !needsExpansion2(f.Deps) {
		return
	}
	db.InitFileVars(f, false)
	// The list grows in place: the automatic variables of a later prerequisite
	// hold the earlier ones as expanded.
	for i := 0; i < len(f.Deps); {
		d := f.Deps[i]
		if d.File != nil || !d.NeedExpansion2 {
			i++
			continue
		}
		deps := db.expandDep(f, d)
		rest := f.Deps[i+1:]
		f.Deps = append(append(f.Deps[:i:i], deps...), rest...)
		i += len(deps)
	}
}

func needsExpansion2(deps []*Dep) bool {
	for _, d := range deps {
		if d.NeedExpansion2 {
			return true
		}
	}
	return false
}

// expandDep expands one list of prerequisites and enters what it yields.
func (db *Database) expandDep(f *File, d *Dep) []*Dep {
	text := d.Name
	if d.StaticPattern {
		// The stem goes in as $*, whose value is not expanded again.
		text = substPercent(text, "$*")
	}
	stem := d.Stem
	if stem == "" {
		stem = f.Stem
	}
	db.SetAutoVars(f, stem, false)
	deps := db.ParseDeps(db.ExpandFor(text, f))
	for _, e := range deps {
		db.enterDep(e)
		e.Stem = d.Stem
		if d.Stem == "" {
			// Named by the makefile itself, not made up from a pattern.
			e.File.Explicit = true
		}
	}
	return deps
}

// substPercent replaces the first % of each word.
func substPercent(text, by string) string {
	var b strings.Builder
	inWord := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			inWord = false
		case c == '%' && !inWord:
			inWord = true
			b.WriteString(by)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
