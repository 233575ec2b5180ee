package makefile

// patternVar is a pattern-specific variable.
type patternVar struct {
	target  pattern
	name    string
	value   string // expanded already if flavor is simple
	flavor  Flavor
	origin  Origin
	export  Export
	private bool
	pos     Pos
}

// addPatternVar keeps pattern-specific variables in the order in which they
// apply: those of shorter patterns first, so that longer ones, which are more
// specific, have the last word.
func (db *Database) addPatternVar(target string, percent int, a assignment, mods modifiers, pos Pos) {
	name := db.Expand(a.name)
	if name == "" {
		db.fatal(&pos, "empty variable name")
	}
	p := &patternVar{
		target: pattern{text: target, prefix: target[:percent], suffix: target[percent+1:], hasPercent: true},
		name:   name, value: a.value, flavor: a.flavor, origin: mods.origin(),
		export: mods.export, private: mods.private, pos: pos,
	}
	if p.flavor == FlavorSimple {
		p.value = db.Expand(p.value)
	}
	db.overrideTargetVar(p.name, p.origin, func(g *Variable) {
		// The operator stays: a target's variable is still appended to, or the
		// value run as a command.
		p.value, p.origin = g.Value, g.Origin
	})
	i := len(db.patVars)
	for i > 0 && len(db.patVars[i-1].target.text) > len(target) {
		i--
	}
	db.patVars = append(db.patVars, nil)
	copy(db.patVars[i+1:], db.patVars[i:])
	db.patVars[i] = p
}

// overrideTargetVar calls set with the variable that the name means outside of the
// target if its value, from the command line, beats a target-specific one.
func (db *Database) overrideTargetVar(name string, o Origin, set func(g *Variable)) {
	if o == OriginOverride {
		return
	}
	g := db.Var(name)
	if g != nil && (g.Origin == OriginEnvOverride || g.Origin == OriginCommand) {
		set(g)
	}
}

// setTargetVar defines a variable for one target.
func (db *Database) setTargetVar(target string, a assignment, mods modifiers, pos Pos) {
	f := db.Lookup(target)
	switch {
	case f == nil:
		f = db.Enter(target)
	case f.DoubleColon != nil:
		f = f.DoubleColon
	}
	db.InitFileVars(f, true)
	old := db.scope
	db.scope = f.Vars
	name := db.Expand(a.name)
	if name == "" {
		db.fatal(&pos, "empty variable name")
	}
	v := db.define(definition{
		name: name, value: a.value, flavor: a.flavor, origin: mods.origin(), pos: pos, perTarget: true,
	})
	db.scope = old
	// Where another definition stands, the modifiers are for that one: a stronger one
	// of the target, or the global variable that ?= has found.
	v.PerTarget = true
	v.Private = mods.private
	if mods.export != ExportDefault {
		v.Export = mods.export
	}
	db.overrideTargetVar(v.Name, v.Origin, func(g *Variable) {
		if g == v {
			return
		}
		v.Value, v.Origin, v.Recursive, v.Append = g.Value, g.Origin, g.Recursive, false
	})
}

// InitFileVars gives f a scope of its own: its variables, those of patterns
// that match it (not while reading, when more may come), those of the target
// on whose behalf it is made, the global ones.
func (db *Database) InitFileVars(f *File, reading bool) {
	if f.Vars == nil {
		f.Vars = &Scope{Set: &VarSet{}}
	}
	sc := f.Vars
	if head := f.DoubleColon; head != nil && head != f && !head.inVars {
		db.InitFileVars(head, reading)
		sc.Next, sc.NextIsParent = head.Vars, false
		return
	}
	sc.Next, sc.NextIsParent = &db.root, true
	// Circular dependencies may have led from a target to itself.
	if f.Parent != nil && !f.Parent.inVars {
		f.inVars = true
		db.InitFileVars(f.Parent, reading)
		f.inVars = false
		sc.Next = f.Parent.Vars
	}
	if !reading && !f.PatSearched {
		f.PatVars = db.matchPatternVars(f.Name)
		f.PatSearched = true
	}
	if f.PatVars != nil {
		f.PatVars.Next, f.PatVars.NextIsParent = sc.Next, sc.NextIsParent
		sc.Next, sc.NextIsParent = f.PatVars, false
	}
}

// matchPatternVars gathers the pattern-specific variables of a target, nil if
// no pattern matches.
func (db *Database) matchPatternVars(name string) *Scope {
	var sc *Scope
	for _, p := range db.patVars {
		if stem, ok := p.target.stem(name); !ok || stem == "" {
			continue // as in a rule, the % stands for something
		}
		if sc == nil {
			sc = &Scope{Set: &VarSet{}, Next: db.scope}
		}
		db.applyPatternVar(p, sc)
	}
	return sc
}

func (db *Database) applyPatternVar(p *patternVar, sc *Scope) {
	var v *Variable
	if p.flavor == FlavorSimple {
		v = db.defineIn(sc.Set, p.name, p.value, p.origin, false, p.pos)
	} else {
		old := db.scope
		db.scope = sc
		v = db.define(definition{
			name: p.name, value: p.value, flavor: p.flavor, origin: p.origin, pos: p.pos, perTarget: true,
		})
		db.scope = old
	}
	v.PerTarget, v.Export, v.Private = true, p.export, p.private
}
