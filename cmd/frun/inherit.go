package main

import (
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec"
)

// inherited are the descriptors besides the first three that the command gets from whoever
// started us. They were opened outside of its view, which sees nothing of what is read and
// written there.
type inherited struct {
	extra []exec.ExtraFile
	was   []place // of each
}

// place is what changes when somebody reads or writes a file.
type place struct {
	at, size int64
	mtime    unix.Timespec
}

func inherit() *inherited {
	in := &inherited{extra: exec.Inherited()}
	for _, x := range in.extra {
		in.was = append(in.was, placeOf(x.FD))
	}
	return in
}

// placeOf tells where a regular file stands; others stand nowhere.
func placeOf(fd int) (p place) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return p
	}
	p.size, p.mtime = st.Size, st.Mtim
	p.at, _ = unix.Seek(fd, 0, io.SeekCurrent) // a regular file has a place
	return p
}

// used tells whether a file among them was read or written since.
func (in *inherited) used() bool {
	for i, x := range in.extra {
		if placeOf(x.FD) != in.was[i] {
			return true
		}
	}
	return false
}

// toRead names one of them that is a pipe or a socket to read from, as "<(command)" in a
// shell is one; -1 if there is none. A make's jobserver is no input.
func (in *inherited) toRead(makeflags string) int {
	for _, x := range in.extra {
		var st unix.Stat_t
		if unix.Fstat(x.FD, &st) != nil || isJobserver(x.FD, makeflags) {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(x.FD), unix.F_GETFL, 0)
		kind := st.Mode & unix.S_IFMT
		if err == nil && flags&unix.O_ACCMODE != unix.O_WRONLY && (kind == unix.S_IFIFO || kind == unix.S_IFSOCK) {
			return x.FD
		}
	}
	return -1
}

// isJobserver tells whether a descriptor is one of those that MAKEFLAGS names:
// --jobserver-auth=R,W.
func isJobserver(fd int, makeflags string) bool {
	for _, word := range strings.Fields(makeflags) {
		name, value, _ := strings.Cut(word, "=")
		if name != "--jobserver-auth" && name != "--jobserver-fds" {
			continue
		}
		r, w, _ := strings.Cut(value, ",")
		if n := strconv.Itoa(fd); n == r || n == w {
			return true
		}
	}
	return false
}
