package faults

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tests/processes"
	"fmake/tests/programs"
)

var rounds = flag.Int("faults.rounds", 4, "how often each process is killed")

// limit ends a build that hangs; a whole one takes a second or two.
const limit = 2 * time.Minute

func TestKilledBuild(t *testing.T) {
	b := &builds{fmake: install(t)}
	b.whole, b.takes = b.serial(t)
	for _, victim := range []string{"fmake", "server", "spawner"} {
		t.Run(victim, func(t *testing.T) {
			for i := range *rounds {
				if b.kill(t, victim); t.Failed() {
					t.Fatalf("in round %d", i)
				}
			}
		})
	}
}

// install puts the programs into a folder and returns fmake's path. Without FUSE the
// test is skipped.
func install(t *testing.T) string {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no FUSE: %v", err)
	}
	f.Close()
	bin := t.TempDir()
	if err := programs.Into(bin); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, "fmake")
}

// environ is that of builds whose processes are found by mark.
func environ(mark, cache string, more ...string) []string {
	return append(append(os.Environ(), processes.MarkVar+"="+mark, "FMAKE_CACHE_DIR="+cache, "FMAKEFLAGS=--tracefs=require", "MAKEFLAGS=", "MAKELEVEL="), more...)
}

// killed sends SIGKILL to a process, which may have ended.
func killed(t *testing.T, victim string, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		t.Errorf("kill %s: %v", victim, err)
	}
}

// builds is what all rounds share.
type builds struct {
	fmake string
	whole map[string]string // the tree of a serial build
	takes time.Duration     // by GNU make
}

// serial builds the project with GNU make.
func (b *builds) serial(t *testing.T) (map[string]string, time.Duration) {
	tree := copyProject(t)
	start := time.Now()
	cmd := exec.Command("make")
	cmd.Dir = tree
	cmd.Env = withoutMake()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	return contents(t, tree), time.Since(start)
}

// withoutMake is the environment without what a make above has put there.
func withoutMake() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "MAKE") || strings.HasPrefix(e, "MFLAGS=") })
}

// kill kills one process of one build and looks at what comes of it.
func (b *builds) kill(t *testing.T, victim string) {
	t.Helper()
	tree, private := copyProject(t), t.TempDir()
	tmp := filepath.Join(private, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("%s-%d-%d", victim, os.Getpid(), rand.Uint64())
	env := environ(mark, filepath.Join(private, "cache"), "TMPDIR="+tmp)
	run := func() *exec.Cmd {
		cmd := exec.Command(b.fmake, "-j2")
		cmd.Dir, cmd.Env = tree, env
		return cmd
	}
	cmd := run()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	at := b.strike(t, victim, mark, cmd.Process.Pid)
	_ = cmd.Wait() // what it says of its engine's death is its own affair
	if left := processes.Remains(mark, 0); left != "" {
		t.Errorf("processes that are left:\n%s", left)
		return
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || bytes.Contains(mounts, []byte("fuse.fmake")) {
		t.Errorf("a mount is left: %v", err)
	}
	out, err := bounded(run())
	if err != nil {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	compare(t, b.whole, contents(t, tree))
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("temporary file %s is left", left[0].Name())
	}
	out, err = bounded(run())
	if err != nil || !strings.Contains(out, "is up to date") {
		t.Errorf("the run after that is not empty: %v\n%s", err, out)
	}
	if left := processes.Remains(mark, 0); left != "" {
		t.Errorf("processes that are left in the end:\n%s", left)
	}
	if left, _ := filepath.Glob(filepath.Join(private, "cache/pre/*/*")); len(left) > 0 {
		data, _ := os.ReadFile(left[0])
		t.Errorf("%s is left in the cache: %q", left[0], data)
	}
	t.Logf("killed at %v", at)
}

// strike kills the victim at a random moment of the build, counted from when all
// three processes are there. Until then fmake is one process like GNU make and
// leaves, killed, what GNU make leaves: its jobserver's fifo.
func (b *builds) strike(t *testing.T, victim, mark string, pid int) time.Duration {
	for start := time.Now(); processes.WithRole(mark, "spawner") == 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > limit {
			t.Error("the engine does not start")
			return 0
		}
	}
	at := time.Duration(rand.Int64N(int64(b.takes)*5/4 + 1))
	time.Sleep(at)
	if victim != "fmake" {
		if pid = processes.WithRole(mark, victim); pid == 0 {
			return at // the build is over
		}
	}
	killed(t, victim, pid)
	return at
}

// bounded runs a build to its end.
func bounded(cmd *exec.Cmd) (string, error) {
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func copyProject(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "calc")
	if err := os.CopyFS(dir, os.DirFS("../demo/calc")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents maps each path below dir to its mode and a hash of its content.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		all[rel] = info.Mode().String()
		if !info.Mode().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		all[rel] += fmt.Sprintf(" %x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func compare(t *testing.T, want, got map[string]string) {
	t.Helper()
	for path, w := range want {
		if got[path] != w {
			t.Errorf("%s is %q, not %q", path, got[path], w)
		}
	}
	for path := range got {
		if want[path] == "" {
			t.Errorf("%s is left over", path)
		}
	}
}
