package makefile

import "strings"

// branch is what a conditional does with the lines that it is reading.
type branch uint8

const (
	branchTaken  branch = iota // they are read
	branchFalse                // passed over; a later else may be taken
	branchPassed               // passed over: an earlier branch was taken
)

// conditionals are the conditionals that are open in one source.
type conditionals struct {
	stack []conditional
}

type conditional struct {
	branch   branch
	seenElse bool
}

func (c *conditionals) depth() int { return len(c.stack) }

// ignoring says whether lines are passed over.
func (c *conditionals) ignoring() bool {
	for i := range c.stack {
		if c.stack[i].branch != branchTaken {
			return true
		}
	}
	return false
}

// line handles a line that starts with a conditional's word; is tells whether
// it does.
func (c *conditionals) line(r *reader, word, args string) (ignore, is bool) {
	switch word {
	case "ifdef", "ifndef", "ifeq", "ifneq":
		if !c.open(r, word, args) {
			r.fatal("invalid syntax in conditional")
		}
	case "else":
		c.otherwise(r, args)
	case "endif":
		if args != "" {
			r.warn("extraneous text after 'endif' directive")
		}
		if len(c.stack) == 0 {
			r.fatal("extraneous 'endif'")
		}
		c.stack = c.stack[:len(c.stack)-1]
	default:
		return false, false
	}
	return c.ignoring(), true
}

// open starts a conditional; ok is false if its syntax is wrong.
func (c *conditionals) open(r *reader, word, args string) (ok bool) {
	nested := c.ignoring()
	c.stack = append(c.stack, conditional{branch: branchFalse})
	if nested {
		// The condition must not be expanded.
		return true
	}
	holds, ok := r.condition(word, args)
	if ok && holds {
		c.stack[len(c.stack)-1].branch = branchTaken
	}
	return ok
}

// otherwise handles "else" and "else ifeq ...".
func (c *conditionals) otherwise(r *reader, args string) {
	if len(c.stack) == 0 {
		r.fatal("extraneous 'else'")
	}
	at := len(c.stack) - 1
	if c.stack[at].seenElse {
		r.fatal("only one 'else' per conditional")
	}
	switch c.stack[at].branch {
	case branchTaken:
		c.stack[at].branch = branchPassed
	case branchFalse:
		c.stack[at].branch = branchTaken
	}
	if args == "" {
		c.stack[at].seenElse = true
		return
	}
	n := wordEnd(args)
	word, rest := args[:n], skipSpace(args[n:])
	if !strings.HasPrefix(word, "if") || !isConditional(word) || !c.open(r, word, rest) {
		r.warn("extraneous text after 'else' directive")
		return
	}
	// The nested conditional decides in place of this one.
	if c.stack[at].branch != branchPassed {
		c.stack[at].branch = c.stack[at+1].branch
	}
	c.stack = c.stack[:at+1]
}

func isConditional(word string) bool {
	switch word {
	case "ifdef", "ifndef", "ifeq", "ifneq":
		return true
	}
	return false
}

// condition evaluates a condition.
func (r *reader) condition(word, args string) (holds, ok bool) {
	if word == "ifdef" || word == "ifndef" {
		name, rest := nextWord(r.db.Expand(args))
		if skipSpace(rest) != "" {
			return false, false
		}
		v := r.db.Var(name)
		return (v != nil && v.Value != "") == (word == "ifdef"), true
	}
	left, right, rest, ok := splitComparison(args)
	if !ok {
		return false, false
	}
	if skipSpace(rest) != "" {
		r.warn("extraneous text after '" + word + "' directive")
	}
	l := r.db.Expand(left)
	return (l == r.db.Expand(right)) == (word == "ifeq"), true
}

// splitComparison takes (a,b) or "a" 'b' apart.
func splitComparison(args string) (left, right, rest string, ok bool) {
	if args == "" {
		return "", "", "", false
	}
	switch args[0] {
	case '(':
		comma := closingAt(args[1:], ',')
		if comma < 0 {
			return "", "", "", false
		}
		left = trimRightBlank(args[1 : 1+comma])
		rest = args[comma+2:]
	case '"', '\'':
		if left, rest, ok = cutQuoted(args); !ok {
			return "", "", "", false
		}
		rest = skipSpace(rest)
		if rest == "" || rest[0] != '"' && rest[0] != '\'' && rest[0] != ')' {
			return "", "", "", false
		}
		if rest[0] != ')' {
			right, rest, ok = cutQuoted(rest)
			return left, right, rest, ok
		}
	default:
		return "", "", "", false
	}
	rest = skipSpace(rest)
	end := closingAt(rest, ')')
	if end < 0 {
		return "", "", "", false
	}
	return left, rest[:end], rest[end+1:], true
}

// cutQuoted cuts text in quotes off.
func cutQuoted(s string) (text, rest string, ok bool) {
	return strings.Cut(s[1:], s[:1])
}

// closingAt finds a byte outside of nested parentheses.
func closingAt(s string, stop byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == stop && depth <= 0:
			return i
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
	}
	return -1
}
