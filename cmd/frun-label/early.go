package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// early is what the code that runs before Go's runtime leaves.
var early struct {
	done    int64      // 1 if it has run
	mounts  int64      // what unshare(CLONE_NEWNS) returned
	user    int64      // what unshare(CLONE_NEWUSER|CLONE_NEWNS) returned, if that had failed
	length  int64      // of status
	status  [4096]byte // /proc/self/status as it was then: ids, and which signals were ignored
	threads [2]uintptr // thread-local storage, which the runtime expects us to have set up
}

// settle makes the user itself in its user namespace, if there is one.
func settle() error {
	switch {
	case early.done == 0:
		return errors.New("wrappers do not work on this kind of processor")
	case early.mounts == 0:
		return nil
	case early.user != 0:
		return os.NewSyscallError("unshare", syscall.Errno(-early.user))
	}
	uid, gid := statusField("Uid:"), statusField("Gid:")
	for _, f := range []struct{ name, text string }{
		{"setgroups", "deny"}, // or the group may not be mapped
		{"uid_map", fmt.Sprintf("%s %s 1", uid, uid)},
		{"gid_map", fmt.Sprintf("%s %s 1", gid, gid)},
	} {
		if err := write("/proc/self/"+f.name, f.text); err != nil {
			return err
		}
	}
	return nil
}

func write(file, text string) error {
	fd, err := unix.Open(file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		unix.Close(fd)
	}
	if err != nil {
		return &os.PathError{Op: "write", Path: file, Err: err}
	}
	return nil
}

// statusField returns the effective id in a line of the status: real, effective, saved, of
// the file system.
func statusField(name string) string {
	fields := bytes.Fields(statusLine(name))
	if len(fields) < 2 {
		return ""
	}
	return string(fields[1])
}

func statusLine(name string) []byte {
	_, rest, _ := bytes.Cut(early.status[:max(early.length, 0)], []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return line
}

// ignoredBefore lists the signals that were ignored when the wrapper was started. The
// runtime has taken them, and a program that is executed would find them as they are by
// default.
func ignoredBefore() (list []os.Signal) {
	mask, _ := strconv.ParseUint(string(bytes.TrimSpace(statusLine("SigIgn:"))), 16, 64)
	for s := syscall.Signal(1); s <= 64; s++ {
		if mask&(1<<(s-1)) != 0 && s != unix.SIGKILL && s != unix.SIGSTOP {
			list = append(list, s)
		}
	}
	return list
}
