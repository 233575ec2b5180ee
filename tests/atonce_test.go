package tests

import (
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// record is the state of a file that lets a make end at once that has nothing to do:
// it is replaced by a make that found that out, and gets a new time by one that used it.
type record struct {
	ino   uint64
	mtime unix.Timespec
}

// recordsOf lists the records of a script's cache.
func recordsOf(ts *testscript.TestScript) map[string]record {
	found := make(map[string]record)
	names, _ := filepath.Glob(filepath.Join(ts.Getenv("FMAKE_CACHE_DIR"), "idle", "[0-9a-f]*"))
	for _, name := range names {
		var st unix.Stat_t
		if unix.Lstat(name, &st) == nil {
			found[name] = record{st.Ino, st.Mtim}
		}
	}
	return found
}

// usedOf tells whether one of the records was used.
func usedOf(before, after map[string]record) bool {
	for name, was := range before {
		if now := after[name]; now.ino == was.ino && now.mtime != was.mtime {
			return true
		}
	}
	return false
}

// madeIn tells whether a make has found out that it had nothing to do.
func madeIn(before, after map[string]record) bool {
	for name, now := range after {
		if before[name].ino != now.ino {
			return true
		}
	}
	return false
}

// onceMore runs a make again that had nothing to do: it must end at once and print the
// same, in whatever script it is. What the script sees is as if it had not run. A script
// in which commands of $(shell) count how often they run sets ONCE.
func onceMore(ts *testscript.TestScript, command []string, was error) error {
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	before := recordsOf(ts)
	err := execWatched(ts, command)
	switch {
	case !usedOf(before, recordsOf(ts)):
		ts.Fatalf("a make that had nothing to do does not end at once when it is run again")
	case ts.ReadFile("stdout") != stdout || ts.ReadFile("stderr") != stderr || (err == nil) != (was == nil):
		ts.Fatalf("a make that had nothing to do prints or returns something else when it is run again")
	}
	return err
}

// cmdAtOnce asserts that the last fmake ended without reading a makefile, or that it
// did read them: at-once, ! at-once
func cmdAtOnce(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: at-once")
	}
	switch at := ts.Value(sessionKey{}).(*session).atOnce; {
	case at && neg:
		ts.Fatalf("fmake ended at once")
	case !at && !neg:
		ts.Fatalf("fmake did not end at once")
	}
}
