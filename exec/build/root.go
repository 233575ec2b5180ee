package build

import (
	"cmp"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/idle"
)

// The root of a tree is the folder that all of its makes share: what they know is kept for
// it, and their targets have names in it. It is the one that the make above hands down, else
// the nearest folder at or above cwd that version control marks, else the outermost folder
// above cwd of which an earlier build has made something at or below cwd, else cwd. Without
// the last but one, a build in a sub-directory of an unpacked archive would take for the
// user's files what a build of the whole has made.

// ProjectRoot is the root of the tree around a directory as far as the tree itself tells.
func ProjectRoot(dir string) string { return cmp.Or(markedRoot(dir, nil), dir) }

// markedRoot is the nearest folder that version control marks, "" if there is none.
func markedRoot(cwd string, r *idle.Recorder) string {
	for d := cwd; d != "/"; d = filepath.Dir(d) {
		for _, vcs := range []string{".git", ".hg", ".svn"} {
			var st unix.Stat_t
			err := unix.Lstat(d+"/"+vcs, &st)
			r.ExistsItself("", d+"/"+vcs, &st, err)
			if err == nil {
				return d
			}
		}
	}
	return ""
}

// findRoot finds the root of the tree of a build in cwd.
func findRoot(cwd string, o *Options) string {
	if up := o.Above.Root; up != "" && within(cwd, up) {
		return up
	}
	if marked := markedRoot(cwd, o.Idle); marked != "" {
		return marked
	}
	root := cwd
	if o.CacheDir == "" {
		return root
	}
	for d := cwd; d != "/"; {
		d = filepath.Dir(d)
		if builtBelow(d, cwd, o) {
			root = d
		}
	}
	return root
}

// builtBelow reports whether builds in a folder above cwd have made something in cwd or
// below it.
func builtBelow(dir, cwd string, o *Options) bool {
	path, err := cache.GraphPath(o.CacheDir, dir)
	if err != nil {
		return false
	}
	st, err := cache.Lstat(path)
	o.Idle.State(path, st, err)
	if err != nil {
		return false
	}
	t, err := o.Shared.tree(path)
	return err == nil && t.graph.HasBelow((&space{root: dir}).key(cwd))
}
