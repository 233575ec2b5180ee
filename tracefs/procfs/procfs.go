// Package procfs reads what the engine needs to know of processes from /proc.
//
// # Model
//
// A process belongs to the view whose root directory is its own: the device
// number of /proc/PID/root is that of the view's superblock, which no other
// mount shares. That is exact and needs no bookkeeping. The number is read
// without asking the file system for anything, so the process that serves the
// view may do it too.
package procfs

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// Device returns the device number of the file at path, relative to the
// directory dirfd, without a request to the file system it is on.
func Device(dirfd int, path string, flags int) (uint64, error) {
	var st unix.Statx_t
	err := raw.Statx(dirfd, path, flags|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st)
	if err != nil {
		return 0, err
	}
	return unix.Mkdev(st.Dev_major, st.Dev_minor), nil
}

// RootDevice returns the device number of the root directory of a process or
// thread.
func RootDevice(pid int) (uint64, error) {
	return Device(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/root", 0)
}

// Stat holds what is used of /proc/PID/stat.
type Stat struct {
	State   byte // a letter, see proc(5)
	Parent  int
	Group   int // of processes
	Session int
	Start   uint64 // clock ticks since boot
}

// ReadStat reads /proc/PID/stat.
func ReadStat(pid int) (Stat, error) {
	data, err := readFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	return parseStat(data)
}

// parseStat cuts a stat line. The second field is the program's name in
// parentheses and may hold anything, so fields are counted from the last one.
func parseStat(data []byte) (Stat, error) {
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return Stat{}, unix.EINVAL
	}
	fields := bytes.Fields(data[end+1:])
	const parent, group, session, start = 4 - 3, 5 - 3, 6 - 3, 22 - 3 // numbered as proc(5) does, from the state on
	if len(fields) <= start {
		return Stat{}, unix.EINVAL
	}
	var n [3]int
	for i, at := range [...]int{parent, group, session} {
		var err error
		if n[i], err = strconv.Atoi(string(fields[at])); err != nil {
			return Stat{}, unix.EINVAL
		}
	}
	ticks, err := strconv.ParseUint(string(fields[start]), 10, 64)
	if err != nil {
		return Stat{}, unix.EINVAL
	}
	return Stat{State: fields[0][0], Parent: n[0], Group: n[1], Session: n[2], Start: ticks}, nil
}

// Group returns the process that a thread belongs to.
func Group(tid int) (int, error) {
	data, err := readFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(data, []byte("\nTgid:"))
	if !ok {
		return 0, unix.EINVAL
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strconv.Atoi(string(bytes.TrimSpace(line)))
}

// Cmdline returns the arguments of a process.
func Cmdline(pid int) ([]string, error) {
	data, err := readFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(data) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00"), nil
}

// Environ returns the environment that a process was started with.
func Environ(pid int) ([]string, error) {
	data, err := readFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(data) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00"), nil
}

// Descriptors lists the numbers of a process's open files.
func Descriptors(pid int) []string {
	d, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	return names
}

// Link reads /proc/PID/NAME, such as exe or cwd.
func Link(pid int, name string) (string, error) {
	return raw.Readlink("/proc/" + strconv.Itoa(pid) + "/" + name)
}

// readFile reads a file of /proc with as few system calls as can be.
func readFile(name string) ([]byte, error) {
	fd, err := raw.Open(name, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer raw.Close(fd)
	buf := make([]byte, 4096)
	n := 0
	for {
		m, err := raw.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		n += m
		if m == 0 || n < len(buf) {
			return buf[:n], nil
		}
		buf = append(buf, make([]byte, len(buf))...)
	}
}

// Children returns the processes whose parent is this process. ok is false
// where the kernel does not tell.
func Children() (pids []int, ok bool) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, false
	}
	for _, t := range tasks {
		data, err := readFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil {
			if _, gone := os.Lstat("/proc/self/task/" + t.Name()); gone != nil {
				continue // the thread has just ended
			}
			return nil, false
		}
		for _, f := range bytes.Fields(data) {
			if pid, err := strconv.Atoi(string(f)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids, true
}

// All returns all processes that can be seen.
func All() []int {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Inside returns the processes whose root directory is on one of devices.
func Inside(devices map[uint64]bool) []int {
	var in []int
	for _, pid := range All() {
		if dev, err := RootDevice(pid); err == nil && devices[dev] {
			in = append(in, pid)
		}
	}
	return in
}

// KillInside kills all processes whose root directory is on one of devices, and
// those that they fork meanwhile. It gives up after a number of rounds that no
// honest family of processes survives.
func KillInside(devices map[uint64]bool) {
	if len(devices) == 0 {
		return
	}
	const rounds = 50
	for i := range rounds {
		left := 0
		for _, pid := range Inside(devices) {
			if pid == os.Getpid() {
				continue
			}
			if unix.Kill(pid, unix.SIGKILL) == nil {
				left++
			}
		}
		// A killed process that is still there shows no root directory any more,
		// so an empty round means that all have at least begun to end.
		if left == 0 {
			return
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
	}
}

// Holders returns the processes whose root directory is on a device and that have something
// open that /proc names by one of links. ok is false if that is not to be found out.
func Holders(device uint64, links map[string]bool) (pids []int, ok bool) {
	for _, pid := range Inside(map[uint64]bool{device: true}) {
		d, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
		if errors.Is(err, os.ErrNotExist) {
			continue // it has ended
		}
		if err != nil {
			return nil, false
		}
		names, _ := d.Readdirnames(-1)
		d.Close()
		for _, name := range names {
			if link, err := Link(pid, "fd/"+name); err == nil && links[link] {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids, true
}

// Descends tells whether one process descends from another.
func Descends(pid, from int) bool {
	for pid > 1 {
		st, err := ReadStat(pid)
		if err != nil {
			return false
		}
		if pid = st.Parent; pid == from {
			return true
		}
	}
	return false
}
