package server_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// The tests run as whoever calls them. Root runs them a second time as an
// ordinary user, in a mount namespace where /dev/fuse has the mode that it has
// on most machines.
const (
	roleVar   = "FMAKE_TEST_ROLE"
	engineVar = "FMAKE_TEST_ENGINE"
	ordinary  = 64321 // a user and group that nobody has
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "become-user":
		fmt.Fprintln(os.Stderr, becomeUser())
		os.Exit(2)
	case "client":
		os.Exit(clientMain())
	case "user", "inside":
		os.Exit(m.Run())
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fmake-trace")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	engine := filepath.Join(dir, "fmake-engine")
	if out, err := exec.Command("go", "build", "-o", engine, "fmake/cmd/fmake-engine").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build engine: %v\n%s", err, out)
		return 1
	}
	os.Setenv(engineVar, engine)
	return m.Run()
}

// TestAsUser runs all tests again without root.
func TestAsUser(t *testing.T) {
	if os.Geteuid() != 0 || os.Getenv(roleVar) != "" {
		t.Skip("runs once, from root")
	}
	home, err := os.MkdirTemp("", "fmake-user")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.Chown(home, ordinary, ordinary); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(filepath.Dir(os.Getenv(engineVar)), "server.test")
	if err := copyFile("/proc/self/exe", self); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.v="+fmt.Sprint(testing.Verbose()), "-test.timeout=300s")
	cmd.Env = append(os.Environ(), roleVar+"=become-user", "TMPDIR="+home, "HOME="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	t.Logf("as an ordinary user:\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// becomeUser gives this mount namespace a /dev/fuse for everybody, gives up root
// and starts over. It returns only on failure.
func becomeUser() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	node := filepath.Join(filepath.Dir(os.Getenv(engineVar)), "fuse")
	var st unix.Stat_t
	if err := unix.Stat("/dev/fuse", &st); err != nil {
		return err
	}
	if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(st.Rdev)); err != nil && err != unix.EEXIST {
		return err
	}
	if err := unix.Chmod(node, 0o666); err != nil {
		return err
	}
	if err := unix.Mount(node, "/dev/fuse", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	os.Setenv(roleVar, "user")
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(ordinary, ordinary, ordinary); err != nil {
		return err
	}
	if err := syscall.Setresuid(ordinary, ordinary, ordinary); err != nil {
		return err
	}
	if err := os.Chdir(os.Getenv("TMPDIR")); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// bench is an engine with a project folder.
type bench struct {
	t      *testing.T
	engine *tracefs.Engine
	dir    string // links resolved
	cache  string
	serial uint64
}

func newBench(t *testing.T) *bench { return newBenchWith(t, tracefs.Config{}) }

func newBenchWith(t *testing.T, c tracefs.Config) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), cache: t.TempDir()}
	var err error
	if b.dir, err = filepath.EvalSymlinks(b.dir); err != nil {
		t.Fatal(err)
	}
	c.EnginePath, c.CacheDir, c.Project, c.Stderr = os.Getenv(engineVar), b.cache, b.dir, os.Stderr
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b.engine, err = tracefs.Start(ctx, c)
	if err != nil {
		t.Skipf("no views here: %v", err)
	}
	t.Cleanup(func() { b.engine.Close() })
	return b
}

// put writes a file of the project past all views.
func (b *bench) put(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// get reads a file of the project past all views.
func (b *bench) get(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func (b *bench) view(hidden ...string) *tracefs.View {
	b.t.Helper()
	for i, h := range hidden {
		hidden[i] = filepath.Join(b.dir, h)
	}
	b.serial++
	v, err := b.engine.NewView(tracefs.ViewSpec{ID: b.t.Name(), Serial: b.serial, Dir: b.dir, Hidden: hidden})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// sh runs a script in a view and returns its status and output.
func (b *bench) sh(v *tracefs.View, script string) (int, string) {
	b.t.Helper()
	return b.command(v, []string{"/bin/sh", "-c", script}, nil)
}

func (b *bench) command(v *tracefs.View, args, env []string) (int, string) {
	b.t.Helper()
	out, err := os.CreateTemp(b.t.TempDir(), "out")
	if err != nil {
		b.t.Fatal(err)
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		b.t.Fatal(err)
	}
	defer null.Close()
	p, err := v.Start(&tracefs.Command{
		Path: args[0], Args: args, Env: append(os.Environ(), env...), Dir: b.dir,
		Stdin: null, Stdout: out, Stderr: out,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	status, _, err := p.Wait()
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		b.t.Fatal(err)
	}
	if status.Signaled() {
		return 128 + int(status.Signal()), string(text)
	}
	return status.ExitStatus(), string(text)
}

func (b *bench) finish(v *tracefs.View) *tracefs.Record {
	b.t.Helper()
	r, err := v.Finish()
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// trace runs a script in a new view, in which it must succeed.
func (b *bench) trace(script string, hidden ...string) *tracefs.Record {
	b.t.Helper()
	v := b.view(hidden...)
	if status, out := b.sh(v, script); status != 0 {
		b.t.Errorf("%s: status %d\n%s", script, status, out)
	}
	return b.finish(v)
}

// describe writes down what a record says of the project, one line per look and
// change, in the order of paths. Looks that say no more than that a directory on
// the way exists are left out.
func (b *bench) describe(r *tracefs.Record) string {
	var lines []string
	for _, l := range r.Looks {
		name, ok := b.relative(l.Path)
		if !ok || l.Flags == tracefs.LookExists && l.Stat.Mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		lines = append(lines, name+": "+lookWords(l))
	}
	for _, w := range r.Writes {
		if name, ok := b.relative(w.Path); ok {
			lines = append(lines, name+": "+writeWords(w))
		}
	}
	slices.SortStableFunc(lines, func(x, y string) int {
		a, _, _ := strings.Cut(x, ":")
		c, _, _ := strings.Cut(y, ":")
		return strings.Compare(a, c)
	})
	return strings.Join(lines, "\n")
}

func (b *bench) relative(path string) (string, bool) {
	if path == b.dir {
		return ".", true
	}
	return strings.CutPrefix(path, b.dir+"/")
}

func lookWords(l tracefs.Look) string {
	var words []string
	for _, f := range []struct {
		flag tracefs.LookFlags
		word string
	}{
		{tracefs.LookAbsent, "absent"},
		{tracefs.LookExists, "exists"},
		{tracefs.LookContent, "content"},
		{tracefs.LookExec, "exec"},
		{tracefs.LookUndecided, "edited"},
	} {
		if l.Flags&f.flag != 0 {
			words = append(words, f.word)
		}
	}
	if l.Flags&tracefs.LookLink != 0 {
		words = append(words, "link "+l.Link)
	}
	if l.Flags&tracefs.LookListing != 0 {
		words = append(words, "names ["+strings.Join(l.Names, " ")+"]")
	}
	return strings.Join(words, " ")
}

func writeWords(w tracefs.Write) string {
	words := []string{"write", "new"}
	if w.Before.Exists {
		words[1] = "old"
	}
	if w.Append {
		words = append(words, "append")
	}
	if w.Truncated {
		words = append(words, "unread")
	}
	if w.Before.Saved != "" {
		words = append(words, "saved")
	}
	return strings.Join(words, " ")
}

// lines makes an expectation of an indented text.
func lines(text string) string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// have skips the test unless programs are there.
func have(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
}
