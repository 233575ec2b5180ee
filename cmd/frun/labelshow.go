package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"fmake/cache/labels"
)

// summary says in a few words what a label holds.
func summary(l *labels.Label) string {
	var size int64
	for _, n := range l.Contents() {
		size += n
	}
	paths := "1 path"
	if n := len(l.Entries); n != 1 {
		paths = fmt.Sprintf("%d paths", n)
	}
	return fmt.Sprintf("%s with %s for %s", paths, bytesText(size), strings.Join(l.Apps, ", "))
}

// bytesText says how much that is.
func bytesText(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "GB"}, {1 << 20, "MB"}, {1 << 10, "kB"}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// labelList lists all labels. One that cannot be read is no reason to hide the others.
func labelList(_ *program, s *labels.Shelf, _ *labelWords) error {
	names, err := s.Names()
	if err != nil {
		return err
	}
	var bad error
	for _, name := range names {
		l, err := s.Load(name)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		fmt.Printf("%-20s %s\n", l.Name, summary(l))
		tellReplaced(l)
	}
	return bad
}

// labelShow prints a label.
func labelShow(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "label %s of %s: %s\n", l.Name, time.Unix(l.Made, 0).Format("2006-01-02 15:04"), summary(l))
	if len(l.Test) > 0 {
		fmt.Fprintf(out, "test: %s, in %s\n", printable(strings.Join(l.Test, " ")), printable(l.TestDir))
	}
	for _, program := range l.Wrapped {
		fmt.Fprintln(out, "wrapped: "+printable(program))
	}
	for i := range l.Entries {
		fmt.Fprintln(out, entryText(&l.Entries[i]))
	}
	err = out.Flush()
	tellReplaced(l)
	return errors.Join(err, s.Verify(l))
}

// entryText is an entry as a line.
func entryText(e *labels.Entry) string {
	text := fmt.Sprintf("%-6s %04o %d:%d %s", e.Kind, e.Mode, e.UID, e.GID, printable(e.Path))
	switch e.Kind {
	case labels.Absent:
		return fmt.Sprintf("%-6s %s", e.Kind, printable(e.Path))
	case labels.File:
		return text + fmt.Sprintf(" %d bytes %s", e.Size, e.Hash.Short())
	case labels.Link:
		return text + " -> " + printable(e.Text)
	}
	return text
}

// labelDiff prints what is installed otherwise.
func labelDiff(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	differences := l.Compare()
	for _, d := range differences {
		fmt.Printf("%s: %s\n", printable(d.Path), d.What)
	}
	if len(differences) > 0 {
		return &saysNo{1}
	}
	return nil
}
