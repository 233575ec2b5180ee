package recipe

import (
	"slices"
	"strings"
)

// shellChars are the characters that, outside single quotes and not escaped,
// make a line the shell's business. Double quotes are among them although
// they could be read here: GNU make leaves them to the shell.
const shellChars = "#;\"*?[]&|<>(){}$`^~!"

// isShellWord reports whether a line that starts with the word needs a shell:
// builtins that no program of the same name can stand for, and keywords. It is
// GNU make's list, not POSIX's: echo, printf, pwd, kill and "[" are not in it.
func isShellWord(word string) bool {
	switch word {
	case ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue",
		"eval", "exec", "exit", "export", "fc", "fg", "for", "getopts", "hash",
		"if", "jobs", "login", "logout", "read", "readonly", "return", "set",
		"shift", "test", "times", "trap", "type", "ulimit", "umask", "unalias",
		"unset", "wait", "while":
		return true
	}
	return false
}

// splitPlain splits a line into words if it is one simple command that the
// shell would do nothing special with. An escaped newline between words
// separates them like a blank, as in the shell.
func splitPlain(line string, oneShell bool) (words []string, plain bool) {
	var (
		word   []byte
		inWord bool // something, possibly only quotes, belongs to word
	)
	end := func() bool {
		words = append(words, string(word))
		word, inWord = word[:0], false
		return len(words) != 1 || !isShellWord(words[0])
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case strings.IndexByte(shellChars, c) >= 0, c == '\n' && oneShell:
			return nil, false
		case c == '=' && len(words) == 0:
			// An assignment, or a word that could be one.
			return nil, false
		case c == '\'':
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return nil, false
			}
			word = append(word, line[i+1:i+1+n]...)
			inWord = true
			i += n + 1
		case c == '\\' && i+1 < len(line) && line[i+1] == '\n':
			i++
			if !inWord {
				i += blanks(line[i+1:])
			}
		case c == '\\':
			if i+1 < len(line) {
				i++
				word = append(word, line[i])
				inWord = true
			}
		case c == ' ' || c == '\t':
			i += blanks(line[i+1:])
			if !end() {
				return nil, false
			}
		default:
			word = append(word, c)
			inWord = true
		}
	}
	if inWord && !end() {
		return nil, false
	}
	return words, true
}

// blanks counts the blanks at the start of s.
func blanks(s string) int {
	return len(s) - len(strings.TrimLeft(s, " \t"))
}

// shellArgv is the start of the shell for a line. SHELL and .SHELLFLAGS are
// words as a recipe line's are, so that "SHELL = /usr/bin/env bash -u" works. What
// the shell would do something special with has no such meaning in SHELL; if it is
// in .SHELLFLAGS, the default shell has to make sense of them. Under .ONESHELL,
// SHELL is one file name.
func shellArgv(text, shell, flags string, oneShell bool) []string {
	if oneShell {
		if isBourneShell(shell) {
			text = StripPrefixes(text)
		}
		words, plain := splitPlain(flags, false)
		if !plain {
			words = strings.Fields(flags)
		}
		argv := append([]string{shell}, words...)
		return append(argv, text)
	}
	text = dropBareNewlines(text)
	shell = escapeAll(shell, shellChars)
	words, plain := splitPlain(strings.TrimLeft(shell+" "+flags+" ", " "), false)
	if plain {
		return append(slices.Clip(words), text)
	}
	return []string{defaultShell, "-c", shell + " " + flags + " " + escape(text)}
}

// dropBareNewlines joins the lines of a command that has several, which only
// $(shell) and != can have: where GNU make needs a shell for it, it quotes each
// newline with a backslash, which the shell's reader takes away with it.
func dropBareNewlines(text string) string {
	if strings.IndexByte(text, '\n') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\n' || i > 0 && text[i-1] == '\\' {
			out = append(out, text[i])
		}
	}
	return string(out)
}

// escape quotes a text so that splitPlain and the shell read it as one word. An escaped
// newline stays bare: behind an escaped backslash it is a character of the word.
func escape(text string) string {
	lines := strings.Split(text, "\\\n")
	for i, line := range lines {
		lines[i] = escapeAll(line, "\\'\" \t\n\v\f\r"+shellChars)
	}
	return strings.Join(lines, "\\\\\n")
}

// escapeAll puts a backslash before each of some characters.
func escapeAll(text, chars string) string {
	if !strings.ContainsAny(text, chars) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(chars, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// isBourneShell tells from its name whether a shell understands the Bourne
// shell's language.
func isBourneShell(shell string) bool {
	switch shell[strings.LastIndexByte(shell, '/')+1:] {
	case "sh", "bash", "dash", "ksh", "rksh", "zsh", "ash":
		return true
	}
	return false
}

// StripPrefixes removes indentation and the prefixes @ - + from each logical
// line of a .ONESHELL recipe: they mean nothing to the shell.
func StripPrefixes(text string) string {
	var b strings.Builder
	escaped, start := false, true
	for i := 0; i < len(text); i++ {
		c := text[i]
		if start && strings.IndexByte(" \t-@+", c) >= 0 {
			continue
		}
		start = c == '\n' && !escaped
		escaped = c == '\\' && !escaped
		b.WriteByte(c)
	}
	return b.String()
}

// isNoop reports whether a start of a shell does nothing at all: the command
// ":", which people give to rules that only order others.
func isNoop(argv []string) bool {
	return len(argv) == 3 && argv[2] == ":" && isBourneShell(argv[0]) &&
		(argv[1] == "-c" || argv[1] == "-ec")
}
