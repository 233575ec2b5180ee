// Package jobserver speaks GNU make's jobserver protocol, as the process that
// hands out job slots and as one that was started with some.
//
// A pool of tokens, one byte each, lies in a fifo or a pipe. Each make owns one
// slot for nothing and takes a token for every further job that runs at the
// same time; it must put back the very bytes it took. Reading never blocks: a
// caller that finds the pool empty polls ReadFD together with whatever else it
// waits for.
package jobserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
)

// Style is how the tokens travel.
type Style uint8

// The styles that --jobserver-style chooses from.
const (
	Fifo Style = iota
	Pipe
)

const token = '+'

// ErrUnavailable says that the jobserver of the parent make cannot be used,
// which happens when the parent did not take this process for a make.
var ErrUnavailable = errors.New("jobserver unavailable")

// Pool is one make's access to the tokens.
type Pool struct {
	read, write int
	path        string // of the fifo, "" for a pipe
	owner       bool
	held        []byte // the tokens taken, to be put back unchanged
}

// Create makes a pool for slots jobs. dir is where a fifo is made.
func Create(slots int, style Style, dir string) (*Pool, error) {
	p := &Pool{owner: true}
	open := p.createFifo
	if style == Pipe {
		open = p.createPipe
	}
	if err := open(dir); err != nil {
		return nil, err
	}
	tokens := []byte(strings.Repeat(string(token), slots-1))
	for len(tokens) > 0 {
		n, err := unix.Write(p.write, tokens)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("init jobserver: %w", err)
		}
		tokens = tokens[n:]
	}
	return p, nil
}

func (p *Pool) createFifo(dir string) error {
	name := dir + "/GMfifo" + strconv.Itoa(os.Getpid())
	p.path = name
	err := unix.Mkfifo(p.path, 0o600)
	for n := 1; err == unix.EEXIST; n++ { // another make in this process has one
		p.path = name + "." + strconv.Itoa(n)
		err = unix.Mkfifo(p.path, 0o600)
	}
	if err != nil {
		return &fs.PathError{Op: "mkfifo", Path: p.path, Err: err}
	}
	if err := p.openFifo(); err != nil {
		unix.Unlink(p.path)
		return err
	}
	return nil
}

// openFifo opens both ends. The reading end comes first and without blocking,
// or it would wait for a writer.
func (p *Pool) openFifo() error {
	var err error
	p.read, err = unix.Open(p.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: p.path, Err: err}
	}
	p.write, err = unix.Open(p.path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(p.read)
		return &fs.PathError{Op: "open", Path: p.path, Err: err}
	}
	return nil
}

func (p *Pool) createPipe(string) error {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("create jobserver pipe: %w", err)
	}
	p.read, p.write = fds[0], fds[1]
	return unix.SetNonblock(p.read, true)
}

// Connect uses the pool that the value of a --jobserver-auth option names:
// "fifo:PATH" or "R,W", two descriptors. Any error other than ErrUnavailable
// is worth a message of its own.
func Connect(auth string) (*Pool, error) {
	if path, ok := strings.CutPrefix(auth, "fifo:"); ok {
		p := &Pool{path: path}
		return p, p.openFifo()
	}
	r, w, ok := ParsePair(auth)
	if !ok {
		return nil, fmt.Errorf("invalid --jobserver-auth string '%s'", auth)
	}
	// A negative descriptor is how a make tells a command that it takes for
	// none of its kind to keep out.
	if r < 0 || w < 0 || !isOpen(r) || !isOpen(w) {
		return nil, ErrUnavailable
	}
	unix.CloseOnExec(r)
	unix.CloseOnExec(w)
	if err := unix.SetNonblock(r, true); err != nil {
		return nil, fmt.Errorf("jobserver pipe: %w", err)
	}
	return &Pool{read: r, write: w}, nil
}

// ParsePair reads the "R,W" form of an auth string.
func ParsePair(auth string) (r, w int, ok bool) {
	a, b, found := strings.Cut(auth, ",")
	if !found {
		return 0, 0, false
	}
	r, err1 := strconv.Atoi(a)
	w, err2 := strconv.Atoi(b)
	return r, w, err1 == nil && err2 == nil
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

// Auth is the value of --jobserver-auth for makes below this one.
func (p *Pool) Auth() string {
	if p.path != "" {
		return "fifo:" + p.path
	}
	return strconv.Itoa(p.read) + "," + strconv.Itoa(p.write)
}

// InvalidAuth is the word that keeps commands which are no makes from using
// descriptors they do not have; "" if there is nothing to fear.
func (p *Pool) InvalidAuth() string {
	if p.path != "" {
		return ""
	}
	return "--jobserver-auth=-2,-2"
}

// ReadFD becomes readable when there is a token to be had.
func (p *Pool) ReadFD() int { return p.read }

// TryAcquire takes a token if there is one.
func (p *Pool) TryAcquire() (bool, error) {
	var buf [1]byte
	for {
		n, err := unix.Read(p.read, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return false, nil
		case err != nil:
			return false, fmt.Errorf("read jobs pipe: %w", err)
		case n == 0: // nobody can write any more
			return false, fmt.Errorf("read jobs pipe: %w", unix.EPIPE)
		}
		p.held = append(p.held, buf[0])
		return true, nil
	}
}

// Held is the number of tokens taken and not put back.
func (p *Pool) Held() int { return len(p.held) }

// Release puts one token back.
func (p *Pool) Release() error {
	if len(p.held) == 0 {
		return nil
	}
	last := len(p.held) - 1
	for {
		_, err := unix.Write(p.write, p.held[last:])
		if err == unix.EINTR {
			continue
		}
		p.held = p.held[:last]
		if err != nil {
			return fmt.Errorf("write jobserver: %w", err)
		}
		return nil
	}
}

// Drain takes back all tokens that lie in the pool and counts them. The owner
// uses it at the end, to see whether any was lost.
func (p *Pool) Drain() int {
	n := 0
	var buf [64]byte
	for {
		got, err := unix.Read(p.read, buf[:])
		if err == unix.EINTR {
			continue
		}
		if got <= 0 {
			return n
		}
		n += got
	}
}

// Owner tells whether this process made the pool.
func (p *Pool) Owner() bool { return p.owner }

// Path is the fifo's name, "" for a pipe.
func (p *Pool) Path() string { return p.path }

// Extra lists the descriptors that a make below this one needs.
func (p *Pool) Extra() []proc.ExtraFile {
	if p.path != "" {
		return nil
	}
	return []proc.ExtraFile{
		{FD: p.read, File: os.NewFile(uintptr(p.read), "jobserver read")},
		{FD: p.write, File: os.NewFile(uintptr(p.write), "jobserver write")},
	}
}

// Inherit makes a pipe survive an exec of this very process.
func (p *Pool) Inherit() {
	if p.path != "" {
		return
	}
	for _, fd := range []int{p.read, p.write} {
		unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	}
}

// Close gives the pool up; the fifo vanishes with its owner.
func (p *Pool) Close() {
	unix.Close(p.read)
	unix.Close(p.write)
	if p.owner && p.path != "" {
		unix.Unlink(p.path)
	}
}
