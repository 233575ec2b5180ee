package makefile

import "strings"

// InstallSuffixRules enters the default suffixes and the built-in suffix rules,
// which must be known before anything is read: a makefile's .c.o: rule replaces
// the recipe of the built-in one, and clearing .SUFFIXES disables them all.
func (db *Database) InstallSuffixRules() {
	if db.opt.NoBuiltinRules {
		db.Define("SUFFIXES", "", OriginDefault, false, nil, Pos{})
		return
	}
	db.Define("SUFFIXES", builtinSuffixes, OriginDefault, false, nil, Pos{})
	for _, name := range strings.Fields(builtinSuffixes) {
		d := db.NewDep()
		d.File = db.Enter(name)
		d.File.Builtin = true
		db.Suffixes.Deps = append(db.Suffixes.Deps, d)
	}
	db.Suffixes.Builtin = true
	for i := range builtinSuffixRules {
		r := &builtinSuffixRules[i]
		f := db.Enter(r.target)
		f.Recipe = newBuiltinRecipe(r.recipe)
		f.Builtin = true
	}
}

// DropBuiltinRules serves a makefile that puts r into MAKEFLAGS: it leaves no
// default suffixes, and so no built-in suffix rules.
func (db *Database) DropBuiltinRules() {
	db.opt.NoBuiltinRules = true
	if db.Suffixes.Builtin {
		db.Suffixes.Deps = nil
	}
	db.Define("SUFFIXES", "", OriginDefault, false, nil, Pos{})
}

// DropBuiltinVars serves a makefile that puts R into MAKEFLAGS.
func (db *Database) DropBuiltinVars() {
	db.opt.NoBuiltinVars = true
	db.dropBuiltinVars()
}

// installPatternRules adds the built-in pattern rules behind all others. An
// identical rule of a makefile stays.
func (db *Database) installPatternRules() {
	if db.opt.NoBuiltinRules {
		return
	}
	for i := range builtinPatternRules {
		r := &builtinPatternRules[i]
		names := strings.Fields(r.deps)
		deps := make([]*Dep, len(names))
		for j, name := range names {
			deps[j] = db.NewDep()
			deps[j].Name = name
		}
		db.addPatternRule(&PatternRule{
			Targets:  []string{r.target},
			Suffixes: []int{strings.IndexByte(r.target, '%') + 1},
			Deps:     deps,
			Recipe:   newBuiltinRecipe(r.recipe),
			Terminal: r.terminal,
			Builtin:  true,
		})
	}
}

func newBuiltinRecipe(text string) *Recipe {
	return &Recipe{Text: text, Prefix: '\t'}
}
