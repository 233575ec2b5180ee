package exec

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/exec/recipe"
	"fmake/makefile"
	"fmake/tracefs/raw"
)

// worldHost is what package makefile sees of the world: the tree as it is, or, while a
// recipe is expanded whose functions look around, what its action sees.
type worldHost struct{ w *Walk }

// looks returns the looks of the recipe that is being expanded; ok is false if there is
// none.
func (h worldHost) looks() (l viewLooks, ok bool) {
	return viewLooks{h.w.looks, h.w.dir}, h.w.looks != nil
}

// ReadFile implements makefile.Host.
func (h worldHost) ReadFile(name string) ([]byte, error) {
	if l, ok := h.looks(); ok {
		return l.readFile(name)
	}
	var st unix.Stat_t
	data, err := readFile(name, &st)
	h.w.idle.Read(h.w.dir, name, &st, data, err)
	if len(data) >= largeMakefile {
		raw.HugeHeap(min(len(data)*heapOfText, maxHeap))
	}
	return data, err
}

// What a large makefile is, in bytes; how many bytes of heap one byte of a makefile
// comes to, if it is rules; and up to where that is prepared for.
const (
	largeMakefile = 1 << 20
	heapOfText    = 16
	maxHeap       = 256 << 20
)

// WriteFile implements makefile.Host.
func (h worldHost) WriteFile(name string, data []byte, appendTo bool) error {
	h.w.idle.Void()
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if appendTo {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	open := func(name string, flag int) (*os.File, error) { return os.OpenFile(name, flag, 0o666) }
	if l, ok := h.looks(); ok {
		open = l.open
	}
	f, err := open(name, flag)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Stat implements makefile.Host.
func (h worldHost) Stat(name string) (fs.FileInfo, error) {
	if l, ok := h.looks(); ok {
		return l.stat(name)
	}
	info, err := os.Stat(name)
	h.w.idle.Exists(h.w.dir, name, statOf(info), err)
	return info, err
}

// Lstat lets wildcards find dangling links.
func (h worldHost) Lstat(name string) (fs.FileInfo, error) {
	if l, ok := h.looks(); ok {
		return l.lstat(name)
	}
	info, err := os.Lstat(name)
	h.w.idle.ExistsItself(h.w.dir, name, statOf(info), err)
	return info, err
}

// statOf is what stat(2) has said, nil if nothing.
func statOf(info fs.FileInfo) *unix.Stat_t {
	if info == nil {
		return nil
	}
	st := info.Sys().(*syscall.Stat_t)
	return &unix.Stat_t{Mode: st.Mode, Dev: st.Dev, Ino: st.Ino}
}

// ReadDir implements makefile.Host.
func (h worldHost) ReadDir(name string) ([]string, error) {
	if l, ok := h.looks(); ok {
		return l.view.ReadDir(l.dir, name)
	}
	var st unix.Stat_t
	names, err := readNames(name, &st)
	h.w.idle.Listing(h.w.dir, name, &st, names, err)
	return names, err
}

// RealPath implements makefile.Host.
func (h worldHost) RealPath(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if l, ok := h.looks(); ok {
		return l.realPath(abs)
	}
	real, err := filepath.EvalSymlinks(abs)
	h.w.idle.RealPath(h.w.dir, name, real, err)
	return real, err
}

// Verbose implements makefile.Host.
func (h worldHost) Verbose(text func() string) {
	if h.w.debugging(debugVerbose) {
		h.w.debugf(debugVerbose, 0, "%s", text())
	}
}

// HomeDir implements makefile.Host.
func (h worldHost) HomeDir(user string) (string, bool) {
	if user == "" {
		if home := h.w.db.Value("HOME"); home != "" {
			return home, true
		}
		return h.passwdHome(func(fields []string) bool { return fields[2] == itoa(os.Getuid()) })
	}
	return h.passwdHome(func(fields []string) bool { return fields[0] == user })
}

// passwdHome looks a home directory up in the list of users.
func (h worldHost) passwdHome(match func(fields []string) bool) (string, bool) {
	h.w.lookAt("/etc/passwd")
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return "", false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) >= 6 && match(fields) {
			return fields[5], true
		}
	}
	return "", false
}

// Message implements makefile.Host.
func (h worldHost) Message(kind makefile.MessageKind, pos makefile.Pos, text string) {
	if kind == makefile.MessageInfo {
		h.w.con.put(stdout, text+"\n")
		return
	}
	h.w.con.complain(pos, text)
}

// Shell implements makefile.Host: it runs $(shell) and VAR != commands.
func (h worldHost) Shell(c makefile.ShellCommand) (result makefile.ShellResult) {
	h.w.timed("shell", c.Text, func() { result = h.shell(c) })
	return result
}

func (h worldHost) shell(c makefile.ShellCommand) makefile.ShellResult {
	w := h.w
	plan, err := recipe.MakePlan(recipe.Line{Text: c.Text, Shell: c.Shell, Flags: c.Flags, FlagsSet: true, OneShell: w.db.OneShell})
	if err != nil || plan.Road == recipe.Empty {
		return makefile.ShellResult{}
	}
	if result, ok := w.shellKnown(c, plan.Argv); ok {
		return result
	}
	r, out, err := os.Pipe()
	if err != nil {
		w.con.complain(c.Pos, "pipe: "+errorText(err))
		return makefile.ShellResult{Status: 127}
	}
	defer r.Close()
	stdio := recipe.Stdio{In: w.stdin, Out: out, Err: os.Stderr}
	w.signals.arm()
	w.con.begin() // the command may print to stderr
	if ctx := w.con.ctx; ctx != nil && ctx.sync {
		if ctx.err != nil {
			stdio.Err = ctx.err
		}
	}
	p, err := StartProgram(h.runsIn(), plan.Argv, stdio, c.Env, w.dir)
	out.Close()
	if err != nil {
		w.idle.Void()
		w.con.complain(makefile.Pos{}, plan.Argv[0]+": "+errorText(err))
		return makefile.ShellResult{Status: 127}
	}
	return w.shellDone(c, plan.Argv, w.shellResult(p, r))
}

// shellKnown answers for a command that need not run.
func (w *Walk) shellKnown(c makefile.ShellCommand, argv []string) (result makefile.ShellResult, ok bool) {
	if w.idle == nil || w.looks != nil {
		return result, false
	}
	path, err := w.noting(w.host).LookPath(argv[0], pathOf(c.Env), w.dir)
	if err != nil {
		return result, false
	}
	if result.Stdout, result.Status, ok = w.idle.Ran(w.dir, path, argv, c.Env); !ok {
		return result, false
	}
	w.con.begin()
	return w.shellDone(c, argv, result), true
}

// shellDone tells of a command that has run.
func (w *Walk) shellDone(c makefile.ShellCommand, argv []string, result makefile.ShellResult) makefile.ShellResult {
	if w.idle.On() {
		path, err := w.noting(w.host).LookPath(argv[0], pathOf(c.Env), w.dir)
		if err != nil {
			w.idle.Void()
		}
		w.idle.Shell(w.dir, path, argv, c.Env, result.Stdout, result.Status)
	}
	if w.shellRan != nil {
		printed := strings.TrimRight(string(result.Stdout), "\n")
		w.shellRan(c.Text, strings.ReplaceAll(printed, "\n", " "))
	}
	return result
}

// runsIn is the view in which commands of $(shell) run.
func (h worldHost) runsIn() View {
	if l, ok := h.looks(); ok {
		return l.view
	}
	return h.w.host
}

// shellResult reads what a $(shell) command prints, and waits for it. A signal
// that ends make meanwhile is handled at once.
func (w *Walk) shellResult(p Process, r *os.File) makefile.ShellResult {
	type outcome struct {
		data   []byte
		status unix.WaitStatus
	}
	done := make(chan outcome, 1)
	go func() {
		data, _ := io.ReadAll(r)
		status, _, err := p.Wait()
		if err != nil {
			status = notFound
		}
		done <- outcome{data, status}
	}()
	for {
		select {
		case o := <-done:
			w.db.Dirs().Invalidate()
			return makefile.ShellResult{Stdout: o.data, Status: exitCode(o.status)}
		case sig := <-w.signals.c:
			w.interrupted(sig)
		}
	}
}

func exitCode(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
