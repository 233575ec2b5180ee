package exec

import (
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/idle"
)

// notingView is the host's view for a make that may turn out to have nothing to do:
// every look through it is noted, and what starts or writes something ends that.
type notingView struct {
	View
	idle *idle.Recorder
}

// Noting returns a view that tells r of looks. A view that is traced stays as it is: what
// is done in it is not nothing.
func Noting(v View, r *idle.Recorder) View {
	if _, host := v.(HostView); !host || r == nil {
		return v
	}
	return notingView{v, r}
}

func (w *Walk) noting(v View) View { return Noting(v, w.idle) }

// lookAt notes the state that a file is in now, before it is read.
func (w *Walk) lookAt(name string) {
	if w.idle == nil {
		return
	}
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	w.idle.Stat(w.dir, name, &st, err)
}

// datesCount tells whether a script may compare dates of directories, which are no looks.
func datesCount(argv []string) bool {
	return slices.ContainsFunc(argv, func(s string) bool { return strings.Contains(s, "-nt") || strings.Contains(s, "-ot") })
}

// Start implements View.
func (v notingView) Start(c *Command) (Process, error) {
	v.idle.Void()
	return v.View.Start(c)
}

// LookPath implements View.
func (v notingView) LookPath(name, path, dir string) (string, error) {
	return lookPath(name, path, func(candidate string) error {
		var st unix.Stat_t
		full := inDir(dir, candidate)
		err := unix.Stat(full, &st)
		v.idle.Stat("", full, &st, err)
		if err != nil {
			return err
		}
		return mayRun(full, &st)
	})
}

// Open implements View.
func (v notingView) Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	if name != os.DevNull {
		v.idle.Void() // written, or read through descriptors that nobody watches
	}
	return v.View.Open(dir, name, flag, perm)
}

// Stat implements View.
func (v notingView) Stat(dir, name string) (unix.Stat_t, error) {
	st, err := v.View.Stat(dir, name)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		v.idle.Exists(dir, name, &st, nil) // who compares its date says so: see datesCount
	} else {
		v.idle.Stat(dir, name, &st, err)
	}
	return st, err
}

// Lstat implements View.
func (v notingView) Lstat(dir, name string) (unix.Stat_t, error) {
	st, err := v.View.Lstat(dir, name)
	v.idle.Lstat(dir, name, cache.StatOf(&st), err)
	return st, err
}

// ReadDir implements View.
func (v notingView) ReadDir(dir, name string) ([]string, error) {
	names, count, _, err := v.list(dir, name)
	count()
	return names, err
}

// Names implements View.
func (v notingView) Names(dir, name string) ([]string, func(), error) {
	names, count, st, err := v.list(dir, name)
	if st != nil {
		v.idle.Exists(dir, name, st, nil)
	}
	return names, count, err
}

// list reads a directory; its names are noted when count is called, that there is none at once.
// st is what the directory was before, nil if there is none.
func (v notingView) list(dir, name string) (names []string, count func(), st *unix.Stat_t, err error) {
	st = new(unix.Stat_t)
	seen := unix.Stat(inDir(dir, name), st) // before the names are read
	names, inner, err := v.View.Names(dir, name)
	if seen == nil {
		seen = err
	}
	if seen != nil {
		v.idle.Listing(dir, name, st, names, seen)
		return names, inner, nil, err
	}
	return names, func() {
		inner()
		v.idle.Listing(dir, name, st, names, nil)
	}, st, nil
}

// Readlink implements View.
func (v notingView) Readlink(dir, name string) (string, error) {
	if _, err := v.Lstat(dir, name); err != nil {
		return "", err
	}
	return v.View.Readlink(dir, name)
}

// Access implements View.
func (v notingView) Access(dir, name string, mode uint32) error {
	_, _ = v.Stat(dir, name)
	return v.View.Access(dir, name, mode)
}
