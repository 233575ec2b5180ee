// Package soak builds real projects over and over with one cache that is far too small.
//
// # Model
//
// Of twenty projects one is taken at random, the light ones more often. Its sources are
// edited at random: a comment, a function, a header, an edit taken back, a date, an object
// deleted, now and then clean. fmake builds it, with two to eight jobs, and builds it again,
// which must run nothing but what GNU make runs every time. Then the collector brings the
// cache, which all projects share, back to its limit; during every fourth build it runs all
// the time. Since the collector spares what was used in the last hour, and all of this takes
// little more, it is told to spare nothing between builds, and twenty minutes while one goes on.
//
// After its first build, after its last one, and after some between, a project's tree is held
// against what GNU make makes of the same sources from clean: names, modes, contents. Compilers write
// paths into objects, so both are built at one path, to which the tree whose turn it is gets renamed,
// and where the program has the same name. What two builds of GNU make's do not agree on counts by its
// name only.
//
// After each build no process, mount or temporary file may be left. How large the programs
// become is noted, and what the cache holds, so that it shows what grows.
//
// Where the processes and the mounts are looked for, nobody else is disturbed: those that count
// have a mark in their environment.
package soak
