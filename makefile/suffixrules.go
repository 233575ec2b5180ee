package makefile

// SuffixDeps are the prerequisites of .SUFFIXES: the suffixes in force.
func (db *Database) SuffixDeps() []*Dep { return db.Suffixes.Deps }

// convertSuffixRules makes pattern rules of suffix rules: for all suffixes .x
// and .y in .SUFFIXES, .x.y: becomes %.y: %.x, and .x: becomes %: %.x.
func (db *Database) convertSuffixRules() {
	suffixes := db.Suffixes.Deps
	for _, d := range suffixes {
		source := db.nameOf(d)
		// A pattern rule without anything keeps match-anything rules away
		// from files with a known suffix.
		db.addPatternRule(newPatternRule("%"+source, "", nil))
		if f := d.File; db.isSuffixRule(f) {
			db.addPatternRule(newPatternRule("%", source, f.Recipe))
		}
		for _, d2 := range suffixes {
			target := db.nameOf(d2)
			if target != source {
				db.convertSuffixRule(source, target)
			}
		}
	}
}

// convertSuffixRule converts the rule of one pair of suffixes, if there is one.
func (db *Database) convertSuffixRule(source, target string) {
	f := db.files[source+target]
	if !db.isSuffixRule(f) {
		return
	}
	if len(f.Deps) > 0 {
		if db.Posix {
			return // an ordinary rule, says POSIX
		}
		db.warn(&f.Recipe.Pos, "warning: ignoring prerequisites on suffix rule definition")
	}
	if target == ".a" {
		db.addPatternRule(newPatternRule("(%.o)", source, f.Recipe))
	}
	db.addPatternRule(newPatternRule("%"+target, source, f.Recipe))
}

// isSuffixRule reports whether a file named like a suffix rule, which may be
// nil, has the recipe of one. Built-in recipes are no longer valid if the
// makefile has turned them off after they were entered.
func (db *Database) isSuffixRule(f *File) bool {
	return f != nil && f.Recipe != nil && !(f.Builtin && db.opt.NoBuiltinRules)
}

// newPatternRule makes the rule TARGET: %SOURCE.
func newPatternRule(target, source string, recipe *Recipe) *PatternRule {
	r := &PatternRule{Targets: []string{target}, Recipe: recipe}
	for i := range target {
		if target[i] == '%' {
			r.Suffixes = []int{i + 1}
		}
	}
	if source != "" {
		r.Deps = []*Dep{{Name: "%" + source}}
	}
	return r
}

// addPatternRule appends a rule unless an identical one is there already.
func (db *Database) addPatternRule(r *PatternRule) {
	for _, old := range db.Patterns {
		if isOnly(old.Targets, r.Targets[0]) && db.sameDeps(old.Deps, r.Deps) {
			return
		}
	}
	db.Patterns = append(db.Patterns, r)
}

// isOnly reports whether all the targets are the same one.
func isOnly(targets []string, one string) bool {
	for _, t := range targets {
		if t != one {
			return false
		}
	}
	return true
}

func (db *Database) sameDeps(a, b []*Dep) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if db.nameOf(a[i]) != db.nameOf(b[i]) {
			return false
		}
	}
	return true
}
