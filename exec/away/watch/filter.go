package watch

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Places in what a filter sees of a call.
const (
	atNumber  = 0
	atMachine = 4
	atFirst   = 16 // the lower half of the first argument, on little-endian machines
)

// What a traced call is reported as.
const (
	known   = 0
	foreign = 1 // one of another machine's
)

// filter makes the program that picks the calls out.
func filter(table map[uint64]call) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	// If what was loaded is k, the next instruction is done, else passed over.
	when := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: 1}
	}
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	none := ret(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))

	p := []unix.SockFilter{
		load(atMachine),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: machine, Jt: 1},
		ret(unix.SECCOMP_RET_TRACE | foreign),
		load(atNumber),
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: otherABI, Jf: 1},
		none,
		when(unix.SYS_IO_URING_SETUP), none, // it makes calls that no filter sees
	}
	for _, nr := range slices.Sorted(maps.Keys(table)) {
		if nr == unix.SYS_READ {
			continue
		}
		p = append(p, when(uint32(nr)), ret(unix.SECCOMP_RET_TRACE|known))
	}
	// Reading matters from the standard input only.
	return append(p,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_READ, Jt: 1},
		ret(unix.SECCOMP_RET_ALLOW),
		load(atFirst), when(0), ret(unix.SECCOMP_RET_TRACE|known),
		ret(unix.SECCOMP_RET_ALLOW))
}

// install filters the calls of this thread and of all that it starts.
func install(program []unix.SockFilter) error {
	// What the worker may do is nothing for what it starts.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // an old kernel has none
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	fp := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&fp))); errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	return nil
}
