// Package exec makes targets: it is everything of make that has processes,
// clocks and messages.
//
// # Model
//
// A Session is one run of the program: options, reading makefiles, remaking
// them, making the goals. Its Walk goes over the graph of package makefile in
// GNU make's serial order. One goroutine walks, decides, prints and starts
// programs; other goroutines only wait for a process, read a pipe or interpret
// a script, and report to the walk through one channel, so that no state is
// shared.
//
// A recipe that runs is a job: its lines run one after the other, each in the
// View of the action it belongs to. A walk that can go no further (all slots
// taken, or everything left waits for a running job) receives from the channel,
// which starts the next line of a job or finishes its target.
//
// A command that runs by itself, without a makefile, needs none of this but the View and
// its end: see Alone.
//
// Errors that end make at once are panics with a private type, raised by
// Walk.die and caught in Session.Run, which then waits for the running jobs and
// cleans up. Nothing else panics.
package exec
