package recipe

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
)

// View is what the interpreter needs of the file system and the process table
// as an action meets them. Relative names are relative to dir.
type View interface {
	Start(c *proc.Command) (proc.Process, error)
	LookPath(name, path, dir string) (string, error)
	Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error)
	Stat(dir, name string) (unix.Stat_t, error)
	Lstat(dir, name string) (unix.Stat_t, error)
	ReadDir(dir, name string) ([]string, error)
	Readlink(dir, name string) (string, error)
	Access(dir, name string, mode uint32) error
}

// ErrUnsuitable is returned by RunScript before anything of the script ran: it
// met an environment in which it cannot promise dash's behaviour. The line has
// to take the road Shell, with the plan's Argv.
var ErrUnsuitable = errors.New("script cannot run in process")

// Stdio is what a script's commands inherit.
type Stdio struct {
	In, Out, Err *os.File
	Extra        []proc.ExtraFile // for every program: the jobserver
}

// Script is a script that Parse accepted.
type Script struct{}

// Parse reads a script and accepts it only if RunScript can run it as dash
// would. The error says what was in the way.
func Parse(text string) (*Script, error) { return nil, errors.New("not yet") }

// RunScript runs an accepted script in dir.
func RunScript(ctx context.Context, s *Script, io Stdio, env []string, dir string, v View) (unix.WaitStatus, error) {
	return 0, ErrUnsuitable
}

// IsDash reports whether /bin/sh is dash.
func IsDash(v View) bool { return false }
