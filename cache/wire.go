package cache

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// checksum guards everything that is stored: processors compute this one faster
// than memory is read. MakeTable returns the same table each time.
func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// writer appends primitive values to a byte slice.
type writer struct{ b []byte }

func (w *writer) uint(u uint64) { w.b = binary.AppendUvarint(w.b, u) }
func (w *writer) int(i int64)   { w.b = binary.AppendVarint(w.b, i) }
func (w *writer) byte(c byte)   { w.b = append(w.b, c) }
func (w *writer) hash(h Hash)   { w.b = append(w.b, h[:]...) }
func (w *writer) u32(u uint32)  { w.b = binary.LittleEndian.AppendUint32(w.b, u) }

func (w *writer) u32s(list []uint32) {
	for _, u := range list {
		w.u32(u)
	}
}

// putU32 overwrites the number at offset at.
func (w *writer) putU32(at int, u uint32) { binary.LittleEndian.PutUint32(w.b[at:], u) }

func (w *writer) str(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) strs(list []string) {
	w.uint(uint64(len(list)))
	for _, s := range list {
		w.str(s)
	}
}

// group appends what body writes, preceded by its length, so that a reader can
// pass over it.
func (w *writer) group(body func(*writer)) {
	start := len(w.b)
	body(w)
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(w.b)-start))
	w.b = slices.Insert(w.b, start, head[:n]...)
}

// seal appends the checksum of all that was written.
func (w *writer) seal() []byte {
	w.u32(checksum(w.b))
	return w.b
}

// stat writes times relative to each other: they are mostly close.
func (w *writer) stat(s FileStat) {
	w.uint(s.Dev)
	w.uint(s.Ino)
	w.int(s.Size)
	w.int(s.Mtime)
	w.int(s.Ctime - s.Mtime)
	w.uint(uint64(s.Mode))
}

// reader takes primitive values off a string. The strings it returns are parts
// of the one it reads, so nothing is copied. After the first value that does
// not fit, bad is set and every further value is zero.
type reader struct {
	s   string
	bad bool
}

func (r *reader) fail() {
	r.s = ""
	r.bad = true
}

func (r *reader) uint() uint64 {
	var u uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		if c < 0x80 {
			if i == binary.MaxVarintLen64-1 && c > 1 {
				break
			}
			r.s = r.s[i+1:]
			return u | uint64(c)<<(7*i)
		}
		u |= uint64(c&0x7f) << (7 * i)
	}
	r.fail()
	return 0
}

func (r *reader) int() int64 {
	u := r.uint()
	i := int64(u >> 1)
	if u&1 != 0 {
		i = ^i
	}
	return i
}

// small reads a number that must fit in 32 bits.
func (r *reader) small() uint32 {
	u := r.uint()
	if u > 1<<32-1 {
		r.fail()
		return 0
	}
	return uint32(u)
}

// count reads the number of elements that follow, each of at least one byte,
// so that damaged input cannot make us allocate more than it is long.
func (r *reader) count() int {
	u := r.uint()
	if u > uint64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(u)
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) byte() byte {
	s := r.take(1)
	if s == "" {
		return 0
	}
	return s[0]
}

func (r *reader) hash() (h Hash) {
	copy(h[:], r.take(uint64(len(h))))
	return h
}

func (r *reader) str() string { return r.take(r.uint()) }

func (r *reader) strs() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.str()
	}
	return list
}

// group returns a reader of one group.
func (r *reader) group() reader {
	s := r.str()
	return reader{s: s, bad: r.bad}
}

func (r *reader) stat() FileStat {
	var s FileStat
	s.Dev = r.uint()
	s.Ino = r.uint()
	s.Size = r.int()
	s.Mtime = r.int()
	s.Ctime = s.Mtime + r.int()
	s.Mode = r.small()
	return s
}

// done reports whether everything was read and made sense.
func (r *reader) done() bool { return !r.bad && r.s == "" }

// u32 reads the i-th of the 32-bit numbers in s.
func u32(s string, i int) uint32 {
	p := s[4*i : 4*i+4]
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}

// unseal checks and removes the checksum that seal wrote.
func unseal(b []byte) ([]byte, bool) {
	n := len(b) - 4
	if n < 0 || checksum(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, false
	}
	return b[:n], true
}
