//go:build linux

// Command childless runs a program in Go that is not to start another one: what makes a
// process, but for a thread, fails in it. A script shows with it that nothing was run.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		runtime.LockOSThread() // the filter is this thread's, and becomes the program's
		err = forbid()
	}
	if err == nil {
		err = unix.Exec(path, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "childless:", err)
	os.Exit(125)
}

// forbid lets clone(2), which programs in Go use for both, make threads only. clone3(2)
// has its flags in memory that no filter sees: it is said not to exist.
func forbid() error {
	const (
		number = 0  // offset in struct seccomp_data
		flags  = 16 // of the first argument's lower half
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret    = unix.BPF_RET | unix.BPF_K

		allow = 0x7fff0000
		errno = 0x00050000
	)
	filter := []unix.SockFilter{
		{Code: load, K: number},
		{Code: equal, K: unix.SYS_CLONE3, Jt: 6},
		{Code: equal, K: unix.SYS_CLONE, Jt: 1},
		{Code: ret, K: allow},
		{Code: load, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_THREAD, Jf: 1},
		{Code: ret, K: allow},
		{Code: ret, K: errno | uint32(unix.EPERM)},
		{Code: ret, K: errno | uint32(unix.ENOSYS)},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
