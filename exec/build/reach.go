package build

import (
	"sort"
	"strings"

	"fmake/makefile"
)

// effects says what expanding a text could do besides giving text.
type effects struct {
	impure bool            // it can reach shell, eval, info, warning, error or file
	lists  bool            // it can reach a function that looks which files exist
	names  map[string]bool // variables it names, directly or through others
	// assigned are variables that an $(eval) in it defines: what they happen to
	// be is progress, not an input.
	assigned map[string]bool
}

// impureFunctions are the functions whose expansion prints, writes, runs or
// defines something: a recipe that can reach one is compared unexpanded.
func impureFunctions() []string {
	return []string{"shell", "eval", "info", "warning", "error", "file"}
}

// reacher finds the effects of texts; variables are looked at once each.
type reacher struct {
	db     *makefile.Database
	impure map[string]bool
	funcs  map[string]bool
}

func newReacher(db *makefile.Database) *reacher {
	return &reacher{db: db, impure: setOf(impureFunctions()), funcs: setOf(makefile.FunctionNames())}
}

// recipe returns the effects of expanding a recipe in the scope of f.
func (r *reacher) recipe(text string, f *makefile.File) effects {
	e := effects{names: make(map[string]bool), assigned: make(map[string]bool)}
	r.text(text, f, &e)
	return e
}

// text walks over every reference in s.
func (r *reacher) text(s string, f *makefile.File, e *effects) {
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 >= len(s) {
			return
		}
		s = s[i+1:]
		switch s[0] {
		case '$':
			s = s[1:]
		case '(', '{':
			end := closing(s)
			r.reference(s[1:end], f, e)
			s = s[min(end+1, len(s)):]
		default:
			r.variable(s[:1], f, e)
			s = s[1:]
		}
	}
}

// closing returns the index of the bracket that closes the one at s[0], or
// len(s).
func closing(s string) int {
	open, shut := s[0], byte(')')
	if open == '{' {
		shut = '}'
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// blanks end the name of a function.
const blanks = " \t\n\v\f\r"

// reference handles what stands between the brackets of one reference.
func (r *reacher) reference(body string, f *makefile.File, e *effects) {
	word := body
	if i := strings.IndexAny(body, blanks); i >= 0 {
		word = body[:i]
	}
	if len(word) < len(body) && r.funcs[word] {
		e.impure = e.impure || r.impure[word]
		e.lists = e.lists || word == "wildcard" || word == "realpath"
		args := strings.TrimLeft(body[len(word):], blanks)
		if word == "eval" {
			e.assigned[assignedName(args)] = true
		}
		r.text(args, f, e)
		if word == "call" || word == "value" || word == "foreach" || word == "let" {
			name, _, _ := strings.Cut(args, ",")
			r.computed(strings.TrimSpace(name), f, e)
		}
		return
	}
	name := body
	if i := strings.IndexByte(body, ':'); i > 0 && strings.IndexByte(body[i:], '=') > 0 {
		name = body[:i]
		r.text(body[i:], f, e)
	}
	r.computed(name, f, e)
}

// assignedName returns the name that an assignment in an $(eval) defines.
func assignedName(text string) string {
	i := strings.IndexByte(text, '=')
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(text[:i], ":?+! \t"))
}

// computed handles a variable name that may itself hold references.
func (r *reacher) computed(name string, f *makefile.File, e *effects) {
	if strings.IndexByte(name, '$') < 0 {
		r.variable(name, f, e)
		return
	}
	r.text(name, f, e)
	if !e.impure { // else expanding the name could have an effect
		r.variable(r.db.ExpandFor(name, f), f, e)
	}
}

func (r *reacher) variable(name string, f *makefile.File, e *effects) {
	if e.names[name] {
		return
	}
	e.names[name] = true
	v := r.db.VarIn(name, f.Vars)
	if v == nil || !v.Recursive || strings.IndexByte(v.Value, '$') < 0 {
		return
	}
	r.text(v.Value, f, e)
}

// values lists "NAME=value" of the variables that a recipe names, for recipes
// that are compared unexpanded. Recursive ones give their text: what they refer
// to is in the list too.
func (r *reacher) values(e effects, f *makefile.File) []string {
	out := make([]string, 0, len(e.names))
	for n := range e.names {
		if e.assigned[n] || n == ".SHELLSTATUS" { // it tells how the last $(shell) ended
			continue
		}
		if v := r.db.VarIn(n, f.Vars); v != nil {
			out = append(out, n+"="+v.Value)
		}
	}
	sort.Strings(out)
	return out
}
