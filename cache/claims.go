package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Claims say which targets of a tree are being made, so that of several builds at the
// same time one makes a target and the others take what it has left. A claim is a lock on
// one byte of a file, whose place is a hash of the target's name: it tells who has it, and
// it is gone with its process, however that ends. It is safe for concurrent use.
//
// A process that changes the tree has a claim on its own number too, which says that it
// lives. The kernel gives up all locks of a process at one moment: who finds that a target
// is free since its maker was killed finds also that the maker is dead. (/proc/PID/stat may
// still tell of a process that runs: it becomes a zombie after its files are closed.)
//
// The locks are those of fcntl(2) that belong to a process. The file is opened once a
// process and never closed, because that would give all of them up.
type Claims struct {
	path string

	mu   sync.Mutex
	file *os.File
	held map[string]int // how many makes of this process have it
}

// Claims returns the claims on the targets of the graph's tree. A process may have only
// one graph of a tree.
func (g *Graph) Claims() *Claims {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.claims == nil {
		g.claims = newClaims(filepath.Dir(g.path))
	}
	return g.claims
}

func newClaims(tree string) *Claims {
	return &Claims{path: filepath.Join(tree, "claims"), held: make(map[string]int)}
}

// Take claims a target. If another process has it, it returns false and the pid of that
// process, 0 if it is of another pid namespace. Makes of one process do not keep each
// other out: they share an engine, which sees what they do to each other.
func (c *Claims) Take(target string) (by int, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[target] == 0 {
		if err := c.open(os.O_CREATE); err != nil {
			return 0, false, fmt.Errorf("claim %s: %w", target, err)
		}
		if by, ok, err = c.lock(target); !ok || err != nil {
			return by, false, err
		}
	}
	c.held[target]++
	return 0, true, nil
}

// Release gives a claim back.
func (c *Claims) Release(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[target]--; c.held[target] > 0 {
		return
	}
	delete(c.held, target)
	l := lockOf(target, unix.F_UNLCK)
	_ = unix.FcntlFlock(c.file.Fd(), unix.F_SETLK, &l) // it ends with the process at the latest
}

// live says, until it ends, that this process lives, which has a number. Where there are no
// locks only its own makes know.
func (c *Claims) live(process uint64) {
	name := processName(process)
	if _, ok, err := c.Take(name); ok && err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[name]++
}

// lives reports whether the process with a number does. It does not, if nobody can tell.
func (c *Claims) lives(process uint64) bool {
	name := processName(process)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[name] > 0 {
		return true
	}
	if c.open(0) != nil {
		return false
	}
	_, free, err := c.holder(name)
	return !free && err == nil
}

// processName is what a process claims, which is not the name of a target.
func processName(process uint64) string {
	return "\x00" + strconv.FormatUint(process, 16)
}

// open opens the file, and makes it with os.O_CREATE.
func (c *Claims) open(flags int) error {
	if c.file != nil {
		return nil
	}
	if flags&os.O_CREATE != 0 {
		if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(c.path, flags|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	c.file = f
	return nil
}

// holder tells which other process has a lock, or that none has.
func (c *Claims) holder(target string) (by int, free bool, err error) {
	l := lockOf(target, unix.F_WRLCK)
	if err := unix.FcntlFlock(c.file.Fd(), unix.F_GETLK, &l); err != nil {
		return 0, false, err
	}
	return max(int(l.Pid), 0), l.Type == unix.F_UNLCK, nil
}

// lock locks a target's byte, or tells who has it. Who had it may have gone between the
// two questions, and is then asked for again.
func (c *Claims) lock(target string) (by int, ok bool, err error) {
	for {
		l := lockOf(target, unix.F_WRLCK)
		err := unix.FcntlFlock(c.file.Fd(), unix.F_SETLK, &l)
		switch {
		case err == nil:
			return 0, true, nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES):
			return 0, false, fmt.Errorf("claim %s: %w", target, err)
		}
		by, free, err := c.holder(target)
		if err != nil {
			return 0, false, fmt.Errorf("claim %s: %w", target, err)
		}
		if !free {
			return by, false, nil
		}
	}
}

func lockOf(target string, kind int16) unix.Flock_t {
	h := NewDigest("claim").String(target).Sum()
	var at int64
	for _, b := range h[:7] {
		at = at<<8 | int64(b)
	}
	return unix.Flock_t{Type: kind, Start: at, Len: 1}
}
