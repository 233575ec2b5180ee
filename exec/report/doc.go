// Package report shows a build that is over: as a timeline that Chrome and Perfetto
// read, as a graph for Graphviz, as a list of compiler runs for editors and analysers,
// and as a page for people.
//
// All makes of the build tell what they know as records of package story: spans of time,
// targets, edges between them and compiler runs. Whoever reads them does not care which
// make a record came from.
package report

// Span is something that took its time. Times are nanoseconds since 1970.
type Span struct {
	Kind       SpanKind
	Name       string // what a person calls it
	Key        string // of the target, "" if it is about none
	Dir        string // where its make runs
	Start, End int64
	Failed     bool
}

// SpanKind says what took its time.
type SpanKind string

// The kinds of span.
const (
	Recipe   SpanKind = "recipe"
	Recurse  SpanKind = "make" // a recipe that starts makes: what they do is told as well
	Restore  SpanKind = "restore"
	Shell    SpanKind = "shell"
	Wildcard SpanKind = "wildcard"
	Whole    SpanKind = "whole" // a make, from its beginning to its end
)

// Outcome says what became of a target.
type Outcome string

// The outcomes.
const (
	Ran      Outcome = "ran"
	Restored Outcome = "restored"
	Kept     Outcome = "kept" // it was up to date
	Cut      Outcome = "cut"  // so it was, though GNU make would have made it again
	Failed   Outcome = "failed"
	Group    Outcome = "group" // it has no recipe
)

// Target is one target of the build.
type Target struct {
	Key, Name, Dir string
	Outcome        Outcome
	Why            string
	Runs           int   // how often its recipe ran in this build
	Duration       int64 // of the run that its state came from, in nanoseconds
	Reads, Writes  int   // files
	Undeclared     []string
	Procs          []Proc
}

// Proc is one process of a target's last run, in the order of their starts; Depth tells
// which are below which.
type Proc struct {
	Depth int
	Text  string
}

// EdgeKind says how one target needs another.
type EdgeKind string

// The kinds of edge.
const (
	Declared  EdgeKind = "declared"
	OrderOnly EdgeKind = "order-only"
	Read      EdgeKind = "read"    // not declared, but read
	Learned   EdgeKind = "learned" // not declared, but waited for
)

// Edge says that one target needs another. Both are keys.
type Edge struct {
	Kind     EdgeKind
	From, To string
}

// Compile is one run of a compiler for one source.
type Compile struct {
	Dir, File, Output string
	Args              []string
}

// Build is all that is known of a build.
type Build struct {
	Spans    []Span
	Targets  []Target
	Edges    []Edge
	Compiles []Compile
}
