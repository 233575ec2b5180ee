package main

import (
	"fmt"
	"io"
	"strings"
)

const helpBefore = `Usage: frun [OPTION]... [--] COMMAND [ARG]...
       frun label COMMAND [ARG]...   (see frun label --help)

Run COMMAND and remember what it read, wrote and printed. If everything that it looked at
is as it was, do not run it again: put back the files that it left, print what it printed,
and exit as it did. Nobody has to say what a command reads: it runs in a view of the file
system that sees that.

Options, which stand before COMMAND:
`

const helpAfter = `
What counts: the working directory and the words of the command; the content of each file
that it or a program which it started read; files that were looked for in vain; the names
in directories that it listed; links, modes; environment variables (see --env); and what
it finds on its standard input. A command that inherits other pipes to read from, as
"<(...)" of a shell is one, just runs.

Not what it learns from the clock, from devices or from other machines: a command that
runs curl, ssh, docker and their kind, that asks for the address of a host, that reads
nothing of the project, or that leaves files outside the project or in a temporary
directory, runs every time. So does one whose tool keeps its own state, as cargo and ninja
do, and one that writes to other descriptors than the first three.

Before a command runs again, what its last run left is taken out of its sight, as long as
it is still exactly that, so that each run is like the first.

Standard input, by --stdin:
  auto  A file counts by its content from where it stands. A pipe does not count for a
        command that leaves it alone; of one that reads it no result is kept. A terminal
        is not handed on: the command finds its input empty. With any other input, the
        command just runs.
  hash  It is read to its end first, and counts by its content.
  none  The command finds it empty, whatever it is.
  pass  The command gets it as it is, and just runs.

As a compiler's launcher: make CC="frun gcc", or cmake -DCMAKE_C_COMPILER_LAUNCHER=frun.
In a recipe of fmake, and in a command that frun runs, frun just runs the command: what it
does is part of what is recorded there.

Exit status: that of COMMAND, or the signal that ended it; 127 if it is not found, 126 if
it cannot be run, 125 if frun itself fails.

Environment: FMAKE_CACHE_DIR as --cache-dir; FMAKEFLAGS holds options that stand before
those of the command line, of which frun heeds those that fmake has, too.
`

// printHelp prints the whole help.
func printHelp(out io.Writer) {
	fmt.Fprint(out, helpBefore)
	for _, x := range table() {
		printOption(out, x)
	}
	fmt.Fprint(out, helpAfter)
}

// Columns of the list of options.
const (
	helpIndent = 22
	helpWidth  = 90
)

func printOption(out io.Writer, x option) {
	head := "  " + x.name
	switch {
	case x.values != nil:
		head += "=" + strings.Join(x.values, "|")
	case x.other != "":
		head += "[=" + x.arg + "]"
	case x.arg != "":
		head += "=" + x.arg
	}
	text := x.help
	if len(head) >= helpIndent {
		fmt.Fprintln(out, head)
		head = ""
	}
	line := head + strings.Repeat(" ", helpIndent-len(head)-1)
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > helpWidth {
			fmt.Fprintln(out, line)
			line = strings.Repeat(" ", helpIndent-1)
		}
		line += " " + word
	}
	fmt.Fprintln(out, line)
}
