package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultDir returns the cache's folder by the environment: FMAKE_CACHE_DIR, or
// fmake below XDG_CACHE_HOME or ~/.cache. Relative values of the last two do not
// count, as the XDG specification demands.
func DefaultDir(env []string) (string, error) {
	var dir, xdg, home string
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		switch name {
		case "FMAKE_CACHE_DIR":
			dir = value
		case "XDG_CACHE_HOME":
			xdg = value
		case "HOME":
			home = value
		}
	}
	switch {
	case dir != "":
		return filepath.Abs(dir)
	case filepath.IsAbs(xdg):
		return filepath.Join(xdg, "fmake"), nil
	case filepath.IsAbs(home):
		return filepath.Join(home, ".cache", "fmake"), nil
	}
	return "", errors.New("no place for the cache: neither FMAKE_CACHE_DIR nor HOME is set")
}

// TreeID names a directory by what stays when it is renamed and changes when
// another one takes its place: device, inode and birth time.
func TreeID(dir string) (string, error) {
	var st unix.Statx_t
	err := retry(func() error {
		return unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	})
	if err != nil {
		return "", &os.PathError{Op: "statx", Path: dir, Err: err}
	}
	d := NewDigest("tree").Uint(uint64(st.Dev_major)).Uint(uint64(st.Dev_minor)).Uint(st.Ino)
	if st.Mask&unix.STATX_BTIME != 0 {
		d.Uint(uint64(st.Btime.Sec)).Uint(uint64(st.Btime.Nsec))
	}
	return d.Sum().String()[:32], nil
}

// treeDir returns the folder of what is known about one tree.
func treeDir(cacheDir, dir string) (string, error) {
	id, err := TreeID(dir)
	if err != nil {
		return "", fmt.Errorf("identify %s: %w", dir, err)
	}
	return filepath.Join(cacheDir, "trees", id), nil
}

// GraphPath returns the place of the graph file of a directory.
func GraphPath(cacheDir, dir string) (string, error) {
	tree, err := treeDir(cacheDir, dir)
	if err != nil {
		return "", err
	}
	return filepath.Join(tree, "graph"), nil
}
