// Package build decides what has to run, from what earlier runs really read and
// wrote, and records what runs do.
//
// # Model
//
// An action is one run of one target's recipe. Its trace holds what it looked
// at, what it left, and what it printed. Build implements the two seams of
// package exec: as Judge it says for each target whether its trace still holds
// (then nothing runs), whether another trace that holds is in the store (then
// its versions are put back), or whether the recipe has to run; as Actions it
// gives a recipe that runs a view, and turns the record of the view into a
// trace, or sends it to another machine and makes a trace of what is told there. A
// Command is an action without a makefile, and has a Build of its own.
//
// # What must hold
//
// The order of writes is what makes results trustworthy after kill -9. Before
// an action's view exists its beginning is in the journal, and with its end what it
// has left; the action is crossed out of the journal only after the graph file that
// holds its trace was saved. So what is known of an action that has ended survives its
// make. A target that the journal names without an end is never taken as good: what
// it left is hidden from its next run and removed when that has succeeded.
//
// fmake changes or removes only what an action left, as long as it is exactly
// that; everything else is the user's.
package build

import (
	"cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/idle"
	"fmake/makefile"
	"fmake/tracefs"
)

// Mode says how much of the cache is used.
type Mode uint8

// The modes of --cache.
const (
	CacheOn Mode = iota
	CacheOff
	CacheReadOnly
)

// ModeOf returns the mode that --cache names: on, off or readonly.
func ModeOf(word string) Mode {
	switch word {
	case "off":
		return CacheOff
	case "readonly":
		return CacheReadOnly
	}
	return CacheOn
}

// Options are what the command line says about tracing and the cache.
type Options struct {
	Require     bool     // --tracefs=require: no work without tracing
	Cache       Mode     // --cache
	CacheDir    string   // --cache-dir, else the default place
	Remote      []string // settings of the remote cache, see package endpoint
	Sends       bool     // recipes are sent to another machine, by those settings
	Ships       bool     // with what they read of the system
	NoFar       bool     // there is no remote cache among them
	Flush       bool     // the build waits at its end for what is on its way there
	System      string   // --system: trace or fingerprint
	AllEnv      bool     // --env=all
	Reuse       bool     // --reuse: programs of a recipe that runs again are replayed
	InShells    bool     // --reuse=shells: also those that real shells start, from the first run of a recipe on
	Above       Above    // what the make above handed down
	EnginePath  string   // the engine's program
	Env         []string
	Shells      *ShellLog                        // what $(shell) printed while reading
	Silent      bool                             // -s: a replayed recipe is not echoed
	DryRun      bool                             // -n, -q or -t: nothing may change
	Always      bool                             // -B: nothing comes from the cache
	Warn        func(string)                     // prints one line, "fmake: " is added by the caller
	Hazards     func(string)                     // tells of each hazard under --debug=hazards; may be nil
	SerialOrder func() map[*makefile.File]int    // see exec.Session; may be nil
	Shape       func() int                       // changes when SerialOrder may have
	Remaking    func() bool                      // the makefiles are being made, before all else; may be nil
	Serial      func() bool                      // one recipe runs at a time
	Looking     func(v exec.View, expand func()) // see exec.Session; may be nil
	Makeable    func(name string) *makefile.File // see exec.Session
	Shared      *Shared                          // what all makes of the process have in common
	Inside      bool                             // another make of the process has started this one
	Idle        *idle.Recorder                   // is told what is looked at; may be nil
	Say         func(string)                     // tells in one line why more runs than GNU make would run
	Print       func(int, []byte)                // replays output: stream 1 or 2
}

// Build is one make process's knowledge of the tree.
type Build struct {
	db     *makefile.Database
	single *CommandSpec // what is run by itself, nil for the targets of makefiles
	opts   Options
	sp     *space
	w      *world

	tree      *tree
	graph     *cache.Graph // the tree's
	hasher    *cache.Hasher
	checker   *cache.Checker
	journal   *cache.Journal
	lowered   map[string]*loweredFile // by path
	blobs     *cache.Blobs
	reach     *reacher
	lists     lists
	env       map[string]string
	umask     func() fs.FileMode // the files of in-process scripts are opened by another process
	pwdRoot   func() string      // see rootByPWD
	worker    func() string      // see workerPath
	commonEnv commonEnv
	knownEnv  map[string]bool // names that traces have met
	envValues *envValues      // see values
	strangers strangers
	names     map[cache.Hash]nameSet
	passed    map[string]bool // paths that are no inputs and no versions, or are

	engine      *tracefs.Engine
	engineErr   error
	store       *cache.Client
	contents    *cache.Contents
	storeFailed bool
	noFar       bool          // there is no remote cache
	digest      cache.Digest  // for strong keys
	noAway      bool          // nothing is sent to another machine any more
	slowAway    int           // see cameHome
	slots       chan struct{} // bounds the writes to the store that are under way

	nodes         map[*makefile.File]*node
	order         map[*makefile.File]int // serial order as known so far
	settled       []*done                // every target that is settled, as last known
	trusted       map[*node]*done        // those of which nothing is known, and whose files may be gone since
	wrote, looked map[string][]*done     // by path: the writers and the actions of this build
	filled        map[string][]*done     // by directory: the writers of what is in it
	waiting       waiting
	awaited       map[string]*makefile.File // by path: who waits for a file without a rule
	missed        []cache.Input             // what this make has missed
	natives       []*done                   // the recipes that ran in the real tree
	writers       []*done                   // what was entered in wrote
	passedBy      []*done                   // recipes with a make in them that were not entered
	nativesOn     int                       // how many of them run now
	moved         time.Time                 // when something was last written
	bases         map[string]*cache.Output  // by path: what was there before actions changed it at the same time
	began         int64                     // when this build did: no recipe of it has changed what is older
	spoiled       map[string]bool           // by name: targets whose recipes have left in this build what is not good
	states        states                    // what files have been for some time of this build
	puts          map[string]put            // by path: when what was there before was last put there
	heard         int                       // how much of the tree's news it knows
	recovering    bool                      // runs were cut short before this build: what they left looked like sources until they ran again
	repeated      bool                      // something is made more than once
	reruns        []exec.Rerun              // hazards that wait for the end of the pass
	shape         int                       // the one that order belongs to
	active        int                       // traced actions that run now
	running       []*action                 // in views
	extra         uint64                    // positions given by nextSerial
	serials       map[string]uint64         // positions of this build, by name in the graph
	places        map[string]uint64         // all positions that were given in this build, by name in the graph
	belowAt       cache.Places              // the positions by which actions below are numbered; see takePlace
	families      families                  // whose the positions are
	visited       map[string]bool           // names of the targets that this build decided about
	commands      map[string]string         // command name: where PATH finds it
	freshened     map[*makefile.File]int64  // the mtimes of targets that are as they were, before they got new ones
	owned         map[string]*makefile.File // absolute path -> target whose action wrote it or holds it good in this build
	suspect       map[string]suspect        // by target: what may not have reached the disk
	cutRuns       []cache.JournalRecord     // runs that were cut short; see recoverCut
	recovered     bool                      // the journals of dead engines have been looked at
	privileged    map[string]bool           // command name: is it setuid or the like
	found         map[string]bool           // names that any action found in system trees
	pretended     map[string]string         // under -n: path that would be made anew -> target
	appeared      []string                  // files that the last Restored has put where none was
	onlyFiles     bool                      // and nothing else
	chain         *versions
	serial        uint64
	step          uint64
	level         int    // how many makes are above
	self          string // see identity
	firstMakefile string // see makefileName

	mu     sync.Mutex // guards what background work touches
	warned map[string]bool
	wg     sync.WaitGroup
}

// lists are the documented lists as look-up tables.
type lists struct {
	envAlways, envNever, envIfNamed *nameTable
	stateful, impure                *nameTable
}

// node is what this build knows of one target.
type node struct {
	name    string          // in the graph
	sets    []cache.PathSet // what runs of its recipe have looked at, by the store
	asked   bool            // that is known
	peers   int             // how many other targets its recipe makes
	path    string          // absolute, of the target's file
	recipe  recipeKey
	reason  string
	run     cache.Hash // identity of its last run or restore in this build
	always  bool
	serial  uint64       // position in serial order
	rank    int          // among those of this make that have the same
	old     *cache.Trace // the trace in force when it was decided
	decided *decision    // what was decided, for --explain; nil before
	must    bool         // what GNU make's rule said then
	made    *decision    // the last one in this build by which it ran or was restored, nil if there was none
	runs    int          // how often its recipe ran in this build
	idled   bool         // its recipe ran every time, and had nothing to do

	claim    claim                   // keeps builds at the same time apart
	last     *done                   // as what it was settled, nil if it is not
	reruns   int                     // how often a hazard has made it run again
	demands  int                     // how often a failure has
	demanded map[*makefile.File]bool // what it has already waited for after a failure
	tried    time.Time               // after a failure: when it began
	clash    []tracefs.Contention    // after a failure: what other actions were writing, too
	stale    string                  // why its run in this build does not count
	told     uint64                  // serial when its recipe began that starts a make: those below number their actions by it
	below    uint64                  // the serial by which they are numbered now; see moveBelow
	hide     []string                // what later actions made and its view must not show
	lowered  []string                // files that it has seen as actions after it left them
	through  []string                // in the graph: directories in which its last run has made something that is gone
	hid      int                     // how much of hide the last run had hidden
	users    *cache.Trace            // with the user's file, in whose place its recipe has left its own in this build
	adopted  []string                // the user's files that its run had hidden as what it was about to make
	shown    []string                // those of them without which it fails
	missed   []string                // after a failure: what it looked for in vain
	saw      []cache.Input           // after a failure: what it read
	listed   []string                // after a failure: directories of which it read the names
}

// New opens what is known of the tree around cwd. It never fails: what cannot
// be read is reported through Options.Warn and treated as not known.
func New(db *makefile.Database, cwd string, o Options) *Build {
	b := newBuild(db, cwd, o)
	b.load(cache.GraphPath(o.CacheDir, b.sp.root))
	return b
}

// newBuild returns a Build that knows nothing yet.
func newBuild(db *makefile.Database, cwd string, o Options) *Build {
	if o.Above.Build == 0 {
		o.Above.Build = rand.Uint64()
	}
	b := &Build{
		db: db, opts: o, hasher: o.Shared.hasher, reach: newReacher(db),
		nodes: make(map[*makefile.File]*node), owned: make(map[string]*makefile.File),
		suspect: make(map[string]suspect), warned: make(map[string]bool), visited: make(map[string]bool), places: make(map[string]uint64), wrote: make(map[string][]*done), looked: make(map[string][]*done), filled: make(map[string][]*done), commands: make(map[string]string), pretended: make(map[string]string), privileged: make(map[string]bool), found: make(map[string]bool), slots: make(chan struct{}, 64), names: make(map[cache.Hash]nameSet), passed: make(map[string]bool),
		waiting: newWaiting(), awaited: make(map[string]*makefile.File), lowered: make(map[string]*loweredFile), bases: make(map[string]*cache.Output), spoiled: make(map[string]bool), states: make(states), trusted: make(map[*node]*done), puts: make(map[string]put), freshened: make(map[*makefile.File]int64),
	}
	b.sp = newSpace(findRoot(cwd, &o), cwd, o.CacheDir, envMap(o.Env))
	b.w = newWorld(b.sp, o.Shared, o.Idle)
	b.lists = lists{
		envAlways: newNameTable(envAlways), envNever: newNameTable(envNever), envIfNamed: newNameTable(envIfNamed),
		stateful: newNameTable(statefulPrograms), impure: newNameTable(impurePrograms),
	}
	b.began = time.Now().UnixNano()
	b.env, b.noFar = envMap(o.Env), o.NoFar
	b.umask = sync.OnceValue(currentUmask)
	b.pwdRoot, b.worker = sync.OnceValue(b.findPWDRoot), sync.OnceValue(b.findWorker)
	b.serial, b.level = o.Above.Serial, o.Above.Level
	b.step = steps[min(b.level, len(steps)-1)]
	b.blobs = cache.OpenBlobs(o.CacheDir, cache.BlobOptions{ReadOnly: o.Cache == CacheReadOnly})
	return b
}

// currentUmask reads the process's umask, which the kernel only tells by
// setting it, or here.
func currentUmask() fs.FileMode {
	const none = 0
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return none
	}
	_, rest, ok := strings.Cut(string(status), "\nUmask:")
	if !ok {
		return none
	}
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 8, 32)
	if err != nil {
		return none
	}
	return fs.FileMode(mask)
}

// load reads the graph file and the journal. err says why the graph has no place.
func (b *Build) load(path string, err error) {
	if err != nil {
		b.trouble("naming the tree", err)
		path = ""
	}
	b.lookAtTree(path)
	b.tree, err = b.opts.Shared.tree(path)
	if err != nil {
		b.trouble("reading what earlier builds have learned", err)
	}
	b.tree.join(b.opts.Above.Build, !b.opts.Inside)
	b.graph = b.tree.graph
	b.opts.Shared.register.join(b.opts.Above.Register)
	b.hearVisits()
	if b.single == nil {
		b.contents = cache.NewNearContents(b.blobs, b.tree.near, b.opts.Cache == CacheOn)
	}
	b.checker = b.graph.NewChecker(b.w.same)
	b.chain = &versions{b: b}
	if b.opts.DryRun || path == "" {
		return
	}
	var rec cache.Recovery
	b.journal, rec, err = b.tree.openJournal()
	if err != nil {
		b.trouble("writing down what runs", err)
		return
	}
	b.opts.Idle.State(rec.Path, rec.Stat, rec.Err)
	for i := range rec.Lost {
		r := &rec.Lost[i]
		s := b.suspect[r.Target]
		b.suspect[r.Target] = suspect{cmp.Or(s.since, r.Time), append(s.ids, r.ID)}
	}
	b.cutRuns = rec.Unfinished
	b.recovering = len(b.suspect)+len(b.cutRuns)+len(rec.Ended) > 0
}

// lookAtTree notes in which state that is which earlier builds have left of what they
// know: all that is decided goes by it.
func (b *Build) lookAtTree(graph string) {
	if b.opts.Idle == nil {
		return
	}
	for _, p := range cache.TreeFiles(graph) {
		st, err := cache.Lstat(p)
		b.opts.Idle.State(p, st, err)
	}
}

// warn prints a message once.
func (b *Build) warn(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if b.first(msg) && b.opts.Warn != nil {
		b.opts.Warn(msg)
	}
}

// say tells why something runs that GNU make would not run, once for each cause.
func (b *Build) say(target, why string) {
	if b.first(why) && b.opts.Say != nil {
		b.opts.Say(target + " is remade because " + why)
	}
}

// trouble says, once a build, that the cache or what was learned cannot be used.
// Everything goes on as well as it can without.
func (b *Build) trouble(doing string, err error) {
	if b.first("trouble") && b.opts.Warn != nil {
		b.opts.Warn(fmt.Sprintf("the cache cannot be used fully: %s: %v", doing, err))
	}
}

// first reports whether a text is met for the first time.
func (b *Build) first(msg string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.warned[msg]
	b.warned[msg] = true
	return !seen
}

// node returns what is known of f, computing its name once.
func (b *Build) node(f *makefile.File) *node {
	n := b.nodes[f]
	if n == nil {
		p := b.w.real(b.sp.target(f.Name))
		n = &node{path: p, name: b.sp.key(p)}
		if f.DoubleColon != nil {
			n.name += doubleColonPosition(f)
		}
		b.nodes[f] = n
	}
	if len(f.AlsoMake) != n.peers {
		b.nameGroup(f, n)
	}
	return n
}

// nameGroup names a run that makes several targets after the first of them in the
// alphabet: which one the walk meets first may be another in the next build. The
// search for an implicit rule may find the others late.
func (b *Build) nameGroup(f *makefile.File, n *node) {
	n.peers = len(f.AlsoMake)
	for _, g := range f.AlsoMake {
		if f.DoubleColon == nil {
			n.name = min(n.name, b.sp.key(b.w.real(b.sp.target(g.Name))))
		}
	}
}

// doubleColonPosition makes the rules of a double-colon target distinct.
func doubleColonPosition(f *makefile.File) string {
	pos := 0
	for g := f.DoubleColon; g != nil && g != f; g = g.Prev {
		pos++
	}
	return fmt.Sprintf("::%d", pos)
}

// nextSerial gives a position to an action that is in nobody's order yet: the
// making of a makefile, before everything else.
func (b *Build) nextSerial() uint64 {
	b.extra++
	return b.serial + b.extra
}

var _ interface {
	exec.Judge
	exec.Actions
	exec.Referee
} = (*Build)(nil)
