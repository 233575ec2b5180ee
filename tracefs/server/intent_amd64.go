package server

import "golang.org/x/sys/unix"

// oldCalls knows the system calls that newer machines do not have.
func oldCalls(number int) (call, bool) {
	switch number {
	case unix.SYS_OPEN:
		return 1, true
	case unix.SYS_RENAME:
		return callRename, true
	case unix.SYS_MKDIR:
		return callMkdir, true
	}
	return 0, false
}

// oldCreat is true for creat, which newer machines do not have.
func oldCreat(number int) bool { return number == unix.SYS_CREAT }
