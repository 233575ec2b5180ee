package makefile

// Pos is the place in a makefile where something was said. Line 0 with a
// non-empty File means "somewhere in that file"; an empty File means that the
// thing has no place (built in, from the environment or the command line).
type Pos struct {
	File   string // interned: every Pos of one makefile shares the string
	Line   int    // 1-based, of the first physical line
	Offset int    // lines into a recipe or a continued line, added when printed
}

// Origin says where a variable's value came from, weakest first: a later
// constant overrides an earlier one (manual, "Origin Function").
type Origin uint8

// The origins, in the order in which a definition may replace another.
const (
	OriginDefault Origin = iota
	OriginEnv
	OriginFile
	OriginEnvOverride
	OriginCommand
	OriginOverride
	OriginAutomatic
	OriginInvalid
)

// Flavor is the assignment operator that a definition used.
type Flavor uint8

// The assignment operators.
const (
	FlavorBogus       Flavor = iota
	FlavorSimple             // := or ::=
	FlavorRecursive          // = or define
	FlavorExpand             // :::=
	FlavorAppend             // +=
	FlavorConditional        // ?=
	FlavorShell              // !=
	FlavorAppendValue        // += on a value that must not be expanded again
)

// Export says whether a variable goes into a recipe's environment.
type Export uint8

// The export states (manual, "Communicating Variables to a Sub-make").
const (
	ExportDefault Export = iota
	ExportYes
	ExportNo
	ExportIfSet
)

// Variable is one definition of one name in one VarSet.
type Variable struct {
	Name  string
	Value string
	Pos   Pos

	Origin    Origin
	Flavor    Flavor
	Export    Export
	Recursive bool // expand Value at each use
	Append    bool // a target-specific += that awaits the outer value
	Cond      bool // defined by ?=
	PerTarget bool // defined target- or pattern-specific
	Special   bool // its value is computed at each use (.VARIABLES, .TARGETS, MAKEFLAGS)
	Private   bool // not inherited by prerequisites
	// Exportable is false for names that a shell could not hold.
	Exportable bool

	expanding bool // guards against self-reference
	expCount  int  // how often $(call) may re-enter it
}

// VarSet maps names to variables. The zero value is empty and usable.
type VarSet struct {
	m map[string]*Variable
}

// Scope is a chain of variable sets, innermost first: a target's own, those of
// the targets on whose behalf it is made, pattern-specific ones, the global
// one.
type Scope struct {
	Set          *VarSet
	Next         *Scope
	NextIsParent bool // Next belongs to a parent target: private variables in it are invisible
}

// Recipe is the recipe of a rule. It is shared by all targets of the rule.
type Recipe struct {
	Pos    Pos
	Text   string // as written, lines joined by \n, recipe prefixes removed
	Prefix byte   // .RECIPEPREFIX in force where it was read

	// Lines, Flags and AnyRecurse are filled by Chop.
	Lines      []string
	Flags      []LineFlag
	AnyRecurse bool // some line mentions $(MAKE) or has a +
	chopped    bool
}

// LineFlag holds the prefix characters of one recipe line.
type LineFlag uint8

// The prefixes @ - + of a recipe line; FlagRecurse is also set by a mention of
// $(MAKE) or ${MAKE}.
const (
	FlagSilent LineFlag = 1 << iota
	FlagNoError
	FlagRecurse
)

// Dep is one prerequisite of one target.
type Dep struct {
	Name string // empty once File is set
	File *File
	Stem string

	OrderOnly     bool // after | : no reason to remake
	Changed       bool // set by the walk: newer than the target or remade
	StaticPattern bool
	// NeedExpansion2 marks a name that .SECONDEXPANSION expands again.
	NeedExpansion2 bool
	IgnoreAutoVars bool // from .EXTRA_PREREQS: not in $^ and the like
	Explicit       bool // mentioned in the makefile, not made up by implicit search
	Learned        bool // from what recipes were seen to do, not from the makefile
	WaitBefore     bool // a .WAIT stood before it
	// From is one more than the index in ReadFiles of the included makefile that
	// names it; 0 for all others.
	From int32
}

// GoalDep is one makefile that was read or is to be read, or one goal.
type GoalDep struct {
	Dep
	Pos           Pos
	DontCare      bool  // "-include", "sinclude", MAKEFILES, default names: may be missing
	Included      bool  // by an include directive
	NoTilde       bool  // do not expand ~
	NoDefaultGoal bool  // read through MAKEFILES: sets no default goal
	Err           error // why it could not be read, nil if it was
}

// File is one node of the graph: anything that is a target or a prerequisite.
// A double-colon target is a chain through Prev, headed by the File in the
// table; each link's DoubleColon points to the head.
type File struct {
	Name  string // how messages call it
	HName string // its key in the table: Name unless found by VPATH or renamed

	Deps     []*Dep
	Recipe   *Recipe
	Stem     string
	AlsoMake []*File // other targets of the same run (grouped or pattern rule)
	// GroupPlace is which one of a rule's grouped targets, counted backwards from 1,
	// the file is itself: it has so many of AlsoMake, less one, before it. 0 for all
	// other files.
	GroupPlace int

	Prev        *File // next rule of a double-colon target
	Last        *File // last of that chain
	DoubleColon *File // head of that chain, nil for single-colon targets
	Renamed     *File // set when this node was merged into another

	Vars    *Scope // target-specific variables, nil if none yet
	PatVars *Scope // pattern-specific variables, nil if none
	Parent  *File  // on whose behalf it is being made

	Builtin         bool // comes from the built-in rules
	Precious        bool
	LowResTime      bool
	TriedImplicit   bool
	IsTarget        bool // has a rule
	CmdTarget       bool // named on the command line
	Phony           bool
	Intermediate    bool
	Explicit        bool // mentioned in the makefile
	Secondary       bool
	NotIntermediate bool
	DontCare        bool // a missing file is no error
	IgnoreVPath     bool
	PatSearched     bool // pattern-specific variables were looked for
	NoDiag          bool // its failure was reported already
	Snapped         bool

	// Run belongs to the walk in package exec; this package only creates it
	// zero. It is embedded by value so that 200,000 nodes cost one allocation
	// each.
	Run RunState

	inVars bool // InitFileVars is under way above
	order  int  // position of entry, for stable listings
}

// Passing tells whether the file is deleted when the make that has made it ends.
func (f *File) Passing() bool {
	return f.Intermediate && (!f.Precious || f.DontCare) && !f.Secondary && !f.NotIntermediate && !f.CmdTarget
}

// Current returns the node that stands for f now: the one that it was merged into, or f.
func (f *File) Current() *File {
	for f.Renamed != nil {
		f = f.Renamed
	}
	return f
}

// RunState is what the walk of package exec knows about a File during one run.
type RunState struct {
	Mtime       int64 // nanoseconds since 1970; see the constants of package exec
	MtimeBefore int64 // Mtime before the recipe ran
	Considered  uint32
	Line        int   // index of the recipe's line that failed
	State       uint8 // not started, deps running, running, finished
	Status      uint8 // success, none, question, failed
	Flags       LineFlag
	Updating    bool
	Updated     bool
	Shuffled    bool
	Leftover    bool // a make that was killed had no time to delete it
	KnowsLeft   bool // that Leftover is known
}

// PatternRule is one implicit rule.
type PatternRule struct {
	Targets   []string // each with one %
	Suffixes  []int    // for each target: index just behind its %
	Deps      []*Dep
	Recipe    *Recipe
	Pos       Pos
	Terminal  bool // double-colon
	InUse     bool // guards against recursion through itself
	Secondary bool
	// NotIntermediate is set when .NOTINTERMEDIATE names the pattern.
	Builtin  bool
	Explicit bool
}
