package recipe

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// call checks a simple command and gives it its mark.
func (c *checker) call(s *syntax.Stmt, cmd *syntax.CallExpr, sc scope) {
	subst := false
	for _, a := range cmd.Assigns {
		c.assign(a, sc)
		subst = subst || hasSubst(a.Value)
	}
	for _, w := range cmd.Args {
		c.word(w, sc)
		subst = subst || hasSubst(w)
	}
	if c.err != nil {
		return
	}
	if len(cmd.Args) == 0 {
		if len(s.Redirs) > 0 {
			c.refuse("redirected assignment")
		}
		return
	}
	// dash expands the words before it redirects; the interpreter after. For
	// output files the handler makes up for it by opening them late.
	if subst && redirectsOther(s) {
		c.refuse("command substitution beside a redirection")
		return
	}
	name, known := commandName(cmd.Args[0])
	switch {
	case !known:
		c.refuse("command word is not known beforehand")
		return
	case builtinOf(name) != nil:
		if len(cmd.Assigns) > 0 {
			c.refuse("assignment before a builtin")
		}
		c.builtin(s, name, cmd.Args[1:], sc)
	case isOtherBuiltin(name):
		c.refuse("builtin %s", name)
	}
	index := c.addCall(s, sc)
	s.Cmd = c.mark(index, cmd)
}

// redirectsOther reports whether a statement redirects anything but its
// standard output to a file, or to standard error.
func redirectsOther(s *syntax.Stmt) bool {
	for _, r := range s.Redirs {
		if r.Op == syntax.RdrIn || r.N != nil && r.N.Value != "1" {
			return true
		}
	}
	return false
}

// commandName returns the command's name where it is known before the script
// runs. A word with a slash before its first expansion is no builtin whatever
// follows; it is returned as far as it is known.
func commandName(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(p.Value, "\\*?[~") && p.Value != "[" {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok || strings.Contains(l.Value, "\\") {
					return b.String(), strings.Contains(b.String(), "/")
				}
				b.WriteString(l.Value)
			}
		default:
			return b.String(), strings.Contains(b.String(), "/")
		}
	}
	return b.String(), b.Len() > 0
}

// isOtherBuiltin reports whether dash has a builtin of this name that the
// interpreter does not do.
func isOtherBuiltin(name string) bool {
	switch name {
	case ".", "alias", "bg", "chdir", "eval", "exec", "export", "fc", "fg",
		"getopts", "hash", "jobs", "kill", "local", "read", "readonly",
		"return", "shift", "times", "trap", "type", "ulimit", "umask",
		"unalias", "wait":
		return true
	}
	return false
}

// builtin checks the arguments of a builtin that the interpreter does.
func (c *checker) builtin(s *syntax.Stmt, name string, args []*syntax.Word, sc scope) {
	first := ""
	if len(args) > 0 {
		first = args[0].Lit()
	}
	switch name {
	case "cd":
		if len(args) != 1 || strings.HasPrefix(first, "-") || strings.HasPrefix(first, "//") {
			c.refuse("form of cd")
		}
	case "pwd":
		if len(args) != 0 {
			c.refuse("form of pwd")
		}
	case "exit":
		if len(args) > 1 {
			c.refuse("form of exit")
		}
	case "break", "continue":
		if len(args) != 0 || sc.loops == 0 || !sc.last || len(s.Redirs) > 0 || s.Negated {
			c.refuse("form of %s", name)
		}
	case "set":
		if len(args) != 1 || first != "-e" || sc.nested || sc.forked || len(s.Redirs) > 0 {
			c.refuse("form of set")
		}
		c.errexit = true
	case "unset":
		c.unset(args)
	case "command":
		c.command(args)
	case "printf":
		c.printf(args)
	}
}

func (c *checker) unset(args []*syntax.Word) {
	for _, w := range args {
		if !syntax.ValidName(w.Lit()) || isSpecial(w.Lit()) {
			c.refuse("form of unset")
		}
	}
}

// command accepts "command -v NAME" and "command NAME" for programs.
func (c *checker) command(args []*syntax.Word) {
	if len(args) > 0 && args[0].Lit() == "-v" {
		args = args[1:]
		if len(args) != 1 {
			c.refuse("form of command")
		}
	}
	if len(args) == 0 {
		c.refuse("form of command")
		return
	}
	name, ok := commandName(args[0])
	if !ok || name != args[0].Lit() || strings.HasPrefix(name, "-") ||
		builtinOf(name) != nil || isOtherBuiltin(name) || isReserved(name) {
		c.refuse("form of command")
	}
}

func isReserved(name string) bool {
	return syntax.IsKeyword(name) || name == "!" || name == "{" || name == "}"
}

// printf accepts only formats that are known beforehand and whose conversions
// the builtin does.
func (c *checker) printf(args []*syntax.Word) {
	if len(args) == 0 {
		c.refuse("printf without format")
		return
	}
	format, ok := staticText(args[0])
	if !ok || strings.HasPrefix(format, "-") || !goodFormat(format) {
		c.refuse("format of printf")
	}
}

// export accepts "export NAME" and "export NAME=VALUE".
func (c *checker) export(x *syntax.DeclClause) {
	if x.Variant.Value != "export" || len(x.Args) == 0 {
		c.refuse("%s", x.Variant.Value)
		return
	}
	for _, a := range x.Args {
		if a.Name == nil || !syntax.ValidName(a.Name.Value) {
			c.refuse("form of export")
			return
		}
		if a.Value != nil {
			for _, p := range a.Value.Parts {
				switch p.(type) {
				case *syntax.Lit, *syntax.SglQuoted, *syntax.DblQuoted:
				default:
					c.refuse("export of an unquoted expansion")
					return
				}
			}
			if hasSubst(a.Value) {
				c.refuse("export of a command substitution")
			}
		}
		c.assign(a, scope{})
	}
}
