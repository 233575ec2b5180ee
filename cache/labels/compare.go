package labels

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// Difference is a path at which something else stands than the label has.
type Difference struct {
	Path string
	What string // in words
}

// Compare holds a label against what is installed.
func (l *Label) Compare() []Difference {
	var list []Difference
	add := func(path, what string) { list = append(list, Difference{path, what}) }
	for i := range l.Entries {
		e := &l.Entries[i]
		if what := e.compare(); what != "" {
			add(e.Path, what)
		}
		if e.Kind != Folder {
			continue
		}
		names, _ := os.ReadDir(e.Path) // that it is no folder is told already
		for _, n := range names {
			if p := filepath.Join(e.Path, n.Name()); l.Find(p) == nil {
				add(p, "new")
			}
		}
	}
	return list
}

// compare says how what is installed differs, "" if it does not.
func (e *Entry) compare() string {
	var st unix.Stat_t
	err := unix.Lstat(e.Path, &st)
	switch {
	case err != nil && e.Kind == Absent:
		return ""
	case err != nil:
		return "gone"
	case e.Kind == Absent:
		return "new"
	case st.Mode&unix.S_IFMT != e.Kind.Type():
		return "no " + e.Kind.String() + " any more"
	}
	switch e.Kind {
	case Link:
		if text, _ := os.Readlink(e.Path); text != e.Text {
			return fmt.Sprintf("led to %s, leads to %s", e.Text, text)
		}
		return ""
	case File:
		if what := e.compareContent(st.Size); what != "" {
			return what
		}
	}
	switch {
	case st.Mode&0o7777 != e.Mode:
		return fmt.Sprintf("mode %04o -> %04o", e.Mode, st.Mode&0o7777)
	case st.Uid != e.UID || st.Gid != e.GID:
		return fmt.Sprintf("owner %d:%d -> %d:%d", e.UID, e.GID, st.Uid, st.Gid)
	}
	return ""
}

func (e *Entry) compareContent(size int64) string {
	if size != e.Size {
		return fmt.Sprintf("changed, %d -> %d bytes", e.Size, size)
	}
	f, err := os.Open(e.Path)
	if err != nil {
		return "cannot be read"
	}
	defer f.Close()
	if h, _, err := cache.HashAll(f); err != nil || h != e.Hash {
		return fmt.Sprintf("changed, %d bytes", size)
	}
	return ""
}
