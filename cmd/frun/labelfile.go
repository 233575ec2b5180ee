package main

import (
	"fmt"
	"os"

	"fmake/cache/labels"
)

// labelRename gives a label another name.
func labelRename(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	if err := unwrapped(l); err != nil {
		return err
	}
	return s.Rename(w.names[0], w.names[1])
}

// labelRemove forgets labels.
func labelRemove(_ *program, s *labels.Shelf, w *labelWords) error {
	for _, name := range w.names {
		l, err := s.Load(name)
		if err != nil {
			return err
		}
		if err := unwrapped(l); err != nil {
			return err
		}
		if err := s.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// unwrapped returns an error if there are wrappers that need the label.
func unwrapped(l *labels.Label) error {
	if len(l.Wrapped) == 0 {
		return nil
	}
	return fmt.Errorf("%s is wrapped with label %s; 'frun label unwrap' or 'frun label release' first", l.Wrapped[0], l.Name)
}

// labelExport writes a label with its contents to a file. It is not left half written.
func labelExport(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	name := w.names[1]
	if name == "-" {
		return s.Export(l, os.Stdout)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("export label %s: %w", l.Name, err)
	}
	err = s.Export(l, f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(name)
	}
	return err
}

// labelImport reads one.
func labelImport(_ *program, s *labels.Shelf, w *labelWords) error {
	f := os.Stdin
	if w.names[0] != "-" {
		var err error
		if f, err = os.Open(w.names[0]); err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close()
	}
	l, err := s.Import(f)
	if err != nil {
		return fmt.Errorf("import %s: %w", w.names[0], err)
	}
	fmt.Printf("label %s: %s\n", l.Name, summary(l))
	return nil
}
