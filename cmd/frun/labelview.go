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
	"fmake/tracefs"
)

// underLabels runs the command in a view in which processes have labels, and ends as it
// has ended.
func (p *program) underLabels() {
	list, s, err := p.wantedLabels()
	if err == nil && tracefs.InView() {
		err = errors.New("there are no labels in a view: this runs in one already")
	}
	if err != nil {
		fail(err)
	}
	if len(p.words) == 1 && p.words[0] == "shell" && !p.o.plain {
		p.words = []string{p.shell()}
	}
	dir, err := unix.Getwd()
	if err != nil {
		fail(fmt.Errorf("the working directory: %w", err))
	}
	c := &labelview.Command{
		Argv: p.words, Env: p.env, Dir: dir, Stdin: os.Stdin, Extra: exec.Inherited(),
		Strict: p.o.strict, Said: func(text string) { fmt.Fprintln(os.Stderr, "frun: "+text) },
	}
	status, err := c.Run(s, list)
	if err != nil {
		fail(err)
	}
	exec.DieAs(status)
}

// shell is the user's.
func (p *program) shell() string {
	if sh := lookup(p.env, "SHELL"); sh != "" {
		return sh
	}
	return "/bin/sh"
}

// wantedLabels reads the labels that are to be seen.
func (p *program) wantedLabels() (list []*labels.Label, s *labels.Shelf, err error) {
	dir, err := p.cacheDir()
	if err != nil {
		return nil, nil, err
	}
	s = labels.Open(dir)
	names := strings.Split(p.o.labels, ",")
	if p.o.labels == "all" {
		if names, err = s.Names(); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		l, err := s.Load(name)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, l)
	}
	return list, s, nil
}
