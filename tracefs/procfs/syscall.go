package procfs

import (
	"bytes"
	"strconv"
)

// Syscall returns the number and the first arguments of the system call in which
// a thread is blocked.
func Syscall(tid int) (number int, args [6]uint64, ok bool) {
	data, err := readFile("/proc/" + strconv.Itoa(tid) + "/syscall")
	if err != nil {
		return 0, args, false
	}
	return parseSyscall(data)
}

// parseSyscall cuts a line such as "257 0xffffff9c 0x55d0 0x241 0x1b6 0x0 0x0
// SP PC".
func parseSyscall(line []byte) (number int, args [6]uint64, ok bool) {
	fields := bytes.Fields(line)
	if len(fields) < 1+len(args) {
		return 0, args, false // "running", or a kernel thread
	}
	number, err := strconv.Atoi(string(fields[0]))
	if err != nil || number < 0 {
		return 0, args, false
	}
	for i := range args {
		if args[i], err = strconv.ParseUint(string(fields[1+i]), 0, 64); err != nil {
			return 0, args, false
		}
	}
	return number, args, true
}
