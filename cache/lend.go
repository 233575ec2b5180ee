package cache

import (
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// What came from another machine is in the store, and at hand. It is put into its place by
// the one goroutine that walks over the graph, so what can be done before that is done
// before, by others.

// mostStaged bounds the files that are ready to be put into their places.
const mostStaged = 256

// loans are contents of the store that are at hand, and files that are made of them already.
type loans struct {
	mu     sync.Mutex
	lent   map[Hash]*loan
	staged map[string]*stagedFile // by the path of the place
}

type loan struct {
	data  []byte
	times int
}

// stagedFile is a file that has all but its name.
type stagedFile struct {
	*temp
	hash Hash
	mode fs.FileMode
}

// Lend says what a content of the store is, so that the store need not be asked. It is
// forgotten with a call of back.
func (c *Contents) Lend(data []byte) (back func()) {
	h, l := HashBytes(data), &c.lent
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.lent[h]
	if one == nil {
		if l.lent == nil {
			l.lent = make(map[Hash]*loan)
		}
		one = &loan{data: data}
		l.lent[h] = one
	}
	one.times++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.times--; one.times == 0 {
			delete(l.lent, h)
		}
	}
}

// Stage makes a file of a content that was lent, where Restore is to put it soon. It has no
// name yet, so nobody sees it. Where that cannot be done, Restore makes it. It is forgotten
// with a call of back.
func (c *Contents) Stage(h Hash, dst string, mode fs.FileMode) (back func()) {
	l, nothing := &c.lent, func() {}
	data, ok := l.content(h)
	if !ok || l.full() {
		return nothing
	}
	dir, _, err := parentOf(dst)
	if err != nil {
		return nothing
	}
	defer dir.Close()
	t, err := newUnnamed(dir, mode)
	if err != nil {
		return nothing
	}
	f := &stagedFile{temp: t, hash: h, mode: mode}
	if _, err = t.file.Write(data); err != nil || !l.stage(dst, f) {
		f.discard()
		return nothing
	}
	return func() {
		if f := l.take(h, dst, mode); f != nil {
			f.discard()
		}
	}
}

// content returns a content that was lent.
func (l *loans) content(h Hash) (data []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one := l.lent[h]; one != nil {
		return one.data, true
	}
	return nil, false
}

func (l *loans) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.staged) >= mostStaged
}

// stage enters a file, unless there is one for its place.
func (l *loans) stage(dst string, f *stagedFile) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.staged[dst] != nil {
		return false
	}
	if l.staged == nil {
		l.staged = make(map[string]*stagedFile)
	}
	l.staged[dst] = f
	return true
}

// take hands out a file, if there is one as it is wanted.
func (l *loans) take(h Hash, dst string, mode fs.FileMode) *stagedFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.staged[dst]
	if f == nil || f.hash != h || f.mode != mode {
		return nil
	}
	delete(l.staged, dst)
	return f
}

// putAt gives the file its name. Its time is that at which it gets there.
func (f *stagedFile) putAt(dst string) (FileStat, error) {
	dir, name, err := parentOf(dst) // it may be another by now
	if err != nil {
		return FileStat{}, err
	}
	defer dir.Close()
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.file.Fd()), now, 0); err != nil {
		return FileStat{}, &os.PathError{Op: "utimes", Path: dst, Err: err}
	}
	if err := f.put(dir, name); err != nil {
		return FileStat{}, err
	}
	return statFile(f.file)
}
