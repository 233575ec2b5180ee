// Package idle lets a make that has nothing to do end at once.
//
// # Model
//
// A make that starts no program and changes nothing is a function of what it looked
// at: the makefiles it read, the names it found or missed in directories, the state of
// every target and input, the environment, and what the commands of $(shell) printed.
// While such a make runs, a Recorder notes all these looks and everything that is
// printed. The next make with the same arguments in the same directory compares each
// look with what is there now (Replay). If all are as they were, it would do the same
// once more: so it prints the same and ends. Nothing is read, expanded or decided.
//
// # What must hold
//
// Whatever can change the outcome is a look. Who adds a way to look at the world on
// behalf of a make tells the Recorder, or calls Void, which gives the record up.
//
// A look that is gone by the time it is compared costs only time: the make then takes
// the long road, and writes a new record if it again has nothing to do. What is never
// right to record is voided: a run that starts a program (but for those of $(shell),
// which run again), writes a file, looks at one path twice with different results, or
// prints much.
//
// The commands of $(shell) run again only after all looks were found as they were, for
// else the makefile may no longer have them. What they printed is handed to the long
// road if it has to be taken after all: no command runs twice.
//
// # Commands of $(shell)
//
// A record that was found to hold is worth more work: its commands run once traced, in
// views of their own. A command holds if it left nothing, and every program that took part
// depends on nothing but files, its arguments, its environment and the machine's name (see
// knownPrograms). As long as all that such commands looked at is as it was they need not
// run: not for a make that has nothing to do, nor for one that has. Of the others, those
// that change nothing run at the same time, and those of which that is not known run in
// their places.
//
// # The file
//
// There is one file for each directory and list of arguments, below "idle" in the
// cache's folder, and one for each directory with what was learned of commands. It is mapped, not read: the looks are an array of fixed size, whose
// names end in a zero byte, as the kernel wants them. A file that is damaged, of
// another version, or not the user's own is as good as none.
package idle
