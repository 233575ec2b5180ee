package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Restore puts a content at dst with the given permissions, in place of
// whatever file or link is there, and returns the new file's stat. The file
// appears complete and verified or not at all. A blob that is damaged is dropped
// and reported as a *CorruptError; one that does not exist as fs.ErrNotExist.
//
// The folders on the way to dst must exist and be no symbolic links: recorded
// paths have their links resolved, so a link there was not there when the path
// was recorded, and could lead out of the tree.
func (b *Blobs) Restore(h Hash, dst string, mode fs.FileMode) (FileStat, error) {
	src, err := b.Open(h)
	if err != nil {
		return FileStat{}, fmt.Errorf("restore %s: %w", dst, err)
	}
	defer src.Close()
	st, err := statFile(src)
	if err != nil {
		return FileStat{}, fmt.Errorf("restore %s: %w", dst, err)
	}
	b.used(src.Name(), st)
	return b.place(h, dst, mode, func(f *os.File) (Hash, error) { return b.copy(f, src, st.Size) })
}

// RestoreBytes puts data at dst as Restore does.
func (b *Blobs) RestoreBytes(data []byte, dst string, mode fs.FileMode) (FileStat, error) {
	return b.place(Hash{}, dst, mode, func(f *os.File) (Hash, error) {
		_, err := f.Write(data)
		return Hash{}, err
	})
}

// place makes dst of what fill writes, if that has the hash want.
func (b *Blobs) place(want Hash, dst string, mode fs.FileMode, fill func(*os.File) (Hash, error)) (FileStat, error) {
	dir, name, err := parentOf(dst)
	if err != nil {
		return FileStat{}, fmt.Errorf("restore %s: %w", dst, err)
	}
	defer dir.Close()
	t, err := newTemp(dir, mode)
	if err != nil {
		return FileStat{}, fmt.Errorf("restore %s: %w", dst, err)
	}
	defer t.discard()
	got, err := fill(t.file)
	if err == nil && got != want {
		err = b.drop(want)
	}
	if err == nil {
		err = t.put(dir, name)
	}
	if err != nil {
		return FileStat{}, fmt.Errorf("restore %s: %w", dst, err)
	}
	return statFile(t.file)
}

// put gives the file its name, whether that is taken or not. Most often it is
// not: outputs are restored where they are missing.
func (t *temp) put(dir *os.File, name string) error {
	err := t.link(dir, name)
	if errors.Is(err, fs.ErrExist) {
		return t.replace(dir, name)
	}
	return err
}

// RestoreLink puts a symbolic link at dst as Restore puts a file.
func RestoreLink(text, dst string) error {
	dir, name, err := parentOf(dst)
	if err != nil {
		return fmt.Errorf("restore %s: %w", dst, err)
	}
	defer dir.Close()
	fd := int(dir.Fd())
	err = unix.Symlinkat(text, fd, name)
	if errors.Is(err, unix.EEXIST) {
		other := tempName()
		if err = unix.Symlinkat(text, fd, other); err == nil {
			if err = unix.Renameat(fd, other, fd, name); err != nil {
				unix.Unlinkat(fd, other, 0)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", dst, err)
	}
	return nil
}

// RestoreHardLink puts another name for the file old at dst.
func RestoreHardLink(old, dst string) error {
	from, oldName, err := parentOf(old)
	if err != nil {
		return fmt.Errorf("restore %s: %w", dst, err)
	}
	defer from.Close()
	dir, name, err := parentOf(dst)
	if err != nil {
		return fmt.Errorf("restore %s: %w", dst, err)
	}
	defer dir.Close()
	other := tempName()
	if err = unix.Linkat(int(from.Fd()), oldName, int(dir.Fd()), other, 0); err == nil {
		// Renaming onto a name of the same file does nothing, so the temporary
		// name must go in any case.
		err = unix.Renameat(int(dir.Fd()), other, int(dir.Fd()), name)
		unix.Unlinkat(int(dir.Fd()), other, 0)
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", dst, err)
	}
	return nil
}

// parentOf opens the folder of path, no part of which may be a symbolic link.
func parentOf(path string) (dir *os.File, name string, err error) {
	parent, name := filepath.Split(path)
	if name == "" || name == "." || name == ".." {
		return nil, "", fs.ErrInvalid
	}
	if parent == "" {
		parent = "."
	}
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	var fd int
	err = retry(func() error {
		fd, err = unix.Openat2(unix.AT_FDCWD, parent, &how)
		return err
	})
	if err != nil {
		return nil, "", &os.PathError{Op: "open", Path: parent, Err: err}
	}
	return os.NewFile(uintptr(fd), parent), name, nil
}
