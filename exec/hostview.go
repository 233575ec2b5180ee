package exec

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// HostView is the world as it is: nothing is recorded.
type HostView struct{}

// Start implements View. The child gets exactly the descriptors it is meant to
// have, besides those that fmake itself was given without close-on-exec.
func (HostView) Start(c *Command) (Process, error) {
	attr := &syscall.ProcAttr{
		Dir:   c.Dir,
		Env:   c.Env,
		Files: childFiles(c),
	}
	pid, err := syscall.ForkExec(c.Path, c.Args, attr)
	if err != nil {
		return nil, &os.PathError{Op: "exec", Path: c.Path, Err: err}
	}
	return &hostProcess{pid: pid}, nil
}

// childFiles lays out the descriptor table of a child.
func childFiles(c *Command) []uintptr {
	files := []uintptr{fdOf(c.Stdin, 0), fdOf(c.Stdout, 1), fdOf(c.Stderr, 2)}
	for _, extra := range c.Extra {
		for len(files) <= extra.FD {
			files = append(files, inherited(len(files)))
		}
		files[extra.FD] = extra.File.Fd()
	}
	return files
}

func fdOf(f *os.File, standard uintptr) uintptr {
	if f == nil {
		return standard
	}
	return f.Fd()
}

// inherited gives what a child finds at a descriptor that nobody placed: the
// same as fmake if it came from outside, else nothing.
func inherited(fd int) uintptr {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return ^uintptr(0)
	}
	return uintptr(fd)
}

type hostProcess struct{ pid int }

func (p *hostProcess) Pid() int { return p.pid }

func (p *hostProcess) Wait() (unix.WaitStatus, unix.Rusage, error) {
	var (
		status unix.WaitStatus
		usage  unix.Rusage
	)
	for {
		_, err := unix.Wait4(p.pid, &status, 0, &usage)
		if err != unix.EINTR {
			return status, usage, err
		}
	}
}

func (p *hostProcess) Signal(sig unix.Signal) error { return unix.Kill(p.pid, sig) }

func inDir(dir, name string) string {
	if filepath.IsAbs(name) || dir == "" {
		return name
	}
	return dir + "/" + name
}

// LookPath implements View as execvp looks for programs: names with a slash are
// taken as they are, a file that may not be executed is remembered in case that
// nothing better comes.
func (HostView) LookPath(name, path, dir string) (string, error) {
	return lookPath(name, path, func(candidate string) error {
		full := inDir(dir, candidate)
		var st unix.Stat_t
		if err := unix.Stat(full, &st); err != nil {
			return err
		}
		return mayRun(full, &st)
	})
}

// mayRun returns nil for a file that may be executed.
func mayRun(name string, st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EACCES
	}
	return unix.Access(name, unix.X_OK)
}

// Open implements View.
func (HostView) Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(inDir(dir, name), flag, perm)
}

// Stat implements View.
func (HostView) Stat(dir, name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Stat(inDir(dir, name), &st)
	return st, err
}

// Lstat implements View.
func (HostView) Lstat(dir, name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Lstat(inDir(dir, name), &st)
	return st, err
}

// ReadDir implements View.
func (HostView) ReadDir(dir, name string) ([]string, error) {
	f, err := os.Open(inDir(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Names implements View.
func (v HostView) Names(dir, name string) (names []string, count func(), err error) {
	names, err = v.ReadDir(dir, name)
	return names, func() {}, err
}

// Readlink implements View.
func (HostView) Readlink(dir, name string) (string, error) {
	return os.Readlink(inDir(dir, name))
}

// Access implements View.
func (HostView) Access(dir, name string, mode uint32) error {
	return unix.Access(inDir(dir, name), mode)
}
