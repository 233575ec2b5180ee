// Package programs puts the programs under test into a folder: freshly built,
// or the ones that the environment names.
package programs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// GivenVar names a make to test instead of a fresh fmake. Those of our other programs that are
// beside it are taken too; without an engine it is a plain make.
const GivenVar = "FMAKE_TEST_BINARY"

// Into puts fmake and our other programs into dir, which every user can read then.
func Into(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if given := os.Getenv(GivenVar); given != "" {
		return take(given, dir)
	}
	return Build(dir, "fmake/cmd/fmake", "fmake/cmd/fmake-engine", "fmake/cmd/fmake-remote", "fmake/cmd/fmake-worker", "fmake/cmd/fmake-program", "fmake/cmd/frun", "fmake/cmd/frun-label")
}

// Build builds packages of this module into dir.
func Build(dir string, packages ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-o", dir + "/"}, packages...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile does: a dynamic loader costs a null build a quarter
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Copy copies one program.
func Copy(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func take(given, dir string) error {
	if err := Copy(given, filepath.Join(dir, "fmake")); err != nil {
		return fmt.Errorf("%s: %w", GivenVar, err)
	}
	for _, name := range []string{"fmake-engine", "fmake-remote", "fmake-worker", "fmake-program", "frun", "frun-label"} {
		beside := filepath.Join(filepath.Dir(given), name)
		if _, err := os.Stat(beside); err != nil {
			continue
		}
		if err := Copy(beside, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
