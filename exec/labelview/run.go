// Package labelview runs a command in a view in which the processes of applications find
// the libraries of their labels.
//
// # Model
//
// The view passes everything through, and records nothing. The command has the terminal,
// the descriptors and the directory of whoever starts it. What it leaves running goes on
// in the view, which lives as long as the last process in it.
package labelview

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fmake/cache/labels"
	"fmake/exec"
	"fmake/exec/recipe"
	"fmake/exec/wrap"
	"fmake/tracefs"
)

// Command is a command that runs in such a view.
type Command struct {
	Argv   []string
	Env    []string
	Dir    string
	Stdin  *os.File
	Extra  []exec.ExtraFile // descriptors besides the first three
	Strict bool             // a process may not take two labels that disagree
	Said   func(text string)
}

// Run runs it and returns how it has ended. If it could not be started, the error is an
// *exec.StartError, and a *tracefs.ErrUnavailable if there can be no view.
func (c *Command) Run(s *labels.Shelf, list []*labels.Label) (unix.WaitStatus, error) {
	spec := tracefs.ViewSpec{ID: c.Argv[0], Dir: c.Dir, Strict: c.Strict}
	for _, l := range list {
		m, err := translate(s, l)
		if err != nil {
			return 0, err
		}
		spec.Labels = append(spec.Labels, m)
	}
	e, err := tracefs.Start(context.Background(), tracefs.Config{System: tracefs.WholeView, Stderr: os.Stderr, Said: c.Said})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	v, err := e.NewView(spec)
	if err != nil {
		return 0, err
	}
	stdio := recipe.Stdio{In: c.Stdin, Out: os.Stdout, Err: os.Stderr, Extra: c.Extra}
	status, err := exec.Attend(func() (exec.Process, error) {
		p, err := exec.StartProgram(starter{view: v}, c.Argv, stdio, c.Env, c.Dir)
		if err != nil {
			return nil, &exec.StartError{Command: c.Argv[0], Err: err}
		}
		return p, nil
	})
	_, finished := v.Finish()
	if errors.As(err, new(*exec.StartError)) {
		return 0, err // what matters is why it did not start
	}
	return status, errors.Join(err, finished)
}

// starter starts programs in a view. They are found as they are outside of it.
type starter struct {
	exec.HostView
	view *tracefs.View
}

// Start implements exec.Starter.
func (s starter) Start(c *exec.Command) (exec.Process, error) {
	cmd := &tracefs.Command{
		Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
	}
	for _, x := range c.Extra {
		cmd.Extra = append(cmd.Extra, tracefs.ExtraFile{FD: x.FD, File: x.File})
	}
	p, err := s.view.Start(cmd)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// translate says what the view has to know of a label.
func translate(s *labels.Shelf, l *labels.Label) (tracefs.Label, error) {
	m := tracefs.Label{Name: l.Name}
	for _, app := range l.Apps {
		// As the kernel names it; what is not there now may come.
		if real, err := filepath.EvalSymlinks(app); err == nil {
			app = real
		}
		m.Apps = append(m.Apps, app)
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		v := tracefs.LabelEntry{Path: e.Path, UID: e.UID, GID: e.GID, Size: e.Size, Mtime: e.Mtime, Text: e.Text}
		if e.Kind != labels.Absent {
			v.Mode = e.Kind.Type() | e.Mode
		}
		if e.Kind == labels.File {
			v.Content = s.Blobs.Path(e.Hash)
			if st, err := os.Stat(v.Content); err != nil || st.Size() != e.Size {
				return m, fmt.Errorf("label %s: the content of %s is lost", l.Name, e.Path)
			}
		}
		m.Entries = append(m.Entries, v)
	}
	for _, program := range l.Wrapped {
		if v, ok := unwrapped(program); ok {
			m.Apps = append(m.Apps, program)
			m.Entries = append(m.Entries, v)
		}
	}
	return m, nil
}

// unwrapped shows a wrapped program itself to who has its label: the wrapper, which has
// taken the label when it was executed, has nothing to do then but to execute it.
func unwrapped(program string) (v tracefs.LabelEntry, ok bool) {
	var st unix.Stat_t
	if wrap.StateOf(program) != wrap.Wrapped || unix.Lstat(wrap.Kept(program), &st) != nil {
		return v, false
	}
	return tracefs.LabelEntry{
		Path: program, Mode: st.Mode, UID: st.Uid, GID: st.Gid, Size: st.Size, Mtime: st.Mtim.Nano(), Content: wrap.Kept(program),
	}, true
}
