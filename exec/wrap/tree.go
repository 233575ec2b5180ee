package wrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache/labels"
)

// layOut writes the files of a label into its tree, as they were. A tree that is there
// already is complete: it got its name when it was.
func layOut(s *labels.Shelf, l *labels.Label) error {
	if _, err := os.Lstat(l.Tree); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.Tree), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(l.Tree), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for i := range l.Entries {
		if err := place(s, temp, &l.Entries[i]); err != nil {
			return fmt.Errorf("%s: %w", l.Entries[i].Path, err)
		}
	}
	// Inner folders first: who writes in a folder changes its time.
	for _, e := range slices.Backward(l.Entries) {
		if e.Kind == labels.Folder {
			if err := dress(temp, &e); err != nil {
				return err
			}
		}
	}
	return os.Rename(temp, l.Tree)
}

// place puts one entry into the tree. What is above it was made by us: no link is among
// that, since nothing stands below what is no folder in a label.
func place(s *labels.Shelf, tree string, e *labels.Entry) error {
	path := tree + e.Path
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch e.Kind {
	case labels.Folder:
		return os.MkdirAll(path, 0o755)
	case labels.Absent:
		return unix.Mknod(path, unix.S_IFCHR, 0) // which an overlay takes for nothing
	case labels.Link:
		if err := os.Symlink(e.Text, path); err != nil {
			return err
		}
		return own(path, e)
	}
	data, err := s.Blobs.Get(e.Hash)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return err
	}
	return dress(tree, e)
}

// dress gives a file or a folder its owner, mode and time.
func dress(tree string, e *labels.Entry) error {
	path := tree + e.Path
	at := time.Unix(0, e.Mtime)
	return errors.Join(own(path, e), unix.Chmod(path, e.Mode), os.Chtimes(path, at, at))
}

// own gives an entry its owner, which takes root.
func own(path string, e *labels.Entry) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := unix.Lchown(path, int(e.UID), int(e.GID)); err != nil {
		return &fs.PathError{Op: "chown", Path: path, Err: err}
	}
	return nil
}
