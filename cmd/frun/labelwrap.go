package main

import (
	"fmt"
	"os"
	"path/filepath"

	"fmake/cache/labels"
	"fmake/exec/wrap"
)

// systemTrees is where the files of labels stand that root wraps programs with: all who
// run these have to be able to read them.
const systemTrees = "/var/lib/frun/labels"

// labelWrap wraps programs.
func labelWrap(p *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	stub, err := beside("frun-label")
	if err != nil {
		return err
	}
	if l.Tree == "" {
		if l.Tree, err = p.treeOf(l, w.lists["--tree"]); err != nil {
			return err
		}
	}
	return wrap.Wrap(s, l, stub, w.names[1:], w.set["--capability"])
}

// beside returns a program that is installed beside this one.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("it takes the program %s beside frun: %w", name, err)
	}
	return path, nil
}

// treeOf says where the files of a label are to stand.
func (p *program) treeOf(l *labels.Label, given []string) (string, error) {
	name := l.Name + "-" + fmt.Sprint(l.Made)
	switch {
	case len(given) > 1:
		return "", fmt.Errorf("option '--tree' takes one folder")
	case len(given) == 1:
		return filepath.Join(absolute(given[0]), name), nil
	case os.Geteuid() == 0:
		return filepath.Join(systemTrees, name), nil
	}
	dir, err := p.cacheDir()
	return filepath.Join(dir, "labels", "trees", name), err
}

// labelUnwrap puts programs back.
func labelUnwrap(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err != nil {
		return err
	}
	return unwrap(s, l, w.names[1:])
}

func unwrap(s *labels.Shelf, l *labels.Label, programs []string) error {
	replaced, err := wrap.Unwrap(s, l, programs)
	for _, program := range replaced {
		warn(program + " was replaced since it was wrapped, and is left as it is")
	}
	return err
}

// labelRelease takes an upgrade: programs run with what is installed from now on.
func labelRelease(_ *program, s *labels.Shelf, w *labelWords) error {
	l, err := s.Load(w.names[0])
	if err == nil && len(l.Wrapped) > 0 {
		err = unwrap(s, l, nil)
	}
	if err != nil {
		return err
	}
	return s.Remove(l.Name)
}

// tellReplaced says which wrapped programs are not wrapped any more.
func tellReplaced(l *labels.Label) {
	for _, program := range l.Wrapped {
		switch wrap.StateOf(program) {
		case wrap.Replaced:
			warn(program + " was replaced since it was wrapped with label " + l.Name + ", as an upgrade does, and runs without it; unwrap it, and wrap it again if it still needs the label")
		case wrap.Missing:
			warn(program + ", which was wrapped with label " + l.Name + ", is gone")
		}
	}
}
