package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The set-up is handed down to the copies of this test program that run as
// another user through the environment.
const (
	setupVar  = "FMAKE_TEST_SETUP"  // folder that a parent has set up
	binaryVar = "FMAKE_TEST_BINARY" // the make to test instead of a fresh fmake
)

// setup is what every test of this package shares: a folder with the programs
// under test, built once.
type setup struct {
	dir string // readable by everybody
}

func (s setup) bin() string     { return filepath.Join(s.dir, "bin") }
func (s setup) scripts() string { return filepath.Join(s.dir, "scripts") }
func (s setup) program() string { return filepath.Join(s.dir, "tests.test") }
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
	if err := os.Mkdir(s.bin(), 0o755); err != nil {
		return err
	}
	pkgs := []string{"fmake/tests/note"}
	if given := os.Getenv(binaryVar); given != "" {
		if err := linkGiven(given, s.bin()); err != nil {
			return err
		}
	} else {
		pkgs = append(pkgs, "fmake/cmd/fmake", "fmake/cmd/fmake-engine")
	}
	build := exec.Command("go", append([]string{"build", "-o", s.bin() + "/"}, pkgs...)...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.CopyFS(s.scripts(), os.DirFS("scripts")); err != nil {
		return fmt.Errorf("copying the scripts: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return copyProgram(self, s.program())
}

// linkGiven puts a make that was built elsewhere, and the engine beside it if
// there is one, under the names the scripts use.
func linkGiven(given, bin string) error {
	given, err := filepath.Abs(given)
	if err != nil {
		return err
	}
	if err := copyProgram(given, filepath.Join(bin, "fmake")); err != nil {
		return fmt.Errorf("%s: %w", binaryVar, err)
	}
	engine := filepath.Join(filepath.Dir(given), "fmake-engine")
	if _, err := os.Stat(engine); err != nil {
		return nil
	}
	return copyProgram(engine, filepath.Join(bin, "fmake-engine"))
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
