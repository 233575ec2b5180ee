// Package fuzz compares fmake, untraced, with GNU make 4.4.1 on random makefiles.
//
// A Case is a small project and the commands that are typed in it. It is made
// from a seed alone, so that a seed means the same case everywhere for as long as
// the generator stays as it is. Both makes play it in the same folder, called by
// the same name, in the same environment; what they print, how they end and the
// tree that they leave must be equal.
//
// Nothing may hang on the clock: every file has a date that the case gives it,
// and recipes date what they write. A case on which GNU make itself crashes or
// does not come to an end is no case.
//
// A plain go test plays a fixed share. The big run is
//
//	go test ./tests/fuzz -timeout 0 -run TestRandom -fuzz.cases=20000 -fuzz.jobs=2 -fuzz.keep=DIR
//
// and writes each case that differs to DIR, shortened. With what GNU make did
// beside it, such a file goes into found/ and stays as a test that needs no GNU
// make. FMAKE_TEST_BINARY and FMAKE_REFERENCE name a fmake and a GNU make 4.4.1
// that were built elsewhere; without the second it is built from Debian's source.
package fuzz
