package makefile

import (
	"slices"
	"strconv"
	"strings"
)

// Limits on which GNU make dies from its stack or from the system's memory.
const (
	// maxDepth is how deeply expansions may nest. It is more than GNU make can
	// do with the usual stack of 8 MB.
	maxDepth = 60_000
	// rawWeight is how much more a function counts that expands its arguments
	// itself: its text is looked through again at each level.
	rawWeight = 4
	// maxText is how long an expansion may become.
	maxText = 1 << 30
)

// Expand expands variable references and functions in the scope now in force:
// the global one unless something is being expanded already.
func (db *Database) Expand(s string) string {
	if strings.IndexByte(s, '$') < 0 {
		return s
	}
	if v := db.plainReference(s); v != nil {
		return v.Value
	}
	buf := db.takeBuf()
	buf = db.expand(buf, s)
	out := string(buf)
	db.giveBuf(buf)
	return out
}

// ExpandScope expands s in a scope.
func (db *Database) ExpandScope(s string, sc *Scope) string {
	old := db.scope
	db.scope = sc
	out := db.Expand(s)
	db.scope = old
	return out
}

// ExpandFor expands s as part of f's recipe: in f's scope, with errors
// reported at the recipe. InitFileVars must have been called.
func (db *Database) ExpandFor(s string, f *File) string {
	if f == nil {
		return db.Expand(s)
	}
	oldTarget, oldReading := db.target, db.reading
	db.target = f
	db.reading = nil
	if f.Recipe != nil && f.Recipe.Pos.File != "" {
		db.reading = &f.Recipe.Pos
	}
	sc := f.Vars
	if sc == nil {
		sc = &db.root
	}
	out := db.ExpandScope(s, sc)
	db.target, db.reading = oldTarget, oldReading
	return out
}

// ExpandVar gives a variable's value, expanded in f's scope (nil: the scope in
// force).
func (db *Database) ExpandVar(v *Variable, f *File) string {
	if !v.Recursive {
		return v.Value
	}
	old := db.scope
	if f != nil && f.Vars != nil {
		db.scope = f.Vars
	}
	out := db.valueOf(v)
	db.scope = old
	return out
}

// valueOf gives a variable's value as a reference to it expands.
func (db *Database) valueOf(v *Variable) string {
	if !v.Recursive {
		return v.Value
	}
	buf := db.takeBuf()
	buf = db.appendValue(buf, v)
	out := string(buf)
	db.giveBuf(buf)
	return out
}

// plainReference is the variable that s as a whole refers to, if it needs no
// expanding: its value then serves without a copy. Otherwise nil.
func (db *Database) plainReference(s string) *Variable {
	var name string
	switch {
	case len(s) == 2 && s[1] != '$':
		name = s[1:]
	case len(s) > 3 && (s[1] == '(' && s[len(s)-1] == ')' || s[1] == '{' && s[len(s)-1] == '}'):
		name = s[2 : len(s)-1]
		if strings.ContainsAny(name, "$:=(){} \t\n") {
			return nil
		}
	}
	if name == "" || s[0] != '$' {
		return nil
	}
	if v := db.Var(name); v != nil && !v.Recursive {
		return v
	}
	return nil
}

func (db *Database) takeBuf() []byte {
	if n := len(db.bufs); n > 0 {
		buf := db.bufs[n-1]
		db.bufs = db.bufs[:n-1]
		return buf[:0]
	}
	return make([]byte, 0, 512)
}

func (db *Database) giveBuf(buf []byte) {
	if cap(buf) <= 1<<20 {
		db.bufs = append(db.bufs, buf)
	}
}

// expand appends the expansion of s to buf. It is one pass over s: text between
// references is copied, each reference is expanded where it stands.
func (db *Database) expand(buf []byte, s string) []byte {
	if db.depth++; db.depth > maxDepth {
		db.fatal(db.errPos(), "expansion is nested too deeply")
	}
	if len(buf) > db.maxText {
		db.fatal(db.errPos(), "virtual memory exhausted")
	}
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			buf = append(buf, s...)
			break
		}
		buf = append(buf, s[:i]...)
		s = s[i+1:]
		if s == "" {
			buf = append(buf, '$')
			break
		}
		switch s[0] {
		case '$':
			buf = append(buf, '$')
			s = s[1:]
		case '(', '{':
			buf, s = db.expandReference(buf, s)
		default:
			buf = db.appendVariable(buf, s[:1])
			s = s[1:]
		}
	}
	db.depth--
	return buf
}

// expandReference expands the reference or function call whose text after the
// $ starts s, and returns what follows it.
func (db *Database) expandReference(buf []byte, s string) (out []byte, rest string) {
	open, shut := s[0], closerOf(s[0])
	if fn := db.functionAt(s[1:]); fn != nil {
		return db.callAt(buf, s[1:], fn, open)
	}
	end := strings.IndexByte(s, shut)
	if end < 0 {
		db.fatal(db.errPos(), "unterminated variable reference")
	}
	name, rest := s[1:end], s[end+1:]
	if strings.IndexByte(name, '$') >= 0 {
		if close := matchingClose(s[1:], open, shut); close >= 0 {
			name, rest = db.Expand(s[1:1+close]), s[close+2:]
		} else {
			// A name such as "$(a" in $($(a): taken as it stands, and the rest
			// of the text is swallowed.
			rest = ""
		}
	}
	return db.expandName(buf, name), rest
}

// matchingClose is the index of the parenthesis that closes text, -1 if none
// does.
func matchingClose(text string, open, shut byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case open:
			depth++
		case shut:
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return -1
}

// expandName expands what stood between the parentheses of a reference that is
// no function: a name or a substitution reference.
func (db *Database) expandName(buf []byte, name string) []byte {
	colon := strings.IndexByte(name, ':')
	if colon < 0 {
		return db.appendVariable(buf, name)
	}
	pattern, replace, ok := strings.Cut(name[colon+1:], "=")
	if !ok {
		return db.appendVariable(buf, name)
	}
	name = name[:colon]
	v := db.Var(name)
	if v == nil {
		db.warnUndefined(name)
		return buf
	}
	value := db.valueOf(v)
	if value == "" {
		return buf
	}
	if _, at := findPercent(pattern); at < 0 {
		pattern, replace = "%"+pattern, "%"+replace
	}
	return patsubst(buf, value, newPattern(pattern), newPattern(replace))
}

// appendVariable appends the value of a variable.
func (db *Database) appendVariable(buf []byte, name string) []byte {
	v := db.Var(name)
	if v == nil {
		db.warnUndefined(name)
		return buf
	}
	return db.appendValue(buf, v)
}

// neverUndefined are the names that make gives a meaning to: makefiles may refer
// to them without a warning.
var neverUndefined = [...]string{
	"MAKECMDGOALS", "MAKE_RESTARTS", "MAKE_TERMOUT", "MAKE_TERMERR", "MAKEOVERRIDES",
	".DEFAULT", "-*-command-variables-*-", "-*-eval-flags-*-", "VPATH", "GPATH", ".LOADED",
}

func (db *Database) warnUndefined(name string) {
	if db.opt.WarnUndefined && !slices.Contains(neverUndefined[:], name) {
		db.warn(db.reading, "warning: undefined variable '"+name+"'")
	}
}

// appendValue appends a variable's value, expanded if it is recursive.
func (db *Database) appendValue(buf []byte, v *Variable) []byte {
	if !v.Recursive {
		if len(buf)+len(v.Value) > db.maxText {
			db.fatal(db.errPos(), "virtual memory exhausted")
		}
		return append(buf, v.Value...)
	}
	if v.Value == "" && !v.Append {
		return buf
	}
	if v.expanding {
		if db.envRecursion > 0 {
			db.host.Verbose(func() string {
				return v.Pos.File + ":" + strconv.Itoa(v.Pos.Line) + ": not recursively expanding " + v.Name + " to export to shell function"
			})
			return append(buf, db.environmentValue(v.Name)...)
		}
		if v.expCount == 0 {
			db.fatal(db.expandingPos(v), "Recursive variable '"+v.Name+"' references itself (eventually)")
		}
		v.expCount--
	}
	oldVarPos, oldReading := db.varPos, db.reading
	if v.Pos.File != "" {
		db.varPos = &v.Pos
		if db.reading == nil {
			db.reading = &v.Pos
		}
	}
	v.expanding = true
	db.active = append(db.active, v)
	if v.Append {
		buf = db.appendChain(buf, v.Name, db.scope, true)
	} else {
		buf = db.expand(buf, v.Value)
	}
	v.expanding = false
	db.active = db.active[:len(db.active)-1]
	db.varPos, db.reading = oldVarPos, oldReading
	return buf
}

// expandingPos is where an error in the value of v is reported.
func (db *Database) expandingPos(v *Variable) *Pos {
	if v.Pos.File != "" {
		return &v.Pos
	}
	return db.errPos()
}

// appendChain appends the value of a target-specific += variable: that of the
// scopes further out first.
func (db *Database) appendChain(buf []byte, name string, sc *Scope, local bool) []byte {
	if sc == nil {
		return buf
	}
	nextLocal := local && !sc.NextIsParent
	v := sc.Set.Get(name)
	if v == nil || !local && v.Private {
		return db.appendChain(buf, name, sc.Next, nextLocal)
	}
	start := len(buf)
	if v.Append {
		buf = db.appendChain(buf, name, sc.Next, nextLocal)
	}
	if len(buf) > start {
		buf = append(buf, ' ')
	}
	if !v.Recursive || v.Flavor == FlavorSimple {
		return append(buf, v.Value...)
	}
	return db.expand(buf, v.Value)
}
