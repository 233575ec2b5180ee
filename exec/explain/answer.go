// Package explain holds what can be said of one file: why it is, or would be, made
// again, what its recipe did last time, who wrote it and who reads it.
//
// An Answer is plain data, which package build fills in, and which is shown in one of
// two ways: as text for people, one plain sentence first and the reasons below it, each
// indented under what it is the reason of; or as JSON for programs.
package explain

// State says in one word what is known of a file.
type State string

// The states.
const (
	UpToDate  State = "up-to-date"
	Restore   State = "restore"   // would come from the cache
	Rebuild   State = "rebuild"   // its recipe would run
	ByMake    State = "by-make"   // GNU make's rule decides, and makes it
	Source    State = "source"    // no rule makes it
	Group     State = "group"     // it has no recipe and stands for what it needs
	Elsewhere State = "elsewhere" // a make below makes it
	Byproduct State = "byproduct" // the recipe of another target makes it
)

// Answer is what is known of one file.
type Answer struct {
	Name     string // as it was asked for
	State    State
	Sentence string
	Why      []Reason
	Run      *Run     // nil: nothing is known of an earlier run
	Inputs   []Inputs // in groups
	// Undeclared are inputs in the project that are no prerequisites, Unread
	// prerequisites that the recipe did not read.
	Undeclared, Unread []string
	Env                []string // variables that count and are set
	Outputs            []Output
	WrittenBy, ReadBy  []Link
	Miss               *Miss // nil: was not asked for
}

// Reason is one node of the tree of reasons.
type Reason struct {
	Text  string
	Words []Word // of what the text says has changed; nil if that has no words
	Why   []Reason
}

// Run is what is known of the run that the present state came from.
type Run struct {
	Text   string   // when and why, one sentence
	Notes  []string // what is special about it, one sentence each
	Recipe string
	Procs  []Proc
}

// Proc is one process of a recipe, with those that it started.
type Proc struct {
	Argv          []string
	Reads, Writes int
	Sets          []string // names of the variables in which it differs from its parent
	Children      []Proc
}

// Inputs is a group of inputs.
type Inputs struct {
	Title string
	Count int
	Shown []string // all of them, or those that differ where the others are of no interest
}

// Output is one path that the recipe has left.
type Output struct {
	Path string
	What string // what it is: a hash, "directory", "removed" ...
	Text string // all of it in words
	AsIs bool   // it is as the recipe left it
}

// Link is one recipe that has to do with a file.
type Link struct {
	Target string
	Make   string // the directory of the make that runs the recipe, "" for this one
	How    string // "read it", "looked for it in vain" ...
	By     string // the program that did, "" if that is not known
}

// Miss says why the cache had nothing for a target.
type Miss struct {
	Text   string // one sentence
	Differ []Reason
}
