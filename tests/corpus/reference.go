package corpus

import (
	"fmt"
	"os"
	"path/filepath"
)

// Reference is GNU make 4.4.1, built from source.
type Reference struct {
	Make  string // the program
	Tests string // the folder of its own tests
}

// referenceRelease is the release of Debian whose make is 4.4.1.
const referenceRelease = "trixie"

// Reference returns GNU make 4.4.1, which is built at the first call.
func (c *Corpus) Reference() (Reference, error) {
	dir := filepath.Join(c.dir, "gnumake-4.4.1")
	ref := Reference{Make: filepath.Join(dir, "make"), Tests: filepath.Join(dir, "tests")}
	if _, err := os.Stat(filepath.Join(dir, "built")); err == nil {
		return ref, nil
	}
	building, err := os.MkdirTemp(c.dir, "building-")
	if err != nil {
		return ref, err
	}
	defer os.RemoveAll(building)
	if err := c.Source("make-dfsg", referenceRelease, building); err != nil {
		return ref, err
	}
	if err := buildReference(building); err != nil {
		return ref, fmt.Errorf("building GNU make: %w", err)
	}
	unlock, err := c.lock()
	if err != nil {
		return ref, err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, "built")); err == nil {
		return ref, nil // another test program was faster
	}
	if err := os.RemoveAll(dir); err != nil {
		return ref, err
	}
	if err := os.Chmod(building, 0o755); err != nil {
		return ref, err
	}
	return ref, os.Rename(building, dir)
}

func buildReference(dir string) error {
	// Debian leaves the manual out, for which configure looks.
	manual := filepath.Join(dir, "doc", "Makefile.in")
	if _, err := os.Stat(manual); err != nil {
		if err := os.MkdirAll(filepath.Dir(manual), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(manual, []byte("all:\n"), 0o644); err != nil {
			return err
		}
	}
	if err := quiet(dir, "./configure", "--without-guile", "--disable-nls"); err != nil {
		return err
	}
	if err := quiet(dir, "sh", "build.sh"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "built"), nil, 0o644)
}
