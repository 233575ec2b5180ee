package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// mostLinks is how many recipes are listed that read a file: a common header may have
// thousands. JSON has them all.
const mostLinks = 20

// Print shows an answer to a person.
func (a *Answer) Print(out io.Writer) {
	fmt.Fprintln(out, a.Sentence)
	printReasons(out, a.Why, "  ")
	a.printMiss(out)
	printLinks(out, "Written by", a.WrittenBy)
	printLinks(out, "Read by", a.ReadBy)
	if a.Run == nil {
		return
	}
	a.Run.print(out)
	for _, g := range a.Inputs {
		fmt.Fprintf(out, "%s: %d\n", g.Title, g.Count)
		for _, line := range g.Shown {
			fmt.Fprintln(out, "  "+line)
		}
	}
	printNames(out, "Undeclared inputs", a.Undeclared)
	printNames(out, "Declared but not read", a.Unread)
	printNames(out, "Environment variables that count", a.Env)
	a.printOutputs(out)
}

// printReasons shows a tree, each reason indented under what it is the reason of.
func printReasons(out io.Writer, reasons []Reason, indent string) {
	for _, r := range reasons {
		fmt.Fprintln(out, indent+strings.ReplaceAll(r.Text, "\n", "\n"+indent))
		if len(r.Words) > 0 {
			fmt.Fprintln(out, indent+"  "+FormatWords(r.Words))
		}
		printReasons(out, r.Why, indent+"  ")
	}
}

func (a *Answer) printMiss(out io.Writer) {
	if a.Miss == nil {
		return
	}
	fmt.Fprintln(out, a.Miss.Text)
	printReasons(out, a.Miss.Differ, "  ")
}

func printLinks(out io.Writer, title string, links []Link) {
	if len(links) == 0 {
		return
	}
	fmt.Fprintf(out, "%s: %d\n", title, len(links))
	for i, l := range links {
		if i == mostLinks {
			fmt.Fprintf(out, "  and %d more\n", len(links)-i)
			return
		}
		fmt.Fprintln(out, "  "+l.text())
	}
}

func (l *Link) text() string {
	text := l.Target
	if l.Make != "" {
		text += " (of the make in " + l.Make + ")"
	}
	text += ", whose recipe " + l.How
	if l.By != "" {
		text += " with " + l.By
	}
	return text
}

func (r *Run) print(out io.Writer) {
	fmt.Fprintln(out, r.Text)
	for _, n := range r.Notes {
		fmt.Fprintln(out, n)
	}
	if r.Recipe != "" {
		fmt.Fprintf(out, "Recipe:\n  %s\n", strings.ReplaceAll(r.Recipe, "\n", "\n  "))
	}
	if len(r.Procs) > 0 {
		fmt.Fprintln(out, "Processes:")
		printProcs(out, r.Procs, "  ")
	}
}

func printProcs(out io.Writer, procs []Proc, indent string) {
	for i := range procs {
		p := &procs[i]
		sets := ""
		if len(p.Sets) > 0 {
			sets = ", sets " + strings.Join(p.Sets, " ")
		}
		fmt.Fprintf(out, "%s%s (opened %d, wrote %d%s)\n", indent, Clip(strings.Join(p.Argv, " ")), p.Reads, p.Writes, sets)
		printProcs(out, p.Children, indent+"  ")
	}
}

func printNames(out io.Writer, title string, names []string) {
	if len(names) == 0 {
		return
	}
	names = slices.Sorted(slices.Values(names))
	fmt.Fprintf(out, "%s: %s\n", title, strings.Join(slices.Compact(names), " "))
}

func (a *Answer) printOutputs(out io.Writer) {
	if len(a.Outputs) == 0 {
		return
	}
	fmt.Fprintf(out, "Outputs: %d\n", len(a.Outputs))
	for _, o := range a.Outputs {
		state := ""
		if !o.AsIs {
			state = " (not as it was left)"
		}
		fmt.Fprintf(out, "  %s%s\n", o.Text, state)
	}
}

// Clip shortens a text that is too long for a line.
func Clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
