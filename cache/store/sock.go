package store

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Names in the cache's folder.
const (
	lockName    = "store.lock"
	sockName    = "store.sock"
	storeName   = "store"         // folder of the database
	versionName = "store.version" // format of what is in it
	damagedName = "store.damaged" // the next holder is to begin anew
)

// errHeld says that another process holds the lock.
var errHeld = errors.New("another process holds the store")

// takeLock takes the lock that makes a process the holder. It lasts until the
// file is closed or the process ends.
func takeLock(cacheDir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(cacheDir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	return f, nil
}

// sockAddr returns an address of the socket that is short whatever the cache's
// folder is called: names of sockets are limited to 107 bytes. The folder must
// stay open while the address is used.
func sockAddr(cacheDir string) (addr string, dir *os.File, err error) {
	dir, err = os.Open(cacheDir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), sockName), dir, nil
}

// listen makes the socket. The caller holds the lock, so a socket that is there
// already belongs to nobody.
func listen(cacheDir string) (*net.UnixListener, error) {
	addr, dir, err := sockAddr(cacheDir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := os.Remove(filepath.Join(cacheDir, sockName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: addr, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for other engines: %w", err)
	}
	// The name is gone with the next holder's listen; unlinking it when we close
	// could take away the next holder's.
	l.SetUnlinkOnClose(false)
	return l, os.Chmod(filepath.Join(cacheDir, sockName), 0o600)
}

// dialPatience is how long a holder may take to accept a connection.
const dialPatience = time.Second

// dial connects to the holder.
func dial(cacheDir string) (net.Conn, error) {
	addr, dir, err := sockAddr(cacheDir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	c, err := net.DialTimeout("unix", addr, dialPatience)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(c.(*net.UnixConn)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// checkPeer refuses a process of another user.
func checkPeer(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if credErr != nil {
		return credErr
	}
	if int(cred.Uid) != os.Getuid() {
		return fmt.Errorf("the process at the other end belongs to user %d", cred.Uid)
	}
	return nil
}
