package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"fmake/cache/labels"
)

// labelAdd makes a label.
func labelAdd(p *program, s *labels.Shelf, w *labelWords) error {
	if err := labels.CheckName(w.names[0]); err != nil {
		return err
	}
	if err := checkAdd(w); err != nil {
		return err
	}
	l := &labels.Label{Name: w.names[0], Made: time.Now().Unix(), Test: w.command}
	var err error
	for _, path := range w.lists["--app"] {
		app, err := labels.Resolve(path)
		if err == nil {
			_, err = os.Stat(app)
		}
		if err != nil {
			return fmt.Errorf("application: %w", err)
		}
		l.Apps = append(l.Apps, app)
	}
	if len(l.Test) > 0 {
		if l.TestDir, err = os.Getwd(); err != nil {
			return err
		}
	}
	f := s.Freezer()
	if err := freeze(f, w); err != nil {
		return err
	}
	if w.set["--from-run"] {
		if err := p.freezeRun(f, l, w); err != nil {
			return err
		}
	}
	if l.Entries = f.Entries(); len(l.Entries) == 0 {
		return errors.New("there is nothing to keep for the application")
	}
	if err := s.Add(l); err != nil {
		return err
	}
	fmt.Printf("label %s: %s\n", l.Name, summary(l))
	return nil
}

// checkAdd finds what does not go together.
func checkAdd(w *labelWords) error {
	run := w.set["--from-run"]
	switch {
	case len(w.lists["--app"]) == 0:
		return errors.New("no application is given: --app PATH")
	case run && len(w.command) == 0:
		return errors.New("option '--from-run' needs a command: -- COMMAND")
	case !run && len(w.lists["--lib"]) == 0:
		return errors.New("nothing is given to keep for the application: --lib PATH, or --from-run")
	case !run && len(w.lists["--only"])+len(w.lists["--except"]) > 0:
		return errors.New("options '--only' and '--except' go with '--from-run' only")
	}
	return checkPatterns(slices.Concat(w.lists["--only"], w.lists["--except"]))
}

// freeze keeps what is named.
func freeze(f *labels.Freezer, w *labelWords) error {
	for _, path := range w.lists["--lib"] {
		if err := f.Add(path); err != nil {
			return fmt.Errorf("library: %w", err)
		}
	}
	for _, path := range w.lists["--absent"] {
		if err := f.AddAbsent(path); err != nil {
			return fmt.Errorf("nothing should be there: %w", err)
		}
	}
	return nil
}
