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

// The folders, in that of the cache, of what is known about trees, about commands, and about
// the programs that the recipes of targets start.
const (
	treesFolder    = "trees"
	commandsFolder = "commands"
	programsFolder = "programs"
)

// treeDir returns the folder of what is known about one tree.
func treeDir(cacheDir, dir string) (string, error) {
	id, err := TreeID(dir)
	if err != nil {
		return "", fmt.Errorf("identify %s: %w", dir, err)
	}
	return filepath.Join(cacheDir, treesFolder, id), nil
}

// GraphPath returns the place of the graph file of a directory.
func GraphPath(cacheDir, dir string) (string, error) {
	tree, err := treeDir(cacheDir, dir)
	if err != nil {
		return "", err
	}
	return filepath.Join(tree, "graph"), nil
}

// CommandGraphPath returns the place of the graph file of one command, by its name, that
// is run by itself in the tree of a directory. Each has a file of its own: what it costs to
// read it must not grow with the number of commands, nor must they wait for each other.
func CommandGraphPath(cacheDir, dir, name string) (string, error) {
	return graphPathOf(cacheDir, commandsFolder, dir, name)
}

// ProgramsGraphPath returns the place of the graph file of the programs that the recipe of
// a target starts: only who runs that recipe again needs to read it.
func ProgramsGraphPath(cacheDir, dir, name string) (string, error) {
	return graphPathOf(cacheDir, programsFolder, dir, name)
}

func graphPathOf(cacheDir, folder, dir, name string) (string, error) {
	tree, err := TreeID(dir)
	if err != nil {
		return "", fmt.Errorf("identify %s: %w", dir, err)
	}
	id := NewDigest("command").String(tree).String(name).Sum().String()[:32]
	return filepath.Join(cacheDir, folder, id, "graph"), nil
}

// GraphFiles lists the graph files of all trees, and those of all commands and programs.
func GraphFiles(cacheDir string) (trees, commands []string, err error) {
	return filesNamed(cacheDir, "graph")
}

// filesNamed lists the files of a name that are kept for trees, and for commands and
// programs.
func filesNamed(cacheDir, name string) (trees, commands []string, err error) {
	if trees, err = filepath.Glob(filepath.Join(cacheDir, treesFolder, "*", name)); err != nil {
		return nil, nil, err
	}
	for _, folder := range []string{commandsFolder, programsFolder} {
		some, err := filepath.Glob(filepath.Join(cacheDir, folder, "*", name))
		if err != nil {
			return nil, nil, err
		}
		commands = append(commands, some...)
	}
	return trees, commands, nil
}
