package exec

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/exec/idle"
	"fmake/makefile"
)

// Config is what the program that runs a Session tells it.
type Config struct {
	Args []string // the command line, program name first
	Env  []string
	// Private are variables that nothing that make runs may see, but make itself when it
	// starts once more.
	Private []string
	// Own is asked first about long options; ok means that it was one of the
	// program's own.
	Own func(word string, rest []string) (used int, ok bool)
	// OwnNames lists those options, without the dashes, for messages. It may be nil.
	OwnNames func() []string
	// Help gives what --help says of those options, after what it says of GNU make's.
	// It may be nil.
	Help func() string
	// Ready is called when all options are known and before anything is read. It
	// returns variables to put into the environment of everything that is run.
	Ready func() (env []string)
	// Instead is called then; if it returns true it has done all that was asked for,
	// and make ends with that status. It may be nil.
	Instead func() (status int, done bool)
	// Attach is called once all makefiles have been read, before the first
	// recipe can run.
	Attach func(db *makefile.Database, s *Session) (Options, error)
	// Idle is told what make looks at and prints. It may be nil.
	Idle *idle.Recorder
	// ShellRan is told of each command that $(shell) or != ran, and of what it
	// printed, as the makefile sees it. It may be nil.
	ShellRan func(command, printed string)
	// SerialOutput tells, when all options are known, whether the output of
	// parallel jobs is to be shown in serial order. It may be nil.
	SerialOutput func() bool
	// Finished is called when no recipe will run any more, with the status with which
	// make is to end, and returns the one with which it does; again tells that it is
	// about to start itself once more instead.
	Finished func(status int, again bool) int
	// Watcher is asked, when all options are known, who is to be told what make does.
	// It may be nil, and may give nil.
	Watcher func() Watcher
	// Signaled is called when a signal ends make; then Finished is not. It may be nil.
	Signaled func()
	// Below gives the configuration of a make that a recipe starts, for it to run
	// inside this process. If it is nil, all makes below are processes.
	Below func(args, env []string) Config
}

// Session is one run of make.
type Session struct {
	cfg     Config
	set     flags.Set
	con     *console
	w       *Walk
	db      *makefile.Database
	program string // last part of argv[0]
	level   int
	// restarts counts how often make has started itself again because a
	// makefile was remade.
	restarts  int
	announced bool // an earlier incarnation has printed Entering

	startDir       string // where make was started
	versionPrinted bool   // printVersion has done its work
	dir            string // after -C
	goals          []*makefile.GoalDep
	overrides      []*makefile.Variable // defined on the command line, in order
	slots          int                  // -j of the command line itself, 0 if none
	jobs           int                  // -j as it was before makefiles were read
	reading        *collector           // output while makefiles are read
	tempInput      string               // the file that holds what was read from standard input
}

// NewSession prepares a run.
func NewSession(cfg Config) *Session {
	s := &Session{cfg: cfg, con: newConsole(), reading: &collector{}}
	s.program = "make"
	if len(cfg.Args) > 0 && cfg.Args[0] != "" {
		s.program = cfg.Args[0][strings.LastIndexByte(cfg.Args[0], '/')+1:]
	}
	s.level, _ = strconv.Atoi(s.env("MAKELEVEL"))
	s.level = max(s.level, 0)
	s.con.program = s.program
	s.w = newWalk(&s.set, s.con)
	s.w.shellRan, s.w.below = cfg.ShellRan, cfg.Below
	s.w.idle, s.con.idle = cfg.Idle, cfg.Idle
	return s
}

// Flags are GNU make's options.
func (s *Session) Flags() *flags.Set { return &s.set }

// Database is what was read. It is nil until options are known.
func (s *Session) Database() *makefile.Database { return s.db }

// Goals returns what was to be made.
func (s *Session) Goals() (files []*makefile.File) {
	for _, g := range s.goals {
		files = append(files, g.File)
	}
	return files
}

// Dir is the directory that make works in.
func (s *Session) Dir() string { return s.dir }

// Level tells how many makes are above this one.
func (s *Session) Level() int { return s.level }

// Warn prints a line to stderr, after the program's name.
func (s *Session) Warn(text string) { s.con.complain(makefile.Pos{}, text) }

// Print puts bytes on stream 1 or 2 in the place where the output of the
// current job goes.
func (s *Session) Print(stream int, data []byte) { s.con.put(stream, string(data)) }

func (s *Session) env(name string) string {
	for _, e := range s.cfg.Env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// Run does it all and returns the exit status.
func (s *Session) Run() int {
	s.w.signals = watchSignals(s.w.wake.signal, s.removeTempInput)
	return onDeepStack(s.runToEnd, false)
}

// runToEnd is Run once signals are watched.
func (s *Session) runToEnd() int {
	if diesUnread() {
		// The signal itself is noticed only at the next look for signals.
		s.con.unread = func() { s.w.interrupted(unix.SIGPIPE) }
	}
	s.w.onSignal = s.removeTemporaries
	status := s.guard(s.run)
	return s.finish(status)
}

// guard runs fn and turns the panics that end make into a status.
func (s *Session) guard(fn func() int) (status int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stop:
			status = r.status
		case *makefile.Fatal:
			s.con.fatal(r.Pos, r.Msg)
			status = exitFailure
		default:
			panic(r)
		}
	}()
	return fn()
}

func (s *Session) run() int {
	s.readRestarts()
	s.startDir = workingDir()
	s.dir = s.startDir
	s.w.dir = s.dir
	s.makeDatabase()
	s.con.chooseTempDir(s.env)
	s.decodeOptions()
	s.con.setLevel(s.level) // it was not known yet while options were read
	s.heed()
	s.con.ctx = s.reading
	if s.set.On(flags.Version) {
		s.printVersion()
		return exitSuccess
	}
	if s.cfg.Instead != nil {
		if status, done := s.cfg.Instead(); done {
			return status
		}
	}
	if s.w.debugging(debugBasic) {
		s.printVersion()
	}
	s.changeDirectory()
	s.joinJobserver()
	s.defineOwnVariables()
	s.readStdinMakefile()
	s.readMakefiles()
	s.settleOptions()
	s.db.Snap()
	if s.db.IgnoreErrors {
		// Makes that recipes run shall not stop, either.
		s.set.SetOn(ignoreErrors, true)
	}
	s.markPhony()
	s.startParallel()
	s.defineMakeflags(false)
	s.markFiles()
	s.endReading()
	if s.cfg.Attach != nil {
		o, err := s.cfg.Attach(s.db, s)
		if err != nil {
			s.w.fatal(makefile.Pos{}, err.Error())
		}
		s.w.Attach(o)
		if o.Considered != nil {
			return s.consider(o)
		}
	}
	s.remakeMakefiles()
	s.w.always = s.set.On(flags.AlwaysMake)
	s.defineMakeflags(false)
	if s.restarts > 0 {
		s.markNewFiles()
	}
	s.removeTempInput()
	return s.makeGoals()
}

// consider walks over targets without running anything or printing commands.
func (s *Session) consider(o Options) int {
	s.set.SetOn(flags.JustPrint, true)
	s.w.considering = true
	if o.Learned != nil {
		s.w.addNeeds(o.Learned())
	}
	walked := make(map[string]*makefile.File, len(o.Consider))
	for _, name := range o.Consider {
		f := s.db.Lookup(name)
		if f == nil {
			f = s.db.Enter(name)
		}
		walked[name] = f
		s.con.muted = true
		s.w.makeGoals([]*makefile.GoalDep{{Dep: makefile.Dep{File: f}}})
		s.con.muted = false
	}
	for name, f := range walked {
		walked[name] = f.Current()
	}
	o.Considered(walked)
	return exitSuccess
}

// readRestarts reads what an earlier incarnation has left in MAKE_RESTARTS. A
// minus says that it has printed Entering already.
func (s *Session) readRestarts() {
	text := s.env("MAKE_RESTARTS")
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		text, s.announced = rest, true
	}
	n, err := strconv.Atoi(text)
	if err == nil && n > 0 {
		s.restarts = n
	}
	s.con.traced = s.announced
}

func (s *Session) makeDatabase() {
	s.db = makefile.New(worldHost{s.w}, makefile.Options{
		Program:     s.program,
		WorkDir:     s.dir,
		Env:         s.cfg.Env,
		MakeLevel:   s.level,
		OnMakeflags: s.makeflagsAssigned,
		InvalidAuth: s.invalidAuth,
		ArchiveGlob: s.w.archiveGlob,
	})
	s.w.db = s.db
	s.db.Dirs().Clock = func() int64 { return time.Now().UnixNano() }
	if s.restarts > 0 {
		v := s.db.Define("MAKE_RESTARTS", strconv.Itoa(s.restarts), makefile.OriginDefault, false, nil, makefile.Pos{})
		v.Export = makefile.ExportNo
	}
}

// invalidAuth is put behind the MAKEFLAGS of commands that are no makes.
func (s *Session) invalidAuth() string {
	if s.w.pool == nil {
		return ""
	}
	if word := s.w.pool.InvalidAuth(); word != "" {
		return " " + word
	}
	return ""
}

// changeDirectory obeys -C.
func (s *Session) changeDirectory() {
	s.con.dir = s.dir // until now, what had to be said was said in an unknown one
	for _, dir := range s.set.List(flags.Directory) {
		if err := unix.Chdir(dir); err != nil {
			s.w.fatal(makefile.Pos{}, dir+": "+errorText(err))
		}
	}
	if len(s.set.List(flags.Directory)) > 0 {
		os.Unsetenv("PWD") // filepath.Abs would believe it
		s.dir = workingDir()
		s.w.dir, s.con.dir = s.dir, s.dir
		s.db.Options().WorkDir = s.dir
		s.setIncludeDirs() // they are relative to the new directory
	}
	s.db.Define("CURDIR", s.dir, makefile.OriginFile, false, nil, makefile.Pos{})
}

// makeGoals makes the goals of the command line or the default one.
func (s *Session) makeGoals() int {
	if len(s.goals) == 0 {
		s.defaultGoal()
	}
	if len(s.goals) == 0 {
		if s.db.Value("MAKEFILE_LIST") != "" {
			s.w.fatal(makefile.Pos{}, "No targets")
		}
		s.w.fatal(makefile.Pos{}, "No targets specified and no makefile found")
	}
	s.w.shuffleGoals(s.goals)
	s.w.debugf(debugBasic, 0, "Updating goal targets....")
	status := exitSuccess
	s.w.goals = append(madeGoals(s.w.goals), s.goals...)
	if s.w.opt.Learned != nil {
		s.w.addNeeds(s.w.opt.Learned())
	}
	switch s.w.settle(s.goals) {
	case StatusQuestion:
		status = exitTrouble
	case StatusFailed:
		status = exitFailure
	}
	if s.w.skewed {
		s.con.complain(makefile.Pos{}, "warning:  Clock skew detected.  Your build may be incomplete.")
	}
	return status
}

// madeGoals drops the goals that nothing is made for.
func madeGoals(goals []*makefile.GoalDep) []*makefile.GoalDep {
	return slices.DeleteFunc(slices.Clone(goals), func(g *makefile.GoalDep) bool {
		f := g.File.Current()
		return f.Recipe == nil && len(f.Deps) == 0 && f.DoubleColon == nil
	})
}

func (s *Session) defaultGoal() {
	v := s.db.Var(".DEFAULT_GOAL")
	if v == nil {
		return
	}
	name := v.Value
	if v.Recursive {
		name = s.db.Expand(name) // so that an error in it has no position, as in GNU make
	}
	if name == "" {
		return
	}
	f := s.db.Lookup(name)
	if f == nil {
		names := s.db.ParseNames(name, 0)
		switch len(names) {
		case 0:
			return
		case 1:
			f = s.db.Enter(names[0])
		default:
			s.w.fatal(makefile.Pos{}, ".DEFAULT_GOAL contains more than one target")
		}
	}
	s.goals = append(s.goals, &makefile.GoalDep{Dep: makefile.Dep{File: f}})
}

// finish waits for what still runs, cleans up and prints what comes last.
func (s *Session) finish(status int) int {
	s.removeTempInput()
	for len(s.w.jobs) > 0 {
		status = max(status, s.guard(func() int {
			s.w.reap(true, status != exitSuccess)
			return status
		}))
	}
	s.w.showRest()
	for _, h := range s.w.held { // never judged: the build ended before
		s.w.lineFailed(h.job, h.status, h.code)
		h.job.out.release(s.con)
	}
	if s.db != nil {
		s.guard(func() int { s.w.removeIntermediates(false); return 0 })
		if s.set.On(printDatabase) && !s.set.On(flags.Version) {
			s.printDatabase()
		}
	}
	if s.cfg.Finished != nil {
		status = s.cfg.Finished(status, false)
	}
	s.closeJobserver(status)
	s.endReading()
	s.con.ctx = nil
	s.con.leave()
	s.con.mutex.close()
	s.con.restore()
	return s.checkWritten(status)
}

// removeTemporaries removes what would outlive a make that a signal ends.
func (s *Session) removeTemporaries() {
	if s.cfg.Signaled != nil {
		s.cfg.Signaled()
	}
	s.removeTempInput()
	s.closeJobserver(exitFailure)
	s.con.mutex.close()
	s.con.ctx = nil
	s.con.leave()
	s.con.restore()
}

// checkWritten reports output that could not be written.
func (s *Session) checkWritten(status int) int {
	what := ": write error: stdout"
	switch {
	case s.con.broken == nil:
		return status
	case !errors.Is(s.con.broken, unix.EPIPE):
		what += ": " + errorText(s.con.broken)
	case diesUnread():
		s.w.dieOf(unix.SIGPIPE) // it came when nobody looked for signals
	}
	s.con.write(stderr, []byte(s.con.program+what+"\n"))
	return max(status, 1)
}

// cleanUp removes temporary files before a signal ends make.
func (w *Walk) cleanUp() {
	if w.onSignal != nil {
		w.onSignal()
	}
}
