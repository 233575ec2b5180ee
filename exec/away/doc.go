// Package away is what is said between a make and the program that runs a recipe for it on
// another machine.
//
// # Model
//
// The other machine finds a tree of its own: the project, or what of it the recipe is known
// to read, in one folder, and in another this release's worker with a Job. The worker runs
// the lines of the recipe as the Job says, watches what they look at, and leaves a Report
// beside the files that the recipe leaves.
//
// Nothing there shows what was not sent: a file that is not in the tree is not there. So
// whether the recipe has done what it would have done here can be told from the Report: all
// that it has looked at has to be here as it was there. A look at something that is here
// and was not sent makes the result worthless, whatever it looks like.
package away

// The parts of the tree.
const (
	Project    = "project" // where the project's root is
	Own        = "fmake"   // what is not the project's
	System     = "root"    // in place of Project, if the system was sent: the root of all paths
	Worker     = Own + "/worker"
	JobFile    = Own + "/job"
	ReportFile = Own + "/report"
)
