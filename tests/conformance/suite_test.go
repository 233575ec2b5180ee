// Package conformance runs GNU make's own tests against fmake. The tests come
// from the source of GNU make 4.4.1, which package corpus fetches; nothing of
// them is kept here but the number of tests in each script, in expected.txt.
//
// Each script runs alone, in a copy of what its driver needs of GNU make's build
// folder, with fmake in the place of the make that was built there. The driver
// empties the environment, so --tracefs=off is given by a program of two lines
// that stands in for make.
package conformance

import (
	"bufio"
	"bytes"
	_ "embed"
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

//go:embed expected.txt
var expected string

// nobody is who the tests run as where root runs them: some need files that
// they cannot read.
const nobody = 65534

// limit is far above what the slowest script takes: it ends what hangs.
const limit = 4 * time.Minute

// needed is what the driver needs of the tests' folder besides the scripts.
var needed = []string{"run_make_tests.pl", "test_driver.pl", "thelp.pl"}

func TestGNUMakeSuite(t *testing.T) {
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("no perl to drive the tests")
	}
	c, err := corpus.Open()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := c.Reference()
	if err != nil {
		missing(t, err)
	}
	root, err := os.MkdirTemp("", "fmake-suite-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeTree(root) })
	// Another user must be able to read all of it.
	if err := errors.Join(os.Chmod(root, 0o755), programs.Into(filepath.Join(root, "bin")), installTests(ref.Tests, root)); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(strings.NewReader(expected)); lines.Scan(); {
		var script string
		var count int
		if _, err := fmt.Sscan(lines.Text(), &script, &count); err != nil {
			t.Fatalf("expected.txt: %q: %v", lines.Text(), err)
		}
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			out, err := runScript(t, root, script)
			if got := passed(out); err != nil || got < count {
				t.Errorf("%d tests passed, want %d: %v\n%s", got, count, err, out)
			}
		})
	}
}

// passed reads the driver's "ok     (N passed)"; a script may have more tests on
// one machine than on another.
func passed(out string) int {
	n := 0
	if _, rest, ok := strings.Cut(out, "ok     ("); ok {
		fmt.Sscan(rest, &n)
	}
	return n
}

// missing says that GNU make's source cannot be had, which is an error only in
// continuous integration.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// installTests copies the tests to root, where another user can read them.
func installTests(tests, root string) error {
	if err := os.CopyFS(filepath.Join(root, "scripts"), os.DirFS(filepath.Join(tests, "scripts"))); err != nil {
		return err
	}
	for _, name := range needed {
		if err := programs.Copy(filepath.Join(tests, name), filepath.Join(root, name)); err != nil {
			return err
		}
	}
	option := "--tracefs=off"
	if _, err := os.Stat(filepath.Join(root, "bin", "fmake-engine")); err != nil {
		option = "" // a plain make
	}
	// No shell script: it would add to the environment, which tests look at.
	flags := fmt.Sprintf("-X main.target=%s/bin/fmake -X main.option=%s", root, option)
	build := exec.Command("go", "build", "-o", filepath.Join(root, "make"), "-ldflags", flags, "fmake/tests/conformance/standin")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the stand-in: %w\n%s", err, out)
	}
	return nil
}

// runScript runs one script of tests and returns what the driver said and, of
// each failed test, what differs.
func runScript(t *testing.T, root, script string) (string, error) {
	t.Helper()
	// The name of the test must not be in the path: a test looks for its own name
	// in the environment.
	dir, err := os.MkdirTemp("", "suite-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeTree(dir) })
	// The folders above, made by the testing package, may be private.
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := stage(root, dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `ulimit -c 0; ulimit -n 512; exec perl run_make_tests.pl -make "$0" "$1"`, filepath.Join(dir, "make"), script)
	cmd.Dir = filepath.Join(dir, "tests")
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "USER=nobody", "LOGNAME=nobody"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !watchdog.Stop() {
		err = fmt.Errorf("still running after %v", limit)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the script left behind
	out.WriteString(differences(filepath.Join(dir, "tests", "work")))
	return out.String(), err
}

// stage lays dir out like a build folder of GNU make.
func stage(root, dir string) error {
	tests := filepath.Join(dir, "tests")
	if err := errors.Join(os.Mkdir(tests, 0o755), os.Mkdir(filepath.Join(dir, "src"), 0o755)); err != nil {
		return err
	}
	if err := errors.Join(
		os.Symlink(filepath.Join(root, "make"), filepath.Join(dir, "make")),
		os.Symlink(filepath.Join(root, "scripts"), filepath.Join(tests, "scripts")),
		os.WriteFile(filepath.Join(dir, "src", "gnumake.h"), nil, 0o644),
		os.WriteFile(filepath.Join(tests, "config-flags.pm"), []byte(configFlags), 0o644),
	); err != nil {
		return err
	}
	for _, name := range needed {
		if err := programs.Copy(filepath.Join(root, name), filepath.Join(tests, name)); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return exec.Command("chown", "-R", "-h", fmt.Sprintf("%d:%d", nobody, nobody), dir).Run()
}

// configFlags is what GNU make's configure would have found.
const configFlags = `%CONFIG_FLAGS = (
    AM_LDFLAGS => '-Wl,--export-dynamic', AR => 'ar', CC => 'gcc', CFLAGS => '-g -O2', CPP => 'gcc -E',
    CPPFLAGS => '', GUILE_CFLAGS => '', GUILE_LIBS => '', LDFLAGS => '', LIBS => '', USE_SYSTEM_GLOB => 'yes',
);
1;
`

// differences collects the driver's comparisons of failed tests.
func differences(work string) string {
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(work, "*", "*.diff*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil {
			fmt.Fprintf(&all, "--- %s\n%s\n", filepath.Base(f), text)
		}
	}
	return all.String()
}

// removeTree removes also what tests have made unreadable.
func removeTree(dir string) {
	_ = exec.Command("chmod", "-R", "u+rwX", dir).Run()
	os.RemoveAll(dir)
}
