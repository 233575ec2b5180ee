package laws

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Entry is what stands at one path.
type Entry struct {
	Kind byte        `json:"k"`           // 'f' file, 'd' directory, 'l' symbolic link
	Mode fs.FileMode `json:"m,omitempty"` // permission bits
	Text string      `json:"t,omitempty"` // content, or the text of a link
	Same string      `json:"s,omitempty"` // the first path of the same inode, where a file has several
}

// Tree is a folder's content by slash-separated relative path. Folders are
// entries too.
type Tree map[string]Entry

// file and link make the entries of sources.
func file(text string) Entry   { return Entry{Kind: 'f', Mode: 0o644, Text: text} }
func script(text string) Entry { return Entry{Kind: 'f', Mode: 0o755, Text: text} }
func symlink(text string) Entry {
	return Entry{Kind: 'l', Text: text}
}

// Put sets a path and makes the folders above it.
func (t Tree) Put(name string, e Entry) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, found := t[dir]; !found {
			t[dir] = Entry{Kind: 'd', Mode: 0o755}
		}
	}
	t[name] = e
}

// Clone returns a copy.
func (t Tree) Clone() Tree { return maps.Clone(t) }

// Names returns the paths in order; a folder stands before what is in it.
func (t Tree) Names() []string { return slices.Sorted(maps.Keys(t)) }

// In returns the files and links directly in dir, in order.
func (t Tree) In(dir string) []string {
	var names []string
	for name, e := range t {
		if path.Dir(name) == dir && e.Kind != 'd' {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Under returns every path below dir, in order, without dir itself.
func (t Tree) Under(dir string) []string {
	var names []string
	for name := range t {
		if strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Write makes the tree in a folder that is empty or does not exist.
func (t Tree) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range t.Names() {
		if err := t[name].write(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("writing the tree: %w", err)
		}
	}
	return nil
}

// write puts an entry at a path; a file that is there keeps its inode.
func (e Entry) write(full string) error {
	switch e.Kind {
	case 'd':
		if err := os.MkdirAll(full, 0o755); err != nil {
			return err
		}
	case 'l':
		os.Remove(full)
		return os.Symlink(e.Text, full)
	default:
		if err := os.WriteFile(full, []byte(e.Text), 0o644); err != nil {
			return err
		}
	}
	return os.Chmod(full, e.Mode)
}

// vcs is a folder that makes all below where it is one project. It is no part of a tree.
const vcs = ".git"

// Snapshot reads a folder.
func Snapshot(dir string) (Tree, error) {
	t := Tree{}
	first := map[uint64]string{} // the first path of each inode that has several
	err := filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil || full == dir {
			return err
		}
		name, err := filepath.Rel(dir, full)
		if err != nil {
			return err
		}
		if name == vcs {
			return fs.SkipDir
		}
		e, err := readEntry(full, name, first)
		t[name] = e
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return t, nil
}

func readEntry(full, name string, first map[uint64]string) (Entry, error) {
	var st unix.Stat_t
	if err := unix.Lstat(full, &st); err != nil {
		return Entry{}, &os.PathError{Op: "lstat", Path: full, Err: err}
	}
	e := Entry{Mode: fs.FileMode(st.Mode & 0o7777)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		e.Kind = 'd'
		return e, nil
	case unix.S_IFLNK:
		text, err := os.Readlink(full)
		return Entry{Kind: 'l', Text: text}, err
	case unix.S_IFREG:
		e.Kind = 'f'
		data, err := os.ReadFile(full)
		e.Text = string(data)
		if st.Nlink > 1 {
			if first[st.Ino] == "" {
				first[st.Ino] = name
			}
			e.Same = first[st.Ino]
		}
		return e, err
	}
	return Entry{Kind: '?', Mode: fs.FileMode(st.Mode)}, nil
}

// Diff names the paths where two trees differ, leaving out the content of
// those for which skip says so.
func Diff(want, got Tree, skip func(name string) bool) []string {
	var lines []string
	all := want.Clone()
	maps.Copy(all, got)
	for _, name := range all.Names() {
		w, wanted := want[name]
		g, there := got[name]
		switch {
		case !there:
			lines = append(lines, fmt.Sprintf("%s: missing (%s)", name, w.brief()))
		case !wanted:
			lines = append(lines, fmt.Sprintf("%s: should not be there (%s)", name, g.brief()))
		case w == g || w.Kind == g.Kind && skip(name):
		case w.Text == g.Text:
			lines = append(lines, fmt.Sprintf("%s: is %c %v same=%q, want %c %v same=%q", name, g.Kind, g.Mode, g.Same, w.Kind, w.Mode, w.Same))
		default:
			lines = append(lines, fmt.Sprintf("%s: is %s, want %s", name, g.brief(), w.brief()))
			lines = append(lines, firstDifference(w.Text, g.Text)...)
		}
	}
	return lines
}

func (e Entry) brief() string {
	switch e.Kind {
	case 'd':
		return "directory"
	case 'l':
		return "link to " + e.Text
	case 'f':
		return fmt.Sprintf("file, %d bytes, %v", len(e.Text), e.Mode)
	}
	return fmt.Sprintf("something else, %v", e.Mode)
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(want, got string) []string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := at(w, i), at(g, i)
		if a != b {
			return []string{fmt.Sprintf("    line %d: is %.80q, want %.80q", i+1, b, a)}
		}
	}
	return nil
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}
