package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"
)

// temp is a file that is being written and gets its name when it is complete.
// Where the file system can, it has no name before (O_TMPFILE), so that kill -9
// leaves nothing behind; else it has a temporary one.
type temp struct {
	dir  *os.File // where it was made
	file *os.File
	name string // in dir; "" if it has none
}

// newTemp makes a file in dir that is open for reading and writing. Its mode is
// set whatever the umask says.
func newTemp(dir *os.File, mode fs.FileMode) (*temp, error) {
	t, err := newUnnamed(dir, mode)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		name := tempName()
		return makeTemp(dir, name, mode, func() (int, error) {
			return openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o600)
		})
	}
	return t, err
}

// newUnnamed is newTemp where a file can be without a name.
func newUnnamed(dir *os.File, mode fs.FileMode) (*temp, error) {
	return makeTemp(dir, "", mode, func() (int, error) {
		return openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR, 0o600)
	})
}

func makeTemp(dir *os.File, name string, mode fs.FileMode, open func() (int, error)) (*temp, error) {
	fd, err := open()
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: dir.Name(), Err: err}
	}
	t := &temp{dir: dir, name: name, file: os.NewFile(uintptr(fd), dir.Name())}
	if err := unix.Fchmod(fd, modeBits(mode)); err != nil {
		t.discard()
		return nil, &os.PathError{Op: "chmod", Path: dir.Name(), Err: err}
	}
	return t, nil
}

func openat(dir *os.File, name string, flags int, mode uint32) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(int(dir.Fd()), name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, mode)
		return err
	})
	return fd, err
}

func tempName() string { return fmt.Sprintf(".fmake-%016x", rand.Uint64()) }

// modeBits returns the permission bits of a mode as the kernel has them.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, b := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, unix.S_ISUID}, {fs.ModeSetgid, unix.S_ISGID}, {fs.ModeSticky, unix.S_ISVTX}} {
		if m&b.mode != 0 {
			bits |= b.bit
		}
	}
	return bits
}

// link gives the file its name in dir, which must be on the same file system.
// If the name is taken the error is fs.ErrExist.
func (t *temp) link(dir *os.File, name string) error {
	var err error
	if t.name != "" {
		err = unix.Renameat2(int(t.dir.Fd()), t.name, int(dir.Fd()), name, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EINVAL) { // a file system without the flag
			err = t.renameIfFree(dir, name)
		}
		if err == nil {
			t.name = ""
		}
	} else {
		// Through /proc: AT_EMPTY_PATH needs a privilege.
		err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", t.file.Fd()),
			int(dir.Fd()), name, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		return &os.PathError{Op: "link", Path: name, Err: err}
	}
	return nil
}

// renameIfFree is not atomic: a name that is taken in between is replaced.
func (t *temp) renameIfFree(dir *os.File, name string) error {
	var st unix.Stat_t
	if unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return unix.EEXIST
	}
	return unix.Renameat(int(t.dir.Fd()), t.name, int(dir.Fd()), name)
}

// replace gives the file its name in dir in place of whatever has it.
func (t *temp) replace(dir *os.File, name string) error {
	if t.name == "" {
		other := tempName()
		if err := t.link(dir, other); err != nil {
			return err
		}
		if err := unix.Renameat(int(dir.Fd()), other, int(dir.Fd()), name); err != nil {
			unix.Unlinkat(int(dir.Fd()), other, 0)
			return &os.PathError{Op: "rename", Path: name, Err: err}
		}
		return nil
	}
	if err := unix.Renameat(int(t.dir.Fd()), t.name, int(dir.Fd()), name); err != nil {
		return &os.PathError{Op: "rename", Path: name, Err: err}
	}
	t.name = ""
	return nil
}

// discard closes the file, and removes it if it did not get its name.
func (t *temp) discard() {
	t.file.Close()
	if t.name != "" {
		unix.Unlinkat(int(t.dir.Fd()), t.name, 0)
	}
}
