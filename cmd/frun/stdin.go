package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// stdin is what the command gets as its standard input.
type stdin struct {
	file  *os.File
	hash  cache.Hash // of what it can read there, zero if that is nothing
	start int64      // where it stands, in a file
	open  bool       // it is a pipe, of which nothing is known
	lent  *lent      // what the command gets in place of that
	pass  string     // why it is no input that can be told, so that the command just runs
}

// openStdin finds out what is on the standard input, and reads it where that is wanted.
func openStdin(how string) (*stdin, error) {
	s := &stdin{file: os.Stdin}
	var st unix.Stat_t
	if unix.Fstat(0, &st) != nil {
		return empty()
	}
	switch how {
	case "none":
		return empty()
	case "pass":
		return s.passed("it is handed on (--stdin=pass)"), nil
	}
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFREG:
		if err := s.hashFile(); err != nil {
			return s.passed(err.Error()), nil // it may be open for writing only
		}
		return s, nil
	case kind == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3):
		return s, nil // /dev/null
	case isTerminal(0) && how == "auto":
		return empty()
	case how == "hash":
		return s, s.spool()
	case isClosed(0):
		return s, nil
	case kind == unix.S_IFIFO:
		s.open = true
		return s, nil
	}
	return s.passed("it is neither a file nor a pipe"), nil
}

// empty is a standard input on which nothing is.
func empty() (*stdin, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	return &stdin{file: null}, nil
}

func (s *stdin) passed(why string) *stdin {
	s.pass = why
	return s
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// isClosed tells that a pipe is empty and will stay so.
func isClosed(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&(unix.POLLIN|unix.POLLHUP) == unix.POLLHUP
}

// hashFile hashes a file from where it stands, and leaves it standing there.
func (s *stdin) hashFile() error {
	at, err := unix.Seek(0, 0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	s.start = at
	s.hash, err = hashAll(io.NewSectionReader(s.file, at, 1<<62))
	return err
}

// spool reads a pipe to its end. The command gets what was read.
func (s *stdin) spool() error {
	fd, err := unix.MemfdCreate("stdin", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	copied := os.NewFile(uintptr(fd), "stdin")
	if s.hash, err = hashAll(io.TeeReader(s.file, copied)); err != nil {
		return err
	}
	_, err = copied.Seek(0, io.SeekStart)
	s.file = copied
	return err
}

// hashAll hashes what is read to the end; nothing has no hash.
func hashAll(r io.Reader) (cache.Hash, error) {
	h, size, err := cache.HashAll(r)
	if err != nil {
		return h, fmt.Errorf("standard input: %w", err)
	}
	if size == 0 {
		return cache.Hash{}, nil
	}
	return h, nil
}

// hand gives the command its standard input.
func (s *stdin) hand() (*os.File, error) {
	if !s.open {
		return s.file, nil
	}
	l, err := lend()
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	s.lent = l
	return l.r, nil
}

// used tells how far a command has read, and whether it is sure that it has not looked. It
// is called when the command has ended.
func (s *stdin) used() (moved int64, unread bool) {
	if s.lent != nil {
		return s.lent.used()
	}
	if s.file != os.Stdin || s.hash.IsZero() {
		return 0, false
	}
	at, err := unix.Seek(0, 0, io.SeekCurrent)
	if err != nil {
		return 0, false
	}
	return at - s.start, false
}

// move lets a file stand where a command that does not run would have left it.
func (s *stdin) move(by int64) {
	if by != 0 && s.file == os.Stdin {
		_, _ = unix.Seek(0, s.start+by, io.SeekStart) // who reads on would notice
	}
}
