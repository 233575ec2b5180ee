package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// outcome is all that a script can be told by.
type outcome struct {
	status         unix.WaitStatus
	stdout, stderr string
	tree           string
}

func (o outcome) String() string {
	return fmt.Sprintf("status %#x\nstdout %q\nstderr %q\ntree %s", uint32(o.status), o.stdout, o.stderr, o.tree)
}

// scratch makes a directory with a few files for scripts to meet. Its last
// component is the same for both shells, because scripts print it.
func scratch(t testing.TB, root string) string {
	dir := filepath.Join(root, "w")
	for name, text := range map[string]string{
		"a.c": "int a;\n", "b.c": "int b;\n", "b.h": "#define B\n", "sp ace.c": "x\n",
		"sub/one.txt": "one\n", "sub/two.txt": "two\n", ".hidden": "h\n", "list": "x\ny\nz\n",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	must(t, os.WriteFile(filepath.Join(dir, "script"), []byte("echo script $0 $1\nexit 4\n"), 0o777))
	must(t, os.WriteFile(filepath.Join(dir, "noexec"), []byte("#!/bin/sh\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "badint"), []byte("#!/no/such\n"), 0o755))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, os.Symlink("sub", filepath.Join(dir, "link")))
	old := time.Unix(1e9, 0)
	must(t, os.Chtimes(filepath.Join(dir, "a.c"), old, old))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listing describes every file below dir.
func listing(t testing.TB, dir string) string {
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		text := ""
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			text, _ = os.Readlink(path)
		}
		fmt.Fprintf(&b, "%s %v %q\n", rel, info.Mode(), text)
		return nil
	}))
	return b.String()
}

func testEnv(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "FOO=from env", "EMPTY=", "LC_ALL=C", "bad.name=1", "PWD=" + dir, "OLDPWD=/usr", "ZED=1", "MAKELEVEL=1"}
}

// anonymous replaces the one thing that differs between two runs.
func anonymous(s, root string) string { return strings.ReplaceAll(s, root, "ROOT") }

func runDash(t testing.TB, script string) outcome {
	root := t.TempDir()
	dir := scratch(t, root)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	c.Args[0] = "/bin/sh"
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, testEnv(dir), &out, &errs
	err := c.Run()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return outcome{
		status: unix.WaitStatus(c.ProcessState.Sys().(interface{ ExitStatus() int }).ExitStatus() << 8),
		stdout: anonymous(out.String(), root), stderr: anonymous(errs.String(), root), tree: anonymous(listing(t, dir), root),
	}
}

func runInterp(t testing.TB, s *Script) outcome {
	root := t.TempDir()
	dir := scratch(t, root)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	std, finish := capture(t)
	ws, err := RunScript(ctx, s, std, testEnv(dir), dir, hostView{})
	out, errs := finish()
	if err != nil {
		t.Errorf("RunScript: %v", err)
	}
	return outcome{status: ws, stdout: anonymous(out, root), stderr: anonymous(errs, root), tree: anonymous(listing(t, dir), root)}
}

// capture gives a script files to write to; finish returns what it wrote.
func capture(t testing.TB) (std Stdio, finish func() (out, errs string)) {
	dir := t.TempDir()
	open := func(name string) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		must(t, err)
		return f
	}
	null, err := os.Open(os.DevNull)
	must(t, err)
	std = Stdio{In: null, Out: open("out"), Err: open("err")}
	return std, func() (string, string) {
		out, err := os.ReadFile(std.Out.Name())
		must(t, err)
		errs, err := os.ReadFile(std.Err.Name())
		must(t, err)
		for _, f := range []*os.File{std.In, std.Out, std.Err} {
			f.Close()
		}
		return string(out), string(errs)
	}
}

type shellCase struct{ name, script string }

// readCases reads "## name" lines, each followed by a script.
func readCases(t testing.TB, path string) []shellCase {
	data, err := os.ReadFile(path)
	must(t, err)
	var cases []shellCase
	for _, part := range strings.Split("\n"+string(data), "\n## ")[1:] {
		name, script, _ := strings.Cut(part, "\n")
		cases = append(cases, shellCase{name, strings.TrimSuffix(script, "\n")})
	}
	return cases
}

func needDash(t testing.TB) {
	if !IsDash(hostView{}) {
		t.Skip("/bin/sh is not dash")
	}
}

// compare runs a script with both shells. Scripts whose outcome dash itself
// leaves to chance, as when both sides of a pipe complain, get a few attempts.
func compare(t *testing.T, script string, s *Script) {
	t.Helper()
	var want, got outcome
	for range 6 {
		want, got = runDash(t, script), runInterp(t, s)
		if got == want {
			return
		}
		if again := runDash(t, script); again == got {
			return
		}
		if !strings.Contains(script, "|") {
			break
		}
	}
	t.Errorf("%s\ndash: %v\ngot:  %v", script, want, got)
}

// TestAgainstDash runs every accepted script in process and with dash. What
// the checker refuses is none of the interpreter's business.
func TestAgainstDash(t *testing.T) {
	needDash(t)
	paths := []string{"testdata/cases.txt"}
	more := os.Getenv("FMAKE_SHELL_CASES")
	if more == "" {
		more = "../../../shared/conformance/shell-cases.txt"
	}
	if _, err := os.Stat(more); err == nil {
		paths = append(paths, more)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			cases := readCases(t, path)
			refused := 0
			for _, c := range cases {
				s, err := Parse(c.script)
				if err != nil {
					refused++
					if os.Getenv("FMAKE_SHELL_WHY") != "" {
						t.Logf("refused %s: %v: %q", c.name, err, c.script)
					}
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					compare(t, c.script, s)
				})
			}
			t.Logf("%d scripts, %d go to the shell (%.0f %%)", len(cases), refused, 100*float64(refused)/float64(max(1, len(cases))))
		})
	}
}
