package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache/labels"
	"fmake/exec"
	"fmake/exec/labelview"
)

// labelCheck runs a test with a label's files and with what is installed.
func labelCheck(p *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	test, dir := l.Test, l.TestDir
	if len(w.command) > 0 {
		test = w.command
		if dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	if len(test) == 0 {
		return errors.New("the label has no test; give one: -- COMMAND")
	}
	tellReplaced(l)
	c := &labelview.Command{Argv: test, Env: p.env, Dir: dir, Stdin: os.Stdin, Extra: exec.Inherited()}
	before, err := c.Run(s, []*labels.Label{l})
	if err != nil {
		return err
	}
	bare := *l
	bare.Entries = nil // what is left is that wrapped programs are not
	after, err := c.Run(s, []*labels.Label{&bare})
	if err != nil {
		return err
	}
	fmt.Printf("%s\nwith label %s: %s\nwith what is installed: %s\n", printable(strings.Join(test, " ")), l.Name, statusText(before), statusText(after))
	switch {
	case before != 0:
		fmt.Println("The test does not pass with the label either, so it says nothing.")
		return &saysNo{2}
	case after != 0:
		fmt.Println("The upgrade is not safe to take.")
		return &saysNo{1}
	}
	fmt.Printf("The upgrade is safe to take, as far as the test says: frun label release %s\n", l.Name)
	return nil
}

// statusText says how a test has ended.
func statusText(s unix.WaitStatus) string {
	switch {
	case s.Signaled():
		return "ended by signal " + unix.SignalName(s.Signal())
	case s.ExitStatus() != 0:
		return fmt.Sprintf("failed with status %d", s.ExitStatus())
	}
	return "passed"
}
