package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/cache/endpoint"
	"fmake/exec"
	"fmake/exec/build"
	"fmake/exec/canonical"
	"fmake/exec/flags"
	"fmake/exec/idle"
	"fmake/makefile"
	"fmake/tracefs"
)

// program is one run of fmake: GNU make's part is the Session, what was learned
// from earlier runs is the Build.
type program struct {
	own     *own
	env     []string // without what follows
	remote  []string // settings of the remote cache
	private []string // what only this program itself may find in its environment
	session *exec.Session
	build   *build.Build
	shells  build.ShellLog
	shared  *build.Shared // with the makes that run inside this process
	idle    *idle.Recorder
	top     bool       // this is the make that the process was started as
	traced  bool       // it goes by what was learned
	display *display   // of all makes of the process; nil: nothing is shown
	watch   *stopwatch // nil if nobody asks how long things take
	story   *os.File   // what makes tell at their end; nil below the top, and if nobody asks
}

// run runs fmake with a command line and an environment.
func run(args, env []string) int {
	if err := canonical.Stage(); err != nil {
		return refuse(err)
	}
	inside, env, stage := canonical.Inside(env)
	if !inside {
		if err := enter(args, env); err != nil {
			return refuse(err)
		}
	}
	env, remote := endpoint.Split(env)
	endpoint.Forget(remote)
	status, done, looks := replay(args, env)
	if done {
		return status
	}
	prepareMemory()
	p := &program{own: newOwn(), env: env, private: append(stage, remote...), remote: remote, top: true, idle: looks}
	p.shared = build.NewShared(func() string { return p.session.Fifo() })
	p.session = exec.NewSession(p.config(args))
	status = p.session.Run()
	p.keepIdle(status)
	return status
}

// config says what the session needs to know of a run.
func (p *program) config(args []string) exec.Config {
	p.own.takeVariable(lookup(p.env, "FMAKEFLAGS"))
	return exec.Config{
		Args: splitDebug(args), Env: p.env, Private: p.private, Idle: p.idle,
		Own:          p.own.take,
		OwnNames:     ownNames,
		Help:         help,
		Ready:        p.ready,
		Instead:      p.instead,
		Attach:       p.attach,
		Watcher:      p.watcher,
		ShellRan:     p.shells.Ran,
		SerialOutput: func() bool { return p.own.order == "serial" },
		Finished:     p.finished,
		Signaled:     func() { p.endDisplay() },
		Below:        p.below,
	}
}

// below is what a make that a recipe starts runs with, inside this process.
func (p *program) below(args, env []string) exec.Config {
	q := &program{own: newOwn(), env: env, remote: p.settings(), shared: p.shared, idle: p.idle, display: p.display}
	return q.config(args)
}

// lookup returns the value of a variable, "" if it is not set.
func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// ready is called when all options are known: it gives what makes below have to
// find in their environment.
func (p *program) ready() []string {
	p.startStory()
	if p.top {
		p.startDisplay()
		if !p.repeatable() {
			p.idle.Void() // what nobody keeps need not be noted
		}
	}
	words := p.own.words()
	if words == "" && lookup(p.env, "FMAKEFLAGS") == "" {
		return nil
	}
	return []string{"FMAKEFLAGS=" + words}
}

// attach plugs tracing and the cache into the session.
func (p *program) attach(db *makefile.Database, s *exec.Session) (exec.Options, error) {
	p.session = s // of a make inside the process it is not known before
	var none exec.Options
	if len(p.own.wrong) > 0 {
		return none, errors.New(p.own.wrong[0])
	}
	if err := p.own.check(); err != nil {
		return none, err
	}
	if p.own.list != "" {
		return p.list(db), nil
	}
	if p.own.trace == "off" {
		return none, nil
	}
	if tracefs.InView() {
		return none, nil // inside a traced recipe: what is done here is part of it
	}
	far, err := endpoint.Parse(p.settings())
	if err != nil {
		return none, err
	}
	away, err := endpoint.ParseExec(p.settings())
	if err != nil {
		return none, err
	}
	dir, err := p.cacheDir()
	if err != nil {
		s.Warn(err.Error() + "; working without tracing and cache")
		return none, nil
	}
	o := p.options(dir, s)
	if far != nil || away != nil {
		o.Remote, o.Sends, o.Ships = p.settings(), away != nil, away != nil && away.Ship
		o.NoFar = far == nil
		o.Flush = far != nil && p.top && o.Above.Engine == ""
	}
	b := build.New(db, s.Dir(), o)
	p.build, p.traced = b, true
	if p.display != nil {
		p.display.board.Know(b.Durations())
	}
	out := exec.Options{Judge: b, Actions: b, Referee: b, Learned: b.Learned, SubMakeEnv: b.SubMakeEnv, Publish: b.Publish, Generated: b.Generated, Leftover: b.Leftover}
	if len(p.own.explain) > 0 {
		p.explain(&out)
	}
	return out, nil
}

// settings are those of the remote cache; options count more than variables.
func (p *program) settings() []string {
	return slices.Concat(p.remote, p.own.remote)
}

// cacheDir is where the cache is: by option, else by the environment.
func (p *program) cacheDir() (string, error) {
	if p.own.cacheDir != "" {
		return p.own.cacheDir, nil
	}
	return cache.DefaultDir(p.env)
}

func (p *program) options(dir string, s *exec.Session) build.Options {
	f := s.Flags()
	var hazards func(string)
	if p.own.hazards {
		hazards = s.Warn
	}
	return build.Options{
		Hazards:     hazards,
		SerialOrder: s.SerialOrder,
		Looking:     s.Looking,
		Shape:       s.Shape,
		Remaking:    s.Remaking,
		Serial:      s.Serial,
		Makeable:    s.Makeable,
		Shared:      p.shared,
		Inside:      !p.top,

		Require:  p.own.trace == "require",
		Cache:    build.ModeOf(p.own.cache),
		CacheDir: dir,
		System:   p.own.system,
		AllEnv:   p.own.env == "all",
		Reuse:    p.own.reuse != "off",
		InShells: p.own.reuse == "shells",
		Above:    build.ParseAbove(lookup(p.env, build.AboveVariable)),
		Env:      p.env,
		Shells:   &p.shells,
		Silent:   f.On(flags.Silent) || s.Database().Silent,
		DryRun:   f.On(flags.JustPrint) || f.On(flags.Question) || f.On(flags.Touch) || len(p.own.explain) > 0,
		Always:   f.On(flags.AlwaysMake),
		Warn:     func(text string) { s.Warn("warning: " + text) },
		Idle:     p.idle,
		Say:      s.Warn,
		Print:    s.Print,
	}
}

// finished keeps what was learned.
func (p *program) finished(status int, again bool) int {
	if summary := p.endDisplay(); summary != "" {
		p.session.Warn(summary)
	}
	var programs []build.Program
	if p.build != nil {
		if p.labels(status) && !again {
			programs = p.build.Programs(p.session.Goals())
		}
		if p.own.story != "" {
			p.tell(status == 0 && !again)
		}
		p.build.Close()
		if !again {
			status = p.endStory(status)
		}
		p.build = nil // a failed attempt to become another make ends a second time
	}
	if !p.top {
		return status
	}
	if err := p.shared.Close(); err != nil {
		p.session.Warn("warning: the cache cannot be used fully: writing down what runs: " + err.Error())
	}
	if p.labels(status) && !again {
		status = p.labelBuilt(programs)
	}
	return status
}

// labels tells whether what was made gets a label.
func (p *program) labels(status int) bool { return p.top && p.own.label != "" && status == 0 }
