// Package laws is the property test of fmake's laws: random projects, random
// histories, and after every build the question whether the tree is the one
// that a serial build from clean would leave.
//
// The model:
//
//   - A Project is a list of rules, each of which uses only what rules before it
//     make, and a set of sources. Its makefile declares every prerequisite. Its
//     damaged twin has lost a random third of them; the make under test gets that
//     one, the oracle the whole one.
//   - A History is a project and steps: what the user changes, how the build is
//     started, and what befalls it. Both are data made from a seed before anything
//     runs, so that a failure can be played again and shortened.
//   - The oracle is GNU make 4.4.1 with -j1, from clean, in a copy of the sources.
//     It is asked once for each state of the sources.
//   - A Failure names the law. After each full build the tree must be the
//     oracle's, in names, contents, modes and links, and a second build must run
//     nothing but what runs every time.
//
// A damaged project has one right result only if its serial order does not
// depend on the prerequisites that it lost. There are two ways to have that.
// Where all names everything in an order in which it can be made (an "order"
// project), any prerequisite may be lost: a serial make still builds it, and
// what parallel jobs meet out of order are hazards. Where all is shuffled (a
// "demand" project), a serial make fails; there, only prerequisites may be lost
// whose absence makes a recipe fail, so that a demand finds them.
//
// What the user edited by hand stays (law 5): to the oracle it is a source, for
// as long as what it is declared to be made from is as it was. What was made
// from a source that is gone stays too, as a source.
//
// A plain go test plays a fixed share, class by class. The big run is
//
//	go test ./tests/laws -timeout 0 -run TestLaws -laws.histories=1000 -laws.jobs=2 -laws.keep=DIR
//
// and keeps each failing history, shortened, with its trees in DIR/seedN; the
// file history.json there is played again by -laws.replay. -laws.busy builds targets and
// sub-directories between the steps. FMAKE_TEST_BINARY
// and FMAKE_REFERENCE name a fmake (its engine beside it) and a GNU make 4.4.1
// that were built elsewhere; without the first, fmake is built, without the
// second, make is taken.
package laws
