package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Enter puts everything in place in the mount namespace that the process is in, which must
// be its own.
func (p *Plan) Enter() error {
	// Mounts made outside still arrive; none made here leave.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	// What is to be bound is taken hold of before anything covers it.
	program, err := clone(p.Real)
	if err != nil {
		return err
	}
	overlays, binds, err := p.layers()
	if err != nil {
		return err
	}
	for _, o := range overlays {
		if err := o.attach(); err != nil {
			return err
		}
	}
	for _, b := range binds {
		if err := b.attach(); err != nil {
			return err
		}
	}
	if err := (mount{program, p.Program}).attach(); err != nil {
		return err
	}
	return stayHere(append(overlays, binds...))
}

// mount is one that is not attached yet.
type mount struct {
	fd int
	at string
}

func (m mount) attach() error {
	err := unix.MoveMount(m.fd, "", unix.AT_FDCWD, m.at, unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("mount on %s: %w", m.at, err)
	}
	return unix.Close(m.fd)
}

// layers makes all mounts. Overlays come with the outer ones first, then what is bound.
func (p *Plan) layers() (overlays, binds []mount, err error) {
	covered := map[string]bool{}
	for _, t := range p.Tops {
		if dir := existing(filepath.Dir(t.Path)); t.needsOverlay() {
			covered[dir] = true
		}
	}
	for dir := range covered {
		fd, err := p.overlay(dir)
		if err != nil {
			return nil, nil, err
		}
		overlays = append(overlays, mount{fd, dir})
	}
	slices.SortFunc(overlays, func(a, b mount) int { return strings.Compare(a.at, b.at) })
	for _, t := range p.Tops {
		if t.Kind != File && t.Kind != Folder || t.needsOverlay() {
			continue
		}
		fd, err := clone(p.Tree + t.Path)
		if err == nil {
			err = readOnly(fd)
		}
		if err != nil {
			return nil, nil, err
		}
		binds = append(binds, mount{fd, t.Path})
	}
	return overlays, binds, nil
}

// needsOverlay tells whether a top cannot be bound over what is installed.
func (t Top) needsOverlay() bool {
	var st unix.Stat_t
	err := unix.Lstat(t.Path, &st)
	switch t.Kind {
	case Absent:
		return err == nil
	case File:
		return err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG
	case Folder:
		return err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR
	}
	return true
}

// existing returns the nearest folder at or above dir that is there.
func existing(dir string) string {
	var st unix.Stat_t
	for dir != "/" && (unix.Lstat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR) {
		dir = filepath.Dir(dir)
	}
	return dir
}

// overlay makes one of the tree's folder and the installed one. The latter is named by a
// descriptor, so that an overlay does not stand on another.
func (p *Plan) overlay(dir string) (int, error) {
	fail := func(what string, err error) (int, error) {
		return -1, fmt.Errorf("overlay for %s: %s: %w", dir, what, err)
	}
	below, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(below)
	ctx, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail("fsopen", err)
	}
	defer unix.Close(ctx)
	for _, layer := range []string{p.Tree + dir, "/proc/self/fd/" + strconv.Itoa(below)} {
		if err := unix.FsconfigSetString(ctx, "lowerdir+", layer); err != nil {
			return fail(layer, err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return fail("make", err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return fail("fsmount", err)
	}
	return fd, nil
}

// clone makes a mount of a file or folder.
func clone(path string) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("bind %s: %w", path, err)
	}
	return fd, nil
}

func readOnly(fd int) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fmt.Errorf("make a mount read-only: %w", err)
	}
	return nil
}

// stayHere enters the working directory once more if it is covered now.
func stayHere(mounts []mount) error {
	dir, err := unix.Getwd()
	if err != nil {
		return nil // it was removed, or cannot be named
	}
	for _, m := range mounts {
		if dir != m.at && !strings.HasPrefix(dir, m.at+"/") {
			continue
		}
		if err := unix.Chdir(dir); err != nil {
			return fmt.Errorf("working directory %s: %w", dir, err)
		}
		break
	}
	return nil
}
