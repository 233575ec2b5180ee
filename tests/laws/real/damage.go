package real

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// Damage takes away a random third of the declared prerequisites of a makefile
// and counts them. A prerequisite stays where the makefile would say something
// else without it, not only less: where the recipe speaks of its prerequisites,
// in patterns, in phony groups and special targets, in anything that is not
// plainly a rule.
func Damage(text string, r *rand.Rand) (damaged string, lost int) {
	lines := logical(text)
	phony := phonyNames(lines)
	var b strings.Builder
	inDefine := false
	for i, line := range lines {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "define":
			inDefine = true
		case word == "endef":
			inDefine = false
		case !inDefine && !strings.HasPrefix(line, "\t"):
			var n int
			line, n = damageRule(line, recipe(lines[i+1:]), phony, r)
			lost += n
		}
		b.WriteString(line + "\n")
	}
	return b.String(), lost
}

// logical splits a text into lines, each with those that continue it.
func logical(text string) []string {
	var lines []string
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if open {
			lines[len(lines)-1] += "\n" + line
		} else {
			lines = append(lines, line)
		}
		open = strings.HasSuffix(line, "\\")
	}
	return lines
}

// recipe returns the recipe lines that come first, as one text.
func recipe(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if line != "" && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSpace(b.String())
}

// phonyNames collects what .PHONY lists.
func phonyNames(lines []string) map[string]bool {
	names := map[string]bool{}
	for _, line := range lines {
		if rest, found := strings.CutPrefix(line, ".PHONY:"); found {
			for _, w := range words(rest) {
				names[w] = true
			}
		}
	}
	return names
}

// assignment is the start of a line that sets a variable.
var assignment = regexp.MustCompile(`^\s*(export\s+|override\s+)?[^\s:#=]+\s*(:|::|:::|\?|\+|!)?=`)

// speaks finds automatic variables of several prerequisites in a recipe.
var speaks = regexp.MustCompile(`\$[\^?+*|]|\$\([\^?+*|][DF]?\)`)

func damageRule(line, recipe string, phony map[string]bool, r *rand.Rand) (string, int) {
	colon := ruleColon(line)
	if colon < 0 || assignment.MatchString(line) {
		return line, 0
	}
	targets, rest := words(line[:colon]), line[colon+1:]
	if len(targets) == 0 || strings.ContainsAny(rest, ";=#") || ruleColon(rest) >= 0 || speaks.MatchString(recipe) {
		return line, 0
	}
	if isGroup(targets, recipe, phony) {
		return line, 0
	}
	var kept []string
	lost := 0
	for i, w := range words(rest) {
		// Of a rule without a recipe the first may be the $< of another's.
		first := i == 0 && (strings.Contains(recipe, "$<") || strings.Contains(recipe, "$(<") || recipe == "" && !strings.HasSuffix(w, ".h"))
		if first || w == "|" || strings.Contains(w, "%") || r.IntN(3) > 0 {
			kept = append(kept, w)
		} else {
			lost++
		}
	}
	if lost == 0 {
		return line, 0
	}
	return line[:colon] + ": " + strings.Join(kept, " "), lost
}

// ruleColon finds the colon that ends the targets, outside of references; a
// double one is no concern of this test.
func ruleColon(line string) int {
	depth := 0
	for i := range len(line) {
		switch line[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case '#':
			return -1
		case ':':
			if depth == 0 {
				if strings.HasPrefix(line[i:], "::") || strings.HasPrefix(line[i:], ":=") {
					return -1
				}
				return i
			}
		}
	}
	return -1
}

// isGroup reports that targets stand for others and not for files: special and
// phony names, and names without a suffix or a reference that have no recipe.
func isGroup(targets []string, recipe string, phony map[string]bool) bool {
	for _, t := range targets {
		isFile := strings.ContainsAny(t, "./$")
		if strings.HasPrefix(t, ".") && !strings.Contains(t, "/") || phony[t] || !isFile && recipe == "" {
			return true
		}
	}
	return false
}

// words splits a text at blanks and continuations outside of references.
func words(text string) []string {
	var list []string
	depth, start := 0, -1
	for i := range len(text) {
		c := text[i]
		blank := c == ' ' || c == '\t' || c == '\n' || c == '\\' && (i+1 == len(text) || text[i+1] == '\n')
		switch {
		case c == '(' || c == '{':
			depth++
		case (c == ')' || c == '}') && depth > 0:
			depth--
		}
		switch {
		case blank && depth == 0 && start >= 0:
			list = append(list, text[start:i])
			start = -1
		case !blank && start < 0:
			start = i
		}
	}
	if start >= 0 {
		list = append(list, text[start:])
	}
	return list
}
