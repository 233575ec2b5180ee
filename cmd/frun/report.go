package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/build"
)

// report prints what is asked for instead of a run, and ends.
func (p *program) report(c *build.Command) {
	out := bufio.NewWriter(os.Stdout)
	var err error
	switch {
	case p.o.explain:
		c.Judge()
		c.Explain(out)
		if why := p.untold(); why != "" {
			fmt.Fprintf(out, "As it was started now, it would just run, because %s.\n", why)
		}
	case p.o.dryRun:
		c.Judge()
		c.Summary(out)
	default:
		err = p.list(out, c.Last())
	}
	closeCommand(c)
	if err := errors.Join(err, out.Flush()); err != nil {
		fail(err)
	}
	os.Exit(0)
}

// list prints inputs and outputs of the last run.
func (p *program) list(out *bufio.Writer, t *cache.Trace) error {
	if t == nil {
		return errors.New("nothing is known of an earlier run of this command")
	}
	if p.o.json {
		return p.listJSON(out, t)
	}
	if p.o.inputs {
		for i := range t.Inputs {
			fmt.Fprintf(out, "%-9s %s\n", inputWord(&t.Inputs[i]), printable(t.Inputs[i].Path))
		}
	}
	if p.o.outputs {
		for i := range t.Outputs {
			fmt.Fprintf(out, "%-9s %s\n", outputWord(&t.Outputs[i]), printable(t.Outputs[i].Path))
		}
	}
	return nil
}

// printable quotes a path that would not stand in one line.
func printable(path string) string {
	if q := strconv.Quote(path); q != `"`+path+`"` {
		return q
	}
	return path
}

// inputWord says what of a path was looked at.
func inputWord(in *cache.Input) string {
	switch in.Kind {
	case cache.InputAbsent:
		return "missed"
	case cache.InputContent:
		return "read"
	case cache.InputListing:
		return "listed"
	case cache.InputLink:
		return "followed"
	}
	return "found"
}

// outputWord says what was done to a path.
func outputWord(o *cache.Output) string {
	switch o.Type {
	case 0:
		return "removed"
	case unix.S_IFDIR:
		return "directory"
	case unix.S_IFLNK:
		return "link"
	case cache.TypeSegment:
		return "appended"
	}
	return "wrote"
}
