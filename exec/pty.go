package exec

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// isTerminal tells whether one of make's own streams is a terminal.
func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// newPty makes a pseudo-terminal like the terminal at descriptor fd, so that
// programs whose output is captured still see one and use colours. What they
// write comes out of r as they wrote it: the real terminal does what is to be
// done with newlines. See pty(7).
func newPty(fd int) (r, w *os.File, err error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("open /dev/ptmx", err)
	}
	r = os.NewFile(uintptr(master), "pty")
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, os.NewSyscallError("unlock pty", err)
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, os.NewSyscallError("number of pty", err)
	}
	slave, err := unix.Open("/dev/pts/"+strconv.Itoa(n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("open pty", err)
	}
	likeTerminal(slave, fd)
	return r, os.NewFile(uintptr(slave), "pty"), nil
}

// likeTerminal copies settings and size. What cannot be copied stays as new
// terminals have it.
func likeTerminal(slave, fd int) {
	if t, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
		t.Oflag &^= unix.OPOST
		_ = unix.IoctlSetTermios(slave, unix.TCSETS, t)
	}
	if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(slave, unix.TIOCSWINSZ, size)
	}
}

// newTap makes the pair of ends through which one stream of a job is captured.
func newTap(stream int) (r, w *os.File, err error) {
	if isTerminal(stream) {
		if r, w, err = newPty(stream); err == nil {
			return r, w, nil
		}
	}
	return os.Pipe()
}
