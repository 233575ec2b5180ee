package server

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/tracefs/procfs"
)

// intent is what a look-up is made for, as far as it matters: before the kernel
// creates, truncates or replaces a file it looks the name up, and that is no look
// of the action. "It was absent" would otherwise be an input of everything that
// an action makes.
type intent uint8

const (
	looks     intent = iota // what is found decides what the program does
	overrides               // whatever is found, it is overwritten or replaced
	makesDir                // a directory that is absent is made
)

// calls tells the intents of system calls that are not always looks. The value
// is the place of the open flags among the arguments, or one of the constants.
type call int

const (
	callRename call = -1
	callMkdir  call = -2
)

// intentOf returns what the look-up in which a thread is blocked is made for.
// When that cannot be told it counts as a look, which is safe.
func intentOf(tid uint32, exists bool) intent {
	number, args, ok := procfs.Syscall(int(tid))
	if !ok {
		return looks
	}
	c, known := calls(number)
	switch {
	case !known:
		return looks
	case c == callRename:
		return overrides
	case c == callMkdir:
		if exists {
			return looks
		}
		return makesDir
	}
	return openIntent(uint32(args[c]), exists)
}

func openIntent(flags uint32, exists bool) intent {
	if flags&syscall.O_CREAT == 0 && flags&syscall.O_TRUNC == 0 || flags&syscall.O_EXCL != 0 {
		return looks
	}
	m := modeOf(flags)
	if !exists && flags&syscall.O_CREAT != 0 || m.truncates || m.appends && !m.reads {
		return overrides
	}
	return looks
}

// calls returns what a system call does with the name that it looks up.
func calls(number int) (call, bool) {
	switch number {
	case unix.SYS_OPENAT:
		return 2, true
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return callRename, true
	case unix.SYS_MKDIRAT:
		return callMkdir, true
	}
	return oldCalls(number)
}

// makesNew tells whether the look-up in which a thread is blocked is made for a call
// that fails if it finds anything: it makes a directory, where one is found, or a file
// or link.
func makesNew(tid uint32, dir bool) bool {
	number, args, ok := procfs.Syscall(int(tid))
	if !ok {
		return false
	}
	if number == unix.SYS_SYMLINKAT {
		return !dir
	}
	c, known := calls(number)
	switch {
	case !known, c == callRename:
		return false
	case c == callMkdir:
		return dir
	}
	const anew = syscall.O_CREAT | syscall.O_EXCL
	return !dir && args[c]&anew == anew
}

// onlyRead are endings of names that programs search for in many places and
// hardly ever write. Asking for the intent of those look-ups is not worth its
// price; that they count as looks is safe.
var onlyRead = []string{".h", ".hh", ".hpp", ".hxx", ".H", ".inc", ".gch", ".so", ".py", ".pm"}

// mayOverride tells whether it is worth asking for the intent of a look-up.
func mayOverride(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return true
	}
	for _, e := range onlyRead {
		if name[dot:] == e {
			return false
		}
	}
	return true
}
