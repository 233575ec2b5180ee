package server_test

import (
	"os"
	"path/filepath"
	"sort"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// insideVar names the folder in which the tests inside a view work.
const insideVar = "FMAKE_TEST_INSIDE"

// TestPosix runs go-fuse's tests of POSIX behaviour inside a view.
func TestPosix(t *testing.T) {
	b := newBench(t)
	v := b.view()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{self, "-test.run=^TestInsidePosix$", "-test.v", "-test.timeout=60s"}
	status, out := b.command(v, args, []string{roleVar + "=inside", insideVar + "=" + b.dir})
	if status != 0 {
		t.Errorf("status %d", status)
	}
	t.Log(out)
	b.finish(v)
}

// TestInsidePosix is what TestPosix runs.
func TestInsidePosix(t *testing.T) {
	dir := os.Getenv(insideVar)
	if dir == "" {
		t.Skip("runs inside a view")
	}
	// Left out by go-fuse's own run of these tests.
	skip := map[string]bool{"FcntlFlockLocksFile": true, "OpenSymlinkRace": true}
	var names []string
	for name := range posixtest.All {
		if !skip[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			sub := filepath.Join(dir, name)
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			posixtest.All[name](t, sub)
		})
	}
}
