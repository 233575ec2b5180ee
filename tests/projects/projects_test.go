package projects

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fmake/tests/corpus"
	"fmake/tests/programs"
)

// ordinary is the user as whom a project is built once more where root runs the
// tests.
const ordinary = 61398

// limit is far above what any build takes: it ends what hangs.
const limit = 15 * time.Minute

// heavyVar asks for the projects that take many minutes to build.
const heavyVar = "FMAKE_TEST_HEAVY"

// jobs is how many jobs the builds run at once.
const jobs = 2

// A lab is where one project is built, always at the same path, by one make
// after the other.
type lab struct {
	t        *testing.T
	project  Project
	corpus   *corpus.Corpus
	dir      string // private to the project
	make     string // the reference
	fmake    string
	uid      uint32
	pristine string // a configured tree to copy from
}

// TestProjects builds each project with GNU make 4.4.1, with fmake as plain
// make, and with fmake tracing and caching, through the same steps.
func TestProjects(t *testing.T) {
	c, err := corpus.Open()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := c.Reference()
	if err != nil {
		missing(t, err)
	}
	bin := sharedTemp(t)
	if err := programs.Into(bin); err != nil {
		t.Fatal(err)
	}
	if err := programs.Copy(ref.Make, filepath.Join(bin, "reference")); err != nil {
		t.Fatal(err)
	}
	for _, p := range Table() {
		t.Run(p.Name, func(t *testing.T) {
			if p.Heavy && os.Getenv(heavyVar) == "" {
				t.Skip("takes many minutes: set " + heavyVar)
			}
			l := &lab{t: t, project: p, corpus: c, dir: sharedTemp(t), make: filepath.Join(bin, "reference"), fmake: filepath.Join(bin, "fmake")}
			l.run()
		})
	}
}

// missing says that sources cannot be had, which is an error only in continuous
// integration.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// sharedTemp returns a temporary folder that every user can reach.
func sharedTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fmake-projects-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (l *lab) run() {
	l.pristine = filepath.Join(l.dir, "pristine")
	// Configured at the path where it will be built, then put aside.
	if err := l.project.Unpack(l.corpus, l.tree()); err != nil {
		missing(l.t, err)
	}
	if err := os.Rename(l.tree(), l.pristine); err != nil {
		l.t.Fatal(err)
	}
	built, edited := l.reference()
	ignore := l.unstable(built)
	l.t.Run("untraced", func(t *testing.T) { l.with(t).untraced(built, edited, ignore) })
	l.t.Run("traced", func(t *testing.T) { l.with(t).traced(built, edited, ignore) })
	l.t.Run("traced as an ordinary user", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("not root: that was one")
		}
		if l.project.Heavy {
			t.Skip("the light projects show it")
		}
		user := l.with(t)
		user.uid = ordinary
		user.traced(built, edited, ignore)
	})
}

func (l *lab) with(t *testing.T) *lab {
	other := *l
	other.t = t
	return &other
}

func (l *lab) tree() string { return filepath.Join(l.dir, l.project.Name) }

// fresh puts a pristine tree in place.
func (l *lab) fresh() {
	l.t.Helper()
	if err := os.RemoveAll(l.tree()); err != nil {
		l.t.Fatal(err)
	}
	l.must(exec.Command("cp", "-a", l.pristine, l.tree()))
	if l.uid != 0 {
		l.must(exec.Command("chown", "-R", fmt.Sprint(l.uid), l.tree()))
	}
}

// reference returns the trees that GNU make leaves, after a build from clean and
// after an edit of the header.
func (l *lab) reference() (built, edited Tree) {
	l.t.Helper()
	l.fresh()
	l.build(l.make, nil)
	built = l.read()
	l.edit()
	l.build(l.make, nil)
	return built, l.read()
}

// unstable tells which files two builds by GNU make itself leave different.
func (l *lab) unstable(built Tree) func(name string) bool {
	l.t.Helper()
	if !l.project.Flaky {
		return func(string) bool { return false }
	}
	l.fresh()
	l.build(l.make, nil)
	again := l.read()
	return func(name string) bool { return built[name] != again[name] }
}

// untraced is fmake as a plain make: dates decide.
func (l *lab) untraced(built, edited Tree, ignore func(string) bool) {
	env := []string{"FMAKEFLAGS=--tracefs=off"}
	l.fresh()
	l.build(l.fmake, env)
	l.same("after a build", built, ignore)
	l.edit()
	l.build(l.fmake, env)
	l.same("after an edit of "+l.project.Header, edited, ignore)
}

// traced is fmake at its best: content decides, and the cache remembers.
func (l *lab) traced(built, edited Tree, ignore func(string) bool) {
	cache := filepath.Join(l.dir, fmt.Sprintf("cache-%d", l.uid))
	l.must(exec.Command("install", "-d", "-o", fmt.Sprint(l.uid), cache))
	env := []string{"FMAKEFLAGS=--tracefs=require", "FMAKE_CACHE_DIR=" + cache}
	l.fresh()
	l.build(l.fmake, env)
	l.same("after a build", built, ignore)
	out := l.build(l.fmake, env)
	if compiled(out) {
		l.t.Errorf("a second build compiled:\n%s", out)
	}
	l.same("after a null build", built, ignore)
	l.edit()
	l.build(l.fmake, env)
	l.same("after an edit of "+l.project.Header, edited, ignore)
	l.build(l.fmake, env, l.project.Clean)
	l.build(l.fmake, env)
	l.same("after clean and a build from the cache", edited, ignore)
}

// compiled looks for a compiler among the commands that were printed.
func compiled(output string) bool {
	for line := range strings.Lines(output) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch filepath.Base(word) {
		case "cc", "gcc", "c99", "CC":
			return true
		}
	}
	return false
}

func (l *lab) edit() {
	l.t.Helper()
	if err := l.project.EditHeader(l.tree(), 1); err != nil {
		l.t.Fatal(err)
	}
}

// build runs one make and returns what it printed; it must succeed.
func (l *lab) build(program string, env []string, args ...string) string {
	l.t.Helper()
	cmd := l.project.Command(program, l.tree(), jobs, env, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if l.uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: l.uid, Gid: l.uid}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	watchdog := time.AfterFunc(limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	if !watchdog.Stop() {
		err = errors.Join(err, fmt.Errorf("still running after %v", limit))
	}
	if err != nil {
		text := out.String()
		l.t.Fatalf("%s: %v\n%s", cmd, err, text[max(0, len(text)-4000):])
	}
	return out.String()
}

func (l *lab) read() Tree {
	l.t.Helper()
	tree, err := ReadTree(l.tree())
	if err != nil {
		l.t.Fatal(err)
	}
	return tree
}

// same asserts that the tree is as the reference left it.
func (l *lab) same(when string, want Tree, ignore func(string) bool) {
	l.t.Helper()
	got := l.read()
	if _, wanted := want[l.project.Scratch]; !wanted && got[l.project.Scratch] == "drwxr-xr-x" {
		delete(got, l.project.Scratch)
	}
	if diff := want.Differences(got, ignore); len(diff) > 0 {
		l.t.Errorf("%s %d files differ:\n%s", when, len(diff), strings.Join(diff[:min(len(diff), 20)], "\n"))
	}
}

func (l *lab) must(cmd *exec.Cmd) {
	l.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
