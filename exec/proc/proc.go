// Package proc holds the plain types with which a recipe's programs are
// started. It depends on nothing, so that the walk, the recipe shell and the
// views can share them without knowing of each other.
package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Command is one program start of a recipe. The child stays in the process
// group and session of its parent, as the children of GNU make do, so that
// Ctrl-C, job control and reading from the terminal work.
type Command struct {
	Path   string   // file to execute: contains a slash, relative to Dir
	Args   []string // argv, Args[0] included
	Env    []string
	Dir    string // absolute
	Stdin  *os.File
	Stdout *os.File
	Stderr *os.File
	Extra  []ExtraFile // descriptors the child gets besides 0, 1 and 2 (jobserver)
}

// ExtraFile places File at descriptor FD of the child.
type ExtraFile struct {
	FD   int
	File *os.File
}

// Process is a started command.
type Process interface {
	Pid() int
	// Wait returns when the process has ended. It may be called once.
	Wait() (unix.WaitStatus, unix.Rusage, error)
	Signal(sig unix.Signal) error
}
