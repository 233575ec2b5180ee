package makefile

import "strings"

// Options are the settings of one run that reading and expanding depend on.
type Options struct {
	// Program is how messages and MAKE_COMMAND call the program.
	Program string
	// WorkDir is the directory make runs in, the value of CURDIR.
	WorkDir string
	// Env is the environment as os.Environ gives it.
	Env []string
	// IncludeDirs are searched for included makefiles, in order.
	IncludeDirs []string
	// MakeLevel is how many makes are above this one.
	MakeLevel int

	NoBuiltinRules bool // -r
	NoBuiltinVars  bool // -R
	EnvOverrides   bool // -e
	WarnUndefined  bool // --warn-undefined-variables
	Posix          bool // as if .POSIX stood first in the makefile

	// OnMakeflags is called when a makefile assigned MAKEFLAGS.
	OnMakeflags func(value string, o Origin)
	// InvalidAuth gives the words that, appended to MAKEFLAGS, keep a command
	// that is no make from using the jobserver; nil or "" for none.
	InvalidAuth func() string
	// ArchiveGlob gives the members of an archive that match a pattern.
	ArchiveGlob func(archive, pattern string) []string
	// Timed runs what a function does that may take long, and measures it; nil if
	// nobody wants to know.
	Timed func(function, text string, fn func())
}

// Database holds everything that was read. It is used by one goroutine.
type Database struct {
	host Host
	opt  Options

	files    map[string]*File
	order    []*File
	fileSlab []File
	depSlab  []Dep

	global  VarSet
	root    Scope // the global scope
	patVars []*patternVar

	// Patterns are the implicit rules in the order in which they are tried.
	Patterns []*PatternRule
	// Default is the .DEFAULT target, Suffixes the .SUFFIXES target; both exist
	// from the start, perhaps without rules.
	Default  *File
	Suffixes *File

	SecondExpansion bool
	OneShell        bool
	Posix           bool
	ExportAll       bool

	// Set by SnapDeps from the special targets.
	NotParallel   bool
	Silent        bool
	IgnoreErrors  bool
	DeleteOnError bool
	AllSecondary  bool
	// RememberAll: every name that a search finds impossible is remembered, so that
	// messages of later searches are GNU make's.
	RememberAll      bool
	NoIntermediates  bool
	NoneIntermediate bool
	AllPrecious      bool
	AllLowResTime    bool
	Snapped          bool

	ReadFiles    []*GoalDep // makefiles, in the order in which they were read
	RecipePrefix byte       // the recipe prefix in force

	includeDirs []string
	envShell    string // SHELL of the environment
	hasEnvShell bool
	maxText     int      // how long an expansion may become
	bufs        [][]byte // spare buffers of expansions
	functions   map[string]*function
	waitTold    struct{ deps, recipe bool } // what rules for .WAIT should not have

	expansion
	state state
}

// expansion is where expanding and reading stand at the moment. Catch puts it
// back when an error has cut them short.
type expansion struct {
	scope        *Scope        // the scope that variables are looked up in
	reading      *Pos          // the line being read or the recipe being expanded
	varPos       *Pos          // definition of the variable being expanded
	target       *File         // whose recipe is being expanded
	conds        *conditionals // those of the source being read
	active       []*Variable   // recursive variables being expanded, outermost first
	depth        int           // nesting of expansions
	nesting      int           // nesting of included makefiles
	from         int32         // see Dep.From
	callArgs     int           // arguments of the innermost $(call)
	envRecursion int           // > 0: expanding for the environment of $(shell)
}

// New makes a database that knows the variables make itself defines and those
// of the environment, and no rules.
func New(host Host, o Options) *Database {
	db := &Database{
		host:         host,
		opt:          o,
		files:        make(map[string]*File, 256),
		RecipePrefix: '\t',
		includeDirs:  o.IncludeDirs,
		functions:    indexFunctions(),
		maxText:      maxText,
	}
	db.root.Set = &db.global
	db.scope, db.conds = &db.root, &conditionals{}
	db.Default = db.Enter(".DEFAULT")
	db.Suffixes = db.Enter(".SUFFIXES")
	db.defineInitial()
	if !o.NoBuiltinVars {
		db.defineBuiltinVars()
	}
	if o.Posix {
		db.enterPosixMode()
	}
	return db
}

// Options gives the options the database was made with.
func (db *Database) Options() *Options { return &db.opt }

// Host gives the world the database works in.
func (db *Database) Host() Host { return db.host }

// Global is the scope of all variables that belong to no target.
func (db *Database) Global() *Scope { return &db.root }

// Lookup finds the file of that name, nil if nothing mentioned it. A leading
// ./ does not matter.
func (db *Database) Lookup(name string) *File {
	return db.files[stripDotSlash(name)]
}

// Enter finds or makes the file of that name. For a target with double-colon
// rules it makes the next rule of the chain.
func (db *Database) Enter(name string) *File {
	head := db.files[name]
	if head != nil && head.DoubleColon == nil {
		head.Builtin = false
		return head
	}
	f := db.newFile(name)
	if head == nil {
		f.Last = f
		db.files[name] = f
		db.order = append(db.order, f)
		return f
	}
	f.DoubleColon = head
	head.Last.Prev = f
	head.Last = f
	return f
}

// Files lists the heads of all files in the order in which they were first
// mentioned. The caller must not change the slice.
func (db *Database) Files() []*File { return db.order }

// Rehash gives f another name: whatever is known under the new name is merged
// into it by the caller, who gets it.
func (db *Database) Rehash(f *File, name string) (old *File) {
	old = db.files[name]
	if db.files[f.HName] == f {
		delete(db.files, f.HName)
	}
	f.HName = name
	if old == nil {
		db.files[name] = f
	}
	return old
}

const slabSize = 128

func (db *Database) newFile(name string) *File {
	if len(db.fileSlab) == 0 {
		db.fileSlab = make([]File, slabSize)
	}
	f := &db.fileSlab[0]
	db.fileSlab = db.fileSlab[1:]
	f.Name, f.HName, f.order = name, name, len(db.order)
	return f
}

// NewDep makes an empty prerequisite.
func (db *Database) NewDep() *Dep {
	if len(db.depSlab) == 0 {
		db.depSlab = make([]Dep, slabSize)
	}
	d := &db.depSlab[0]
	db.depSlab = db.depSlab[1:]
	return d
}

// stripDotSlash removes leading "./" from a name, as makefiles' names lose it.
func stripDotSlash(name string) string {
	for len(name) > 2 && name[0] == '.' && name[1] == '/' {
		name = strings.TrimLeft(name[2:], "/")
	}
	if name == "" {
		return "./"
	}
	return name
}

// fatal stops reading or expanding with an error at pos, which may be nil.
func (db *Database) fatal(pos *Pos, msg string) {
	var at Pos
	if pos != nil {
		at = *pos
	}
	panic(&Fatal{Pos: at, Msg: msg})
}

// warn prints a message that stops nothing.
func (db *Database) warn(pos *Pos, msg string) {
	var at Pos
	if pos != nil {
		at = *pos
	}
	db.host.Message(MessageWarning, at, msg)
}

// errPos is the place that errors in an expansion are reported at: the
// definition of the variable being expanded, else the line being read.
func (db *Database) errPos() *Pos {
	if db.varPos != nil {
		return db.varPos
	}
	return db.reading
}
