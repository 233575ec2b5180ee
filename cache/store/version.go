package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// format is the content of the file that says what the database holds. It
// changes when records of an older release would be misread.
const format = formatName + "1"

// formatName is how the formats of all releases begin. A file that begins otherwise, as one
// that a crash has left empty, is damaged.
const formatName = "fmake store "

// checkVersion returns a *cache.VersionError if the store is of another format.
// A store that does not exist is of every format, and so is one that is damaged.
func checkVersion(cacheDir string) error {
	found, err := readVersion(cacheDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read the store's version: %w", err)
	case strings.HasPrefix(found, formatName) && found != format:
		return &cache.VersionError{What: "store", Name: cacheDir, Found: firstLine(found), Want: format}
	}
	return nil
}

// versionDamaged reports whether nobody can tell any more what format the store has.
func versionDamaged(cacheDir string) bool {
	found, err := readVersion(cacheDir)
	return err == nil && !strings.HasPrefix(found, formatName)
}

func readVersion(cacheDir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(cacheDir, versionName))
	return strings.TrimSpace(string(b)), err
}

// firstLine keeps a message in one line whatever the file holds.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s[:min(len(s), 40)]
}

// writeVersion marks a new store. The caller holds the lock.
func writeVersion(cacheDir string) error {
	path := filepath.Join(cacheDir, versionName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(format+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// checkOwner refuses a folder in which another user could put records.
func checkOwner(dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to user %d", dir, st.Uid)
	}
	if st.Mode&0o022 != 0 {
		return fmt.Errorf("%s can be written by others (mode %04o)", dir, st.Mode&0o7777)
	}
	return nil
}

// setAside moves a damaged database out of the way, in place of an earlier one,
// so that a person can look at it.
func setAside(cacheDir string) error {
	from, to := filepath.Join(cacheDir, storeName), filepath.Join(cacheDir, storeName+".bad")
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range []string{versionName, damagedName} {
		if err := os.Remove(filepath.Join(cacheDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
