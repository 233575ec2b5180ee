package makefile

import "strings"

// assignment is a parsed "NAME op VALUE".
type assignment struct {
	name   string // not yet expanded
	value  string // as written
	flavor Flavor
}

// parseAssignment reads a definition; ok is false if text is none. The
// operator must follow the name, perhaps after white space; variable
// references in the name are passed over.
func parseAssignment(text string) (a assignment, ok bool) {
	text = skipSpace(text)
	end := -1 // of the name, once white space was seen
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '#':
			return a, false
		case c == '$':
			if end >= 0 {
				return a, false
			}
			i = skipReference(text, i+1)
			continue
		case isBlank(c):
			if end >= 0 {
				return a, false
			}
			end = i
			for i < len(text) && isSpace(text[i]) {
				i++
			}
			continue
		}
		flavor, n := operatorAt(text[i:])
		if n > 0 {
			if end < 0 {
				end = i
			}
			return assignment{text[:end], skipSpace(text[i+n:]), flavor}, true
		}
		if c == ':' || end >= 0 {
			return a, false
		}
		i++
	}
	return a, false
}

// operatorAt recognises the assignment operator that text starts with; n is
// its length, 0 for none.
func operatorAt(text string) (f Flavor, n int) {
	switch text[0] {
	case '=':
		return FlavorRecursive, 1
	case '+', '?', '!':
		if len(text) < 2 || text[1] != '=' {
			return FlavorBogus, 0
		}
		switch text[0] {
		case '+':
			return FlavorAppend, 2
		case '?':
			return FlavorConditional, 2
		}
		return FlavorShell, 2
	case ':':
		for n := 1; n < 4 && n < len(text); n++ {
			if text[n] != '=' {
				if text[n] != ':' {
					return FlavorBogus, 0
				}
				continue
			}
			if n == 3 {
				return FlavorExpand, 4
			}
			return FlavorSimple, n + 1
		}
	}
	return FlavorBogus, 0
}

// modifiers are the words before a definition.
type modifiers struct {
	assign   bool // it is a definition at all
	define   bool
	undefine bool
	override bool
	private  bool
	export   Export
}

// origin is that of a definition in a makefile.
func (m *modifiers) origin() Origin {
	if m.override {
		return OriginOverride
	}
	return OriginFile
}

// apply gives a variable the properties that its modifiers ask for.
func (m *modifiers) apply(v *Variable) {
	if m.export != ExportDefault {
		v.Export = m.export
	}
	if m.private {
		v.Private = true
	}
}

// parseModifiers looks whether text is a variable definition, with or without
// modifiers before it, and returns what follows them. For define and undefine
// that is the text behind the word.
func parseModifiers(text string, forTarget bool) (m modifiers, rest string) {
	rest = skipSpace(text)
	for rest != "" {
		if _, ok := parseAssignment(rest); ok {
			m.assign = true
			return m, rest
		}
		n := wordEnd(rest)
		switch word := rest[:n]; {
		case word == "export":
			m.export = ExportYes
		case word == "unexport":
			m.export = ExportNo
		case word == "override":
			m.override = true
		case word == "private":
			m.private = true
		case word == "define" && !forTarget:
			m.define, m.assign = true, true
			return m, skipSpace(rest[n:])
		case word == "undefine" && !forTarget:
			m.undefine, m.assign = true, true
			return m, skipSpace(rest[n:])
		default:
			return modifiers{}, text
		}
		rest = skipSpace(rest[n:])
	}
	return modifiers{}, text
}

// DefineOnCommandLine defines a variable from an argument such as CC=gcc;
// ok is false if the text is no definition.
func (db *Database) DefineOnCommandLine(text string) (v *Variable, ok bool) {
	a, ok := parseAssignment(text)
	if !ok {
		return nil, false
	}
	return db.assign(a, OriginCommand, Pos{}), true
}

// assign makes a global definition from a parsed one, its name still to be
// expanded.
func (db *Database) assign(a assignment, o Origin, pos Pos) *Variable {
	name := db.Expand(a.name)
	if name == "" {
		db.fatal(&pos, "empty variable name")
	}
	return db.define(definition{name: name, value: a.value, flavor: a.flavor, origin: o, pos: pos})
}

// definition is one assignment on its way into a set.
type definition struct {
	name, value string
	flavor      Flavor
	origin      Origin
	pos         Pos
	perTarget   bool // into the innermost set of the scope in force
}

// define carries a definition out.
func (db *Database) define(d definition) *Variable {
	var v *Variable
	if d.flavor == FlavorConditional {
		if v = db.Var(d.name); v != nil {
			return db.defined(v, d.origin)
		}
		d.flavor = FlavorRecursive
	}
	appending := false
	switch d.flavor {
	case FlavorSimple:
		d.value = db.Expand(d.value)
	case FlavorExpand:
		d.value = strings.ReplaceAll(db.Expand(d.value), "$", "$$")
	case FlavorShell:
		out := db.shell(db.Expand(d.value))
		if n := len(out); n > 0 && out[n-1] == '\n' {
			out = out[:n-1]
		}
		d.value, d.flavor = string(foldLines(out)), FlavorRecursive
	case FlavorAppend, FlavorAppendValue:
		var done bool
		if appending, done = db.prepareAppend(&d, &v); done {
			return db.defined(v, d.origin)
		}
	}
	set := &db.global
	if d.perTarget {
		set = db.scope.Set
	}
	if v = set.Get(d.name); v == nil || d.origin >= v.Origin {
		v = db.defineIn(set, d.name, d.value, d.origin, d.flavor != FlavorSimple, d.pos)
	}
	// A stronger definition stands, but after a weaker one that does not append it
	// has no outer value any more.
	v.Append = appending
	return db.defined(v, d.origin)
}

// prepareAppend turns += into a plain definition of the joined value. With
// appending, the value of the scopes further out is added at each use. With
// done, v keeps the value that it has.
func (db *Database) prepareAppend(d *definition, v **Variable) (appending, done bool) {
	var old *Variable
	if d.perTarget {
		old = db.scope.Set.Get(d.name)
		// Where the target has a value of its own that was not appended to,
		// outer values do not matter.
		appending = old == nil || old.Append
	} else {
		old = db.Var(d.name)
	}
	*v = old
	if old == nil {
		d.flavor = FlavorRecursive
		return appending, false
	}
	db.promoteEnv(old)
	value := d.value
	simple := !old.Recursive
	if simple && d.flavor != FlavorAppendValue {
		value = db.Expand(value)
	}
	if value == "" || d.origin < old.Origin {
		return appending, true
	}
	d.flavor = FlavorRecursive
	if simple {
		d.flavor = FlavorSimple
	}
	d.value = value
	if old.Value != "" {
		d.value = joinAppended(old, value)
	}
	return appending, false
}

// joinAppended joins two values. What is added to MAKEFLAGS are options, which
// must stand before the definitions of variables.
func joinAppended(old *Variable, value string) string {
	if old.Name == "MAKEFLAGS" {
		if i := strings.Index(old.Value, " -- "); i >= 0 {
			return old.Value[:i] + " " + value + old.Value[i:]
		}
	}
	return old.Value + " " + value
}

// defined lets special variables take effect.
func (db *Database) defined(v *Variable, o Origin) *Variable {
	if !v.Special {
		return v
	}
	switch v.Name {
	case ".RECIPEPREFIX":
		db.RecipePrefix = '\t'
		if v.Value != "" {
			db.RecipePrefix = v.Value[0]
		}
	case "MAKEFLAGS":
		if db.opt.OnMakeflags != nil {
			db.opt.OnMakeflags(v.Value, o)
		}
	}
	return v
}
