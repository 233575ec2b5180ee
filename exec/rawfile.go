package exec

import (
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// Makefiles and directories are read by bare system calls: package os makes
// every file that it opens ready for waiting, which is eight more calls for each
// and the poller besides, and no file here is waited for.

// openRaw opens a file for reading.
func openRaw(name string, flag int) (int, error) {
	for {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|flag, 0)
		if err == nil {
			return fd, nil
		}
		if err != unix.EINTR {
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// readFile returns the content of a file, and in st the state that it was in before it
// was read.
func readFile(name string, st *unix.Stat_t) ([]byte, error) {
	fd, err := openRaw(name, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	size := 0
	if unix.Fstat(fd, st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		size = int(st.Size)
	}
	data := make([]byte, 0, max(size+1, 512)) // one more, so that the end is seen
	for {
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		case n == 0:
			return data, nil
		}
		data = data[:len(data)+n]
		if len(data) == cap(data) {
			data = slices.Grow(data, len(data))
		}
	}
}

// readNames returns the names in a directory, as the directory has them, and in st the
// state that it was in before they were read.
func readNames(name string, st *unix.Stat_t) ([]string, error) {
	fd, err := openRaw(name, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, st); err != nil {
		return nil, &fs.PathError{Op: "fstat", Path: name, Err: err}
	}
	var names []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(fd, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "readdirent", Path: name, Err: err}
		case n <= 0:
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// workingDir is the directory that make works in, without links: PWD, which the
// standard library would believe, may name it by others. It is "" if there is
// none.
func workingDir() string {
	dir, err := unix.Getwd()
	if err != nil {
		return ""
	}
	return dir
}
