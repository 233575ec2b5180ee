package exec

import (
	"os"

	"fmake/exec/flags"
	"fmake/exec/idle"
	"fmake/exec/jobserver"
	"fmake/makefile"
)

// Status says how the making of a target ended. Later ones outweigh earlier
// ones; up to StatusSuccess all is well.
type Status = uint8

// The values of makefile.RunState.Status.
const (
	StatusNone     Status = iota // nothing was done
	StatusSuccess                // it was made, or is as it should be
	StatusQuestion               // -q: it would have to be made
	StatusFailed
)

// The values of makefile.RunState.State.
const (
	stateIdle     uint8 = iota // not started
	stateDeps                  // some prerequisite is being made
	stateRunning               // its recipe runs
	stateFinished              // done, whatever came of it
)

// Exit statuses of make.
const (
	exitSuccess    = 0
	exitTrouble    = 1 // -q: something is out of date
	exitFailure    = 2
	exitNotStarted = 127 // make could not start itself again
)

// Options are what a Walk is told from outside.
type Options struct {
	Judge   Judge   // nil: GNU make's rule decides
	Actions Actions // nil: recipes run in the host's view
	// Referee judges recipes that ran too early; nil: none does.
	Referee Referee
	// Learned gives the prerequisites that earlier builds have found. It is asked when
	// the goals are about to be made, and may be nil.
	Learned func() []Rerun
	// Generated tells whether a recipe of the makefile has written a file in an
	// earlier build. It may be nil.
	Generated func(name string) bool
	// Leftover tells whether a file is there only because an earlier make that made it as
	// an intermediate file came to no end. It may be nil.
	Leftover func(name string) bool
	// SubMakeEnv gives what a make that f's recipe starts has to know of this
	// one, as variables of its environment. It may be nil.
	SubMakeEnv func(f *makefile.File) []string
	// Publish is called before a recipe that starts makes runs outside of this process:
	// those makes find what this one knows so far. It may be nil.
	Publish func()
	// Consider names targets that are to be walked over as under -n, silently and
	// instead of the goals; Considered is called with them afterwards, if it is not nil.
	Consider   []string
	Considered func(walked map[string]*makefile.File)
}

// Walk makes targets.
type Walk struct {
	db  *makefile.Database
	set *flags.Set
	con *console
	opt Options
	// watch is told what happens; nil: nobody.
	watch Watcher

	debug  debugLevel
	always bool // -B, until a makefile was remade
	// remaking: the makefiles themselves are being made.
	remaking    bool
	considering bool              // nothing runs at all, not even what -n runs
	goal        *makefile.GoalDep // the one that is being made
	pass        uint32            // files whose Considered equals it were visited in this pass
	started     int               // commands started so far
	finished    int               // targets finished so far
	shape       int               // changes when the serial order may have
	// positions is the serial order as it was last asked for.
	positions map[*makefile.File]int
	skewed    bool  // a file from the future was seen
	now       int64 // the last time the clock was read for that

	slots           int // -j: 0 means no limit of our own, 1 that recipes run one by one, whatever the pool has
	pool            *jobserver.Pool
	jobs            []*job // running, oldest first
	waiting         []*job // wait for the load to go down, newest first
	tokens          int    // jobs that hold a slot
	used            int    // jobs that run
	done            chan ended
	held            []heldJob                 // failed jobs that are judged later
	shown           map[*makefile.File][]byte // what the last run of each recipe that may be repeated printed
	missing         map[*makefile.File]bool   // files that something unfinished may leave yet; false: no more
	rounds          int                       // how often recipes were repeated because of what they saw
	goals           []*makefile.GoalDep
	backlog         []ended // reports received while something else was waited for
	wake            *waker
	signals         *signalWatch
	stdin           *os.File // make's standard input
	stdinTaken      bool     // a job has it
	badInput        *badStdin
	serial          *serialOutput                   // nil: output is shown as it comes
	saidWaiting     bool                            // "Waiting for unfinished jobs" was said
	dying           bool                            // a signal is ending make
	sends           bool                            // a recipe was sent to another machine
	here            processors                      // for recipes that come back from there
	followed        map[*makefile.Dep]*makefile.Dep // by dropped prerequisite: what stood behind it
	shuffle         shuffler
	batchStarted    int
	shellRan        func(command, printed string) // see Config.ShellRan
	host            HostView
	idle            *idle.Recorder                  // see Config.Idle
	looks           View                            // of the action whose recipe is being expanded; nil: the tree as it is
	below           func(args, env []string) Config // see Config.Below
	undecided       int                             // targets of this pass that cannot be decided yet
	unfinished      bool                            // a target that this pass has visited is not made yet
	rearmed         bool                            // this pass has found something that is to be made once more
	unsure          bool                            // something had to be repeated: commands wait for all before them
	inside          bool                            // this make runs inside the process of the one above
	threads         *threads                        // of the makes below that run inside the process
	dir             string                          // working directory
	onSignal        func()                          // removes temporary files
	vars            []string                        // what the environment of recipes has set otherwise; see Again
	dash, dashKnown bool                            // /bin/sh is dash
}

// New makes a Walk over db. The Session that calls it fills in what comes from
// options.
func newWalk(set *flags.Set, con *console) *Walk {
	return &Walk{
		set: set, con: con, pass: 1, slots: 1,
		shown: make(map[*makefile.File][]byte),
		done:  make(chan ended, 64), wake: &waker{}, stdin: os.Stdin, badInput: &badStdin{}, threads: &threads{},
	}
}

// Attach sets who decides and where recipes run.
func (w *Walk) Attach(o Options) { w.opt = o }

func (w *Walk) keepGoing() bool { return w.set.On(flags.KeepGoing) }
func (w *Walk) dryRun() bool    { return w.set.On(flags.JustPrint) && !w.inEarnest() }
func (w *Walk) question() bool  { return w.set.On(flags.Question) && !w.inEarnest() }
func (w *Walk) touching() bool  { return w.set.On(flags.Touch) && !w.inEarnest() }
func (w *Walk) silent() bool    { return w.set.On(flags.Silent) || w.db.Silent }

// inEarnest says that -n, -q and -t do not count: makefiles are really remade,
// unless they are goals of the command line too.
func (w *Walk) inEarnest() bool {
	return w.remaking && (w.goal == nil || !w.goal.File.Current().CmdTarget)
}

// makeGoals makes all goals and says how it went: StatusNone if there was
// nothing to do.
func (w *Walk) makeGoals(goals []*makefile.GoalDep) Status {
	status := StatusNone
	goals = append([]*makefile.GoalDep(nil), goals...)
	for len(goals) > 0 {
		w.startWaiting()
		w.awaitChange()
		w.undecided, w.unfinished, w.rearmed = 0, false, false
		var left []*makefile.GoalDep
		before := w.started + w.finished
		stopped := false
		for i, g := range goals {
			if g.WaitBefore && len(left) > 0 {
				left = append(left, goals[i:]...)
				break
			}
			finished, stop := w.makeGoal(g, &status)
			if !finished {
				left = append(left, g)
			}
			if stop && w.remaking {
				stopped = true
				break
			}
		}
		if stopped {
			break
		}
		goals = left
		switch {
		case len(w.jobs) > 0 || len(w.waiting) > 0:
		case w.rearmed: // what was found while commands were considered may mend what is held
		case len(w.held) > 0:
			w.resolveHeld()
		case w.undecided > 0:
		case w.started+w.finished == before:
			w.stopAwaiting()
			w.unsure = false
		}
		w.pass++
	}
	return status
}

// makeGoal makes what can be made of one goal in this pass. stop means that
// other goals need not be looked at.
func (w *Walk) makeGoal(g *makefile.GoalDep, status *Status) (finished, stop bool) {
	w.goal = g
	defer func() { w.goal = nil }()
	follow(g)
	head := g.File
	if head.DoubleColon != nil {
		head = head.DoubleColon
	}
	pending := false
	for f := head; f != nil; f = f.Prev {
		before := w.started
		f.DontCare = g.DontCare
		failed := w.makeFile(f, boolDepth(w.remaking)) > StatusSuccess
		f = f.Current()
		if w.started > before {
			g.Changed = true
		}
		if failed || f.Run.Updated {
			stop = w.goalStatus(g, f, status)
		}
		pending = pending || !f.Run.Updated
		f.DontCare = false
		if stop {
			break
		}
	}
	follow(g)
	if !stop && pending {
		return false, false
	}
	w.nothingToDo(g)
	return true, stop
}

// follow goes from a goal's file to the one that it was merged with, if it was
// found in a directory where the makefile mentions it. Nothing is said about such
// a goal when there is nothing to do, as in GNU make.
func follow(g *makefile.GoalDep) {
	if f := g.File.Current(); f != g.File {
		g.File, g.Changed = f, true
	}
}

func boolDepth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// goalStatus adds one finished rule of a goal to the status of the run.
func (w *Walk) goalStatus(g *makefile.GoalDep, f *makefile.File, status *Status) (stop bool) {
	if f.Run.Status > StatusSuccess {
		if *status < StatusQuestion { // the first failure is the one that counts
			*status = f.Run.Status
		}
		return w.question() && !w.keepGoing() && !w.remaking
	}
	if *status >= StatusQuestion {
		return false
	}
	m := w.mtime(f)
	f = f.Current()
	if !f.Run.Updated || m == f.Run.MtimeBefore {
		return false
	}
	// A makefile that -n or -q only pretended to remake must not lead to a
	// restart, which would never end.
	if !w.remaking || !w.dryRun() && !w.question() {
		if *status < StatusSuccess {
			*status = StatusSuccess
		}
	}
	// Of the default makefiles, the first that can be made is enough.
	return w.remaking && g.DontCare && !g.Included
}

// nothingToDo says so if a goal needed no command.
func (w *Walk) nothingToDo(g *makefile.GoalDep) {
	f := g.File
	if w.remaking || f.Run.Status != StatusSuccess || g.Changed || w.silent() || w.question() {
		return
	}
	if f.Phony || f.Recipe == nil {
		w.note(f, "Nothing to be done for '"+f.Name+"'.")
		return
	}
	w.note(f, "'"+f.Name+"' is up to date.")
}

// makeFile brings a target with all its double-colon rules up to date, as far as
// that can be done without waiting.
func (w *Walk) makeFile(f *makefile.File, depth int) Status {
	if f.DoubleColon != nil {
		f = f.DoubleColon
	}
	if f.Run.Considered == w.pass {
		// Nothing can have changed below it since, but a failure that was not
		// reported, since nobody cared, may have to be reported now.
		unreported := f.Run.Updated && f.Run.Status > StatusSuccess && !f.DontCare && f.NoDiag
		if !unreported {
			w.about(debugVerbose, depth, "Pruning file '%s'.", f)
			if f.Run.State == stateFinished {
				return f.Run.Status
			}
			return StatusSuccess
		}
	}
	head := f
	defer func() { w.unfinished = w.unfinished || busy(head) && mayRepeat(head) }()
	status := StatusSuccess
	for ; f != nil; f = f.Prev {
		f.Run.Considered = w.pass
		s := w.makeRule(f, depth)
		f = f.Current()
		if s > StatusSuccess && !w.keepGoing() {
			return s
		}
		if f.Run.State == stateRunning || f.Run.State == stateDeps {
			return StatusSuccess
		}
		status = max(status, s)
	}
	return status
}

// mayRepeat tells whether a target's recipe may run once more: not a command's, nor that of a
// group, which is made when its prerequisites are.
func mayRepeat(f *makefile.File) bool {
	return !f.Phony || f.Recipe != nil && f.Recipe.AnyRecurse
}

// isUpdating tells whether the walk is inside f: a prerequisite for which that
// is so closes a circle.
func isUpdating(f *makefile.File) bool {
	if f.DoubleColon != nil {
		f = f.DoubleColon
	}
	return f.Run.Updating
}

func setUpdating(f *makefile.File, on bool) {
	if f.DoubleColon != nil {
		f = f.DoubleColon
	}
	f.Run.Updating = on
}

// setState changes the state of a target together with those that its recipe
// makes too.
func setState(f *makefile.File, state uint8) {
	f.Run.State = state
	for _, other := range f.AlsoMake {
		if state > other.Run.State {
			other.Run.State = state
		}
	}
}

// setIdle takes the state back.
func setIdle(f *makefile.File) {
	f.Run.State = stateIdle
	for _, other := range f.AlsoMake {
		if other.Run.State == stateDeps {
			other.Run.State = stateIdle
		}
	}
}

// busy tells whether any rule of f is being worked on.
func busy(f *makefile.File) bool {
	if f.DoubleColon != nil {
		f = f.DoubleColon
	}
	for ; f != nil; f = f.Prev {
		if f.Run.State == stateRunning || f.Run.State == stateDeps {
			return true
		}
	}
	return false
}
