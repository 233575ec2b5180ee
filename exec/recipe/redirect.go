package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// redirState is what has become of the redirections of one command while it
// runs. Those of a simple command are opened when its words have been
// expanded; the interpreter asks for them before, and gets a placeholder.
type redirState struct {
	names    []string // of the files, by item
	first    int      // the first item that is a file
	out, err io.Writer
	failed   bool // of a compound command
}

// placeholder stands for a file that is not open.
type placeholder struct{}

func (placeholder) Read([]byte) (int, error)    { return 0, io.EOF }
func (placeholder) Write(b []byte) (int, error) { return len(b), nil }
func (placeholder) Close() error                { return nil }

// open is the interpreter's way to open files.
func (r *run) open(ctx context.Context, path string, _ int, _ os.FileMode) (f io.ReadWriteCloser, err error) {
	defer contain(&err)
	hc := interp.HandlerCtx(ctx)
	if path == markSubst {
		return newPipeEnd(hc.Stdout)
	}
	rest, ok := strings.CutPrefix(path, markRedir)
	if !ok {
		return nil, errors.New("redirection without a mark")
	}
	mark, name, _ := strings.Cut(rest, markEnd)
	setText, itemText, _ := strings.Cut(mark, ".")
	set, i := index(setText), index(itemText)
	static, state := &r.script.redir[set], &r.redir[set]
	if state.names == nil {
		state.names = make([]string, len(static.items))
		state.first = i
		for k := range i {
			if static.items[k].from < 0 {
				state.first = k
			}
		}
	}
	if i == state.first {
		state.out, state.err, state.failed = hc.Stdout, hc.Stderr, false
	}
	state.names[i] = name
	item := static.items[i]
	if static.compound {
		return r.openNow(hc, static.line, item, name, state)
	}
	if item.fd == 0 {
		return nil, nil
	}
	return placeholder{}, nil
}

// openNow opens a file for a compound command.
func (r *run) openNow(hc interp.HandlerContext, line int, item redirItem, name string, state *redirState) (io.ReadWriteCloser, error) {
	if state.failed {
		return placeholderFor(item), nil
	}
	f, err := r.openFile(hc.Dir, name, item.flag)
	if err != nil {
		state.failed = true
		r.complain(hc.Stderr, line, openMessage(item, name, err))
		return placeholderFor(item), nil
	}
	return f, nil
}

// openFile opens a file in the view. What umask leaves of 0666 is the mode of
// one that it makes.
func (r *run) openFile(dir, name string, flag int) (*os.File, error) {
	if name == "" {
		return nil, unix.ENOENT
	}
	f, err := r.view.Open(dir, name, flag, 0o666)
	if err == nil {
		r.outputs.opened(f, dir, name, flag)
	}
	return f, err
}

func placeholderFor(item redirItem) io.ReadWriteCloser {
	if item.fd == 0 {
		return nil
	}
	return placeholder{}
}

// openMessage is dash's message for a file that cannot be opened.
func openMessage(item redirItem, name string, err error) string {
	missing := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR)
	switch {
	case item.fd == 0 && missing:
		return "cannot open " + name + ": No such file"
	case item.fd == 0:
		return "cannot open " + name + ": " + errnoText(err)
	case missing:
		return "cannot create " + name + ": Directory nonexistent"
	}
	return "cannot create " + name + ": " + errnoText(err)
}

// complain writes a message as dash does.
func (r *run) complain(w io.Writer, line int, text string) {
	// Nobody could be told of an error here.
	message := fmt.Sprintf("%s: %d: %s\n", r.script.name, line, text)
	_, _ = io.WriteString(w, message)
	r.printed(file(w), message)
}

// printed tells of what was written to one of the script's own descriptors.
func (r *run) printed(f *os.File, text string) {
	switch {
	case r.io.Printed == nil || f == nil:
	case f == r.io.Out && f == os.Stdout:
		r.io.Printed(1, []byte(text))
	case f == r.io.Err && f == os.Stderr:
		r.io.Printed(2, []byte(text))
	}
}

// errnoText is the C library's text for a system error.
func errnoText(err error) string {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	switch errno {
	case unix.EACCES:
		return "Permission denied"
	case unix.ENOENT:
		return "No such file or directory"
	case unix.ETXTBSY:
		return "Text file busy"
	}
	// The kernel's names and the C library's differ in the first letter.
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// stdio is what one simple command reads and writes.
type stdio struct {
	in       *os.File
	out, err io.Writer
	opened   []*os.File
}

func (s *stdio) close(o *outputs) {
	for _, f := range s.opened {
		o.closed(f)
		_ = f.Close()
	}
}

// redirect opens the files of a simple command, in order, each error being
// told where standard error leads by then. The message of a failure is written
// before it returns false.
func (r *run) redirect(hc interp.HandlerContext, c *call) (*stdio, bool) {
	s := &stdio{out: hc.Stdout, err: hc.Stderr}
	if f, ok := hc.Stdin.(*os.File); ok {
		s.in = f
	}
	if c.redir < 0 {
		return s, true
	}
	static, state := &r.script.redir[c.redir], &r.redir[c.redir]
	if state.names == nil { // only duplications, which the interpreter made
		return s, true
	}
	s.out, s.err = state.out, state.err
	for i := state.first; i < len(static.items); i++ {
		item := static.items[i]
		if item.from >= 0 {
			*s.at(item.fd) = *s.at(item.from)
			continue
		}
		f, err := r.openFile(hc.Dir, state.names[i], item.flag)
		if err != nil {
			r.complain(s.err, c.line, openMessage(item, state.names[i], err))
			return s, false
		}
		s.opened = append(s.opened, f)
		if item.fd == 0 {
			s.in = f
		} else {
			*s.at(item.fd) = f
		}
	}
	return s, true
}

// at is the place of descriptor 1 or 2.
func (s *stdio) at(fd int) *io.Writer {
	if fd == 2 {
		return &s.err
	}
	return &s.out
}

// file is the open file behind a writer that the interpreter hands around.
func file(w io.Writer) *os.File {
	switch w := w.(type) {
	case *os.File:
		return w
	case *pipeEnd:
		return w.File
	}
	return nil
}
