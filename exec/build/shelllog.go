package build

import (
	"sort"
	"strings"
)

// ShellLog remembers what $(shell) commands printed while makefiles were read,
// so that text which changes by time alone (the date) is no reason to run a
// recipe again. The zero value is ready; a nil ShellLog knows of no command.
type ShellLog struct {
	seen     map[string]string // printed text -> command
	replacer *strings.Replacer
}

// Ran is told of each $(shell) command and what it put into the makefile.
func (l *ShellLog) Ran(command, printed string) {
	if len(printed) < 2 || !isVolatile(command) {
		return
	}
	if l.seen == nil {
		l.seen = make(map[string]string)
	}
	l.seen[printed] = command
	l.replacer = nil
}

// neutral returns text with everything that volatile commands printed replaced
// by the command.
func (l *ShellLog) neutral(text string) string {
	if l == nil || len(l.seen) == 0 {
		return text
	}
	if l.replacer == nil {
		l.replacer = strings.NewReplacer(l.pairs()...)
	}
	return l.replacer.Replace(text)
}

// pairs lists the replacements, longest first, because the replacer prefers
// earlier ones.
func (l *ShellLog) pairs() []string {
	texts := make([]string, 0, len(l.seen))
	for t := range l.seen {
		texts = append(texts, t)
	}
	sort.Slice(texts, func(i, j int) bool {
		if len(texts[i]) != len(texts[j]) {
			return len(texts[i]) > len(texts[j])
		}
		return texts[i] < texts[j]
	})
	var out []string
	for _, t := range texts {
		out = append(out, t, "$(shell "+l.seen[t]+")")
	}
	return out
}

// isVolatile reports whether a command's output depends on the time or on
// chance: it runs one of the documented programs.
func isVolatile(command string) bool {
	volatile := setOf(volatileWords())
	for _, c := range commandWords(command) {
		word, _, _ := strings.Cut(c, " ")
		if volatile[word[strings.LastIndexByte(word, '/')+1:]] {
			return true
		}
	}
	return strings.Contains(command, "$RANDOM") || strings.Contains(command, "$$")
}
