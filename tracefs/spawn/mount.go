package spawn

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mounts is the private tmpfs and what stands on it.
type mounts struct {
	base   string
	native []string // real trees bound into every view
	system []string // trees bound into every view from the system mount
}

// newMounts detaches this process's mount namespace from the rest of the system
// and mounts the private tmpfs. The namespace is a copy, so what the tmpfs
// covers is covered for nobody else.
func newMounts() (*mounts, error) {
	// Mounts made outside still arrive; none made here leave.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	for _, dir := range []string{"/mnt", "/media", "/srv", "/var/empty", "/tmp"} {
		if st, err := os.Lstat(dir); err != nil || !st.IsDir() {
			continue
		}
		if err := unix.Mount("fmake", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return nil, fmt.Errorf("mount tmpfs on %s: %w", dir, err)
		}
		return &mounts{base: dir}, nil
	}
	return nil, fmt.Errorf("no directory to mount views on: %w", unix.ENOENT)
}

func (m *mounts) systemRoot() string { return m.base + "/system" }

// addSystem puts the system mount in place.
func (m *mounts) addSystem(f *os.File) error {
	if err := os.Mkdir(m.systemRoot(), 0o755); err != nil {
		return err
	}
	return attach(int(f.Fd()), m.systemRoot())
}

// addView puts a view in place and returns its root directory.
func (m *mounts) addView(id uint32, f *os.File) (string, error) {
	root := m.base + "/" + strconv.FormatUint(uint64(id), 10)
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	if err := attach(int(f.Fd()), root); err != nil {
		return "", fmt.Errorf("attach view: %w", err)
	}
	for _, dir := range m.system {
		if err := unix.Mount(m.systemRoot()+dir, root+dir, "", unix.MS_BIND, ""); err != nil {
			m.remove(root)
			return "", fmt.Errorf("bind %s from system mount: %w", dir, err)
		}
	}
	for _, dir := range m.native {
		if err := unix.Mount(dir, root+dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			m.remove(root)
			return "", fmt.Errorf("bind %s: %w", dir, err)
		}
	}
	return root, nil
}

// remove takes a view away; what still lives in it loses the bound trees.
func (m *mounts) remove(root string) {
	// Failing leaves an idle mount in a namespace that dies with us.
	_ = unix.Unmount(root, unix.MNT_DETACH)
	_ = os.Remove(root)
}

func attach(mount int, dir string) error {
	return unix.MoveMount(mount, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
