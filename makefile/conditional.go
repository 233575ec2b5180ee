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
	used  int // how deep they were once
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
	at := len(c.stack)
	before := branchPassed
	if at < c.used {
		before = c.stack[:at+1][at].branch
	}
	c.used = max(c.used, at+1)
	c.stack = append(c.stack, conditional{branch: branchFalse})
	if nested {
		// The condition must not be expanded.
		return true
	}
	holds, ok := r.condition(word, args)
	switch {
	case !ok:
		// Behind an else it stays open, and in GNU make it is what the last
		// conditional of this depth was. Without one that is left to chance there,
		// which hardly ever lets lines be read.
		c.stack[at].branch = before
	case holds:
		c.stack[at].branch = branchTaken
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
	if !isConditional(word) || !c.open(r, word, rest) {
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
		text := r.db.Expand(args)
		n := wordEnd(text) // 0 if text starts with a blank: the name is empty then
		if skipSpace(text[n:]) != "" {
			return false, false
		}
		v := r.db.Var(text[:n])
		return (v != nil && v.Value != "") == (word == "ifdef"), true
	}
	left, rest, quoted, ok := cutLeft(args)
	if !ok {
		return false, false
	}
	// Before the rest is looked at, so that an error within comes first.
	l := r.db.Expand(left)
	right, rest, ok := cutRight(rest, quoted)
	if !ok {
		return false, false
	}
	if skipSpace(rest) != "" {
		r.warn("extraneous text after '" + word + "' directive")
	}
	return (l == r.db.Expand(right)) == (word == "ifeq"), true
}

// cutLeft cuts the first operand off (a,b) or "a" 'b'.
func cutLeft(args string) (left, rest string, quoted, ok bool) {
	if args == "" {
		return "", "", false, false
	}
	switch args[0] {
	case '(':
		comma := closingAt(args[1:], ',')
		if comma < 0 {
			return "", "", false, false
		}
		return trimRightBlank(args[1 : 1+comma]), args[comma+2:], false, true
	case '"', '\'':
		left, rest, ok = cutQuoted(args)
		return left, rest, true, ok
	}
	return "", "", false, false
}

// cutRight cuts the second operand off. It ends as the first one began, but ")
// is taken as well.
func cutRight(text string, quoted bool) (right, rest string, ok bool) {
	text = skipSpace(text)
	if quoted {
		if text == "" {
			return "", "", false
		}
		switch text[0] {
		case '"', '\'':
			return cutQuoted(text)
		case ')':
		default:
			return "", "", false
		}
	}
	end := closingAt(text, ')')
	if end < 0 {
		return "", "", false
	}
	return text[:end], text[end+1:], true
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
