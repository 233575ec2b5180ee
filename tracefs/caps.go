package tracefs

import (
	"os"

	"golang.org/x/sys/unix"
)

// EngineCaps are the capabilities that the processes of an engine need in an
// ordinary user's own user namespace: to mount, to change the root directory,
// and to see which view a process lives in. None of them reaches a command.
func EngineCaps() []uintptr {
	if os.Geteuid() == 0 {
		return nil
	}
	return []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SYS_PTRACE}
}
