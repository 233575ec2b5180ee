package labels

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// ErrExists is the error for a name that another label has.
var ErrExists = errors.New("there is a label of that name")

// Shelf is where the labels of a cache are.
type Shelf struct {
	dir   string
	Blobs *cache.Blobs
}

// Open returns the labels below a cache's folder. It touches nothing.
func Open(cacheDir string) *Shelf {
	return &Shelf{dir: filepath.Join(cacheDir, "labels"), Blobs: cache.OpenBlobs(cacheDir, cache.BlobOptions{})}
}

// suffix tells labels from what else may stand in their folder.
const suffix = ".label"

func (s *Shelf) file(name string) string { return filepath.Join(s.dir, name+suffix) }

// Names lists all labels, sorted.
func (s *Shelf) Names() ([]string, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list labels: %w", err)
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// Load reads one label.
func (s *Shelf) Load(name string) (*Label, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(s.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no label %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read label: %w", err)
	}
	l, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file(name), err)
	}
	if l.Name != name {
		return nil, &cache.CorruptError{What: "label", Name: s.file(name), Err: fmt.Errorf("it is that of %s", l.Name)}
	}
	return l, nil
}

// Add keeps a new label. The error is ErrExists if its name is taken.
func (s *Shelf) Add(l *Label) error {
	return s.write(l, func(temp, file string) error {
		err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, file, unix.RENAME_NOREPLACE)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrExists, l.Name)
		}
		return err
	})
}

// Replace keeps a label in place of the one of the same name.
func (s *Shelf) Replace(l *Label) error { return s.write(l, os.Rename) }

// write writes a label beside its place and moves it there once it is on disk, and the
// contents that it names are.
func (s *Shelf) write(l *Label, move func(temp, file string) error) error {
	if err := l.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("keep label: %w", err)
	}
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return fmt.Errorf("keep label: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = f.Write(l.Encode())
	if err == nil {
		err = unix.Syncfs(int(f.Fd())) // that of the blobs, too
	}
	if err == nil {
		err = move(f.Name(), s.file(l.Name))
	}
	if err == nil {
		err = syncDir(s.dir)
	}
	if err != nil {
		return fmt.Errorf("keep label: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Remove forgets a label. Its contents go when the collector next runs.
func (s *Shelf) Remove(name string) error {
	if err := os.Remove(s.file(name)); err != nil {
		return fmt.Errorf("remove label: %w", err)
	}
	return syncDir(s.dir)
}

// Rename gives a label another name.
func (s *Shelf) Rename(from, to string) error {
	l, err := s.Load(from)
	if err != nil {
		return err
	}
	l.Name = to
	if err := s.Add(l); err != nil {
		return err
	}
	return s.Remove(from)
}

// Kept lists the contents that labels name: what the collector must keep.
func Kept(cacheDir string) ([]cache.Hash, error) {
	s := Open(cacheDir)
	names, err := s.Names()
	if err != nil {
		return nil, err
	}
	var kept []cache.Hash
	for _, name := range names {
		l, err := s.Load(name)
		if err != nil {
			return nil, err
		}
		for h := range l.Contents() {
			kept = append(kept, h)
		}
	}
	return kept, nil
}

// Verify reads all contents of a label. The error is about the first that is not there
// or not sound.
func (s *Shelf) Verify(l *Label) error {
	for h := range l.Contents() {
		if err := s.Blobs.Check(h); err != nil {
			return fmt.Errorf("label %s: %w", l.Name, err)
		}
	}
	return nil
}

// limited reads all of r, but no more than a label may have.
func limited(r io.Reader, n uint64) ([]byte, error) {
	if n > maxLabel {
		return nil, errors.New("too large for a label")
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && uint64(len(data)) < n {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}
