package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// lent is a pipe that the command gets in place of ours, so that we learn whether it reads
// its standard input: most commands do not, although they have one. What it takes out of
// its pipe is taken out of ours, and no more: what it leaves is for whoever reads after it,
// and nobody waits for what it does not ask for.
//
// Its pipe holds one page. That is filled with a copy of what is next in ours; when it is
// empty again, that was read.
type lent struct {
	r, w  *os.File
	over  int // an event: the command has ended
	done  chan struct{}
	taken int64
	ended bool // ours has come to its end, which it may have seen
}

// lend begins. The error says that there are no descriptors left.
func lend() (*lent, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	over, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err == nil {
		_, err = unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()) // Fd makes it blocking
	}
	if err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	l := &lent{r: r, w: w, over: over, done: make(chan struct{})}
	go l.pump()
	return l, nil
}

// pump hands on what is asked for until the command has ended.
func (l *lent) pump() {
	defer close(l.done)
	for l.wait(0, unix.POLLIN) {
		n, err := unix.Tee(0, int(l.w.Fd()), os.Getpagesize(), unix.SPLICE_F_NONBLOCK)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			continue
		case err != nil || n == 0:
			l.ended = true
			l.w.Close()
			return
		}
		going := l.wait(int(l.w.Fd()), unix.POLLOUT)
		l.take(int(n))
		if !going {
			return
		}
	}
}

// wait waits for a descriptor, and tells whether the command goes on.
func (l *lent) wait(fd int, events int16) bool {
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}, {Fd: int32(l.over), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return false
		}
		if fds[1].Revents != 0 {
			return false
		}
		if fds[0].Revents != 0 {
			return true
		}
	}
}

// take takes out of our pipe what was read of n bytes.
func (l *lent) take(n int) {
	left, err := unix.IoctlGetInt(int(l.r.Fd()), unix.TIOCINQ)
	if err != nil {
		left = 0 // it may have been read, all of it
	}
	for buf := make([]byte, n-left); len(buf) > 0; {
		m, err := unix.Read(0, buf)
		if err != nil && err != unix.EINTR || m == 0 {
			return
		}
		buf = buf[max(m, 0):]
		l.taken += int64(max(m, 0))
	}
}

// used ends it, when the command has ended, and tells how much it has read, and whether it
// is sure that it has not looked.
func (l *lent) used() (moved int64, unread bool) {
	_, _ = unix.Write(l.over, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-l.done
	return l.taken, l.taken == 0 && !l.ended
}
