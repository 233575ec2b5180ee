package makefile

import (
	"bytes"
	"strings"
)

// ruleLine handles a line that is a rule or a target-specific variable. Which
// of the two shows only behind the colon, and a variable's value must not be
// expanded; so the line is expanded word by word up to the colon first.
func (r *reader) ruleLine(line string) {
	r.finishRule()
	body, cmd, hasCmd := cutCommand(line)
	body = collapse(body, r.db.Posix)
	switch kind, _, _ := ruleWord(body); kind {
	case wordEOL:
		if hasCmd {
			r.fatal("missing rule before recipe")
		}
		return
	case wordColon:
		r.noTargets = true
		return
	}
	h := head{db: r.db, rest: body, hasCmd: hasCmd}
	if !h.findColon() {
		r.missingSeparator(line, &h)
		return
	}
	targets, after := h.text[:h.colon], h.text[h.colon+1:]
	r.rule = rule{recipe: recipeText{more: r.rule.recipe.more}, pos: r.src.pos}
	if strings.HasSuffix(targets, "&") {
		r.rule.grouped, targets = true, targets[:len(targets)-1]
	}
	r.rule.targets = r.db.ParseNames(targets, 0)
	if len(r.rule.targets) == 0 {
		r.noTargets = true
		return
	}
	if strings.HasPrefix(after, ":") && !strings.HasPrefix(after, ":=") && !strings.HasPrefix(after, "::=") {
		r.rule.double, after = true, after[1:]
	}
	if mods, def := parseModifiers(after+h.rest, true); mods.assign {
		if hasCmd {
			def += ";" + collapse(cmd, r.db.Posix)
		}
		r.targetVariable(mods, def)
		return
	}
	if !hasCmd && h.hasCmd {
		cmd, hasCmd = h.cmd, true
	}
	r.rest(after, h.rest, cmd, hasCmd)
}

// rest handles what follows the colon of a rule.
func (r *reader) rest(after, unexpanded, cmd string, hasCmd bool) {
	r.rule.prefix = r.db.RecipePrefix
	r.noTargets = false
	if unexpanded != "" {
		unexpanded, _ = findUnquoted(unexpanded, "=")
		after += r.db.Expand(unexpanded)
		if !hasCmd {
			text, at := findUnquoted(after, ";")
			if after = text; at >= 0 {
				after, cmd, hasCmd = text[:at], text[at+1:], true
			}
		}
	}
	if colon := unquotedColon(after); colon >= 0 {
		after = r.targetPattern(after)
	}
	r.rule.deps = trimSpace(after)
	r.pending = true
	if hasCmd {
		r.addRecipe(cmd)
	}
	r.db.noteTargets(r.rule.targets, r.setDefault)
}

// cutCommand cuts a rule line at the semicolon before its recipe, and at a
// comment. Semicolons within variable references do not count.
func cutCommand(line string) (body, cmd string, has bool) {
	if !strings.ContainsAny(line, ";#") {
		return line, "", false
	}
	text, at := findUnquoted(line, ";#$")
	switch {
	case at < 0:
		return text, "", false
	case text[at] == '#':
		return text[:at], "", false
	}
	return text[:at], text[at+1:], true
}

// head expands the start of a rule line until its colon is found.
type head struct {
	db    *Database
	rest  string // not yet expanded
	text  string // expanded so far
	colon int    // index in text

	hasCmd bool   // no semicolon is looked for any more
	cmd    string // what followed a semicolon that an expansion brought in
}

// findColon expands words until one holds a colon; false if none does.
func (h *head) findColon() bool {
	if !strings.ContainsAny(h.rest, "$\\;") {
		colon := strings.IndexByte(h.rest, ':')
		if colon < 0 {
			h.text, h.rest = h.rest, ""
			return false
		}
		// Behind the colon nothing is expanded either, so that it may be told
		// from a variable's value later: only the operator belongs to text.
		end := colon + 1
		if end < len(h.rest) && h.rest[end] == ':' {
			end++
		}
		h.text, h.rest, h.colon = h.rest[:end], h.rest[end:], colon
		return true
	}
	var done []byte
	for {
		kind, word, rest := ruleWord(h.rest)
		if h.rest = rest; kind == wordEOL {
			h.text = string(bytes.TrimRight(done, " "))
			return false
		}
		part := h.db.Expand(word)
		if !h.hasCmd {
			text, at := findUnquoted(part, ";")
			if part = text; at >= 0 {
				part = text[:at]
				h.cmd, h.hasCmd = text[at+1:]+h.db.Expand(h.rest), true
				h.rest = ""
			}
		}
		text, at := findUnquoted(part, ":")
		if at >= 0 {
			h.colon = len(done) + at
			h.text = string(append(done, text...))
			return true
		}
		done = append(append(done, text...), ' ')
	}
}

// missingSeparator complains about a line without a colon, unless nothing was
// left of it.
func (r *reader) missingSeparator(line string, h *head) {
	if skipSpace(h.text) == "" {
		return
	}
	if r.db.RecipePrefix == '\t' && strings.HasPrefix(line, "        ") {
		r.fatal("missing separator (did you mean TAB instead of 8 spaces?)")
	}
	if text := skipSpace(line); gluedCondition(text, "ifeq") || gluedCondition(text, "ifneq") {
		r.fatal("missing separator (ifeq/ifneq must be followed by whitespace)")
	}
	r.fatal("missing separator")
}

// gluedCondition says whether text starts with word and goes on at once.
func gluedCondition(text, word string) bool {
	rest, ok := strings.CutPrefix(text, word)
	return ok && rest != "" && !isBlank(rest[0])
}

// unquotedColon finds a colon that no backslash quotes; the text stays as it
// is.
func unquotedColon(s string) int {
	for from := 0; ; {
		i := indexAny(s, from, ":")
		if i < 0 || backslashesBefore(s, i)%2 == 0 {
			return i
		}
		from = i + 1
	}
}

// targetPattern reads the target pattern of a static pattern rule and returns
// what follows its colon.
func (r *reader) targetPattern(text string) (deps string) {
	seq := nameSeq{db: r.db, text: text, flags: SeqNoGlob, stop: ":"}
	name, ok := seq.next()
	if !ok {
		r.fatal("missing target pattern")
	}
	if _, more := seq.next(); more {
		r.fatal("multiple target patterns")
	}
	if _, at := findPercent(name); at < 0 {
		r.fatal("target pattern contains no '%'")
	}
	r.rule.isStatic, r.rule.pattern = true, name
	return seq.text[1:]
}

// targetVariable defines a target- or pattern-specific variable for the
// targets of the line.
func (r *reader) targetVariable(mods modifiers, def string) {
	a, _ := parseAssignment(def)
	for _, target := range r.rule.targets {
		if text, at := findPercent(target); at >= 0 {
			r.db.addPatternVar(text, at, a, mods, r.src.pos)
			continue
		}
		r.db.setTargetVar(target, a, mods, r.src.pos)
	}
}
