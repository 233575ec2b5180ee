package watch

import (
	"debug/elf"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// readWords reads the words that a program was started with.
func readWords(pid int) []string {
	text, err := os.ReadFile(procFile(pid, "cmdline"))
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// parentOf returns the parent of a process, 0 if it is gone.
func parentOf(pid int) int {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

// loaders returns the program that the kernel loads beside another, which no call names.
func loaders(exe string) []string {
	f, err := elf.Open(exe)
	if err != nil {
		return nil
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 {
			continue
		}
		buf := make([]byte, p.Filesz)
		if n, err := p.ReadAt(buf, 0); err != nil || n == 0 {
			return nil
		}
		path, err := resolved(strings.TrimRight(string(buf), "\x00"))
		if err != nil {
			return nil
		}
		return []string{path}
	}
	return nil
}

// info is what PTRACE_GET_SYSCALL_INFO says of a call that a filter has picked out.
type info struct {
	op      uint8
	_       [3]uint8
	arch    uint32
	pointer uint64
	stack   uint64
	number  uint64
	args    [6]uint64
	data    uint32
	_       uint32
}

const (
	getSyscallInfo = 0x420e
	atSeccomp      = 3 // info.op
)

// callInfo asks about the call that a thread is about to make.
func callInfo(pid int) (info, bool) {
	var i info
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(pid), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	return i, errno == 0 && i.op == atSeccomp
}

// memory reads from a process.
func memory(pid int, at uint64, buf []byte) int {
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	n, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(buf)}}, 0)
	if err != nil {
		return 0
	}
	return n
}

// text reads a text that ends with a zero byte, page by page: what is behind it may not be
// there.
func text(pid int, at uint64) (string, bool) {
	const page, most = 4096, 8192
	if at == 0 {
		return "", false
	}
	var out []byte
	for len(out) < most {
		buf := make([]byte, page-at%page)
		n := memory(pid, at, buf)
		for i, c := range buf[:n] {
			if c == 0 {
				return string(append(out, buf[:i]...)), true
			}
		}
		if n == 0 {
			return "", false
		}
		out = append(out, buf[:n]...)
		at += uint64(n)
	}
	return "", false
}
