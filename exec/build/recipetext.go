package build

import "strings"

// comparable returns a recipe line in the form that decides whether a trace
// still holds: without the prefixes @ - + and without commands that only print.
// So neither V=1 nor a changed progress message is a reason to run anything.
// An empty result means that the line does nothing but print.
func comparable(line string) string {
	line = withoutPrefix(line)
	if !mayPrint(line) {
		return strings.TrimRight(line, " \t")
	}
	var kept []string
	for _, c := range splitCommands(line) {
		if !onlyPrints(c) {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "\n")
}

// inert is true for a recipe line that needs no view, because all it does is to
// print words that stand in it.
func inert(line string) bool { return comparable(line) == "" && !strings.ContainsAny(line, "*?[~") }

// mayPrint is a cheap test that spares most lines the splitting.
func mayPrint(line string) bool {
	return strings.Contains(line, "echo") || strings.Contains(line, "printf") || strings.Contains(line, ":")
}

// splitCommands cuts a line at ; && and newlines that stand outside quotes,
// parentheses and command substitutions.
func splitCommands(line string) []string {
	var out []string
	start, depth := 0, 0
	cut := func(end, next int) {
		if s := strings.TrimSpace(line[start:end]); s != "" {
			out = append(out, s)
		}
		start = next
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case '\\':
			i++
		case '\'', '"', '`':
			i = skipQuoted(line, i)
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ';', '\n':
			if depth > 0 || i+1 < len(line) && line[i+1] == ';' {
				continue
			}
			cut(i, i+1)
		case '&':
			if depth == 0 && i+1 < len(line) && line[i+1] == '&' {
				cut(i, i+2)
				i++
			}
		}
	}
	cut(len(line), len(line))
	return out
}

// skipQuoted returns the index of the quote that closes the one at i, or the
// last index of an unterminated one.
func skipQuoted(s string, i int) int {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		if s[j] == '\\' && q != '\'' {
			j++
			continue
		}
		if s[j] == q {
			return j
		}
	}
	return len(s) - 1
}

// onlyPrints reports whether a single command is echo, printf or : without
// redirection, pipe or command substitution.
func onlyPrints(c string) bool {
	word, _, _ := strings.Cut(c, " ")
	if w, _, ok := strings.Cut(word, "\t"); ok {
		word = w
	}
	if word != "echo" && word != "printf" && word != ":" {
		return false
	}
	for i := 0; i < len(c); i++ {
		switch c[i] {
		case '\\':
			i++
		case '\'':
			i = skipQuoted(c, i)
		case '"':
			end := skipQuoted(c, i)
			if strings.Contains(c[i:end+1], "$(") || strings.Contains(c[i:end+1], "`") {
				return false
			}
			i = end
		case '>', '<', '|', '&', '`':
			return false
		case '$':
			if i+1 < len(c) && c[i+1] == '(' {
				return false
			}
		}
	}
	return true
}

// words cuts a recipe into the words that could be names of commands or files;
// quotes and shell operators separate.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return strings.ContainsRune(" \t\n;|&()`'\"<>{}", r)
	})
}

// commandWords returns each simple command's first two words, joined by a blank
// where there are two; assignments before the command are passed over.
func commandWords(text string) []string {
	var out []string
	for _, c := range splitPipes(text) {
		w := words(c)
		for len(w) > 0 && strings.Contains(w[0], "=") {
			w = w[1:]
		}
		if len(w) == 0 {
			continue
		}
		out = append(out, strings.Join(w[:min(2, len(w))], " "))
	}
	return out
}

func splitPipes(text string) []string {
	var out []string
	for _, c := range splitCommands(strings.ReplaceAll(text, "\\\n", " ")) {
		out = append(out, strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune("|&()`", r) })...)
	}
	return out
}

// listed reports whether a command (argv, or the words of commandWords split)
// is on a list whose entries are "program" or "program subcommand".
func listed(list *nameTable, argv []string) bool {
	if len(argv) == 0 {
		return false
	}
	prog := argv[0][strings.LastIndexByte(argv[0], '/')+1:]
	if len(argv) > 1 && strings.Contains(argv[1], "/") && isInterpreter(prog) {
		return listed(list, argv[1:]) // a script is what its file is called
	}
	if list.has(prog) {
		return true
	}
	for _, a := range argv[1:] {
		if list.has(prog + " " + a) {
			return true
		}
		if !strings.HasPrefix(a, "-") {
			return false // the first operand is the subcommand
		}
	}
	return false
}

// isInterpreter is true for the programs that scripts are started with.
func isInterpreter(prog string) bool {
	for _, p := range []string{"sh", "dash", "bash", "ksh", "zsh", "python", "perl", "ruby", "node", "tclsh", "lua", "env"} {
		if prog == p || strings.HasPrefix(prog, p) && strings.Trim(prog[len(p):], "0123456789.") == "" {
			return true
		}
	}
	return false
}

func setOf(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, w := range list {
		m[w] = true
	}
	return m
}
