package labels

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// ErrPrivileged is the error for a program that runs with the rights of its owner.
var ErrPrivileged = errors.New("a program with other rights than its user's is no library")

// Freezer gathers the entries of a label.
type Freezer struct {
	blobs   *cache.Blobs
	entries map[string]Entry
}

// Freezer begins a label whose contents go to this shelf's store.
func (s *Shelf) Freezer() *Freezer {
	return &Freezer{blobs: s.Blobs, entries: map[string]Entry{}}
}

// Entries returns what was gathered, sorted.
func (f *Freezer) Entries() []Entry {
	var list []Entry
	for _, e := range f.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// Add freezes what is at a path: a file; a folder with all that is in it; a link, with what
// it leads to.
func (f *Freezer) Add(path string) error {
	path, err := Resolve(path)
	if err != nil {
		return err
	}
	next, err := f.add(path, false)
	if err != nil || next == "" {
		return err
	}
	// Links that go round end here: what is frozen already leads nowhere.
	if err := f.Add(next); err != nil {
		return fmt.Errorf("%s, to which %s leads: %w", next, path, err)
	}
	return nil
}

// AddAbsent freezes that there is nothing at a path.
func (f *Freezer) AddAbsent(path string) error {
	path, err := Resolve(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there", path)
	}
	f.entries[path] = Entry{Path: path}
	return nil
}

// Resolve makes a path absolute and resolves the links among its folders, but not a link
// that it names itself.
func Resolve(path string) (string, error) {
	base := filepath.Base(path)
	dir := strings.TrimSuffix(path, base)
	if base == ".." || base == "." || strings.HasSuffix(path, "/") {
		dir, base = path, ""
	}
	real, err := filepath.EvalSymlinks(dir + ".")
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", err
	}
	path = filepath.Join(real, base)
	return path, checkPath(path)
}

// add freezes one path, and returns where it leads if it is a link. inside says that the
// folder above is frozen as well.
func (f *Freezer) add(path string, inside bool) (next string, err error) {
	if _, known := f.entries[path]; known {
		return "", nil
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	e := Entry{Path: path, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Mtime: st.Mtim.Nano()}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if e.Kind = File; e.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
			return "", fmt.Errorf("%s: %w", path, ErrPrivileged)
		}
		e.Hash, e.Size, err = f.keep(path)
	case unix.S_IFLNK:
		e.Kind = Link
		e.Text, err = os.Readlink(path)
		next = leadsTo(path, e.Text)
	case unix.S_IFDIR:
		e.Kind = Folder
	default:
		if inside {
			return "", nil // a socket, say, which means nothing without its server
		}
		return "", fmt.Errorf("%s is neither a file nor a folder", path)
	}
	if err != nil {
		return "", err
	}
	f.entries[path] = e
	if e.Kind == Folder {
		return "", f.addBelow(path)
	}
	return next, nil
}

// leadsTo returns the path that a link leads to.
func leadsTo(link, text string) string {
	if filepath.IsAbs(text) {
		return text
	}
	return filepath.Dir(link) + "/" + text // not cleaned: "a/.." is not "." where a is a link
}

// addBelow freezes all that is in a folder. A link in it that leads nowhere stays one.
func (f *Freezer) addBelow(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		next, err := f.add(filepath.Join(dir, n.Name()), true)
		if err != nil {
			return err
		}
		if next == "" {
			continue
		}
		if !canFreeze(next) {
			continue
		}
		if err := f.Add(next); err != nil {
			return fmt.Errorf("%s, to which a link in %s leads: %w", next, dir, err)
		}
	}
	return nil
}

// canFreeze tells whether a link may lead there: one to a device stays a link.
func canFreeze(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	return err == nil && checkPath(real) == nil
}

// keep puts a content into the store, again if the one that is kept is damaged.
func (f *Freezer) keep(path string) (h cache.Hash, size int64, err error) {
	for range 2 {
		if h, size, err = f.blobs.PutFile(path, cache.Hash{}); err != nil {
			return h, size, err
		}
		err = f.blobs.Check(h)
		var damaged *cache.CorruptError
		if !errors.As(err, &damaged) {
			break
		}
	}
	return h, size, err
}
