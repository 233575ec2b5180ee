package exec

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// viewLooks are the looks of functions in a recipe that is being expanded: through the
// view of its action, so that what they saw is an input and what they wrote a version.
type viewLooks struct {
	view View
	dir  string
}

func (l viewLooks) readFile(name string) ([]byte, error) {
	f, err := l.view.Open(l.dir, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func (l viewLooks) open(name string, flag int) (*os.File, error) {
	return l.view.Open(l.dir, name, flag, 0o666)
}

func (l viewLooks) stat(name string) (fs.FileInfo, error) {
	st, err := l.view.Stat(l.dir, name)
	return lookInfo{name, st}, err
}

func (l viewLooks) lstat(name string) (fs.FileInfo, error) {
	st, err := l.view.Lstat(l.dir, name)
	return lookInfo{name, st}, err
}

// realPath is that of the tree: links are looked at, so that they are inputs.
func (l viewLooks) realPath(name string) (string, error) {
	if _, err := l.view.Stat(l.dir, name); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(name)
}

// lookInfo is what a view says of a file.
type lookInfo struct {
	name string
	st   unix.Stat_t
}

func (i lookInfo) Name() string       { return path.Base(i.name) }
func (i lookInfo) Size() int64        { return i.st.Size }
func (i lookInfo) ModTime() time.Time { return time.Unix(i.st.Mtim.Unix()) }
func (i lookInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i lookInfo) Sys() any           { return &i.st }

func (i lookInfo) Mode() fs.FileMode {
	m := fs.FileMode(i.st.Mode & 0o777)
	switch i.st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		m |= fs.ModeIrregular
	}
	return m
}
