// Package tasks lists what a makefile offers: its targets, and the tasks among them that
// somebody has documented.
//
// A task is a target of an explicit rule with a comment: behind "##" on the line of the
// rule, as many makefiles have it for a home-made help target, or, for phony targets, in
// the lines right above it.
package tasks

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fmake/makefile"
)

// Targets lists the names of all targets that a person may want to make: no special or
// built-in ones, no pattern. Every shell's completion asks for them.
func Targets(db *makefile.Database) []string {
	var names []string
	for _, f := range db.Files() {
		if f.IsTarget && !f.Builtin && f.Renamed == nil && !isSpecial(f.Name) && !isMakefile(db, f) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isSpecial is true for names like .PHONY and .c.o.
func isSpecial(name string) bool {
	return name == "" || name[0] == '.' && !strings.Contains(name, "/")
}

// isMakefile is true for included files that a rule makes.
func isMakefile(db *makefile.Database, f *makefile.File) bool {
	return slices.ContainsFunc(db.ReadFiles, func(g *makefile.GoalDep) bool { return g.File == f })
}

// Task is a documented target.
type Task struct {
	Name, Text string
}

// Find lists the tasks in the order in which the makefiles have them; read gives the
// text of a makefile.
func Find(db *makefile.Database, read func(name string) ([]byte, error)) []Task {
	var out []Task
	seen := make(map[string]bool)
	for _, g := range db.ReadFiles {
		if g.File == nil || g.Err != nil {
			continue
		}
		text, err := read(g.File.Name)
		if err != nil {
			continue // it was a pipe, or is gone
		}
		for _, t := range scan(string(text)) {
			f := db.Lookup(t.Name)
			if f == nil || !f.IsTarget || isSpecial(t.Name) || !t.marked && !f.Phony || seen[t.Name] {
				continue
			}
			seen[t.Name] = true
			out = append(out, t.Task)
		}
	}
	return out
}

// found is a line that looks like a documented rule.
type found struct {
	Task
	marked bool // by ##
}

// scan finds the documented rules in the text of a makefile. It need not understand the
// rest of it: what is no target is left out later.
func scan(text string) []found {
	var out []found
	var comment []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			comment = append(comment, strings.TrimSpace(strings.TrimLeft(rest, "#")))
			continue
		}
		if strings.HasPrefix(line, ".PHONY") && len(comment) > 0 {
			continue // the rule stands below
		}
		out = append(out, documented(line, comment)...)
		comment = nil
	}
	return out
}

// documented is what a line documents, given the comment above it.
func documented(line string, comment []string) []found {
	names, ok := ruleTargets(line)
	if !ok {
		return nil
	}
	text, marked := strings.TrimSpace(strings.Join(comment, " ")), false
	if i := strings.Index(line, "##"); i >= 0 {
		text, marked = strings.TrimSpace(line[i+2:]), true
	}
	if text == "" {
		return nil
	}
	out := make([]found, 0, len(names))
	for _, n := range names {
		out = append(out, found{Task{n, text}, marked})
	}
	return out
}

// ruleTargets gives the targets of a line that begins a rule.
func ruleTargets(line string) (names []string, ok bool) {
	if line == "" || line[0] == '\t' || line[0] == ' ' {
		return nil, false
	}
	i := strings.IndexByte(line, ':')
	if i <= 0 || strings.ContainsAny(line[:i], "=$%#") || strings.HasPrefix(strings.TrimLeft(line[i:], ":"), "=") {
		return nil, false
	}
	return strings.Fields(line[:i]), true
}

// widest is the width of the column of names, unless one is longer.
const widest = 24

// Print shows tasks to a person.
func Print(out io.Writer, tasks []Task) {
	width := 0
	for _, t := range tasks {
		width = max(width, min(len(t.Name), widest))
	}
	for _, t := range tasks {
		fmt.Fprintf(out, "%-*s  %s\n", width, t.Name, t.Text)
	}
}
