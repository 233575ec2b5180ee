package makefile

import (
	"slices"
	"strings"
)

// noteTargets does at once what must not wait until the rule is recorded:
// special targets that change how the lines behind them are read, and the
// default goal.
func (db *Database) noteTargets(targets []string, setDefault bool) {
	for _, name := range targets {
		switch name {
		case ".POSIX":
			db.enterPosixMode()
			continue
		case ".SECONDEXPANSION":
			db.SecondExpansion = true
			continue
		case ".ONESHELL":
			db.OneShell = true
			continue
		}
		if !setDefault {
			continue
		}
		goal := db.global.Get(".DEFAULT_GOAL")
		if goal != nil && goal.Value != "" || strings.IndexByte(name, '%') >= 0 {
			setDefault = false
			continue
		}
		if db.mayBeDefault(name) {
			db.Define(".DEFAULT_GOAL", name, OriginFile, false, nil, Pos{})
		}
	}
}

// mayBeDefault says whether a target may become the default goal: no name with
// a leading dot (unless it has a slash) and no suffix rule.
func (db *Database) mayBeDefault(name string) bool {
	if name[0] == '.' && strings.IndexByte(name, '/') < 0 {
		return false
	}
	for _, d := range db.Suffixes.Deps {
		first := db.nameOf(d)
		if first != "" && first[0] != '.' && name == first {
			return false
		}
		rest, ok := strings.CutPrefix(name, first)
		if !ok {
			continue
		}
		for _, d2 := range db.Suffixes.Deps {
			if rest == db.nameOf(d2) {
				return false
			}
		}
	}
	return true
}

// nameOf is the name of a prerequisite, entered as a file or not.
func (db *Database) nameOf(d *Dep) string {
	if d.File != nil {
		return d.File.Name
	}
	return d.Name
}

// finishRule records the rule whose recipe has ended.
func (r *reader) finishRule() {
	if r.pending {
		r.pending = false
		r.record()
	}
	r.noTargets = false
}

// record enters the rule that was read.
func (r *reader) record() {
	db, u := r.db, &r.rule
	if db.Snapped {
		db.fatal(&u.pos, "prerequisites cannot be defined in recipes")
	}
	recipe := r.takeRecipe()
	first, percent := findPercent(u.targets[0])
	u.targets[0] = first
	deps := r.takeDeps(percent >= 0)
	if percent >= 0 {
		r.recordPattern(percent, deps, recipe)
		return
	}
	var group []*File
	for i, name := range u.targets {
		if i > 0 {
			text, at := findPercent(name)
			if name = text; at >= 0 {
				db.warn(&u.pos, "*** mixed implicit and normal rules: deprecated syntax")
			}
		}
		own := deps
		if u.isStatic || i+1 < len(u.targets) {
			own = db.copyDeps(deps)
		}
		f := r.recordTarget(name, own, recipe)
		if u.grouped {
			group = append(group, f)
		}
	}
	r.joinGroup(group)
}

func (r *reader) takeRecipe() *Recipe {
	u := &r.rule
	if !u.hasRecipe {
		if u.grouped {
			r.db.fatal(&u.pos, "grouped targets must provide a recipe")
		}
		return nil
	}
	return &Recipe{Pos: u.recipePos, Text: u.recipe.String(), Prefix: u.prefix}
}

// takeDeps parses the prerequisites, unless they are to be expanded a second
// time first. Those of plain rules become files at once.
func (r *reader) takeDeps(implicit bool) []*Dep {
	db, u := r.db, &r.rule
	if u.deps == "" {
		return nil
	}
	text := u.deps
	if strings.IndexByte(text, '\\') >= 0 {
		text = unescapeColons(text)
	}
	if db.SecondExpansion && strings.IndexByte(text, '$') >= 0 {
		d := db.NewDep()
		d.Name, d.NeedExpansion2, d.StaticPattern = text, true, u.isStatic
		return []*Dep{d}
	}
	deps := db.ParseDeps(text)
	if !u.isStatic && !implicit {
		deps = db.EnterDeps(deps, "", false)
	}
	return deps
}

// unescapeColons removes the backslashes that quote colons.
func unescapeColons(text string) string {
	for from := 0; ; {
		i := indexAny(text, from, ":")
		if i < 0 {
			return text
		}
		n := backslashesBefore(text, i)
		drop := (n + 1) / 2
		text = text[:i-drop] + text[i:]
		from = i - drop + 1
	}
}

// recordPattern enters an implicit rule.
func (r *reader) recordPattern(percent int, deps []*Dep, recipe *Recipe) {
	db, u := r.db, &r.rule
	if u.isStatic {
		db.fatal(&u.pos, "mixed implicit and static pattern rules")
	}
	targets := slices.Clone(u.targets)
	percents := make([]int, len(targets))
	percents[0] = percent
	for i := 1; i < len(targets); i++ {
		targets[i], percents[i] = findPercent(targets[i])
		if percents[i] < 0 {
			db.fatal(&u.pos, "mixed implicit and normal rules")
		}
	}
	db.CreatePatternRule(targets, percents, u.double, deps, recipe, true)
}

// recordTarget enters the rule for one target.
func (r *reader) recordTarget(name string, deps []*Dep, recipe *Recipe) *File {
	db, u := r.db, &r.rule
	stem, matches := "", true
	if u.isStatic {
		p := newPattern(u.pattern)
		if stem, matches = p.stem(name); !matches {
			db.warn(&u.pos, "target '"+name+"' doesn't match the target pattern")
			deps = nil
			stem = name
		}
	}
	f := r.enterTarget(name, deps, recipe)
	f.IsTarget = true
	f.Explicit = f.Explicit || !u.double // with :: a file may still turn out to be intermediate
	if u.isStatic {
		f.Stem = stem
		if len(deps) > 0 && deps[0].NeedExpansion2 {
			deps[0].Stem = stem
		} else {
			deps = db.EnterDeps(deps, stem, true)
		}
	}
	// The prerequisites of the rule that has the recipe come first, for $<.
	switch {
	case len(f.Deps) == 0:
		f.Deps = deps
	case recipe != nil:
		f.Deps = append(deps[:len(deps):len(deps)], f.Deps...)
	default:
		f.Deps = append(f.Deps, deps...)
	}
	if name == ".WAIT" {
		r.checkWait(f)
	}
	return f
}

// checkWait complains, once, about rules for .WAIT that say more than that the
// target exists, as makefiles do for makes that do not know it.
func (r *reader) checkWait(f *File) {
	told := &r.db.waitTold
	if len(f.Deps) > 0 && !told.deps {
		told.deps = true
		r.db.warn(&r.rule.pos, ".WAIT should not have prerequisites")
	}
	if f.Recipe != nil && !told.recipe {
		told.recipe = true
		r.db.warn(&r.rule.pos, ".WAIT should not have commands")
	}
}

// enterTarget finds or makes the file of a rule's target and gives it the
// recipe.
func (r *reader) enterTarget(name string, deps []*Dep, recipe *Recipe) *File {
	db, u := r.db, &r.rule
	if u.double {
		if f := db.Lookup(name); f != nil && f.IsTarget && f.DoubleColon == nil {
			db.fatal(&u.pos, "target file '"+name+"' has both : and :: entries")
		}
		f := db.Enter(name)
		if f.DoubleColon == nil {
			f.DoubleColon = f
		}
		f.Recipe = recipe
		return f
	}
	f := db.files[name]
	if f == nil {
		f = db.Enter(name)
	}
	if f.DoubleColon != nil {
		db.fatal(&u.pos, "target file '"+name+"' has both : and :: entries")
	}
	f.Builtin = false
	switch {
	case recipe == nil:
	case recipe == f.Recipe:
		db.warn(&u.pos, "target '"+name+"' given more than once in the same rule")
	case f.Recipe != nil && f.IsTarget:
		db.warn(&recipe.Pos, "warning: overriding recipe for target '"+name+"'")
		db.warn(&f.Recipe.Pos, "warning: ignoring old recipe for target '"+name+"'")
	}
	if recipe != nil || f == db.Default && len(deps) == 0 {
		f.Recipe = recipe
	}
	if f == db.Suffixes && len(deps) == 0 {
		f.Deps = nil
	}
	return f
}

// Group lists the targets of the same run as GNU make does: the grouped targets of
// an explicit rule with the file itself, those of a pattern rule without it.
func (f *File) Group() []*File {
	if f.GroupPlace == 0 {
		return f.AlsoMake
	}
	return slices.Insert(slices.Clone(f.AlsoMake), f.GroupPlace-1, f)
}

// Together lists all targets that the run which makes f makes: f, then the others.
func (f *File) Together() []*File { return append([]*File{f}, f.AlsoMake...) }

// joinGroup tells each of the grouped targets about the others.
func (r *reader) joinGroup(group []*File) {
	for _, f := range slices.Backward(group) {
		if f.AlsoMake != nil { // though it may have been the only one
			r.db.warn(&r.rule.recipePos, "warning: overriding group membership for target '"+f.Name+"'")
		}
		f.AlsoMake, f.GroupPlace = make([]*File, 0, len(group)-1), 0
		for _, other := range slices.Backward(group) {
			switch {
			case other == f && f.GroupPlace == 0:
				f.GroupPlace = len(f.AlsoMake) + 1
			case other != f && !slices.Contains(f.AlsoMake, other):
				f.AlsoMake = append(f.AlsoMake, other)
			}
		}
	}
}

// CreatePatternRule adds an implicit rule behind those that are known. One with
// the same targets and prerequisites gives way to it, or, without override,
// prevents it.
func (db *Database) CreatePatternRule(targets []string, percents []int, terminal bool, deps []*Dep, recipe *Recipe, override bool) {
	rule := &PatternRule{Targets: targets, Deps: deps, Recipe: recipe, Terminal: terminal}
	rule.Suffixes = make([]int, len(percents))
	for i, p := range percents {
		rule.Suffixes[i] = p + 1
	}
	if recipe != nil {
		rule.Pos = recipe.Pos
	}
	for i, old := range db.Patterns {
		if !db.samePattern(old, rule) {
			continue
		}
		if !override {
			return
		}
		db.Patterns = slices.Delete(db.Patterns, i, i+1)
		break
	}
	db.Patterns = append(db.Patterns, rule)
}

// samePattern says whether a new rule takes the place of an old one: all
// targets of the old one are one of the new one's, and the prerequisites are
// the same.
func (db *Database) samePattern(old, rule *PatternRule) bool {
	for _, t := range old.Targets {
		if t != old.Targets[0] {
			return false
		}
	}
	if !slices.Contains(rule.Targets, old.Targets[0]) || len(old.Deps) != len(rule.Deps) {
		return false
	}
	for i, d := range old.Deps {
		if db.nameOf(d) != db.nameOf(rule.Deps[i]) {
			return false
		}
	}
	return true
}
