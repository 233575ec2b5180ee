package makefile

import "strings"

// Chop splits a recipe into its lines, or into one if .ONESHELL is in force.
// An escaped newline does not end a line.
func (db *Database) Chop(r *Recipe) {
	if r == nil || r.chopped {
		return
	}
	r.chopped = true
	if db.OneShell {
		r.Lines = []string{r.Text}
	} else {
		r.Lines = chopLines(r.Text)
	}
	r.Flags = make([]LineFlag, len(r.Lines))
	for i, line := range r.Lines {
		r.Flags[i] = lineFlags(line)
		r.AnyRecurse = r.AnyRecurse || r.Flags[i]&FlagRecurse != 0
	}
}

func chopLines(text string) []string {
	var lines []string
	for from := 0; ; {
		i := indexAny(text, from, "\n")
		if i < 0 {
			return append(lines, text)
		}
		if backslashesBefore(text, i)%2 == 1 {
			from = i + 1
			continue
		}
		lines = append(lines, text[:i])
		text, from = text[i+1:], 0
	}
}

// lineFlags reads the prefix characters of a line; a mention of $(MAKE) counts
// as a +.
func lineFlags(line string) LineFlag {
	var flags LineFlag
prefix:
	for line != "" {
		switch line[0] {
		case '@':
			flags |= FlagSilent
		case '-':
			flags |= FlagNoError
		case '+':
			flags |= FlagRecurse
		case ' ', '\t':
		default:
			break prefix
		}
		line = line[1:]
	}
	if strings.Contains(line, "$(MAKE)") || strings.Contains(line, "${MAKE}") {
		flags |= FlagRecurse
	}
	return flags
}
