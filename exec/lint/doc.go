// Package lint holds a makefile against what its recipes really did: it finds what
// plain GNU make, which believes the makefile, does wrong or may do wrong with it.
//
// # Model
//
// A recipe's trace says what it read and wrote. Of the makefile it is asked whether GNU
// make would notice: a file that a recipe read is declared if the target reaches it
// over prerequisites that make it newer, each a file; a recipe that writes what another
// reads comes before it if the other reaches it over prerequisites of any kind.
//
// Findings are texts for people. Some of them a line of the makefile would mend; such
// an Addition adds prerequisites to a target that a rule exists for, and nothing else,
// so that it can stand at the end of the makefile whatever is in it. Diff makes a patch
// of all of them.
//
// Each make looks at its own makefile. Whether a recipe of a make below may run before
// something is known above only, where a recipe that waits for that has started the make.
// So every make says what such recipes wait for, an Order, and the make at the top drops
// the hazards of makes below that are none.
package lint

import (
	"fmake/cache"
	"fmake/makefile"
)

// Kind says what a finding is about.
type Kind string

// The kinds.
const (
	Hazard   Kind = "hazard"    // an order that -j needs and nothing says
	Missing  Kind = "missing"   // prerequisites that are not declared
	Twice    Kind = "twice"     // a file that several recipes write
	Stray    Kind = "stray"     // a file that a recipe writes and no rule names
	Outside  Kind = "outside"   // a file outside the project
	Surplus  Kind = "surplus"   // prerequisites that nobody reads
	LeftOver Kind = "left-over" // a file whose rule is gone
)

// kindWords is how a summary counts the findings of a kind.
type kindWords struct {
	kind      Kind
	one, many string
}

// kinds are all, in the order in which they are told.
func kinds() []kindWords {
	return []kindWords{
		{Hazard, "-j hazard", "-j hazards"},
		{Missing, "target with missing prerequisites", "targets with missing prerequisites"},
		{Twice, "file that several targets write", "files that several targets write"},
		{Stray, "target that writes what no rule declares", "targets that write what no rule declares"},
		{Outside, "file outside the project that recipes read", "files outside the project that recipes read"},
		{Surplus, "target with surplus prerequisites", "targets with surplus prerequisites"},
		{LeftOver, "file that no rule makes any more", "files that no rule makes any more"},
	}
}

// Finding is one thing that is wrong with a makefile.
type Finding struct {
	Kind Kind
	File string // the makefile, absolute; "" if it is about none
	Line int    // 0 if it is about no line
	Text string
	Add  *Addition // what would mend it, nil if no line would
	// Of a hazard: by key the file that is read, and where the make stands.
	Key   string
	Place Place
}

// Place is where a make stands in a build: how many are above it, and where in serial order
// its recipes begin.
type Place struct {
	Level  int
	Serial uint64
}

// Order says that the makes which one recipe has started begin when some files are made.
type Order struct {
	Level      int    // of the make whose recipe it is
	First, End uint64 // where those below stand
	Keys       []string
}

// Addition is what a target lacks.
type Addition struct {
	Makefile string // absolute
	Dir      string // where make runs, to which the names are relative
	Target   string
	Needs    []string // sorted
	// Apart says that the recipe uses lists of its prerequisites, so that these must
	// not be among them.
	Apart bool
	// Sealed are the names in Needs of what is made elsewhere, and would be made by an
	// implicit rule of this make were it a prerequisite without a rule.
	Sealed []string
}

// Knowledge is what the build knows of the targets of one make.
type Knowledge interface {
	// Key is how traces call the file of a target or prerequisite.
	Key(f *makefile.File) string
	// KeyOf is how traces call the file that the makefile would call so.
	KeyOf(name string) string
	// Path is a key as the makefile would call it, relative to where make runs.
	Path(key string) string
	// Trace is what the recipe of a target really did, nil if that is not known.
	Trace(f *makefile.File) *cache.Trace
	// Always tells that GNU make runs the recipe of a target every time.
	Always(f *makefile.File) bool
	// UsesLists tells that a recipe uses the list of its prerequisites.
	UsesLists(f *makefile.File) bool
	// WriterElsewhere tells whether a recipe of another make has written a file.
	WriterElsewhere(key string) bool
	// State tells whether a file is there, and whether it is certain that no recipe has
	// made it.
	State(key string) (exists, source bool)
	// Below tells where the makes stand that a recipe of this one has started, if it has.
	Below(f *makefile.File) (first, end uint64, ok bool)
	// IsSystem tells that a file belongs to the system and not to a person.
	IsSystem(key string) bool
}

// Make is what is looked at: one make.
type Make struct {
	Dir     string
	Place   Place
	DB      *makefile.Database
	Targets []*makefile.File // those with a recipe that are part of the build, in serial order
	Known   Knowledge
}
