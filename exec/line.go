package exec

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
	"fmake/exec/recipe"
	"fmake/makefile"
)

// startNext runs the commands of a job up to one that has to be waited for. If
// there is none, the target is finished.
func (w *Walk) startNext(j *job) {
	previous := w.con.ctx
	w.con.ctx = &j.out
	defer func() { w.con.ctx = previous }()
	for j.advance() {
		if w.startCommand(j) {
			return
		}
	}
	setState(j.file, stateRunning)
	j.file.Run.Status = StatusSuccess
	w.endJob(j)
	w.finish(j.file)
}

// startCommand starts the next command of a job. It returns false if there is
// nothing to wait for, and the one after it has its turn. Whether the target is
// finished does not tell that: in a circle its recipe may run once more.
func (w *Walk) startCommand(j *job) bool {
	text, recipeFlags := w.takeCommand(j)
	recurse := recipeFlags&makefile.FlagRecurse != 0
	j.recursive = recurse
	plan, err := recipe.MakePlan(w.lineFor(j, text))
	if err != nil {
		w.fatal(j.pos(), err.Error())
	}
	if plan.Road == recipe.Empty {
		return false
	}
	if w.question() && !recurse {
		j.file.Run.Status = StatusQuestion
		w.finish(j.file)
		return true
	}
	if w.touching() && !recurse {
		return false
	}
	j.out.sync = w.con.mode != SyncNone && (w.con.mode == SyncRecurse || !recurse)
	if !j.out.sync {
		j.out.dump(w.con)
	}
	if j.action != nil {
		j.action.Line(j.line(), text)
	}
	if w.dryRun() || w.debugging(debugPrint) || recipeFlags&makefile.FlagSilent == 0 && !w.silent() {
		w.con.put(stdout, text+"\n")
	}
	w.started++
	if plan.Road == recipe.Noop || w.dryRun() && (!recurse || w.considering) {
		return false
	}
	w.launch(j, plan)
	return true
}

// takeCommand takes the next command off the current line and reads its prefix
// characters.
func (w *Walk) takeCommand(j *job) (string, makefile.LineFlag) {
	r := j.file.Recipe
	recipeFlags := j.file.Run.Flags | r.Flags[j.line()]
	text := strings.TrimLeftFunc(j.rest, func(c rune) bool {
		switch c {
		case '@':
			recipeFlags |= makefile.FlagSilent
		case '+':
			recipeFlags |= makefile.FlagRecurse
		case '-':
			recipeFlags |= makefile.FlagNoError
		case ' ', '\t':
		default:
			return false
		}
		return true
	})
	j.noError = recipeFlags&makefile.FlagNoError != 0
	r.Flags[j.line()] |= recipeFlags & makefile.FlagRecurse
	text = strings.ReplaceAll(text, "\n"+string(r.Prefix), "\n")
	j.rest = ""
	switch {
	case !w.db.OneShell:
		text, j.rest = w.splitCommand(j, text)
	case isBourne(w.variableFor("SHELL", j.file)):
		text = recipe.StripPrefixes(text)
	}
	return text, recipeFlags
}

// isBourne tells whether a shell takes what the others of its kind take. For
// other interpreters @, - and + may mean something.
func isBourne(shell string) bool {
	switch shell[strings.LastIndexByte(shell, '/')+1:] {
	case "", "sh", "bash", "ksh", "rksh", "zsh", "ash", "dash":
		return true
	}
	return false
}

// splitCommand splits at the first newline that no backslash protects. Only in a
// line that needs no shell can a backslash itself be protected by another.
func (w *Walk) splitCommand(j *job, text string) (command, rest string) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '\n')
		if i < 0 {
			return text, ""
		}
		i += from
		if i == 0 || text[i-1] != '\\' || escaped(text, i-1) && w.isDirect(j, text[:i]) {
			return text[:i], text[i+1:]
		}
		from = i + 1
	}
}

// isDirect tells whether a command needs no shell.
func (w *Walk) isDirect(j *job, text string) bool {
	plan, err := recipe.MakePlan(w.lineFor(j, text))
	return err == nil && plan.Road == recipe.Direct
}

// lineFor describes a command for the recipe shell.
func (w *Walk) lineFor(j *job, text string) recipe.Line {
	l := recipe.Line{
		Text:     text,
		Shell:    w.variableFor("SHELL", j.file),
		OneShell: w.db.OneShell,
		IFS:      w.variableFor("IFS", j.file),
		Posix:    w.db.Posix,
		NoError:  j.noError,
		Dash:     w.shellIsDash(),
	}
	if v := w.db.VarIn(".SHELLFLAGS", scopeOf(j.file)); v != nil && v.Origin != makefile.OriginDefault {
		l.Flags, l.FlagsSet = w.db.ExpandVar(v, j.file), true
	}
	return l
}

func scopeOf(f *makefile.File) *makefile.Scope { return f.Vars }

func (w *Walk) variableFor(name string, f *makefile.File) string {
	v := w.db.VarIn(name, scopeOf(f))
	if v == nil || v.Value == "" {
		return ""
	}
	return w.db.ExpandVar(v, f)
}

// launch starts a command. One that cannot be started has failed with status
// 127.
func (w *Walk) launch(j *job, plan recipe.Plan) {
	w.signals.arm()
	w.con.begin()
	setState(j.file, stateRunning)
	j.deleted = false
	if j.env == nil {
		j.env = withVariables(w.db.Environment(j.file, j.file.Recipe.AnyRecurse), w.vars...)
	}
	stdio := w.stdioFor(j)
	env, view := j.env, j.view
	if j.recursive {
		view = insideView{View: w.noting(w.host), w: w}
		env = w.subMakeEnv(j.file, env)
		if w.pool != nil {
			stdio.Extra = w.pool.Extra()
		}
	}
	if j.action != nil && !j.recursive {
		j.action.Inherits(stdio.In, stdio.Out, stdio.Err)
	}
	w.batchStarted++
	if plan.Road == recipe.Interp && w.mayInterpret(j, plan.Script) && (!j.recursive || w.below != nil && len(stdio.Extra) == 0) {
		if datesCount(plan.Argv) {
			w.idle.Void()
		}
		j.run = w.interpret(j, plan, stdio, env, view)
		return
	}
	j.run = w.spawn(j, plan.Argv, stdio, env, view)
}

// mayInterpret reports whether a script may run in process in its action's view. What
// is appended to a file of others is told from what others append by the view that
// the shell is in.
func (w *Walk) mayInterpret(j *job, s *recipe.Script) bool {
	if j.action == nil || !j.action.Capture() {
		return true
	}
	return s.AppendsOnlyTo(func(name string) bool {
		return slices.ContainsFunc(j.file.Together(), func(f *makefile.File) bool { return f.Name == name })
	})
}

// subMakeEnv tells a make below of this one, in place of what the make above has told
// this one.
func (w *Walk) subMakeEnv(f *makefile.File, env []string) []string {
	if w.opt.SubMakeEnv == nil {
		return env
	}
	return withVariables(env, w.opt.SubMakeEnv(f)...)
}

// withVariables returns a copy of an environment with variables in place of those of the
// same names.
func withVariables(env []string, vars ...string) []string {
	replaced := func(e string) bool {
		return slices.ContainsFunc(vars, func(v string) bool { return strings.HasPrefix(e, v[:strings.IndexByte(v, '=')+1]) })
	}
	if len(vars) == 0 {
		return env
	}
	return append(slices.DeleteFunc(slices.Clone(env), replaced), vars...)
}

// stdioFor gives a command its three descriptors.
func (w *Walk) stdioFor(j *job) recipe.Stdio {
	s := recipe.Stdio{In: w.stdin, Out: os.Stdout, Err: os.Stderr, Printed: w.idle.Print}
	if j.ownsInput = !w.stdinTaken; j.ownsInput {
		w.stdinTaken = true
	} else {
		s.In = w.badInput.file()
	}
	if j.out.sync && j.out.out != nil {
		s.Out, s.Err = j.out.out, j.out.err
	}
	if j.out.tap == nil || j.recursive {
		return s
	}
	if j.tap == nil {
		j.tap = newCapture(w.con.combined)
	}
	if j.tap != nil {
		s.Out, s.Err = j.tap.writers()
		j.tap.start(func(stream int, data []byte) { w.done <- ended{job: j, stream: stream, data: data}; w.wake.signal() })
	}
	return s
}

// running is a command that was started.
type running interface {
	pid() int
	signal(sig unix.Signal)
}

// ended is what other goroutines report: output of a job, or that its command
// has ended, or that another is to be started in its place.
type ended struct {
	job     *job
	stream  int // not 0: data was printed
	data    []byte
	status  unix.WaitStatus
	instead func() running
}

const notFound = unix.WaitStatus(127 << 8)

// spawn starts a program.
func (w *Walk) spawn(j *job, argv []string, stdio recipe.Stdio, env []string, view View) running {
	p, err := StartProgram(view, argv, stdio, env, w.dir)
	if err != nil {
		w.con.complain(makefile.Pos{}, argv[0]+": "+errorText(err))
		w.report(ended{job: j, status: notFound})
		return failedStart{}
	}
	go func() {
		status, _, err := p.Wait()
		if err != nil {
			status = notFound
		}
		w.signals.expect(status)
		w.report(ended{job: j, status: status})
	}()
	return process{p}
}

// report sends to the walk. It never blocks the walk itself for long: the
// channel is drained whenever the walk waits.
func (w *Walk) report(e ended) {
	select {
	case w.done <- e:
	default:
		go func() { w.done <- e; w.wake.signal() }()
	}
	w.wake.signal()
}

// StartProgram finds a program along the PATH of its own environment and starts
// it. A file that is no program is taken for a shell script.
func StartProgram(view Starter, argv []string, stdio recipe.Stdio, env []string, dir string) (Process, error) {
	path, err := view.LookPath(argv[0], pathOf(env), dir)
	if err != nil {
		return nil, err
	}
	c := &Command{
		Path: path, Args: argv, Env: env, Dir: dir,
		Stdin: stdio.In, Stdout: stdio.Out, Stderr: stdio.Err, Extra: stdio.Extra,
	}
	p, err := view.Start(c)
	if errors.Is(err, unix.ENOEXEC) {
		c.Args = append([]string{defaultShell, path}, argv[1:]...)
		c.Path = defaultShell
		p, err = view.Start(c)
	}
	return p, err
}

const defaultShell = "/bin/sh"

func pathOf(env []string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			return v
		}
	}
	return defaultPath
}

type process struct{ p proc.Process }

func (r process) pid() int               { return r.p.Pid() }
func (r process) signal(sig unix.Signal) { r.p.Signal(sig) }

type failedStart struct{}

func (failedStart) pid() int           { return -1 }
func (failedStart) signal(unix.Signal) {}

// interpret runs a script in process.
func (w *Walk) interpret(j *job, plan recipe.Plan, stdio recipe.Stdio, env []string, view View) running {
	ctx, cancel := context.WithCancelCause(context.Background())
	group := groupView{View: view, signals: w.signals, ctx: ctx}
	go func() {
		defer cancel(nil)
		status, err := recipe.RunScript(ctx, plan.Script, stdio, env, w.dir, group)
		if err == nil {
			w.report(ended{job: j, status: status})
			return
		}
		// The interpreter does not take it after all, and has done nothing yet. Only
		// the walk may start a program in a view that nothing has been done in.
		w.report(ended{job: j, instead: func() running { return w.spawn(j, plan.Argv, stdio, env, view) }})
	}()
	return script{cancel}
}

// groupView makes a script end when a signal for the whole process group has
// killed one of its programs, as the shell would have been killed with it.
type groupView struct {
	View
	signals *signalWatch
	ctx     context.Context
}

func (v groupView) Start(c *Command) (Process, error) {
	p, err := v.View.Start(c)
	if err != nil {
		return nil, err
	}
	return groupProcess{p, v}, nil
}

type groupProcess struct {
	Process
	v groupView
}

func (p groupProcess) Wait() (unix.WaitStatus, unix.Rusage, error) {
	status, usage, err := p.Process.Wait()
	if err == nil && p.v.signals.expect(status) {
		select {
		case <-p.v.ctx.Done(): // the walk has seen the signal
		case <-time.After(patience):
		}
	}
	return status, usage, err
}

type script struct{ cancel context.CancelCauseFunc }

func (script) pid() int                 { return os.Getpid() }
func (s script) signal(sig unix.Signal) { s.cancel(recipe.Interrupted{Signal: sig}) }
