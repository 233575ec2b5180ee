package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/proc"
	"fmake/exec/recipe"
	"fmake/tracefs"
)

// # Programs of one recipe
//
// When a recipe that starts many programs has to run again, most of them would do what they
// did last time: a loop that compiles forty files, of which one was edited. So each program
// that the recipe's shell starts is recorded by itself, as a part of the action, and next
// time one of which everything is as it was is replayed: what it wrote is written, what it
// printed is printed, and what it looked at is looked at, all in the action's view. For the
// record of the action, and so for everything that is decided by its trace, it has run.
//
// A program is known by its words, directory, environment and descriptors; what it looked
// at has to be as it was in the view of the action at that moment, what earlier programs
// of the recipe have written included. What it is not told apart from is not replayed: one
// at the end of a pipe, one beside which others run, one that leaves processes.
//
// Whatever program is started comes through programs.start. That may be in another
// goroutine than the walk's, as scripts run in theirs; so nothing here but open and what
// happens when the action has ended uses what only the walk may: see keepPrograms.

// programs are those of one run of a recipe. A nil *programs tells nothing apart.
type programs struct {
	b        *Build
	view     *tracefs.View
	whole    exec.View    // the same, as the interpreter has it
	dash     bool         // the shell is the one that the interpreter takes the place of
	graph    *cache.Graph // what is known of earlier runs, by program
	replays  bool
	exported map[string]bool // see exportedNames
	since    int64           // when the action began, nanoseconds since 1970

	inShells bool // what shells start is told apart, too
	shells   shells

	mu            sync.Mutex
	in, out, errs *os.File    // what the commands of the recipe start with
	live          int         // programs that run now
	now           *programRun // the one of them that is told apart, nil if none is
	off           string      // why nothing is told apart any more, "" while it is
	unchecked     bool        // a program has run of which it is not known what it left behind
	met           map[cache.Hash]int
	ran           map[string]runs   // by name of the program
	lost          map[string]string // by name: why the last run cannot be repeated
	all           []*programRun     // that were met, in order
	done          bool              // the action has ended: nothing is noted any more
}

// programRun is one run of one program.
type programRun struct {
	words   []string
	dir     string
	env     []string
	key     cache.Hash
	name    string // in the graph
	started time.Time
	took    time.Duration

	spoiled bool            // something else ran beside it
	rec     *tracefs.Record // what it did; nil if that is not known
	status  unix.WaitStatus // with which it has ended then
	was     *cache.Trace    // what it did when it last ran, if it was replayed
	why     string          // why it was not
	collected
}

// tellsApart says whether the programs of the action are to be recorded by themselves. A
// recipe of one program is decided about as a whole.
func (a *action) tellsApart() bool {
	b := a.b
	if !b.opts.Reuse || b.opts.Cache != CacheOn || b.single != nil || a.second || a.n.always {
		return false
	}
	if a.old != nil && a.old.Flags&cache.Stateful != 0 || b.isSpecial(".FMAKE_STATEFUL", a.f) || b.isSpecial(".FMAKE_NOCACHE", a.f) {
		return false
	}
	return a.maybeSeveral() && b.client() != nil
}

// maybeSeveral reports whether the recipe may start several programs that are worth it. The
// text of one that is compared unexpanded does not tell.
func (a *action) maybeSeveral() bool {
	k := a.b.recipeKey(a.f, a.n)
	return k.unexpanded || severalPrograms(k.text)
}

// severalPrograms reports whether a recipe starts several programs, or one in a loop. It may
// err towards true.
func severalPrograms(text string) bool {
	count := 0
	for _, c := range commandWords(text) {
		name := ""
		for _, w := range strings.Fields(c) {
			name = strings.TrimLeft(w, "@-+")
			if !slices.Contains([]string{"", "do", "then", "else", "if", "elif", "!", "exec", "command"}, name) {
				break
			}
			name = ""
		}
		switch {
		case isScriptName(name):
			return true
		case slices.Contains([]string{"for", "while", "until"}, name):
			return true
		case name == "" || isShellWord(name) || slices.Contains(placingPrograms(), filepath.Base(name)):
		default:
			count++
		}
	}
	return count > 1
}

// isScriptName tells whether a command may be a script that starts several programs.
func isScriptName(name string) bool {
	return name == "sh" || name == "/bin/sh" || strings.HasSuffix(name, ".sh") || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
}

// isShellWord tells whether a command is the shell's own.
func isShellWord(name string) bool {
	return slices.Contains([]string{
		":", ".", "cd", "exit", "set", "unset", "export", "printf", "pwd", "break", "continue", "done", "fi", "esac", "case", "umask", "trap", "shift", "read",
	}, name)
}

// slowScript is how long a recipe has to have taken for what shells start in it to be told
// apart: that costs some milliseconds a program, which a script that compiles one file
// (libtool) would pay each time for nothing.
const slowScript = 5 * time.Second

// openPrograms reads what is known of the programs of the recipe.
func (a *action) openPrograms(v *tracefs.View) *programs {
	b := a.b
	path, err := cache.ProgramsGraphPath(b.opts.CacheDir, b.sp.root, a.n.name)
	if err != nil {
		b.trouble("naming what is known of programs", err)
		return nil
	}
	g, err := cache.Load(path)
	if err != nil {
		b.trouble("reading what is known of programs", err)
	}
	lost := make(map[string]string)
	for _, p := range told(g.Section(lastRunSection)) {
		lost[p.name] = p.lost
	}
	inShells := b.opts.InShells || len(g.Section(inShellsSection)) > 0 || a.old != nil && time.Duration(a.old.Duration) >= slowScript
	return &programs{inShells: inShells, b: b, view: v, whole: a.view, dash: recipe.IsDash(exec.HostView{}), graph: g, lost: lost, replays: !b.opts.Always, exported: a.exportedNames(), ran: make(map[string]runs), since: a.started.UnixNano() - clockTick, met: make(map[cache.Hash]int)}
}

// inherits notes what the commands of the recipe start with: what they print there is the
// action's, and what they may read there is what all programs of the build may read.
func (ps *programs) inherits(in, out, errs *os.File) {
	if ps == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.in, ps.out, ps.errs = in, out, errs
}

// touched notes that something happens in the view. While a program runs, that is not to be
// told from what the program does.
func (ps *programs) touched() {
	if ps == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.now != nil {
		ps.now.spoiled = true
	}
}

// runner starts a program in the action's view.
type runner func(c *proc.Command) (proc.Process, error)

// start replays a program, or starts it. What a script starts comes here by itself.
func (ps *programs) start(c *proc.Command, run runner) (proc.Process, error) {
	if ps == nil {
		return run(c)
	}
	if s := ps.script(c); s != nil {
		return ps.interpret(s, c, run), nil
	}
	if ps.inShells && ps.isShell(c) {
		return ps.shell(c, run)
	}
	return ps.program(c, run)
}

func (ps *programs) program(c *proc.Command, run runner) (proc.Process, error) {
	p := &programRun{words: c.Args, dir: c.Dir, env: c.Env, started: time.Now()}
	alone := ps.enter()
	s, why := ps.separable(c, alone)
	if why != "" {
		p.why = why
		return ps.plain(p, c, run)
	}
	ps.name(p, c, s)
	m, why := ps.match(p, c)
	if m == nil {
		p.why = why
		return ps.apart(p, c, s, run)
	}
	ps.list(p)
	return &replayed{ps: ps, p: p, m: m, c: c, s: s, run: run}, nil
}

// enter notes that a program starts, and tells whether no other one runs.
func (ps *programs) enter() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.live++
	if ps.now != nil {
		ps.now.spoiled = true
	}
	return ps.live == 1
}

// leave notes that a program has ended.
func (ps *programs) leave() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.live--
}

func (ps *programs) list(p *programRun) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if !ps.done {
		ps.all = append(ps.all, p)
	}
}

// name finds out by what a program is known. Of what is the same in all this, the second
// run is another one than the first.
func (ps *programs) name(p *programRun, c *proc.Command, s *streams) {
	b := ps.b
	d := cache.NewDigest("program").String(c.Path).Strings(c.Args).String(c.Dir).String(pathOf(c.Env))
	d.Uint(uint64(b.umask())).String(b.opts.System).String(s.kinds()).Hash(s.stdin)
	if s.ignored != 0 || s.limits != "" {
		d.Uint(s.ignored).String(s.limits)
	}
	p.key = withProcessor(d.Sum(), strings.Join(c.Args, " "))
	ps.mu.Lock()
	defer ps.mu.Unlock()
	n := ps.met[p.key]
	ps.met[p.key]++
	p.name = cache.NewDigest("run").Hash(p.key).Uint(uint64(n)).Sum().String()
}

// separable says why a program cannot be told apart, or how its descriptors are to be had.
func (ps *programs) separable(c *proc.Command, alone bool) (s *streams, why string) {
	ps.mu.Lock()
	in, out, errs, off := ps.in, ps.out, ps.errs, ps.off
	if len(ps.all) >= maxApart {
		off = "the recipe starts too many programs"
	}
	ps.mu.Unlock()
	switch {
	case off != "":
		return nil, off
	case !alone:
		return nil, "others ran beside it"
	case len(c.Extra) > 0:
		return nil, "it inherits other descriptors"
	case slices.Contains(placingPrograms(), filepath.Base(c.Args[0])), ps.isQuick(c.Args[0]):
		return nil, trifle
	case listed(ps.b.lists.impure, c.Args) || listed(ps.b.lists.stateful, c.Args):
		return nil, "its kind is no function of files"
	}
	return streamsOf(ps.b.hasher, c, in, out, errs)
}

// trifle is why programs run that do nothing but put files in their places: to replay one
// takes as long.
const trifle = "it takes no time"

// maxApart bounds how many programs of one recipe are told apart: their records are in
// memory until it ends.
const maxApart = 2000

// A program that has run quickly so often is one that takes no time.
const (
	manyRuns = 16
	quickRun = 3 * time.Millisecond
)

// runs counts how often a program has run, and how long that took.
type runs struct {
	n    int
	took time.Duration
}

func (ps *programs) isQuick(name string) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	r := ps.ran[name]
	return r.n >= manyRuns && r.took < time.Duration(r.n)*quickRun
}

// plain runs a program that is not told apart, and lists it.
func (ps *programs) plain(p *programRun, c *proc.Command, run runner) (proc.Process, error) {
	process, err := ps.untold(c, run)
	if err == nil && p.why != trifle {
		ps.list(p)
	}
	return process, err
}

// untold runs a program of which nobody notes what it does.
func (ps *programs) untold(c *proc.Command, run runner) (proc.Process, error) {
	ps.mu.Lock()
	ps.unchecked = true
	ps.mu.Unlock()
	process, err := run(c)
	if err != nil {
		ps.leave()
		return nil, err
	}
	return &counted{process, ps}, nil
}

// counted is the process of such a program.
type counted struct {
	proc.Process
	ps *programs
}

// inherited is one of the streams that the commands of a recipe start with.
func inherited(f, of *os.File) bool { return of != nil && exec.SameOpenFile(f, of) }
