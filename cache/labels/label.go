package labels

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// Label is one label.
type Label struct {
	Name    string
	Made    int64    // seconds since 1970
	Apps    []string // the application's files and folders
	Test    []string // a command that shows whether the application works, may be empty
	TestDir string   // where it runs
	Entries []Entry  // sorted by path
	Wrapped []string // executables in whose places there are wrappers
	Tree    string   // the folder where wrappers find its files, "" if there is none
}

// Kind says what was at a path.
type Kind byte

// The kinds.
const (
	Absent Kind = iota // nothing
	File
	Folder // with the entries right below it, and nothing else
	Link
)

// Entry is what was at one path.
type Entry struct {
	Path     string
	Kind     Kind
	Mode     uint32 // permission bits
	UID, GID uint32
	Mtime    int64 // nanoseconds
	Size     int64 // of a file
	Hash     cache.Hash
	Text     string // of a link
}

// Type returns the type bits of a mode; 0 for what is absent.
func (k Kind) Type() uint32 {
	switch k {
	case File:
		return unix.S_IFREG
	case Folder:
		return unix.S_IFDIR
	case Link:
		return unix.S_IFLNK
	}
	return 0
}

func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Folder:
		return "folder"
	case Link:
		return "link"
	}
	return "absent"
}

// Find returns what was at a path, nil if the label says nothing of it.
func (l *Label) Find(path string) *Entry {
	i, found := slices.BinarySearchFunc(l.Entries, path, byPath)
	if !found {
		return nil
	}
	return &l.Entries[i]
}

func byPath(e Entry, path string) int { return strings.Compare(e.Path, path) }

// Tops returns the entries that are in no frozen folder.
func (l *Label) Tops() []*Entry {
	var tops []*Entry
	for i := range l.Entries {
		if e := &l.Entries[i]; l.Find(filepath.Dir(e.Path)) == nil {
			tops = append(tops, e)
		}
	}
	return tops
}

// Contents yields each distinct content with its size, in the order of the entries.
func (l *Label) Contents() func(yield func(h cache.Hash, size int64) bool) {
	return func(yield func(cache.Hash, int64) bool) {
		seen := map[cache.Hash]bool{}
		for i := range l.Entries {
			e := &l.Entries[i]
			if e.Kind != File || seen[e.Hash] {
				continue
			}
			seen[e.Hash] = true
			if !yield(e.Hash, e.Size) {
				return
			}
		}
	}
}

// CheckName returns an error if a label cannot have the name.
func CheckName(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsRune(".-", rune(name[0])) || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return fmt.Errorf("%q cannot be the name of a label: letters, digits and . _ - + are allowed, 64 at most, and no . or - in front", name)
	}
	return nil
}

// Check returns an error if the label is not what the package's comment promises.
func (l *Label) Check() error {
	if err := CheckName(l.Name); err != nil {
		return err
	}
	if len(l.Apps) == 0 || slices.Contains(l.Apps, "") {
		return fmt.Errorf("label %s names no application", l.Name)
	}
	paths := append(slices.Clone(l.Apps), l.Wrapped...)
	for _, p := range append(paths, l.TestDir, l.Tree) {
		if p == "" {
			continue
		}
		if err := checkPath(p); err != nil {
			return err
		}
	}
	for i := range l.Entries {
		if i > 0 && l.Entries[i-1].Path >= l.Entries[i].Path {
			return fmt.Errorf("%q is out of order", l.Entries[i].Path)
		}
		if err := l.checkEntry(&l.Entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkEntry checks one entry, and that nothing stands below what is no folder.
func (l *Label) checkEntry(e *Entry) error {
	if err := checkPath(e.Path); err != nil {
		return err
	}
	for dir := filepath.Dir(e.Path); dir != "/"; dir = filepath.Dir(dir) {
		if up := l.Find(dir); up != nil && up.Kind != Folder {
			return fmt.Errorf("%q is below %q, which is no folder", e.Path, dir)
		}
	}
	if l.Find(filepath.Dir(e.Path)) == nil && l.insideFolder(e.Path) {
		return fmt.Errorf("the folder of %q is missing in one that is frozen", e.Path)
	}
	switch {
	case e.Kind > Link:
		return fmt.Errorf("%q is of no kind that is known", e.Path)
	case e.Mode&^0o7777 != 0 || e.Kind == File && e.Mode&(unix.S_ISUID|unix.S_ISGID) != 0:
		return fmt.Errorf("%q has a mode (%o) that no library may have", e.Path, e.Mode)
	case (e.Kind == Link) != (e.Text != "") || len(e.Text) >= unix.PathMax || strings.ContainsRune(e.Text, 0):
		return fmt.Errorf("%q has a text that is none of a link", e.Path)
	case (e.Kind == File) == e.Hash.IsZero() || e.Size < 0 || e.Kind != File && e.Size != 0:
		return fmt.Errorf("%q has no content that makes sense", e.Path)
	}
	return nil
}

// insideFolder tells whether a folder above a path is frozen.
func (l *Label) insideFolder(path string) bool {
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		if l.Find(dir) != nil {
			return true
		}
	}
	return false
}

// native are the trees that are never anything but what they are.
var native = []string{"/proc", "/sys", "/dev", "/run"}

// checkPath checks one path.
func checkPath(p string) error {
	switch {
	case !filepath.IsAbs(p) || filepath.Clean(p) != p || strings.ContainsRune(p, 0) || len(p) >= unix.PathMax:
		return fmt.Errorf("%q is not absolute, or not clean", p)
	case p == "/" || slices.ContainsFunc(native, func(dir string) bool { return Below(p, dir) }):
		return fmt.Errorf("%s cannot be frozen", p)
	}
	return nil
}

// Below tells whether a path is dir or below it.
func Below(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/')
}
