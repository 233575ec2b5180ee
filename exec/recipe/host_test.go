package recipe

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
)

// hostView is the machine as it is.
type hostView struct{}

func in(dir, name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return dir + "/" + name
}

type hostProcess struct{ p *os.Process }

func (h hostProcess) Pid() int { return h.p.Pid }

func (h hostProcess) Wait() (unix.WaitStatus, unix.Rusage, error) {
	st, err := h.p.Wait()
	if err != nil {
		return 0, unix.Rusage{}, err
	}
	return unix.WaitStatus(st.Sys().(syscall.WaitStatus)), unix.Rusage{}, nil
}

func (h hostProcess) Signal(sig unix.Signal) error { return h.p.Signal(sig) }

func (hostView) Start(c *proc.Command) (proc.Process, error) {
	files := []*os.File{c.Stdin, c.Stdout, c.Stderr}
	for _, x := range c.Extra {
		for len(files) <= x.FD {
			files = append(files, nil)
		}
		files[x.FD] = x.File
	}
	p, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{Dir: c.Dir, Env: c.Env, Files: files})
	if err != nil {
		return nil, err
	}
	return hostProcess{p}, nil
}

func (hostView) LookPath(name, path, dir string) (string, error) {
	err := error(unix.ENOENT)
	for _, d := range filepath.SplitList(path) {
		p := filepath.Join(d, name)
		var st unix.Stat_t
		if unix.Stat(in(dir, p), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		if unix.Faccessat(unix.AT_FDCWD, in(dir, p), unix.X_OK, unix.AT_EACCESS) != nil {
			err = unix.EACCES
			continue
		}
		return p, nil
	}
	return "", err
}

func (hostView) Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(in(dir, name), flag, perm)
}

func (hostView) Stat(dir, name string) (st unix.Stat_t, err error) {
	return st, unix.Stat(in(dir, name), &st)
}

func (hostView) Lstat(dir, name string) (st unix.Stat_t, err error) {
	return st, unix.Lstat(in(dir, name), &st)
}

func (hostView) Names(dir, name string) (names []string, count func(), err error) {
	d, err := os.Open(in(dir, name))
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	names, err = d.Readdirnames(-1)
	return names, func() {}, err
}

func (hostView) Readlink(dir, name string) (string, error) { return os.Readlink(in(dir, name)) }

func (hostView) Access(dir, name string, mode uint32) error {
	return unix.Faccessat(unix.AT_FDCWD, in(dir, name), mode, unix.AT_EACCESS)
}
