// Package faults kills the processes of whole builds.
//
// # Model
//
// A build of fmake is three processes: fmake itself, the engine's server and the
// engine's spawner. Each is killed at a random moment, many times, in the build
// of a small C program with an empty cache. What must hold: within seconds no
// process, no mount and no temporary file of the build remains; the next run
// succeeds and leaves the tree that a serial build by GNU make leaves; and the
// run after that runs nothing.
//
// Builds in which several recipes edit one file are killed one after the
// other in one tree: the next one finds each version of the file as its recipe left it.
package faults
