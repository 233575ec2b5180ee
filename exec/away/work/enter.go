package work

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inside is the word by which a worker that was started by another knows itself.
const Inside = "inside"

// again starts this program once more, in a user and a mount namespace of its own, where it
// may change its root. The status is that of the other.
func again(jobFile, reportFile string) (int, error) {
	cmd := exec.Command("/proc/self/exe", jobFile, reportFile, Inside)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT},
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("the machine lets nobody have a root directory of their own: %w", err)
	}
	return 0, nil
}

// enter makes a directory the root. What belongs to the kernel is there as before.
func enter(top string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("enter the tree: %w", err)
	}
	for _, d := range []string{"/proc", "/dev"} {
		at := filepath.Join(top, d)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(d, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("enter the tree: %w", err)
		}
	}
	tmp := filepath.Join(top, "tmp")
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		return err
	}
	_ = os.Chmod(tmp, 0o777|os.ModeSticky) // it may be somebody else's, and good as it is
	if err := unix.Chroot(top); err != nil {
		return fmt.Errorf("enter the tree: %w", err)
	}
	return os.Chdir("/")
}
