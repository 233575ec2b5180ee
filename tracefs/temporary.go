package tracefs

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// TempDirs returns the directories for temporary files, each with a slash at its
// end: the usual ones and the one that TMPDIR names, if it names one.
func TempDirs(tmpdir string) []string {
	dirs := []string{"/tmp/", "/var/tmp/", "/dev/shm/"}
	if filepath.IsAbs(tmpdir) {
		dirs = append(dirs, strings.TrimSuffix(filepath.Clean(tmpdir), "/")+"/")
	}
	return dirs
}

// IsVersionControl is true for the folders of version control systems, and what is in
// them.
func IsVersionControl(p string) bool {
	for _, d := range []string{"/.git/", "/.hg/", "/.svn/"} {
		if strings.Contains(p+"/", d) {
			return true
		}
	}
	return false
}

// RemoveTemporary removes what an action that was cut short has made in
// temporary directories outside of the project. Nothing reads it any more, and
// the program that would have removed it is dead. It is for the moment of that
// death only: later the names may be somebody else's.
func RemoveTemporary(writes []Write, project, tmpdir string) {
	dirs := TempDirs(tmpdir)
	for _, w := range slices.Backward(writes) { // contents before their directories
		temporary := slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(w.Path, d) })
		if w.Before.Exists || !temporary || w.Path == project || strings.HasPrefix(w.Path, project+"/") {
			continue
		}
		if unix.Unlink(w.Path) == unix.EISDIR {
			_ = unix.Rmdir(w.Path) // it stays when others have put something into it
		}
	}
}
