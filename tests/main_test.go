package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fmake/tests/programs"
)

// setupVar hands the folder that was set up down to the copies of this test
// program that run as another user.
const setupVar = "FMAKE_TEST_SETUP"

// setup is what every test of this package shares: a folder with the programs
// under test, built once.
type setup struct {
	dir string // readable by everybody
}

// bin holds fmake, fmake-engine and frun, tools what recipes of the scripts call.
func (s setup) bin() string     { return filepath.Join(s.dir, "bin") }
func (s setup) tools() string   { return filepath.Join(s.dir, "tools") }
func (s setup) scripts() string { return filepath.Join(s.dir, "scripts") }
func (s setup) program() string { return filepath.Join(s.dir, "tests.test") }

// reference reports that the make under test is a plain one: it has no engine.
func (s setup) reference() bool {
	_, err := os.Stat(filepath.Join(s.bin(), "fmake-engine"))
	return err != nil
}

func currentSetup() setup       { return setup{dir: os.Getenv(setupVar)} }
func binary(name string) string { return filepath.Join(currentSetup().bin(), name) }
func inherited() bool           { return os.Getenv(setupVar) != "" }

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if inherited() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "fmake-tests-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = prepare(setup{dir: dir})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests: set-up:", err)
		return 1
	}
	os.Setenv(setupVar, dir)
	return m.Run()
}

// prepare builds the programs and copies what another user must be able to
// read, since the checkout and go's own temporary folders may be private.
func prepare(s setup) error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	if err := programs.Build(s.tools(), "fmake/tests/note", "fmake/tests/childless"); err != nil {
		return err
	}
	if err := setuidTool(filepath.Join(s.tools(), "rootid")); err != nil {
		return err
	}
	if err := programs.Into(s.bin()); err != nil {
		return err
	}
	if err := os.CopyFS(s.scripts(), os.DirFS("scripts")); err != nil {
		return fmt.Errorf("copying the scripts: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return programs.Copy(self, s.program())
}

// setuidTool makes a setuid copy of id, where root runs the tests: the only
// harmless program whose output shows whether setuid works.
func setuidTool(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	id, err := exec.LookPath("id")
	if err != nil {
		return nil
	}
	if err := programs.Copy(id, path); err != nil {
		return err
	}
	return os.Chmod(path, 0o755|os.ModeSetuid)
}
