package makefile

import (
	"slices"
	"strings"
)

// Get finds a variable in this set alone.
func (s *VarSet) Get(name string) *Variable { return s.m[name] }

// Len is the number of variables in the set.
func (s *VarSet) Len() int { return len(s.m) }

// Sorted lists the set's variables by name.
func (s *VarSet) Sorted() []*Variable {
	vars := make([]*Variable, 0, len(s.m))
	for _, v := range s.m {
		vars = append(vars, v)
	}
	slices.SortFunc(vars, func(a, b *Variable) int { return strings.Compare(a.Name, b.Name) })
	return vars
}

func (s *VarSet) put(v *Variable) {
	if s.m == nil {
		s.m = make(map[string]*Variable)
	}
	s.m[v.Name] = v
}

func (s *VarSet) remove(name string) { delete(s.m, name) }

// find looks a name up along the chain. Private variables of parent targets
// are passed over.
func (sc *Scope) find(name string) *Variable {
	parent := false
	for ; sc != nil; sc = sc.Next {
		if v := sc.Set.m[name]; v != nil && (!parent || !v.Private) {
			return v
		}
		parent = parent || sc.NextIsParent
	}
	return nil
}

// Var finds the variable that name means in the scope now in force; nil if it
// is undefined.
func (db *Database) Var(name string) *Variable { return db.VarIn(name, db.scope) }

// VarIn finds the variable that name means in a scope, nil if it is undefined.
func (db *Database) VarIn(name string, sc *Scope) *Variable {
	v := sc.find(name)
	if v != nil && v.Special {
		db.refreshSpecial(v)
	}
	return v
}

// Value is the value of a variable of the global scope, expanded.
func (db *Database) Value(name string) string {
	v := db.VarIn(name, &db.root)
	if v == nil {
		return ""
	}
	return db.valueOf(v)
}

// Define gives a variable a value in a scope's innermost set (nil: the global
// one), unless it has a value of a stronger origin already.
func (db *Database) Define(name, value string, o Origin, recursive bool, sc *Scope, pos Pos) *Variable {
	set := &db.global
	if sc != nil {
		set = sc.Set
	}
	return db.defineIn(set, name, value, o, recursive, pos)
}

// Undefine removes a variable from a scope's innermost set (nil: the global
// one), unless its origin is stronger than o.
func (db *Database) Undefine(name string, o Origin, sc *Scope) {
	set := &db.global
	if sc != nil {
		set = sc.Set
	}
	v := set.Get(name)
	if v == nil {
		return
	}
	db.promoteEnv(v)
	if o >= v.Origin {
		set.remove(name)
	}
}

func (db *Database) defineIn(set *VarSet, name, value string, o Origin, recursive bool, pos Pos) *Variable {
	if db.opt.EnvOverrides && o == OriginEnv {
		o = OriginEnvOverride
	}
	v := set.Get(name)
	if v == nil {
		v = &Variable{Name: name, Exportable: exportableName(name)}
		v.Special = set == &db.global && isSpecial(name)
		set.put(v)
	} else {
		db.promoteEnv(v)
		if o < v.Origin {
			return v
		}
	}
	v.Value, v.Pos, v.Origin, v.Recursive = value, pos, o, recursive
	v.Flavor = FlavorSimple
	if recursive {
		v.Flavor = FlavorRecursive
	}
	return v
}

// promoteEnv makes -e effective for variables that came in before it was
// known.
func (db *Database) promoteEnv(v *Variable) {
	if db.opt.EnvOverrides && v.Origin == OriginEnv {
		v.Origin = OriginEnvOverride
	}
}

// SetEnvOverrides turns -e on or off. It shows when a variable is next
// assigned to: until then its origin is still the environment.
func (db *Database) SetEnvOverrides(on bool) {
	db.opt.EnvOverrides = on
	// What make defines as if it came from the environment counts as well.
	defines := []string{"MAKELEVEL", "GNUMAKEFLAGS"}
	if db.opt.NoBuiltinVars {
		defines = defines[:1]
	}
	for _, name := range defines {
		if v := db.Var(name); on && v != nil && v.Origin == OriginEnv {
			v.Origin = OriginEnvOverride
		}
	}
}

// isSpecial says whether a global variable's value is computed at each use, or
// has an effect when it is assigned to.
func isSpecial(name string) bool {
	switch name {
	case ".VARIABLES", ".RECIPEPREFIX", "MAKEFLAGS":
		return true
	}
	return false
}

// exportableName says whether a shell could hold a variable of that name.
func exportableName(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// pushScope opens a scope for the automatic variables of a function. Where the
// global scope is in force, the new one takes its place in every chain that
// ends there: targets whose variables are defined within $(foreach) see the
// loop's variable.
func (db *Database) pushScope() {
	set := &VarSet{}
	if db.scope != &db.root {
		db.scope = &Scope{Set: set, Next: db.scope}
		return
	}
	outer := db.root
	db.root = Scope{Set: set, Next: &outer}
}

func (db *Database) popScope() {
	if db.scope != &db.root {
		db.scope = db.scope.Next
		return
	}
	db.root = *db.root.Next
}
