package makefile

import (
	"slices"
	"strconv"
	"strings"
)

// Environment is the environment of a command of f's recipe, or of a $(shell)
// command if f is nil: "NAME=value", sorted by name. A command that is no make
// (recursive is false) is kept from using the jobserver.
func (db *Database) Environment(f *File, recursive bool) []string {
	scope := db.scope
	if f != nil {
		scope = &db.root
		if f.Vars != nil {
			scope = f.Vars
		}
	}
	exports := db.collectExports(scope)
	inTableOrder(exports)
	env := make([]string, 0, len(exports)+1)
	for _, v := range exports {
		if entry, ok := db.environmentEntry(v, f, recursive); ok {
			env = append(env, entry)
		}
	}
	env = append(env, "MAKELEVEL="+strconv.Itoa(db.opt.MakeLevel+1))
	slices.Sort(env)
	return env
}

// export is a variable with the export state that the scopes together give it.
type export struct {
	v     *Variable
	state Export
}

// collectExports finds the variables that go out. The innermost definition has
// the value; where it says nothing about exporting, those further out do. A
// private variable of a pattern does not go out, as in GNU make, though the
// target's recipe sees it.
func (db *Database) collectExports(scope *Scope) []*Variable {
	if scope == &db.root && scope.Next == nil {
		return db.globalExports()
	}
	seen := make(map[string]*export, db.global.Len()+8)
	for sc := scope; sc != nil; sc = sc.Next {
		for name, v := range sc.Set.m {
			if v.Private && sc != scope {
				continue
			}
			e := seen[name]
			switch {
			case e == nil:
				seen[name] = &export{v, v.Export}
			case e.state == ExportDefault:
				e.state = v.Export
			}
		}
	}
	vars := make([]*Variable, 0, len(seen))
	for _, e := range seen {
		if db.exported(e.v, e.state) {
			vars = append(vars, e.v)
		}
	}
	return vars
}

func (db *Database) globalExports() []*Variable {
	var vars []*Variable
	for _, v := range db.global.m {
		if db.exported(v, v.Export) {
			vars = append(vars, v)
		}
	}
	return vars
}

// exported decides about one variable, MAKELEVEL apart, which always goes out
// with its own value.
func (db *Database) exported(v *Variable, state Export) bool {
	if v.Name == "MAKELEVEL" {
		return false
	}
	switch state {
	case ExportYes:
		return true
	case ExportNo:
		return v.Name == "SHELL" && db.hasEnvShell
	case ExportIfSet:
		return v.Origin != OriginDefault
	}
	switch v.Origin {
	case OriginDefault, OriginAutomatic:
		return false
	case OriginCommand, OriginEnv, OriginEnvOverride:
		return v.Exportable
	}
	return v.Exportable && db.ExportAll || v.Name == "SHELL" && db.hasEnvShell
}

func (db *Database) environmentEntry(v *Variable, f *File, recursive bool) (entry string, ok bool) {
	value := v.Value
	if v.Name == "SHELL" && v.Export != ExportYes && db.hasEnvShell {
		return "SHELL=" + db.envShell, true
	}
	fromEnv := v.Origin == OriginEnv || v.Origin == OriginEnvOverride
	if v.Recursive && (!fromEnv || v.Name == "MAKEFLAGS") {
		value = db.ExpandVar(v, f)
	}
	if v.Name == "MAKEFLAGS" && !recursive && db.opt.InvalidAuth != nil {
		value += db.opt.InvalidAuth()
	}
	return v.Name + "=" + value, true
}

// environmentValue is the value a variable had in the environment make was
// started with.
func (db *Database) environmentValue(name string) string {
	for _, entry := range db.opt.Env {
		if value, ok := strings.CutPrefix(entry, name); ok && value != "" && value[0] == '=' {
			return value[1:]
		}
	}
	return ""
}
