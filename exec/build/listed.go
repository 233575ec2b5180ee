package build

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec"
	"fmake/makefile"
)

// A recipe whose $(wildcard) finds other names is another recipe. It is expanded, to be
// compared and to be run, in the tree as serial make would find it: without what the action
// itself left last time, and what those after it left. (One that GNU make runs each time may
// go by what it left.) Under -j a target may be decided
// before one that comes before it has made more files; so, once those are settled, it is
// expanded again, and made again if it now says something else.

// earlierView is the tree without what an action and those after it have left.
type earlierView struct {
	exec.View
	b     *Build
	n     *node
	drops map[string]func(string) bool // by directory; those that were looked at
}

func (b *Build) earlierView(f *makefile.File, n *node) *earlierView {
	b.number(f, n)
	return &earlierView{exec.Noting(exec.HostView{}, b.opts.Idle), b, n, make(map[string]func(string) bool)}
}

// drop returns the test for the names of a directory that are not to be seen; it may be nil.
func (v *earlierView) drop(dir string) func(string) bool {
	if drop, known := v.drops[dir]; known {
		return drop
	}
	drop := v.b.chain.hidden(v.n.name, v.n.serial, dir, own(v.n.always))
	if later := drop; later != nil && v.n.always {
		drop = func(name string) bool { return later(name) && v.b.mustNotSee(v.n, joinPath(dir, name)) }
	}
	v.drops[dir] = drop
	return drop
}

// gone tells whether a name is not to be seen.
func (v *earlierView) gone(dir, name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	parent, base := splitPath(v.b.sp.key(filepath.Clean(name)))
	drop := v.drop(parent)
	return drop != nil && drop(base)
}

func (v *earlierView) Stat(dir, name string) (unix.Stat_t, error) {
	if v.gone(dir, name) {
		return unix.Stat_t{}, unix.ENOENT
	}
	return v.View.Stat(dir, name)
}

func (v *earlierView) Lstat(dir, name string) (unix.Stat_t, error) {
	if v.gone(dir, name) {
		return unix.Stat_t{}, unix.ENOENT
	}
	return v.View.Lstat(dir, name)
}

func (v *earlierView) ReadDir(dir, name string) ([]string, error) {
	names, err := v.View.ReadDir(dir, name)
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return without(names, v.drop(v.b.sp.key(name))), err
}

func (v *earlierView) Names(dir, name string) ([]string, func(), error) {
	names, err := v.ReadDir(dir, name)
	return names, func() {}, err
}

// listedAnew expands a recipe again that lists names, and tells whether it says something
// else now; by is the last of the targets before it, if there is one, that may be the reason.
func (b *Build) listedAnew(f *makefile.File, n *node) (by *done, changed bool) {
	was := n.recipe
	if !was.lists || !b.moved.After(was.at) && b.unwatched(n, was.at) == nil {
		return nil, false
	}
	n.recipe = recipeKey{}
	k := b.recipeKey(f, n)
	if k.full == was.full {
		return nil, false
	}
	for _, dirs := range []map[string]func(string) bool{was.dirs, k.dirs} {
		for dir := range dirs {
			if w := b.lastBefore(n, b.filled[dir], was.at); w != nil && (by == nil || by.n.before(w.n)) {
				by = w
			}
		}
	}
	if by == nil {
		by = b.unwatched(n, was.at)
	}
	return by, true
}

// listedTooEarly lets a settled target be made again that lists names which are others now.
func (b *Build) listedTooEarly(d *done) bool {
	by, changed := b.listedAnew(d.f, d.n)
	if !changed {
		return false
	}
	if by == nil {
		b.repeat(d.f, nil, "the names that its recipe lists have changed")
	} else {
		b.repeat(d.f, by.f, "it listed names before "+by.f.Name+" had made more")
	}
	return true
}

// expansion is how a recipe that lists names was expanded.
type expansion struct {
	lists bool
	at    time.Time
	dirs  map[string]func(string) bool // the directories that it lists, and what was not to be seen there
}
