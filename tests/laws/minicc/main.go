// Command minicc is the compiler of the generated projects: fast, without a
// state of its own, and a function of exactly the files it opens.
//
//	minicc -c -o x.o [-MD x.d] [-DNAME[=TEXT]]... [-IDIR]... x.c
//	minicc -o prog a.o lib.a ...
//
// A source is a sequence of lines: include "NAME" (looked for beside the
// including file, then in each -I folder; it must exist), maybe "NAME" (left
// out where absent), ifdef/ifndef NAME, else, endif, define NAME TEXT,
// warning TEXT, error TEXT, and "#" comments. Every other line is emitted with
// defined words replaced. A file is included once. No path of the file system
// gets into an object, so that a build in another folder has the same bytes.
//
// Like many real tools it writes its output as it goes: what a failed or killed
// run leaves behind is half a file.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	if err == nil && o.compile {
		err = compile(o)
	} else if err == nil {
		err = link(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "minicc:", err)
		os.Exit(1)
	}
}

// options is a parsed command line.
type options struct {
	compile bool
	out     string
	deps    string // the file named by -MD
	defines map[string]string
	dirs    []string
	inputs  []string
}

func parseOptions(args []string) (options, error) {
	o := options{defines: map[string]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "-c":
			o.compile = true
		case (arg == "-o" || arg == "-MD") && len(args) > 0:
			if arg == "-o" {
				o.out = args[0]
			} else {
				o.deps = args[0]
			}
			args = args[1:]
		case strings.HasPrefix(arg, "-D"):
			name, text, found := strings.Cut(arg[2:], "=")
			if !found {
				text = "1"
			}
			o.defines[name] = text
		case strings.HasPrefix(arg, "-I"):
			o.dirs = append(o.dirs, arg[2:])
		case strings.HasPrefix(arg, "-"):
			return o, fmt.Errorf("unknown option %s", arg)
		default:
			o.inputs = append(o.inputs, arg)
		}
	}
	if o.out == "" || len(o.inputs) == 0 {
		return o, fmt.Errorf("no input or no output")
	}
	return o, nil
}
