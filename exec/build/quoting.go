package build

import (
	"cmp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// plainly returns a command line with the operands of its commands quoted in one
// way, so that two lines which start the same programs with the same words are the
// same text: -DX="" and -DX= are, and makefiles that keep their flags in a file
// which a shell wrote turn the one into the other. The names of commands and
// whatever is more than a constant word stay as they are, because there a quote may
// mean something; so does a line that is not understood.
func plainly(line string) string {
	if !strings.ContainsAny(line, `'"\`) {
		return line
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return line
	}
	var operands []*syntax.Word
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			return !n.Backquotes // what is in there is quoted once more
		case *syntax.CallExpr:
			operands = append(operands, n.Args[min(1, len(n.Args)):]...)
		}
		return true
	})
	slices.SortFunc(operands, func(x, y *syntax.Word) int { return cmp.Compare(x.Pos().Offset(), y.Pos().Offset()) })
	var out strings.Builder
	at := uint(0)
	for _, w := range operands {
		if text, constant := constantWord(w); constant {
			out.WriteString(line[at:w.Pos().Offset()])
			out.WriteString(quoted(text))
			at = w.End().Offset()
		}
	}
	out.WriteString(line[at:])
	return out.String()
}

// unquotedMeaning are the characters that can mean something in a word where they
// are not quoted, or give a meaning to quoted ones.
const unquotedMeaning = "~*?[]{}!^"

// constantWord returns what a word is to a program, if it is always the same.
func constantWord(w *syntax.Word) (string, bool) {
	var text strings.Builder
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			if !unescape(&text, part.Value, "", unquotedMeaning) {
				return "", false
			}
		case *syntax.SglQuoted:
			if part.Dollar {
				return "", false
			}
			text.WriteString(part.Value)
		case *syntax.DblQuoted:
			if part.Dollar {
				return "", false
			}
			for _, inner := range part.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok || !unescape(&text, lit.Value, "$`\"\\", "") {
					return "", false
				}
			}
		default:
			return "", false
		}
	}
	return text.String(), true
}

// unescape adds a literal without the backslashes that quote something: any
// character, or one of those in only. It reports whether there is none of the
// characters in bad outside of quotes.
func unescape(out *strings.Builder, lit, only, bad string) bool {
	for i := 0; i < len(lit); i++ {
		c := lit[i]
		switch {
		case c == '\\' && i+1 < len(lit) && lit[i+1] == '\n':
			i++
		case c == '\\' && i+1 < len(lit) && (only == "" || strings.IndexByte(only, lit[i+1]) >= 0):
			i++
			out.WriteByte(lit[i])
		case strings.IndexByte(bad, c) >= 0:
			return false
		default:
			out.WriteByte(c)
		}
	}
	return true
}

// quoted returns the one way in which a constant word is written.
func quoted(text string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-+./,:=@%", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// takesQuotes tells whether a program named as SHELL quotes as the POSIX shell does.
func takesQuotes(shell string) bool {
	switch shell[strings.LastIndexByte(shell, '/')+1:] {
	case "sh", "bash", "ksh", "ash", "dash":
		return true
	}
	return false
}
