package main

import (
	"bytes"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hasGained tells whether executing the wrapper's file has given the process rights that it
// did not have.
func hasGained() bool {
	return auxiliary(secureMode) != 0
}

// Of <linux/auxvec.h>.
const (
	secureMode = 23 // AT_SECURE
	execFn     = 31 // AT_EXECFN
)

// auxiliary is what the kernel tells a program that it starts, 0 if it does not.
func auxiliary(what uintptr) uintptr {
	vector, _ := unix.Auxv()
	for _, v := range vector {
		if v[0] == what {
			return v[1]
		}
	}
	return 0
}

// giveUp gives up the rights, and that to gain any by executing something.
func giveUp() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new rights: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}

// environment is what the process was given: of a process that has gained rights Go's runtime
// changes a variable. The kernel puts the environment's texts between those of the words
// and the name of the program.
func environment() []string {
	name := auxiliary(execFn)
	if name == 0 || len(os.Args) == 0 {
		return os.Environ()
	}
	last := os.Args[len(os.Args)-1]
	at := unsafe.Pointer(unsafe.StringData(last))
	block := unsafe.Slice((*byte)(at), name-uintptr(at))[len(last)+1:]
	var env []string
	for text := range bytes.SplitSeq(bytes.TrimSuffix(block, []byte{0}), []byte{0}) {
		if len(block) > 0 {
			env = append(env, string(text))
		}
	}
	return env
}
