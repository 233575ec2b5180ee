package recipe

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"

	"fmake/exec/proc"
)

// exec runs one simple command. Its first word is the checker's mark.
func (r *run) exec(ctx context.Context, words []string) (err error) {
	defer contain(&err)
	hc := interp.HandlerCtx(ctx)
	if set, ok := strings.CutPrefix(words[0], markGuard); ok {
		state := &r.redir[index(set)]
		if state.err = hc.Stderr; state.failed {
			return interp.ExitStatus(2)
		}
		return nil
	}
	c := &r.script.calls[index(strings.TrimPrefix(words[0], markCall))]
	args := words[1:]
	std, ok := r.redirect(hc, c)
	defer std.close(&r.outputs)
	if len(args) == 0 { // only redirections
		return status(failure(ok))
	}
	b := builtinOf(args[0])
	switch {
	case !ok && b != nil && b.special:
		return r.leave(ctx, hc, 2)
	case !ok:
		return interp.ExitStatus(2)
	case b != nil:
		return b.run(&shell{run: r, ctx: ctx, hc: hc, call: c, std: std}, args)
	}
	return status(r.program(ctx, hc, c, std, args))
}

// failure is the status of a command whose redirections did or did not work.
func failure(ok bool) int {
	if ok {
		return 0
	}
	return 2
}

// status makes the interpreter's error of an exit status.
func status(n int) error {
	if n == 0 {
		return nil
	}
	return interp.ExitStatus(n & 0xff)
}

// leave ends the shell or the subshell.
func (r *run) leave(ctx context.Context, hc interp.HandlerContext, n int) error {
	return hc.Builtin(ctx, []string{"exit", itoa(n)})
}

// program starts a program and waits for it.
func (r *run) program(ctx context.Context, hc interp.HandlerContext, c *call, std *stdio, args []string) int {
	if ctx.Err() != nil {
		return 128 + int(signalOf(ctx))
	}
	path := args[0]
	if !strings.Contains(path, "/") {
		found, err := r.lookPath(hc, path)
		if err != nil {
			r.complain(std.err, c.line, path+": "+execMessage(err))
			return 127
		}
		path = found
	}
	cmd := &proc.Command{
		Path: path, Args: args, Env: r.env.child(hc.Env, hc.Dir), Dir: hc.Dir,
		Stdin: std.in, Stdout: file(std.out), Stderr: file(std.err), Extra: r.io.Extra,
	}
	for _, f := range [...]*os.File{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		if f != nil {
			f.Fd() // makes it blocking, as programs expect of a pipe
		}
	}
	defer r.openInView(cmd)()
	p, err := r.view.Start(cmd)
	if errors.Is(err, unix.ENOEXEC) {
		// A script without an interpreter line is the shell's.
		cmd.Args = append([]string{defaultShell, path}, args[1:]...)
		cmd.Path = defaultShell
		p, err = r.view.Start(cmd)
	}
	if err != nil {
		r.complain(std.err, c.line, args[0]+": "+execMessage(err))
		if isMissing(err) {
			return 127
		}
		return 126
	}
	return r.wait(ctx, c, std, p)
}

func (r *run) lookPath(hc interp.HandlerContext, name string) (string, error) {
	if name == "" {
		return "", unix.EACCES
	}
	return r.view.LookPath(name, hc.Env.Get("PATH").Str, hc.Dir)
}

// wait waits for a program, and tells of a signal that killed it as the shell
// that waits for it does.
func (r *run) wait(ctx context.Context, c *call, std *stdio, p proc.Process) int {
	stop := context.AfterFunc(ctx, func() {
		// It may have ended just now.
		_ = p.Signal(signalOf(ctx))
	})
	defer stop()
	ws, _, err := p.Wait()
	switch {
	case err != nil:
		r.complain(std.err, c.line, "wait: "+err.Error())
		return 2
	case !ws.Signaled():
		return ws.ExitStatus()
	}
	sig := ws.Signal()
	if ctx.Err() == nil && sig != unix.SIGINT && sig != unix.SIGPIPE {
		text := signalText(sig)
		if ws.CoreDump() {
			text += " (core dumped)"
		}
		_, _ = io.WriteString(r.reporter(c, std), text+"\n")
	}
	return 128 + int(sig)
}

// reporter is the standard error of the shell that waits for a command.
func (r *run) reporter(c *call, std *stdio) io.Writer {
	switch {
	case !c.tail:
		return std.err
	case c.reportTo < 0:
		return r.io.Err
	}
	return r.redir[c.reportTo].err
}

func isMissing(err error) bool {
	for _, e := range [...]error{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, os.ErrNotExist)
}

// execMessage is dash's message for a program that cannot be started.
func execMessage(err error) string {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, os.ErrNotExist):
		return "not found"
	case errors.Is(err, os.ErrPermission):
		return "Permission denied"
	}
	return errnoText(err)
}

// signalText is the C library's text for a signal.
func signalText(sig unix.Signal) string {
	texts := [...]string{
		unix.SIGHUP: "Hangup", unix.SIGINT: "Interrupt", unix.SIGQUIT: "Quit",
		unix.SIGILL: "Illegal instruction", unix.SIGTRAP: "Trace/breakpoint trap",
		unix.SIGABRT: "Aborted", unix.SIGBUS: "Bus error", unix.SIGFPE: "Floating point exception",
		unix.SIGKILL: "Killed", unix.SIGUSR1: "User defined signal 1", unix.SIGSEGV: "Segmentation fault",
		unix.SIGUSR2: "User defined signal 2", unix.SIGPIPE: "Broken pipe", unix.SIGALRM: "Alarm clock",
		unix.SIGTERM: "Terminated", unix.SIGSTKFLT: "Stack fault", unix.SIGXCPU: "CPU time limit exceeded",
		unix.SIGXFSZ: "File size limit exceeded", unix.SIGVTALRM: "Virtual timer expired",
		unix.SIGPROF: "Profiling timer expired", unix.SIGIO: "I/O possible", unix.SIGPWR: "Power failure",
		unix.SIGSYS: "Bad system call",
	}
	if int(sig) < len(texts) && texts[sig] != "" {
		return texts[sig]
	}
	return "Real-time signal " + itoa(int(sig)-34)
}
