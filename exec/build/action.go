package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/proc"
	"fmake/makefile"
	"fmake/tracefs"
)

// Begin implements exec.Actions: it chooses between the real tree and a traced
// view. A traced view is made only before the first line that touches anything,
// so that a recipe which only prints costs nothing.
func (b *Build) Begin(f *makefile.File) (a exec.Action, err error) {
	n := b.node(f)
	defer func() {
		if err != nil {
			b.release(n)
		}
	}()
	if b.runsNatively(f, n) {
		return b.native(f, n), nil
	}
	if b.opts.Require {
		if _, err := b.startEngine(); err != nil {
			return nil, fmt.Errorf("--tracefs=require: %w", err)
		}
	}
	if errors.Is(b.engineErr, tracefs.ErrKilled) {
		return nil, b.engineErr
	}
	if b.engineErr != nil {
		return b.native(f, n), nil
	}
	t := &action{b: b, f: f, n: n, started: time.Now(), old: n.old}
	if t.old == nil {
		t.old = b.graph.Target(n.name)
	}
	t.view = &lazyView{a: t}
	b.active++
	b.running = append(b.running, t)
	return t, nil
}

// runsNatively says whether a recipe runs in the real tree: phony recipes are
// commands, sub-makes trace their own recipes, and setuid programs lose their
// rights in a view.
func (b *Build) runsNatively(f *makefile.File, n *node) bool {
	if f.Phony || f.Recipe.AnyRecurse || makefile.IsArchiveName(f.Name) || b.opts.DryRun {
		return true
	}
	if e, ok := b.graph.Entry(n.name); ok && e.Flags()&cache.Native != 0 {
		return true
	}
	return slices.ContainsFunc(b.programs(f, n), b.isPrivileged)
}

// programs are the names of the programs that a recipe starts, as far as its words tell:
// one that is not expanded yet may start them in a $(shell), or by its variables.
func (b *Build) programs(f *makefile.File, n *node) (names []string) {
	k := b.recipeKey(f, n)
	texts := []string{k.text}
	for _, v := range k.vars {
		_, value, _ := strings.Cut(v, "=")
		texts = append(texts, value)
	}
	for _, text := range texts {
		for _, w := range commandWords(text) {
			prog, first, _ := strings.Cut(w, " ")
			names = append(names, prog)
			if prog == "shell" {
				names = append(names, first)
			}
		}
	}
	return names
}

// isPrivileged reports whether a command name is a program with the setuid or
// setgid bit or with file capabilities.
func (b *Build) isPrivileged(prog string) bool {
	if yes, ok := b.privileged[prog]; ok {
		return yes
	}
	p, err := exec.HostView{}.LookPath(prog, b.env["PATH"], b.sp.cwd)
	yes := err == nil && hasPrivilege(p)
	b.privileged[prog] = yes
	return yes
}

func hasPrivilege(p string) bool {
	var st unix.Stat_t
	if unix.Stat(p, &st) != nil {
		return false
	}
	if st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return true
	}
	n, err := unix.Getxattr(p, "security.capability", nil)
	return err == nil && n > 0
}

// nativeAction is a recipe in the real tree. What it changed is not known, so
// everything that was looked at before is looked at again.
type nativeAction struct {
	b *Build
	d *done
}

func (b *Build) native(f *makefile.File, n *node) *nativeAction {
	if f.Recipe.AnyRecurse && n.demands+n.reruns > 0 {
		b.tellPlaces()
	}
	b.nativesOn++
	d := &done{f: f, n: n, started: time.Now()}
	n.last, n.tried = d, d.started
	n.told, n.below = n.serial, n.serial
	if f.Recipe.AnyRecurse && !b.opts.DryRun {
		b.graph.SetPlaceBelow(b.nameBelow(n), n.below)
	}
	return &nativeAction{b, d}
}

func (*nativeAction) View() exec.View    { return exec.HostView{} }
func (*nativeAction) AllNew() bool       { return false }
func (*nativeAction) Looks() exec.View   { return nil }
func (*nativeAction) Capture() bool      { return false }
func (*nativeAction) Tries() bool        { return false }
func (*nativeAction) Output(int, []byte) {}

// Line implements exec.Action.
func (a *nativeAction) Line(_ int, text string) { a.d.acted = a.d.acted || !inert(text) }

// Inherits implements exec.Action.
func (*nativeAction) Inherits(_, _, _ *os.File) {}

func (a *nativeAction) End(status int, _ bool) error {
	b := a.b
	defer b.release(a.d.n)
	b.nativesOn--
	a.d.n.runs++
	b.changedUnseen()
	a.d.end = time.Now()
	if a.d.f.Recipe.AnyRecurse {
		b.keepBelow(a.d.f, a.d.n, status)
	}
	b.moved = a.d.end
	b.natives = append(b.natives, a.d)
	b.arrivedUnseen(a.d.f)
	return nil
}

// forgetLooks has everything looked at again.
func (b *Build) forgetLooks() {
	b.w.forgetAll()
	b.checker = b.graph.NewChecker(b.w.same)
}

// changedUnseen forgets all looks, because somebody untraced may have changed
// anything.
func (b *Build) changedUnseen() {
	b.forgetLooks()
	if b.engine != nil {
		if err := b.engine.Refresh(); err != nil {
			b.warn("engine: %v", err)
		}
	}
}

// action is one traced run of one recipe.
type action struct {
	b       *Build
	f       *makefile.File
	n       *node
	view    *lazyView
	old     *cache.Trace // what the action did last time, nil if unknown
	started time.Time    // when it began to look
	began   time.Time    // when its first command was started
	ended   time.Time    // when its last one had ended
	journal uint64
	chunks  []cache.Chunk
	hidden  []string
	raise   func()                   // see lower; nil before the view is made
	within  []cache.Input            // listings of directories that it has made itself
	missed  []string                 // in the graph: what was not there at its first look, and then was
	moved   string                   // a path that it has read and that has changed since, "" if there is none
	pieces  map[string]piece         // by path: what it has appended, once that was taken over
	left    map[string]bool          // see leftBefore
	mtimes  map[string]int64         // of what the last run left, before this one
	under   map[string]*cache.Output // by path: what it has replaced where a later version stood, nil for nothing
	echo    string                   // the line that the walk is about to print
	status  int                      // what it ended with
	acted   bool                     // a line did more than print
	looked  bool                     // its expansion looked around: that is part of the run
	second  bool                     // it ran before, and is verified
	landed  bool                     // it ran on another machine
	gone    bool                     // make ended while it was there
	system  []tracefs.Look           // see buildLooks

	programs   *programs     // that the recipe starts; nil if they are not told apart
	calledHome time.Duration // how long it was there in vain
}

func (a *action) View() exec.View { return a.view }

// AllNew is true for all recipes but those that GNU make runs every time: what
// they do must not hang on what happened to be new.
func (a *action) AllNew() bool { return !a.n.always }

// Looks is the view for a recipe that is compared unexpanded: what a $(shell) in it
// reads is as much an input as what its lines read. One that was compared as it lists
// names lists them as it did then.
func (a *action) Looks() exec.View {
	switch k := a.b.recipeKey(a.f, a.n); {
	case k.unexpanded:
		a.looked = true
		return a.view
	case k.lists:
		a.looked = true
		return a.b.earlierView(a.f, a.n)
	}
	return nil
}

// Capture is true: the output of an action that may be restored later has to be
// replayed then.
func (a *action) Capture() bool { return true }

// Tries is true for a recipe that is about to make anew a file of the user's: see missedOwn.
func (a *action) Tries() bool { return a.old != nil && a.old.Flags&cache.Provisional != 0 }

// streamEcho marks the lines of the recipe that the walk printed before it ran
// them: a replay under -s leaves them out.
const streamEcho = 3

// Output collects what the recipe printed; neighbours on one stream are joined.
func (a *action) Output(stream int, data []byte) {
	if a.echo != "" && stream == 1 && string(data) == a.echo+"\n" {
		stream = streamEcho
	}
	a.echo = ""
	if n := len(a.chunks); n > 0 && a.chunks[n-1].Stream == uint8(stream) {
		a.chunks[n-1].Data = append(a.chunks[n-1].Data, data...)
		return
	}
	a.chunks = append(a.chunks, cache.Chunk{Stream: uint8(stream), Data: append([]byte(nil), data...)})
}

// Line makes the view before the first line that needs one. It is made here and
// not where the line runs, which may be another goroutine: to make it rolls back
// what the action did last time, and for that it needs the graph, the chains of
// versions and the makefile's targets, which only the walk may use. If it fails,
// the line that needs it finds the same error.
func (a *action) Line(_ int, text string) {
	a.echo = text
	if a.began.IsZero() {
		a.began = time.Now()
		if a.looked {
			a.began = a.started
		}
	}
	if !inert(text) {
		a.acted = true
		_, _ = a.view.get()
	}
}

// Inherits implements exec.Action.
func (a *action) Inherits(in, out, errs *os.File) { a.programs.inherits(in, out, errs) }

// End implements exec.Action.
func (a *action) End(status int, interrupted bool) error {
	a.b.active--
	a.b.running = slices.DeleteFunc(a.b.running, func(x *action) bool { return x == a })
	defer a.b.release(a.n)
	if a.gone && !a.view.used() {
		return nil // nothing was done at all
	}
	a.ended = time.Now()
	a.n.runs++
	if a.landed {
		return nil // all was done by Arrive
	}
	rec, err := a.view.finish()
	if a.raise != nil {
		defer a.raise()
	}
	if err != nil {
		return a.lost(err)
	}
	defer a.view.recorded()
	if a.calledHome > 0 {
		a.b.cameHome(a.calledHome, time.Since(a.started)-a.calledHome)
	}
	a.status = status
	a.keepPrograms(rec, status == 0 && !interrupted)
	if status != 0 && !a.b.keepsFailures() || interrupted {
		a.failed(rec, status)
		if interrupted {
			a.b.Save() // make is about to die, and with it what this has left
		}
		return nil
	}
	return a.succeeded(rec)
}

// lost handles an action whose record could not be had: the engine died, or had no view
// for it. The journal keeps it, and what its last run has left stays known: it may not even
// have been undone, and its next run has to do that.
func (a *action) lost(err error) error {
	a.b.changedUnseen()
	if e := a.b.engine; e != nil && errors.Is(err, tracefs.ErrGone) {
		<-e.Done()
		tracefs.RemoveTemporary(e.CutShort(a.n.name), a.b.sp.root, a.b.env["TMPDIR"])
	}
	return err
}

// lazyView is a view that comes into being when it is first needed; see
// action.Line.
type lazyView struct {
	a    *action
	once sync.Once
	v    exec.View
	t    *tracefs.View
	err  error
}

// get makes the view. When tracing cannot be had at all the host's own view
// serves, and the build goes on as GNU make would.
func (l *lazyView) get() (exec.View, error) {
	l.once.Do(func() {
		l.t, l.err = l.a.open()
		if l.t != nil {
			l.v = traced{l.t}
			return
		}
		var un *tracefs.ErrUnavailable
		if errors.As(l.err, &un) && !l.a.b.opts.Require {
			l.v, l.err = exec.HostView{}, nil
		}
	})
	l.a.programs.touched()
	return l.v, l.err
}

// times tell when the run of a recipe began and how long it took, for its trace. It does not
// begin before there is a slot for it.
func (a *action) times() (began, took int64) {
	if a.began.IsZero() {
		a.began = a.started // no line of it did anything
	}
	if a.ended.IsZero() {
		a.ended = time.Now()
	}
	return a.began.UnixNano(), int64(a.ended.Sub(a.began))
}

// used reports whether the recipe did anything but print.
func (l *lazyView) used() bool { return l.v != nil }

// untouched reports whether a recipe has written nothing, and has neither looked at
// anything nor started anything, but for what its expansion did.
func (a *action) untouched(rec *tracefs.Record) bool {
	return len(rec.Writes) == 0 && (!a.acted || len(rec.Looks)+len(rec.Procs) == 0)
}

// finish ends recording. The record of a view that was never used is empty; a
// nil record means that there was no tracing.
func (l *lazyView) finish() (*tracefs.Record, error) {
	used := true
	l.once.Do(func() { used = false })
	switch {
	case !used:
		return &tracefs.Record{}, nil
	case l.t == nil:
		return nil, l.err
	}
	return l.t.Finish()
}

// recorded tells the engine that what the action did is in the journal.
func (l *lazyView) recorded() {
	if l.t != nil {
		l.t.Recorded()
	}
}

// open starts the engine if need be, writes the action's beginning down, rolls
// back what it did last time, and makes the view.
func (a *action) open() (*tracefs.View, error) {
	b := a.b
	eng, err := b.startEngine()
	if err != nil {
		return nil, err
	}
	if a.n.demands+a.n.reruns > 0 {
		b.moveBelow() // what a make below has left comes before it now, if it is after that which it waited for
	}
	a.journal = b.begin(a.n, b.passing(a.f))
	b.keepUsers(a.n, a.old)
	a.hidden = b.rollBack(a)
	a.n.adopted = nil
	if a.old != nil && a.old.Flags&cache.Provisional != 0 {
		a.n.adopted = slices.Clone(a.hidden)
	}
	logs, files := b.lower(a.n, a.old), b.lowerFiles(a.n, a.old)
	a.raise = func() { logs(); files() }
	b.unhideEarlier(a.n)
	b.hideLater(a.n, a.old)
	hidden := append(slices.Clip(a.hidden), a.n.hide...)
	apart := a.tellsApart()
	v, err := eng.NewView(tracefs.ViewSpec{ID: a.n.name, Serial: a.n.serial, Dir: b.sp.cwd, Hidden: hidden, Targets: a.targets(), Reverse: a.second, Parts: apart})
	if err == nil && apart {
		a.programs = a.openPrograms(v)
	}
	return v, err
}

// targets are the files that the action is to make.
func (a *action) targets() []string {
	if a.b.single != nil {
		return nil
	}
	var paths []string
	for _, f := range a.f.Together() {
		paths = append(paths, a.b.node(f).path)
	}
	return paths
}

// begin writes down that an action is about to change something, or has to do it once
// more, and returns the number of that in the journal, 0 if there is none.
func (b *Build) begin(n *node, flags cache.TraceFlags) uint64 {
	if b.journal == nil {
		return 0 // trouble was reported when it could not be opened
	}
	id, err := b.journal.Begin(cache.JournalRecord{Target: n.name, Dir: b.sp.key(b.sp.cwd), Serial: n.serial, Flags: flags})
	if err != nil {
		b.trouble("writing down what runs", err)
		return 0
	}
	return id
}

// put notes what the action has left: in the graph, which is saved now and then, and
// until that was done in the journal.
func (a *action) put(t *cache.Trace) {
	a.b.graph.Put(a.n.name, t)
	if a.journal == 0 {
		return
	}
	if err := a.b.journal.Left(a.journal, t); err != nil {
		a.b.trouble("writing down what a recipe has left", err)
	}
}

// traced adapts a tracefs view to the interface of package exec.
type traced struct{ *tracefs.View }

func (t traced) Start(c *exec.Command) (exec.Process, error) {
	tc := &tracefs.Command{Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr}
	for _, e := range c.Extra {
		tc.Extra = append(tc.Extra, tracefs.ExtraFile{FD: e.FD, File: e.File})
	}
	p, err := t.View.Start(tc)
	if err != nil {
		return nil, err // not p: a nil *Process in an interface is not nil
	}
	return p, nil
}

func (l *lazyView) Start(c *proc.Command) (proc.Process, error) {
	v, err := l.get()
	if err != nil {
		return nil, err
	}
	return l.a.programs.start(c, v.Start)
}

func (l *lazyView) LookPath(name, path, dir string) (string, error) {
	v, err := l.get()
	if err != nil {
		return "", err
	}
	return v.LookPath(name, path, dir)
}

func (l *lazyView) Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	v, err := l.get()
	if err != nil {
		return nil, err
	}
	return v.Open(dir, name, flag, perm&^l.a.b.umask())
}

func (l *lazyView) Stat(dir, name string) (st unix.Stat_t, err error) {
	v, err := l.get()
	if err != nil {
		return st, err
	}
	return v.Stat(dir, name)
}

func (l *lazyView) Lstat(dir, name string) (st unix.Stat_t, err error) {
	v, err := l.get()
	if err != nil {
		return st, err
	}
	return v.Lstat(dir, name)
}

func (l *lazyView) ReadDir(dir, name string) ([]string, error) {
	v, err := l.get()
	if err != nil {
		return nil, err
	}
	return v.ReadDir(dir, name)
}

func (l *lazyView) Names(dir, name string) ([]string, func(), error) {
	v, err := l.get()
	if err != nil {
		return nil, func() {}, err
	}
	return v.Names(dir, name)
}

func (l *lazyView) Readlink(dir, name string) (string, error) {
	v, err := l.get()
	if err != nil {
		return "", err
	}
	return v.Readlink(dir, name)
}

func (l *lazyView) Access(dir, name string, mode uint32) error {
	v, err := l.get()
	if err != nil {
		return err
	}
	return v.Access(dir, name, mode)
}
