package server

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// maxPreimage is the largest file whose old content is copied before a change.
// Larger ones are saved only where that costs nothing.
const maxPreimage = 1 << 30

// preimages is the folder where old contents and journals are kept. It is made when the
// first one has to be.
type preimages struct {
	dir  string
	once sync.Once
	err  error
	lock *os.File // tells that this engine lives, see tracefs.RemoveDead
	next atomic.Uint64
}

// make makes the folder.
func (p *preimages) make() error {
	p.once.Do(func() {
		if p.err = os.MkdirAll(p.dir, 0o700); p.err != nil {
			return
		}
		if p.lock, p.err = os.Open(p.dir); p.err == nil {
			p.err = unix.Flock(int(p.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		}
	})
	return p.err
}

// save keeps the content of the file at path and returns the name of the copy,
// or "" if it could not or need not be kept. leaving says that the file is about
// to lose this name: then the file itself can be kept instead of a copy, if no
// other name could change it later.
func (p *preimages) save(path string, st tracefs.Stat, leaving bool) string {
	if p.dir == "" || p.make() != nil {
		return ""
	}
	name := filepath.Join(p.dir, strconv.FormatUint(p.next.Add(1), 10))
	if leaving && st.Nlink == 1 && os.Link(path, name) == nil {
		return name
	}
	if err := clone(path, name, st.Size <= maxPreimage); err != nil {
		_ = os.Remove(name)
		return ""
	}
	return name
}

// share returns what was at a path with a copy of its own of what was saved of it: another
// name would make the file look changed to who reads it. ok is false if that could not be
// had.
func (p *preimages) share(b tracefs.Before) (_ tracefs.Before, ok bool) {
	if b.Saved == "" {
		return b, true
	}
	name := filepath.Join(p.dir, strconv.FormatUint(p.next.Add(1), 10))
	if clone(b.Saved, name, true) != nil {
		return tracefs.Before{}, false
	}
	b.Saved = name
	return b, true
}

// clone makes to a copy of the file from: of its blocks where the file system
// can share them, else of its bytes if it may.
func clone(from, to string, bytes bool) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	if err != nil && bytes {
		_, err = io.Copy(dst, src)
	}
	return errors.Join(err, dst.Close())
}
