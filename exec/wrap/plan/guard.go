package plan

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Guard returns an error unless root alone can change what the plan's paths lead to. A
// wrapper that has a capability has rights that its user lacks, and mounts by name. So every
// folder on the way to one of its names, and what stands there, has to belong to root and to
// be writable by nobody else, and none may be a link: what was looked at is then what is
// mounted, however fast its user is.
func (p *Plan) Guard() error {
	paths := []string{p.Program, p.Real, p.Tree}
	for _, t := range p.Tops {
		paths = append(paths, t.Path, p.Tree+t.Path)
	}
	for _, path := range paths {
		if err := rootsAlone(path); err != nil {
			return err
		}
	}
	return nil
}

// rootsAlone walks to a path. Where nothing is any more, what is above has been looked at.
func rootsAlone(path string) error {
	at, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /: %w", err)
	}
	defer func() { unix.Close(at) }()
	names := strings.Split(strings.Trim(path, "/"), "/")
	for i, name := range append(names, "") {
		if why := notRoots(at, i == len(names)); why != nil {
			return fmt.Errorf("/%s: %w", strings.Join(names[:i], "/"), why)
		}
		if i == len(names) {
			return nil
		}
		next, err := unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == unix.ENOENT {
			return nil
		}
		if err != nil {
			return fmt.Errorf("open /%s: %w", strings.Join(names[:i+1], "/"), err)
		}
		unix.Close(at)
		at = next
	}
	return nil
}

// notRoots says what makes a file or folder not root's alone, nil if it is. At the end of a
// path a link may stand, over whose folder an overlay is mounted.
func notRoots(fd int, last bool) error {
	const othersWrite = 0o022
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	link := st.Mode&unix.S_IFMT == unix.S_IFLNK
	switch {
	case st.Uid != 0:
		return fmt.Errorf("it belongs to user %d and not to root", st.Uid)
	case link && !last:
		return errors.New("it is a link")
	case !link && st.Mode&othersWrite != 0:
		return errors.New("others than root may write to it")
	}
	return nil
}
