package exec

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Tee gives a program streams of its own in place of those that all programs of a recipe
// share, passes on what it prints, and keeps it: so it can be told which of them has
// printed what. Where the recipe's are terminals, so are these.
type Tee struct {
	tap *capture
	to  [stderr + 1]*os.File

	mu      sync.Mutex
	printed []Printed
}

// Printed is a piece of what a program has printed.
type Printed struct {
	Stream int // 1 or 2
	Data   []byte
}

// NewTee begins to pass on to the two streams, nil for one that is not wanted. It returns
// nil if there are no descriptors left.
func NewTee(out, err *os.File) *Tee {
	t := &Tee{to: [...]*os.File{stdout: out, stderr: err}}
	var streams []int
	if out != nil {
		streams = append(streams, stdout)
	}
	if err != nil && !SameOpenFile(out, err) {
		streams = append(streams, stderr)
	}
	if t.tap = captureOf(streams...); t.tap == nil {
		return nil
	}
	t.tap.start(t.pass)
	return t
}

// pass passes a piece on. Where nobody reads it any more, the program learns of it when
// it goes on writing.
func (t *Tee) pass(stream int, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.printed); n > 0 && t.printed[n-1].Stream == stream {
		t.printed[n-1].Data = append(t.printed[n-1].Data, data...)
	} else {
		t.printed = append(t.printed, Printed{stream, data})
	}
	if WriteTo(t.to[stream], data) != nil {
		t.tap.cut(stream)
	}
}

// Streams are what the program gets, each in place of one that is wanted.
func (t *Tee) Streams() (out, err *os.File) { return t.tap.writers() }

// End passes on what is left when the program has ended, and returns all that it has
// printed. If it has left processes that may print more, that is passed on as long as make
// runs.
func (t *Tee) End(leftover bool) []Printed {
	t.tap.halt(func(stopped <-chan struct{}) { <-stopped })
	t.tap.drain(func(stream int, data []byte) { t.pass(stream, append([]byte(nil), data...)) })
	if leftover {
		t.tap.detach(func(stream int, data []byte) { _ = WriteTo(t.to[stream], data) })
	} else {
		t.tap.close()
	}
	return t.printed
}

// WriteTo writes all of data to a file that others may have made non-blocking.
func WriteTo(f *os.File, data []byte) (err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = writeAll(int(fd), data) }); e != nil {
		return e
	}
	return err
}

// SameOpenFile tells whether two open files are the same one.
func SameOpenFile(x, y *os.File) bool {
	if x == nil || y == nil {
		return x == y
	}
	a, ok := statOpen(x)
	b, ok2 := statOpen(y)
	return ok && ok2 && a.Dev == b.Dev && a.Ino == b.Ino && a.Rdev == b.Rdev
}

func statOpen(f *os.File) (st unix.Stat_t, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return st, false
	}
	if e := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) }); e != nil || err != nil {
		return st, false
	}
	return st, true
}
