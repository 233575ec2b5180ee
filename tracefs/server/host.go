package server

import (
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// This file serves looks that a client makes on behalf of an action without a
// process in the view: those of the recipe interpreter and of the make logic.
// They go through the same recording; the client gets descriptors of the real
// files. tid is 0 in all of them.

// maxLinks is how many symbolic links are followed in one path, as in the kernel.
const maxLinks = 40

// found is what a path leads to.
type found struct {
	path string // all links resolved, except the last one if it was not to be followed
	st   syscall.Stat_t
	err  error // ENOENT if only the last name is missing
}

// resolve walks an absolute path as the kernel would, recording each step.
func (v *view) resolve(name string, follow bool) (found, error) {
	at := found{path: ""}
	if err := syscall.Lstat("/", &at.st); err != nil {
		return at, err
	}
	todo := strings.Split(name, "/")
	links := 0
	for len(todo) > 0 {
		step := todo[0]
		todo = todo[1:]
		switch step {
		case "", ".":
			continue
		case "..":
			at.path = parentOf(at.path)
			if err := syscall.Lstat(rootIfEmpty(at.path), &at.st); err != nil {
				return at, err
			}
			continue
		}
		if at.st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
			return at, unix.ENOTDIR
		}
		next := at.path + "/" + step
		st, err := v.lookAt(next)
		last := onlySlashes(todo)
		if err != nil {
			if last && err == unix.ENOENT {
				return found{path: next, err: err}, nil
			}
			return at, err
		}
		trailing := last && len(todo) > 0
		if st.Mode&syscall.S_IFMT != syscall.S_IFLNK || last && !follow && !trailing {
			at.path, at.st = next, st
			continue
		}
		if links++; links > maxLinks {
			return at, unix.ELOOP
		}
		text, err := v.linkText(next, &st)
		if err != nil {
			return at, err
		}
		if strings.HasPrefix(text, "/") {
			at.path = ""
		}
		todo = append(strings.Split(text, "/"), todo...)
		if at.path == "" {
			if err := syscall.Lstat("/", &at.st); err != nil {
				return at, err
			}
		}
	}
	if strings.HasSuffix(name, "/") && at.st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return at, unix.ENOTDIR
	}
	return at, nil
}

func onlySlashes(names []string) bool {
	for _, n := range names {
		if n != "" {
			return false
		}
	}
	return true
}

func rootIfEmpty(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// lookAt looks a path up and records it.
func (v *view) lookAt(p string) (syscall.Stat_t, error) {
	var st syscall.Stat_t
	err := syscall.Lstat(p, &st)
	if err == nil && v.hides(p) {
		err = unix.ENOENT
	}
	st.Size = v.size(p, st.Size)
	switch {
	case v.engine.isNative(p):
	case err == nil:
		v.lookRecorder(p).look(p, tracefs.LookExists, &st, -1)
		if st.Mode&syscall.S_IFMT == syscall.S_IFSOCK {
			v.rec.socket(p, -1)
		}
	case err == unix.ENOENT:
		v.lookRecorder(p).look(p, tracefs.LookAbsent, nil, -1)
	}
	return st, err
}

// lookRecorder returns who records looks at p that do not depend on content.
func (v *view) lookRecorder(p string) *recorder {
	if v.engine.isSystem(p) {
		return v.engine.build
	}
	return v.rec
}

// isNative tells whether p is in a tree that views have as it is.
func (e *engine) isNative(p string) bool { return underAny(p, e.native) }

func (v *view) linkText(p string, st *syscall.Stat_t) (string, error) {
	text, err := os.Readlink(p)
	if err != nil {
		return "", err.(*os.PathError).Err
	}
	if !v.engine.isNative(p) {
		v.lookRecorder(p).linkRead(p, st, text, -1)
	}
	return text, nil
}

// stat serves Stat and Lstat.
func (v *view) stat(name string, follow bool) (syscall.Stat_t, error) {
	f, err := v.resolve(name, follow)
	if err == nil {
		err = f.err
	}
	return f.st, err
}

// readlink serves Readlink.
func (v *view) readlink(name string) (string, error) {
	f, err := v.resolve(name, false)
	if err == nil {
		err = f.err
	}
	if err != nil {
		return "", err
	}
	if f.st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
		return "", unix.EINVAL
	}
	return v.linkText(f.path, &f.st)
}

// access serves Access, with the rights of the effective user as the shell's
// test does.
func (v *view) access(name string, mode uint32) error {
	f, err := v.resolve(name, true)
	if err == nil {
		err = f.err
	}
	if err != nil {
		return err
	}
	return unix.Faccessat2(unix.AT_FDCWD, rootIfEmpty(f.path), mode, unix.AT_EACCESS)
}

// readDir serves ReadDir. Whether the names count is told by Listed.
func (v *view) readDir(name string) ([]string, error) {
	f, err := v.resolve(name, true)
	if err == nil {
		err = f.err
	}
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Open(rootIfEmpty(f.path), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	entries, err := readEntries(fd)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Name != "." && e.Name != ".." && !v.hides(f.path+"/"+e.Name) {
			names = append(names, e.Name)
		}
	}
	return names, nil
}

// listed serves Listed.
func (v *view) listed(name string, names []string) {
	f, err := v.resolve(name, true)
	if err == nil && f.err == nil && !v.engine.isNative(f.path) {
		v.rec.listed(f.path, &f.st, names, v.systemFlag(f.path), -1)
	}
}

func (v *view) systemFlag(p string) tracefs.LookFlags {
	if v.engine.isSystem(p) {
		return tracefs.LookSystem
	}
	return 0
}

// open serves Open.
func (v *view) open(name string, flags, perm uint32) (*os.File, error) {
	f, err := v.resolve(name, flags&syscall.O_NOFOLLOW == 0)
	if err != nil {
		return nil, err
	}
	create := flags&syscall.O_CREAT != 0
	if f.err != nil && !create {
		return nil, f.err
	}
	if f.err == nil && create && flags&syscall.O_EXCL != 0 {
		return nil, unix.EEXIST
	}
	mode := modeOf(flags)
	if mode.reads || mode.writes {
		v.settle(f.path, 0)
	}
	native := v.engine.isNative(f.path) || f.err == nil && !isFile(&f.st)
	if mode.writes || f.err != nil {
		if !native {
			v.announceWrite(f, mode)
		}
	}
	fd, err := syscall.Open(rootIfEmpty(f.path), int(flags)|syscall.O_CLOEXEC, perm)
	if err != nil {
		return nil, err
	}
	if f.err == nil && mode.reads && !mode.truncates && !native {
		v.opened(f.path, &f.st, tracefs.LookContent|tracefs.LookExists|v.systemFlag(f.path), 0)
	}
	if (mode.writes || f.err != nil) && !native {
		v.sb.changedOutside(f.path)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func isFile(st *syscall.Stat_t) bool { return st.Mode&syscall.S_IFMT == syscall.S_IFREG }

// announceWrite records that a file is about to be opened for writing.
func (v *view) announceWrite(f found, mode openMode) {
	c := mode.change()
	if f.err != nil {
		v.unhide(f.path)
		if c = creates; mode.appends {
			c = createsLog
		}
	}
	v.beforeChange(f.path, c, 0)
}

// changedOutside tells the kernel that a file is written past its caches: it may
// not keep what it knows of it, nor its absence.
func (s *superblock) changedOutside(p string) {
	dir, name := path.Split(p)
	d := s.find(dir)
	if d == nil {
		return // the kernel knows nothing there
	}
	s.mu.Lock()
	id := d.id
	n := d.kids[name]
	if n != nil {
		n.outside.Store(true)
		n.stale = true
	}
	s.mu.Unlock()
	s.outside.add(p)
	if n != nil {
		s.kernel.dropInode(n.id)
	}
	s.kernel.dropEntry(id, name)
}

// lookPath serves LookPath: the first executable file of that name in a list of
// directories, as execvp finds it.
func (v *view) lookPath(name, list, dir string) (string, error) {
	if strings.Contains(name, "/") {
		return name, v.executable(join(dir, name))
	}
	failed := error(unix.ENOENT)
	for _, d := range strings.Split(list, ":") {
		p := d + "/" + name
		if d == "" {
			p = "./" + name
		}
		err := v.executable(join(dir, p))
		if err == nil {
			return p, nil
		}
		if err == unix.EACCES {
			failed = err
		}
	}
	return "", failed
}

func join(dir, name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return dir + "/" + name
}

func (v *view) executable(name string) error {
	f, err := v.resolve(name, true)
	if err == nil {
		err = f.err
	}
	switch {
	case err != nil:
		return err
	case !isFile(&f.st):
		return unix.EACCES
	}
	return unix.Faccessat2(unix.AT_FDCWD, f.path, unix.X_OK, unix.AT_EACCESS)
}
