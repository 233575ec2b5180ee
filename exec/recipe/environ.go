package recipe

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// environ is the environment that a script starts with, and the knowledge of
// how dash orders the one it gives to its children: `env` shows it.
type environ struct {
	values map[string]string
	order  map[string]int // when a variable came to be
	ifs    bool           // IFS is exported, with the value that dash gives it
}

// newEnviron takes what dash takes from its environment. It refuses variables
// that change how dash works.
func newEnviron(env []string, s *Script) (*environ, error) {
	e := &environ{values: make(map[string]string, len(env)), order: make(map[string]int, len(env)+4)}
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !syntax.ValidName(name) {
			continue
		}
		e.note(name)
		e.values[name] = value
	}
	for _, name := range [...]string{"OPTIND", "PPID", "LINENO", "CDPATH"} {
		if _, ok := e.values[name]; ok {
			return nil, ErrUnsuitable
		}
	}
	if _, ok := e.values["PATH"]; !ok {
		return nil, ErrUnsuitable
	}
	if _, ok := e.values["HOME"]; !ok && s.home {
		return nil, ErrUnsuitable
	}
	if _, ok := e.values["IFS"]; ok {
		e.ifs = true
		delete(e.values, "IFS")
	}
	e.note("PWD")
	e.note("OLDPWD")
	for _, name := range s.names {
		e.note(name)
	}
	return e, nil
}

func (e *environ) note(name string) {
	if _, ok := e.order[name]; !ok {
		e.order[name] = len(e.order)
	}
}

// Get implements expand.Environ.
func (e *environ) Get(name string) expand.Variable {
	value, ok := e.values[name]
	if !ok {
		return expand.Variable{}
	}
	return expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value}
}

// Each implements expand.Environ.
func (e *environ) Each(f func(name string, v expand.Variable) bool) {
	for name := range e.values {
		if !f(name, e.Get(name)) {
			return
		}
	}
}

// child is the environment of a program that is started where cur holds, in
// dir.
func (e *environ) child(cur expand.Environ, dir string) []string {
	vars := make(map[string]string, len(e.values)+4)
	cur.Each(func(name string, v expand.Variable) bool {
		if v.IsSet() && v.Exported && v.Kind == expand.String {
			vars[name] = v.Str
		} else {
			delete(vars, name)
		}
		return true
	})
	vars["PWD"] = dir
	if old := cur.Get("OLDPWD"); old.IsSet() {
		vars["OLDPWD"] = old.Str
	}
	if e.ifs {
		vars["IFS"] = " \t\n"
	}
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.SortFunc(names, e.compare)
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name + "=" + vars[name]
	}
	return out
}

// compare orders variables as dash's table of them does: by bucket, and within
// one, those that the shell itself has come first, the others by age.
func (e *environ) compare(a, b string) int {
	if d := bucket(a) - bucket(b); d != 0 {
		return d
	}
	if x, y := ownVariable(a), ownVariable(b); x != y {
		if x {
			return -1
		}
		return 1
	}
	return e.order[a] - e.order[b]
}

const buckets = 39

func bucket(name string) int {
	h := uint(name[0]) << 4
	for i := range len(name) {
		h += uint(name[i])
	}
	return int(h % buckets)
}

// ownVariable reports whether dash has the variable before it reads its
// environment.
func ownVariable(name string) bool {
	switch name {
	case "IFS", "MAIL", "MAILPATH", "PATH", "PS1", "PS2", "PS4", "OPTIND", "LINENO":
		return true
	}
	return false
}
