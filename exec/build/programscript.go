package build

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
	"fmake/exec/recipe"
)

// A script of the shell that the recipe's own interpreter can run is run by it, so that the
// programs which the script starts are told apart as well. All others are programs.

// maxScriptFile bounds the files that are looked into.
const maxScriptFile = 64 << 10

// script returns the script that a program is, nil if it is none, or one that only the shell
// itself can run.
func (ps *programs) script(c *proc.Command) *recipe.Script {
	if !ps.dash || len(c.Args) == 0 || len(c.Extra) > 0 {
		return nil
	}
	shell := c.Args[0] == "sh" || c.Args[0] == "/bin/sh"
	switch {
	case shell && (len(c.Args) < 2 || strings.HasPrefix(c.Args[1], "-") || strings.HasPrefix(c.Args[1], "+")):
		return nil
	case shell && filepath.Base(c.Path) == "sh" && !ps.inProject(c.Dir, c.Path):
		return ps.parse(c.Dir, c.Args[1], false)
	case !shell && ps.inProject(c.Dir, c.Path):
		return ps.parse(c.Dir, c.Path, true)
	}
	return nil
}

func (ps *programs) inProject(dir, name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return ps.b.sp.inProject(filepath.Clean(name))
}

// parse reads a script. One that the kernel starts names the shell in its first line.
func (ps *programs) parse(dir, name string, named bool) *recipe.Script {
	f, err := ps.whole.Open(dir, name, os.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxScriptFile+1))
	if err != nil || len(text) > maxScriptFile {
		return nil
	}
	if first, _, _ := strings.Cut(string(text), "\n"); named && strings.Join(strings.Fields(first), "") != "#!/bin/sh" {
		return nil
	}
	s, err := recipe.ParseFile(string(text), name)
	if err != nil {
		return nil
	}
	return s
}

// interpret runs a script.
func (ps *programs) interpret(s *recipe.Script, c *proc.Command, run runner) proc.Process {
	ctx, cancel := context.WithCancelCause(context.Background())
	x := &script{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(x.done)
		defer cancel(nil)
		std := recipe.Stdio{In: c.Stdin, Out: c.Stdout, Err: c.Stderr}
		x.status, x.err = recipe.RunScript(ctx, s, std, c.Env, c.Dir, ps.whole)
		if errors.Is(x.err, recipe.ErrUnsuitable) {
			x.status, x.err = ps.runShell(c, run)
		}
	}()
	return x
}

// runShell runs a script that the interpreter does not take after all.
func (ps *programs) runShell(c *proc.Command, run runner) (unix.WaitStatus, error) {
	p, err := ps.program(c, run)
	if err != nil {
		return unix.WaitStatus(126 << 8), nil
	}
	status, _, err := p.Wait()
	return status, err
}

// script is the process of a script that is interpreted.
type script struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
	status unix.WaitStatus
	err    error
}

// Pid implements proc.Process.
func (*script) Pid() int { return os.Getpid() }

// Signal implements proc.Process: what runs of the script gets it, and then nothing more
// runs.
func (x *script) Signal(sig unix.Signal) error {
	x.cancel(recipe.Interrupted{Signal: sig})
	return nil
}

// Wait implements proc.Process.
func (x *script) Wait() (unix.WaitStatus, unix.Rusage, error) {
	<-x.done
	return x.status, unix.Rusage{}, x.err
}
