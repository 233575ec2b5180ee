package build

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/proc"
)

// streams are the first three descriptors of a program: what it gets on the first counts as
// an input, what it writes on the others as what it has printed.
type streams struct {
	stdin  cache.Hash // of the file that it may read, zero if there is none
	file   *os.File   // that file, or a pipe that nobody writes to any more
	size   int64      // of what is in the pipe, 0 for a file
	copied *os.File   // what the program gets instead, while it runs
	out    [3]sink    // 1 and 2

	limits  string // of its resources
	ignored uint64 // the signals that the program ignores and others of the recipe do not
}

// sink is where one of the others leads to.
type sink struct {
	kind   string   // as in kinds
	shared bool     // it is the action's output
	file   *os.File // a file that a redirection names; nil if it is none
	from   int64    // where what the program writes there begins
}

// maxPrinted bounds what a program may print that is replayed.
const maxPrinted = 1 << 20

// kinds says in words what the descriptors are.
func (s *streams) kinds() string {
	in := "none"
	if s.file != nil {
		in = "file"
	}
	if s.size > 0 {
		in = "pipe"
	}
	same := ""
	if s.out[1].file != nil && s.out[2].file != nil && exec.SameOpenFile(s.out[1].file, s.out[2].file) {
		same = "same"
	}
	return strings.Join([]string{in, s.out[1].kind, s.out[2].kind, same}, " ")
}

// streamsOf says why a program's descriptors cannot be told from those of others, or what
// they are. A pipe to another program is one of them.
func streamsOf(h *cache.Hasher, c *proc.Command, in, out, errs *os.File) (*streams, string) {
	s := &streams{}
	if why := s.openStdin(h, c.Stdin, in); why != "" {
		return nil, why
	}
	for i, f := range []*os.File{1: c.Stdout, 2: c.Stderr} {
		if i == 0 {
			continue
		}
		k, ok := sinkOf(f, out, errs)
		if !ok {
			return nil, "its output goes to another program"
		}
		s.out[i] = k
	}
	return s, ""
}

func (s *streams) openStdin(h *cache.Hasher, f, inherits *os.File) (why string) {
	if f == nil || inherited(f, inherits) || isNull(f) {
		return ""
	}
	const another = "its input comes from another program"
	raw, err := f.SyscallConn()
	if err != nil {
		return another
	}
	var st unix.Stat_t
	at := int64(-1)
	_ = raw.Control(func(fd uintptr) {
		if unix.Fstat(int(fd), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			at, _ = unix.Seek(int(fd), 0, io.SeekCurrent)
		}
	})
	if at != 0 {
		return another
	}
	got, err := h.HashOpen(f)
	if err != nil {
		return another
	}
	s.file, s.stdin = f, got.Hash
	return ""
}

// position is how far the file has been read.
func (s *streams) position() (at int64) {
	if s.file == nil {
		return 0
	}
	if s.size > 0 {
		left, err := pending(s.copied)
		if err != nil {
			return 0
		}
		return s.size - left
	}
	if raw, err := s.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { at, _ = unix.Seek(int(fd), 0, io.SeekCurrent) })
	}
	return at
}

// moveTo lets the file stand where a program has left it.
func (s *streams) moveTo(at int64) {
	if s.file == nil {
		return
	}
	if s.size > 0 {
		_, _ = io.CopyN(io.Discard, s.file, min(at, s.size))
		return
	}
	if raw, err := s.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.Seek(int(fd), at, io.SeekStart) })
	}
}

// sinkOf says what a descriptor for output leads to; ok is false if who reads it is not
// known.
func sinkOf(f, out, errs *os.File) (k sink, ok bool) {
	switch {
	case f == nil:
		return sink{kind: "closed"}, true
	case inherited(f, out):
		return sink{kind: "out" + terminal(f), shared: true}, true
	case inherited(f, errs):
		return sink{kind: "err" + terminal(f), shared: true}, true
	case isNull(f):
		return sink{kind: "null"}, true
	}
	size, at, ok := appending(f)
	if !ok || size != at {
		return sink{}, false
	}
	return sink{kind: "file", file: f, from: at}, true
}

// terminal marks an output as one: many programs print other things there.
func terminal(f *os.File) string {
	if st, ok := statOf(f); ok && st.Mode&unix.S_IFMT == unix.S_IFCHR {
		return " on a terminal"
	}
	return ""
}

// appending tells how large a regular file is, and where the next byte that is written
// goes.
func appending(f *os.File) (size, at int64, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		var st unix.Stat_t
		if unix.Fstat(int(fd), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			return
		}
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err != nil {
			return
		}
		if size, at, ok = st.Size, st.Size, true; flags&unix.O_APPEND == 0 {
			at, err = unix.Seek(int(fd), 0, io.SeekCurrent)
			ok = err == nil
		}
	})
	return size, at, ok
}

// isNull tells whether an open file is /dev/null.
func isNull(f *os.File) bool {
	st, ok := statOf(f)
	return ok && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// statOf looks at an open file without making it a blocking one.
func statOf(f *os.File) (st unix.Stat_t, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return st, false
	}
	_ = raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) })
	return st, err == nil
}

// written returns what a program has written to files that redirections name; ok is false
// if that is not to be told from what was there, or too much.
func (s *streams) written() (chunks []cache.Chunk, ok bool) {
	for i := range s.out {
		k := &s.out[i]
		if k.file == nil || i == 2 && s.out[1].file != nil && exec.SameOpenFile(k.file, s.out[1].file) {
			continue
		}
		size, at, ok := appending(k.file)
		if !ok || size != at || size < k.from || size-k.from > maxPrinted {
			return nil, false
		}
		data, err := readFrom(k.file, k.from, size)
		if err != nil {
			return nil, false
		}
		if len(data) > 0 {
			chunks = append(chunks, cache.Chunk{Stream: uint8(i), Data: data})
		}
	}
	return chunks, true
}

// readFrom reads a part of a file that may be open for writing only.
func readFrom(f *os.File, from, to int64) ([]byte, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var again *os.File
	if e := raw.Control(func(fd uintptr) { again, err = os.Open(filepath.Join("/proc/self/fd", strconv.Itoa(int(fd)))) }); e != nil || err != nil {
		return nil, err
	}
	defer again.Close()
	data := make([]byte, to-from)
	_, err = again.ReadAt(data, from)
	return data, err
}

// print prints what a program has printed when it ran.
func (s *streams) print(c *proc.Command, chunks []cache.Chunk) error {
	to := [...]*os.File{1: c.Stdout, 2: c.Stderr}
	for _, x := range chunks {
		if err := exec.WriteTo(to[x.Stream], x.Data); err != nil {
			return err
		}
	}
	return nil
}

// appends tells whether a file is one that is only appended to.
func appends(f *os.File) (yes bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		yes = err != nil || flags&unix.O_APPEND != 0
	})
	return yes
}

// pending is how much there is to be read in a pipe.
func pending(f *os.File) (size int64, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) {
		var n int
		n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		size = int64(n)
	}); e != nil {
		return 0, e
	}
	return size, err
}

// heldPipe hashes what is in a pipe that nobody has open for writing any more, and leaves it
// there. ok is false for anything else, and for an empty one.
func heldPipe(f *os.File) (size int64, h cache.Hash, ok bool) {
	st, is := statOf(f)
	if f == nil || !is || st.Mode&unix.S_IFMT != unix.S_IFIFO || !writtenOut(f) {
		return 0, h, false
	}
	size, err := pending(f)
	if err != nil || size <= 0 || size > maxHeld {
		return 0, h, false
	}
	r, ok := teePipe(f, size)
	if !ok {
		return 0, h, false
	}
	defer r.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return 0, h, false
	}
	return size, cache.HashString(string(data)), true
}

// writtenOut tells whether nobody may write to a pipe any more in which there is something.
func writtenOut(f *os.File) (yes bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		ask := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ask, 0)
		yes = err == nil && n == 1 && ask[0].Revents&unix.POLLHUP != 0
	})
	return yes
}

// teePipe makes a pipe with what is in another one, which stays there.
func teePipe(f *os.File, size int64) (*os.File, bool) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, false
	}
	defer w.Close()
	raw, err := f.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			var n int64
			if n, err = unix.Tee(int(fd), int(w.Fd()), int(size), unix.SPLICE_F_NONBLOCK); err == nil && n != size {
				err = unix.EAGAIN
			}
		})
	}
	if err != nil {
		r.Close()
		return nil, false
	}
	return r, true
}

// maxHeld bounds what is looked at in a pipe: so much goes into another one.
const maxHeld = 64 << 10
