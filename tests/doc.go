// Package tests holds the tests of fmake as a whole program.
//
// Each file below scripts/ is one terminal session in the format of testscript
// (txtar): what a person types, what must be printed, what must be in the tree
// and, most of all, which recipes ran. scripts/make shows what GNU make does
// and holds for any make (FMAKE_TEST_BINARY=/usr/bin/make go test ./tests runs
// these against GNU make itself); scripts/trace, scripts/scenarios and
// scripts/faults show what fmake adds.
//
// The model of a session:
//
//   - The project is $WORK, the folder that the files of the script are written
//     to. Everything that belongs to the user and not to the project (HOME, the
//     cache, temporary files) is below $STATE, a sibling.
//   - A recipe says which target it makes with the line "@note TARGET". note
//     sends the name through an abstract socket, which no view of the file
//     system and no cache can see, so a recipe that was restored from the cache
//     or skipped has not noted anything. "ran a.o prog" asserts that since the
//     last such line exactly these recipes ran, each once.
//   - Time never passes by sleeping. "tick" waits until the clock of the file
//     system has moved past every file that is there (a few milliseconds at
//     most), and "edit" and "touch" tick before they write, so that mtimes
//     always order as the session reads.
//
// Scripts that need FUSE say so in the line "[!fuse] skip". When the tests run
// as root, each of these runs a second time as an ordinary user.
package tests
