// Package canonical shows a project under a fixed path to a program and to all that it
// starts, so that what they make of it is the same wherever it is checked out.
//
// # Model
//
// The program starts itself once more in a mount namespace of its own, in which the
// project's folder is to be had under the fixed path as well, and works there; the first
// one waits and ends as the second one does. For an ordinary user that needs a user
// namespace, in which setuid programs have no power. A variable in the environment tells
// the three stages apart; what the program starts does not see it.
//
//	outside  -> starts itself in new namespaces
//	entering -> mounts, goes to the fixed path, becomes the program again
//	inside   -> works
package canonical

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// variable tells the stages apart.
const variable = "FMAKE_CANONICAL_STAGE"

// The values of the variable.
const (
	entering = "entering"
	inside   = "inside"
)

// The variables that say what to do when entering.
const (
	rootVariable = variable + "_ROOT"
	pathVariable = variable + "_PATH"
	dirVariable  = variable + "_DIR"
)

// Inside reports whether this is the program that works. rest is the environment without
// what says so, and stage what a program that becomes itself again needs to know of it.
func Inside(env []string) (is bool, rest, stage []string) {
	for i, e := range env {
		if value, ok := strings.CutPrefix(e, variable+"="); ok && value == inside {
			_ = os.Unsetenv(variable)
			return true, append(env[:i:i], env[i+1:]...), []string{e}
		}
	}
	return false, env, nil
}

// Enter has this program work with the project at root shown at path. It returns only if
// that cannot be done, or if there is nothing to do because it is there. pwd is the working
// directory, inside root.
func Enter(path, root, pwd string) error {
	if path == root {
		return nil
	}
	if err := check(path, root); err != nil {
		return err
	}
	rel, err := filepath.Rel(root, pwd)
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), variable+"="+entering, rootVariable+"="+root, pathVariable+"="+path, dirVariable+"="+filepath.Join(path, rel))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = isolation()
	sent := make(chan os.Signal, 8)
	signal.Notify(sent, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("make a place for the project at %s: %w", path, err)
	}
	go func() {
		for s := range sent {
			// A terminal sends the first two to all of us.
			if s != unix.SIGINT && s != unix.SIGQUIT {
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("wait for what works at %s: %w", path, err)
	}
	end(cmd.ProcessState.Sys().(syscall.WaitStatus))
	return nil
}

// end ends this process as the other one has ended.
func end(status syscall.WaitStatus) {
	if status.Signaled() {
		signal.Reset(status.Signal())
		_ = unix.Kill(os.Getpid(), status.Signal())
		select {} // it comes
	}
	os.Exit(status.ExitStatus())
}

// check finds what cannot be a fixed path. It is made if it does not exist.
func check(path, root string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("the canonical root must be an absolute path, not %s", path)
	}
	if path == "/" || below(path, root) || below(root, path) {
		return fmt.Errorf("the canonical root %s and the project %s are in each other", path, root)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("the canonical root must be a folder: %w", err)
	}
	return nil
}

func below(path, dir string) bool { return strings.HasPrefix(path, dir+"/") }

// isolation is how the second program is started: root needs no user namespace.
func isolation() *syscall.SysProcAttr {
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
}

// Stage does what is to be done in between, if this is the program that does it; then it
// returns only with an error. It is to be called first of all.
func Stage() error {
	if os.Getenv(variable) != entering {
		return nil
	}
	root, path, dir := os.Getenv(rootVariable), os.Getenv(pathVariable), os.Getenv(dirVariable)
	for _, name := range []string{rootVariable, pathVariable, dirVariable} {
		_ = os.Unsetenv(name)
	}
	// What is mounted here is nobody else's business.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make a place for the project at %s: %w", path, err)
	}
	if err := unix.Mount(root, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show the project at %s: %w", path, err)
	}
	if err := unix.Chdir(dir); err != nil {
		return fmt.Errorf("go to %s: %w", dir, err)
	}
	_ = os.Setenv(variable, inside)
	_ = os.Setenv("PWD", dir)
	runtime.LockOSThread() // the right to mount is this thread's to give up, and it is the one that becomes the program
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("give up the right to mount: %w", err)
	}
	return fmt.Errorf("start again at %s: %w", path, unix.Exec("/proc/self/exe", os.Args, os.Environ()))
}
