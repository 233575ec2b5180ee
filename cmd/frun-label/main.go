// How many processors a container may use is not worth reading five files for in
// every start.

//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Command frun-label stands in the place of a program that was wrapped by "frun label
// wrap", with its plan behind it. It puts the label's files in place in a mount namespace
// of its own and becomes the program, as the same process: number, parent, user, groups,
// descriptors, directory, terminal and signals stay.
//
// # The namespace
//
// A user namespace can be entered by a process with one thread only, and by the time that
// a Go program's main function begins there are several. So the namespaces are made before
// Go's runtime starts (early_amd64.s): a mount namespace by itself where the process may
// (CAP_SYS_ADMIN), else one in a user namespace in which the user is itself. The rights
// that a process has in its own user namespace are gone when it executes a program, as for
// any user but root.
//
// It links little and does little: it is part of each start of the program.
//
// A wrapper that has a file capability is guarded: see package wrap for what must hold then.
package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/exec/wrap/plan"
)

// failed is the status with which the wrapper ends if it cannot start the program.
const failed = 125

func main() {
	runtime.MemProfileRate = 0
	debug.SetGCPercent(-1)
	runtime.LockOSThread() // rights are a thread's
	name := "frun-label"
	if len(os.Args) > 0 {
		name = filepath.Base(os.Args[0])
	}
	err := run()
	os.Stderr.WriteString("frun-label: " + name + ": " + err.Error() + "\n")
	os.Exit(failed)
}

// run becomes the program. It returns only if that cannot be done.
func run() error {
	p, err := plan.Read("/proc/self/exe")
	if errors.Is(err, plan.ErrNone) {
		return errors.New("this program is put in the place of others by 'frun label wrap'")
	}
	if err != nil {
		return err
	}
	gained := hasGained()
	guarded := gained && early.mounts == 0 // else the rights were withheld, and it is a wrapper as any
	if gained && !guarded {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) // or it may not enter itself in its namespace
	}
	if _, err := plan.Read(p.Program); !errors.Is(err, plan.ErrNone) { // else a view shows us the program already
		if err := enter(p, guarded); err != nil {
			return inWords(p, err)
		}
	}
	for _, s := range ignoredBefore() {
		signal.Ignore(s)
	}
	path, env := p.Program, os.Environ()
	if gained {
		env = environment()
	}
	if !guarded {
		path = calledBy(p.Program)
	} else if err := giveUp(); err != nil {
		return err
	}
	err = syscall.Exec(path, os.Args, env)
	return errors.New("execute " + p.Program + ": " + err.Error())
}

// enter puts the label's files in place.
func enter(p *plan.Plan, guarded bool) error {
	if guarded {
		if err := p.Guard(); err != nil {
			return err
		}
	}
	if err := settle(); err != nil {
		return err
	}
	return p.Enter()
}

// calledBy returns the path by which we were executed, which a script finds in its words,
// if it leads to the program now; else the program's own.
func calledBy(program string) string {
	name := auxiliary(execFn)
	if name == 0 {
		return program
	}
	path := unix.BytePtrToString(*(**byte)(unsafe.Pointer(&name)))
	var a, b unix.Stat_t
	if unix.Stat(path, &a) == nil && unix.Stat(program, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino {
		return path
	}
	return program
}

// inWords says which right is missing.
func inWords(p *plan.Plan, err error) error {
	text := "the libraries of label " + p.Label + " cannot be put in place: " + err.Error()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EACCES) {
		text += " (it takes user namespaces, which this machine does not let you have, or CAP_SYS_ADMIN)"
	}
	return errors.New(text)
}
