package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"

	"fmake/exec/proc"
)

// The marks that the checker leaves in the tree for the handlers. Parse
// refuses texts that hold such characters.
const (
	markCall  = "\x01"     // + index: the simple command's entry in Script.calls
	markGuard = "\x02"     // + index: did the redirections of a compound succeed
	markRedir = "\x03"     // + set.item + markEnd: before a redirection's word
	markSubst = "\x04pipe" // the standard output of a command substitution
	markEnd   = "\x05"
)

// ErrUnsuitable is returned by RunScript before anything of the script ran: it
// met an environment in which it cannot promise dash's behaviour. The line has
// to take the road Shell, with the plan's Argv.
var ErrUnsuitable = errors.New("script cannot run in process")

// Interrupted is a cause of a context's cancellation that says which signal
// running programs get. Without it they get SIGTERM.
type Interrupted struct{ Signal unix.Signal }

// Error implements error.
func (i Interrupted) Error() string { return "interrupted: " + i.Signal.String() }

// Stdio is what a script's commands inherit.
type Stdio struct {
	In, Out, Err *os.File
	Extra        []proc.ExtraFile // for every program: the jobserver
	// Printed is told what builtins write to standard output (1) and standard error (2)
	// where these are the process's own. It may be nil.
	Printed func(stream int, data []byte)
}

// run is one run of a script. The handlers of the elements of a pipeline run
// concurrently, but no command of a script runs more than once at a time, so
// that the entries of redir need no lock.
type run struct {
	script  *Script
	view    View
	io      Stdio
	env     *environ
	redir   []redirState
	outputs outputs
	// pipe is set when the shell itself, not a subshell, died of SIGPIPE.
	pipe bool
}

// RunScript runs an accepted script in dir, as `dash -c` under the name
// /bin/sh would, and returns how that process would have ended. When ctx is
// cancelled, programs that run get a signal (see Interrupted) and nothing more
// is started.
func RunScript(ctx context.Context, s *Script, std Stdio, env []string, dir string, v View) (ws unix.WaitStatus, err error) {
	defer contain(&err)
	base, err := newEnviron(env, s)
	if err != nil {
		return 0, err
	}
	pwd, err := logicalDir(base, dir)
	if err != nil {
		return 0, err
	}
	r := &run{script: s, view: v, io: std, env: base, redir: make([]redirState, len(s.redir))}
	runner, err := interp.New(
		interp.Env(base),
		// The option Dir would look at the directory behind the view's back.
		func(i *interp.Runner) error { i.Dir = pwd; return nil },
		interp.StdIO(std.In, std.Out, std.Err),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return r.exec }),
		interp.OpenHandler(r.open),
		interp.ReadDirHandler2(r.readDir),
		interp.StatHandler(r.stat),
		interp.AccessHandler(r.access),
	)
	if err != nil {
		return 0, fmt.Errorf("start interpreter: %w", err)
	}
	return r.result(ctx, runner.Run(ctx, s.file))
}

// contain turns a panic into an error. The interpreter runs the left side of a
// pipe in a goroutine of its own, so that every handler has to contain its
// panics too.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("interpreter failed: %v", p)
	}
}

func (r *run) result(ctx context.Context, err error) (unix.WaitStatus, error) {
	var status interp.ExitStatus
	switch {
	case r.pipe:
		return unix.WaitStatus(unix.SIGPIPE), nil
	case err == nil:
		return 0, nil
	case ctx.Err() != nil: // the signal ends the shell too, whatever its command made of it
		return unix.WaitStatus(signalOf(ctx)), nil
	case errors.As(err, &status):
		return unix.WaitStatus(uint32(status) << 8), nil
	}
	return unix.WaitStatus(1 << 8), fmt.Errorf("run script: %w", err)
}

// signalOf is the signal for programs that run when ctx is cancelled.
func signalOf(ctx context.Context) unix.Signal {
	var i Interrupted
	if errors.As(context.Cause(ctx), &i) {
		return i.Signal
	}
	return unix.SIGTERM
}

// logicalDir is the shell's idea of its directory: the environment's PWD if it
// leads there. It is looked at as it is, not in the action's view, which a script that
// only prints never needs and which may not exist yet.
func logicalDir(e *environ, dir string) (string, error) {
	pwd := e.Get("PWD").Str
	if pwd == dir || !strings.HasPrefix(pwd, "/") {
		return dir, nil
	}
	var a, b unix.Stat_t
	if unix.Stat(pwd, &a) != nil || unix.Stat(dir, &b) != nil || a.Dev != b.Dev || a.Ino != b.Ino {
		return dir, nil
	}
	if pwd != cleanPath(pwd) {
		return "", ErrUnsuitable
	}
	return pwd, nil
}

// index reads the number after a mark.
func index(mark string) int {
	n, err := strconv.Atoi(mark)
	if err != nil {
		panic("recipe: bad mark " + strconv.Quote(mark))
	}
	return n
}

// readDir serves globbing: the interpreter lists directories, and it asks for
// the listing of a path to see whether the path exists. Only in the first case it
// looks at the entries; a directory without any counts as listed in both.
func (r *run) readDir(ctx context.Context, name string) (entries []fs.DirEntry, err error) {
	defer contain(&err)
	dir := interp.HandlerCtx(ctx).Dir
	names, count, err := r.view.Names(dir, name)
	switch {
	case err == nil:
	case name == dir:
		return nil, nil
	case errors.Is(err, unix.ENOENT):
		// A link that leads nowhere exists for a pattern.
		if _, lerr := r.view.Lstat(dir, name); lerr == nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: unix.ENOTDIR}
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: unix.ENOENT}
	case errors.Is(err, unix.ENOTDIR):
		return nil, &fs.PathError{Op: "open", Path: name, Err: unix.ENOTDIR}
	default:
		return nil, nil
	}
	if len(names) == 0 {
		count()
	}
	count = sync.OnceFunc(count)
	entries = make([]fs.DirEntry, len(names))
	for i, n := range names {
		entries[i] = &entry{run: r, dir: name, name: n, count: count}
	}
	return entries, nil
}

// entry is a directory entry whose type is looked up only if it matters.
type entry struct {
	run       *run
	dir, name string
	count     func() // the names in the directory matter
}

func (e *entry) Name() string {
	e.count()
	return e.name
}

func (e *entry) Type() fs.FileMode {
	st, err := e.run.view.Lstat(e.dir, e.name)
	if err != nil {
		return fs.ModeIrregular
	}
	return fileType(st.Mode)
}

func (e *entry) IsDir() bool { return e.Type().IsDir() }

func (e *entry) Info() (fs.FileInfo, error) {
	st, err := e.run.view.Lstat(e.dir, e.name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: e.name, Err: err}
	}
	return info{e.name, st}, nil
}

// info is what the interpreter may ask about a file.
type info struct {
	name string
	st   unix.Stat_t
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.st.Size }
func (i info) Mode() fs.FileMode  { return fileType(i.st.Mode) | fs.FileMode(i.st.Mode&0o777) }
func (i info) ModTime() time.Time { return time.Unix(i.st.Mtim.Unix()) }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return &i.st }

func fileType(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	}
	return fs.ModeIrregular
}

func (r *run) stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	look := r.view.Lstat
	if follow {
		look = r.view.Stat
	}
	st, err := look(interp.HandlerCtx(ctx).Dir, name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info{name, st}, nil
}

func (r *run) access(ctx context.Context, name string, mode interp.AccessMode) error {
	return r.view.Access(interp.HandlerCtx(ctx).Dir, name, uint32(mode))
}

// pipeEnd is the standard output of a command substitution: the write end of
// a pipe whose other end is copied to where the interpreter collects it.
type pipeEnd struct {
	*os.File
	done chan struct{}
}

func newPipeEnd(to io.Writer) (*pipeEnd, error) {
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &pipeEnd{File: pw, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		// An error leaves the output short, as a failing read does in a shell.
		_, _ = io.Copy(to, pr)
		_ = pr.Close()
	}()
	return p, nil
}

// Close waits until the last process that has the pipe has closed it.
func (p *pipeEnd) Close() error {
	err := p.File.Close()
	<-p.done
	return err
}
