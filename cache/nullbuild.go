package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NullBuild is what a make that had nothing to do has gone by, and what it printed: see
// package exec/idle, which says what the looks mean.
type NullBuild struct {
	Env    Hash     // of what counts of the environment
	Named  []string // variables that count although they are the session's
	Status int      // exit status
	Chunks []Chunk  // output, in order
	Shells []ShellRun
	Looks  Looks
}

// Look is what one look at a path has found: the fields of stat(2) that count, or the
// number of an error alone. Times are in nanoseconds since 1970.
type Look struct {
	path         uint32 // where its name begins
	Kind         uint32
	Errno, Mode  uint32
	Dev, Ino     uint64
	Size         uint64
	Mtime, Ctime uint64
	Extra        uint64 // a hash of what no stat tells
}

// SameStat reports whether two looks have found the same, Extra apart.
func (l *Look) SameStat(o *Look) bool {
	return l.Errno == o.Errno && l.Mode == o.Mode && l.Dev == o.Dev && l.Ino == o.Ino && l.Size == o.Size && l.Mtime == o.Mtime && l.Ctime == o.Ctime
}

// Looks are looks at distinct paths, or of distinct kinds at one path.
type Looks struct {
	list  []Look
	names []byte
}

// Len is the number of looks.
func (l *Looks) Len() int { return len(l.list) }

// At returns a look and the path that was looked at.
func (l *Looks) At(i int) (path string, look *Look) {
	look = &l.list[i]
	path = textOf(l.names[look.path:])
	return path[:strings.IndexByte(path, 0)], look
}

// Add adds a look. A path with a zero byte in it ends there.
func (l *Looks) Add(path string, look Look) {
	look.path = uint32(len(l.names))
	l.list = append(l.list, look)
	l.names = append(append(l.names, path...), 0)
}

// # The file of a null build
//
// It is made for being mapped, so numbers are in the order of the machine that wrote
// it; one with another order finds another magic:
//
//	magic checksum length-of-looks length-of-names looks names head
//
// The checksum is of what follows it. A look is a Look as it is in memory; the name of
// its path ends with a zero byte.

const (
	nullMagic  = 0x666d6b6e756c6c31
	nullHeader = 24 // bytes before the looks
	lookSize   = unsafe.Sizeof(Look{})
)

// WriteNullBuild writes the file at path, whose folder it makes if need be.
func WriteNullBuild(path string, n *NullBuild) error {
	return writeLooks(path, nullMagic, &n.Looks, n.writeHead)
}

// writeLooks writes a file of looks and of what head adds.
func writeLooks(path string, magic uint64, l *Looks, head func(*writer)) error {
	if len(l.names) > maxGraph {
		return errors.New("too many looks")
	}
	looks := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(l.list))), len(l.list)*int(lookSize))
	var w writer
	w.b = binary.NativeEndian.AppendUint64(make([]byte, 0, nullHeader+len(looks)+len(l.names)+4096), magic)
	w.b = append(w.b, 0, 0, 0, 0)
	w.b = binary.NativeEndian.AppendUint32(w.b, uint32(len(l.names)))
	w.b = binary.NativeEndian.AppendUint64(w.b, uint64(len(looks)))
	w.b = append(append(w.b, looks...), l.names...)
	head(&w)
	binary.NativeEndian.PutUint32(w.b[8:], checksum(w.b[12:]))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	_, err := replaceFile(path, w.b)
	return err
}

// OpenNullBuild maps the file at path; it stays mapped. A file of somebody else, or that
// others may write, is an error: it says which commands run.
func OpenNullBuild(path string) (*NullBuild, error) {
	n := new(NullBuild)
	if err := openLooks(path, nullMagic, &n.Looks, n.readHead); err != nil {
		return nil, err
	}
	return n, nil
}

// openLooks maps a file of looks. What head reads stays in the map.
func openLooks(path string, magic uint64, l *Looks, head func(*reader) bool) error {
	data, err := mapOwn(path)
	if err != nil {
		return err
	}
	if len(data) < nullHeader || binary.NativeEndian.Uint32(data[8:]) != checksum(data[12:]) {
		return &CorruptError{"null build", path, errors.New("not such a file, or damaged")}
	}
	return nameError(parseLooks(data, magic, l, head), path)
}

// parseLooks reads a file whose checksum is right. It must begin where a Look may.
func parseLooks(data []byte, magic uint64, l *Looks, head func(*reader) bool) error {
	malformed := &CorruptError{What: "null build", Err: errors.New("malformed")}
	if len(data) < nullHeader || binary.NativeEndian.Uint64(data) != magic {
		return malformed
	}
	names, looks := uint64(binary.NativeEndian.Uint32(data[12:])), binary.NativeEndian.Uint64(data[16:])
	rest := data[nullHeader:]
	if looks > uint64(len(rest)) || looks%uint64(lookSize) != 0 || names > uint64(len(rest))-looks {
		return malformed
	}
	*l = Looks{names: rest[looks : looks+names : looks+names]}
	if looks > 0 {
		l.list = unsafe.Slice((*Look)(unsafe.Pointer(&rest[0])), looks/uint64(lookSize))
	}
	r := reader{s: textOf(rest[looks+names:])}
	if !head(&r) || !l.sound() {
		return malformed
	}
	return nil
}

// sound reports whether every look has a name.
func (l *Looks) sound() bool {
	if len(l.list) > 0 && (len(l.names) == 0 || l.names[len(l.names)-1] != 0) {
		return false
	}
	for i := range l.list {
		if uint64(l.list[i].path) >= uint64(len(l.names)) {
			return false
		}
	}
	return true
}

// mapOwn maps a file of the user's own.
func mapOwn(path string) ([]byte, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return nil, &os.PathError{Op: "fstat", Path: path, Err: err}
	}
	if st.Uid != uint32(os.Geteuid()) || st.Mode&0o022 != 0 || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%s is not the user's alone", path)
	}
	if st.Size == 0 {
		return nil, nil
	}
	data, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return data, nil
}

func (n *NullBuild) writeHead(w *writer) {
	w.hash(n.Env)
	w.strs(n.Named)
	w.int(int64(n.Status))
	w.uint(uint64(len(n.Chunks)))
	for i := range n.Chunks {
		w.byte(n.Chunks[i].Stream)
		w.str(string(n.Chunks[i].Data))
	}
	w.uint(uint64(len(n.Shells)))
	for i := range n.Shells {
		n.Shells[i].write(w)
	}
}

func (n *NullBuild) readHead(r *reader) bool {
	n.Env = r.hash()
	n.Named = r.strs()
	n.Status = int(r.int())
	n.Chunks = list(r, func(c *Chunk) {
		c.Stream = r.byte()
		c.Data = []byte(r.str())
	})
	n.Shells = list(r, func(s *ShellRun) { s.read(r) })
	return r.done()
}
