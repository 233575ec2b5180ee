package recipe

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// isSpecial reports whether a variable means something to dash or to the
// interpreter, so that a script that sets or reads it is refused.
func isSpecial(name string) bool {
	switch name {
	case "IFS", "PWD", "OLDPWD", "PATH", "CDPATH", "OPTIND", "OPTARG", "PPID",
		"LINENO", "RANDOM", "SRANDOM", "DIRSTACK", "UID", "EUID", "GID",
		"SECONDS", "REPLY", "FUNCNAME", "BASH_VERSION", "BASHPID", "ENV",
		"PS1", "PS2", "PS3", "PS4", "MAIL", "MAILPATH", "MAILCHECK", "HOSTNAME",
		"HISTSIZE", "_":
		return true
	}
	return false
}

// assigned notes that the script sets a variable.
func (c *checker) assigned(name string) {
	if isSpecial(name) {
		c.refuse("assignment to %s", name)
	}
	c.script.names = append(c.script.names, name)
}

func (c *checker) assign(a *syntax.Assign, sc scope) {
	if a.Append || a.Index != nil || a.Array != nil || a.Name == nil {
		c.refuse("form of assignment")
		return
	}
	c.assigned(a.Name.Value)
	if a.Value != nil {
		c.value(a.Value, sc)
	}
}

// word checks a word that is split into fields and globbed.
func (c *checker) word(w *syntax.Word, sc scope) {
	text := unquoted(w)
	if i := strings.IndexByte(text, '{'); i >= 0 && (strings.Contains(text[i:], ",") || strings.Contains(text[i:], "..")) {
		c.refuse("brace expansion")
	}
	if strings.HasPrefix(text, "~") {
		c.refuse("tilde")
	}
	if strings.ContainsAny(text, "*?[") && text != "[" {
		c.glob(w, text)
	}
	c.parts(w.Parts, sc, false)
}

// unquoted is the text of a word in which quoted parts and expansions are
// replaced by a harmless letter.
func unquoted(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok {
			b.WriteByte('x')
			continue
		}
		for i := 0; i < len(l.Value); i++ {
			if l.Value[i] == '\\' {
				b.WriteByte('x')
				i++
				continue
			}
			b.WriteByte(l.Value[i])
		}
	}
	return b.String()
}

// glob accepts patterns that have one meaning: "?" and negated classes match
// one byte in dash but one character in the interpreter.
func (c *checker) glob(w *syntax.Word, text string) {
	if !plainPattern(text) || strings.Contains(text, "//") {
		c.refuse("form of pattern")
	}
	for _, part := range strings.Split(text, "/") {
		if strings.HasPrefix(part, ".") && strings.ContainsAny(part, "*[") {
			c.refuse("pattern for hidden files")
		}
	}
	// Quoted text beside a pattern is matched as a pattern's escapes are, which
	// the interpreter gets wrong for the characters that need it.
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if strings.Contains(p.Value, "\\") {
				c.refuse("escape in a pattern")
			}
		case *syntax.SglQuoted:
			if strings.ContainsAny(p.Value, "*?[]\\") {
				c.refuse("quoted pattern character")
			}
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok || strings.ContainsAny(l.Value, "*?[]\\") {
					c.refuse("quoted expansion in a pattern")
				}
			}
		}
	}
}

// plainPattern accepts literal ASCII, "*" and classes of single characters and
// ranges.
func plainPattern(text string) bool {
	if strings.Contains(text, "**") || strings.Contains(text, "?") {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 0x80:
			return false
		case c == '[':
			n := strings.IndexByte(text[i+1:], ']')
			if n < 1 || strings.ContainsAny(text[i+1:i+1+n], "!^[:/.=\\*$") {
				return false
			}
			i += n + 1
		}
	}
	return true
}

// value checks a word that is neither split nor globbed: an assignment's, a
// redirection's, the subject of case.
func (c *checker) value(w *syntax.Word, sc scope) {
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok && strings.ContainsAny(l.Value, "\\~") {
			c.refuse("escape or tilde in a value")
			return
		}
	}
	c.parts(w.Parts, sc, false)
}

// pattern checks a pattern of case, or of an expansion that removes one.
func (c *checker) pattern(w *syntax.Word, sc scope) {
	c.value(w, sc)
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if !plainPattern(p.Value) {
				c.refuse("form of pattern")
			}
		case *syntax.SglQuoted:
		case *syntax.DblQuoted:
		default:
			c.refuse("expansion in a pattern")
		}
	}
}

func (c *checker) parts(parts []syntax.WordPart, sc scope, quoted bool) {
	for _, p := range parts {
		if c.err != nil {
			return
		}
		switch x := p.(type) {
		case *syntax.Lit:
			if n := len(x.Value) - len(strings.TrimRight(x.Value, "\\")); n%2 == 1 && !quoted {
				c.refuse("trailing backslash")
			}
		case *syntax.SglQuoted:
			if x.Dollar {
				c.refuse("$''")
			}
		case *syntax.DblQuoted:
			if x.Dollar {
				c.refuse("$\"\"")
			}
			c.parts(x.Parts, sc, true)
		case *syntax.ParamExp:
			c.param(x, sc)
		case *syntax.CmdSubst:
			c.subst(x, sc)
		default:
			c.refuse("%T", p)
		}
	}
}

func (c *checker) param(x *syntax.ParamExp, sc scope) {
	if x.Param == nil || x.Excl || x.Length || x.Width || x.IsSet || x.Index != nil || x.Slice != nil ||
		x.Repl != nil || x.Names != 0 || x.NestedParam != nil || x.Flags != nil {
		c.refuse("form of expansion")
		return
	}
	name := x.Param.Value
	if name != "?" && !syntax.ValidName(name) || isSpecial(name) {
		c.refuse("parameter %s", name)
		return
	}
	c.script.home = c.script.home || name == "HOME"
	if x.Exp == nil {
		return
	}
	switch x.Exp.Op {
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		c.assigned(name)
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		if x.Exp.Word != nil && !plainPattern(unquoted(x.Exp.Word)) {
			c.refuse("form of pattern")
		}
	default:
		c.refuse("operator of expansion")
		return
	}
	c.operand(x.Exp.Word)
}

// operand accepts only plain text and plain variables in an expansion's
// operand: quotes there are where shells differ most.
func (c *checker) operand(w *syntax.Word) {
	if w == nil {
		return
	}
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(p.Value, "\\~ \t\n{}'\"") {
				c.refuse("operand of expansion")
			}
		default:
			c.refuse("operand of expansion")
		}
	}
}

// subst checks a command substitution and gives it a pipe.
func (c *checker) subst(x *syntax.CmdSubst, sc scope) {
	switch {
	case x.TempFile || x.ReplyVar:
		c.refuse("form of command substitution")
		return
	case len(x.Stmts) == 0:
		c.refuse("empty command substitution")
		return
	case len(x.Stmts) == 1 && x.Stmts[0].Cmd == nil:
		c.refuse("$(<file)")
		return
	case c.errexit && len(x.Stmts) > 1, c.errexit && !isSimple(x.Stmts[0]):
		c.refuse("compound substitution under set -e")
		return
	case x.Backquotes && strings.Contains(c.text[x.Pos().Offset():x.End().Offset()], "\\"):
		c.refuse("escape in backquotes")
		return
	}
	sc.tail = false
	inner := sc.fork()
	inner.nested = true
	c.stmts(x.Stmts, inner)
	x.Stmts = []*syntax.Stmt{{
		Cmd: &syntax.Block{Stmts: x.Stmts},
		Redirs: []*syntax.Redirect{{
			Op: syntax.RdrOut, Word: literal(markSubst),
		}},
	}}
}

// hasSubst reports whether a word holds a command substitution.
func hasSubst(w *syntax.Word) bool {
	found := false
	if w == nil {
		return false
	}
	syntax.Walk(w, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.CmdSubst); ok {
			found = true
		}
		return !found
	})
	return found
}

// staticText is the text of a word without expansions.
func staticText(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(p.Value, "\\*?[") {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok {
					return "", false
				}
				b.WriteString(unescapeQuoted(l.Value))
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// unescapeQuoted undoes the escapes that double quotes know.
func unescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\\\"$`", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
