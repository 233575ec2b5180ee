package cache

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// readRaw reads a file by bare system calls. Package os makes every file that it
// opens ready for waiting, which costs a make that has nothing to do more than
// the reading.
func readRaw(path string) ([]byte, FileStat, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, FileStat{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var raw unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &raw) }); err != nil {
		return nil, FileStat{}, &os.PathError{Op: "fstat", Path: path, Err: err}
	}
	st := StatOf(&raw)
	if st.Size > maxGraph {
		return nil, st, errTooLarge
	}
	data := make([]byte, 0, max(int(st.Size)+1, 128)) // one more, so that the end is seen
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Read(fd, data[len(data):cap(data)])
			return err
		})
		if err != nil {
			return nil, st, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n <= 0 {
			return data, st, nil
		}
		if data = data[:len(data)+n]; len(data) == cap(data) {
			data = slices.Grow(data, len(data))
		}
	}
}

// openPlain opens a file for reading that nobody waits for: os.Open would ask in vain to
// be told when there is something to read.
func openPlain(path string) (*os.File, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
