package build

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"os"
	"slices"
)

// nameSet is the set of identifiers in one file that could be names of
// environment variables, as sorted 64-bit hashes. It is computed once per
// content; a collision only makes a variable an input that need not be one.
type nameSet []uint64

// maxName is the length of the longest identifier that counts as a name.
const maxName = 64

// scanFile finds the identifiers in a program, library or script.
func scanFile(name string) (nameSet, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if sections, err := elfSections(f); err == nil {
		return scanELF(f, sections)
	}
	return scanNames(f)
}

// scanELF finds the identifiers in the data of a program: the code, which is
// most of it, holds no strings, and tables of symbols are not what it asks for.
func scanELF(r io.ReaderAt, sections []elfSection) (nameSet, error) {
	sc := newNameScanner()
	sc.binary = true
	for _, s := range sections {
		if s.kind != elfProgBits || s.flags&(elfAlloc|elfExec) != elfAlloc || s.name == ".eh_frame" {
			continue
		}
		if err := sc.read(io.NewSectionReader(r, int64(s.offset), int64(s.size))); err != nil {
			return nil, err
		}
	}
	return sc.names(), nil
}

// scanNames finds the identifiers in any other file. In binaries only names
// without lower-case letters count: others there are symbols.
func scanNames(r io.Reader) (nameSet, error) {
	sc := newNameScanner()
	if err := sc.read(r); err != nil {
		return nil, err
	}
	return sc.names(), nil
}

// nameScanner collects the hashes of identifiers.
type nameScanner struct {
	binary bool
	class  *[256]uint8
	buf    []byte
	seen   map[uint64]struct{}
	recent [1 << 10]uint64 // found lately, to spare the map
}

// newNameScanner makes a scanner with one buffer for all it reads: memory that is
// touched for the first time costs more than reading and scanning what is in it.
func newNameScanner() *nameScanner {
	return &nameScanner{class: nameClasses(), buf: make([]byte, 128<<10), seen: make(map[uint64]struct{})}
}

// read scans all of r.
func (s *nameScanner) read(r io.Reader) error {
	for kept, first := 0, true; ; first = false {
		n, err := io.ReadFull(r, s.buf[kept:])
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return err
		}
		data := s.buf[:kept+n]
		if first && bytes.IndexByte(data[:min(len(data), 4096)], 0) >= 0 {
			s.binary = true
		}
		kept = copy(s.buf, data[s.scan(data, last):])
		if last {
			return nil
		}
	}
}

// names returns what was found.
func (s *nameScanner) names() nameSet {
	out := make(nameSet, 0, len(s.seen))
	for h := range s.seen {
		out = append(out, h)
	}
	slices.Sort(out)
	return out
}

// scan takes the identifiers in data. Unless this is the last piece of the file
// it stops before one that may go on in the next piece, and returns where.
func (s *nameScanner) scan(data []byte, last bool) int {
	class := s.class
	for i := 0; i < len(data); {
		if class[data[i]]&nameStart == 0 {
			i = nextStart(data, i+1)
			continue
		}
		start, all := i, uint8(0)
		for ; i < len(data) && class[data[i]]&nameByte != 0; i++ {
			all |= class[data[i]]
		}
		if i == len(data) && !last {
			// One that is too long already must not count from its middle.
			return max(start, len(data)-2*maxName)
		}
		if n := i - start; n >= 2 && n <= maxName {
			s.name(data[start:i], all&nameLower != 0)
		}
	}
	return len(data)
}

// nextStart returns where in data, from i on, a byte comes that may begin an
// identifier, or its length. It skips eight bytes at a time in which no byte is
// from 0x40 to 0x7f, as all letters and the underscore are: most of a program's
// tables are such.
func nextStart(data []byte, i int) int {
	const sixth = 0x4040404040404040
	for ; i+8 <= len(data); i += 8 {
		w := binary.LittleEndian.Uint64(data[i:])
		if m := w &^ (w >> 1) & sixth; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	return i
}

// name takes one identifier if it can be a variable's.
func (s *nameScanner) name(n []byte, lower bool) {
	if s.binary && lower && !isProxyName(n) {
		return
	}
	h := nameHash(n)
	if slot := &s.recent[h%uint64(len(s.recent))]; *slot != h {
		*slot = h
		s.seen[h] = struct{}{}
	}
}

// isProxyName lets through the lower-case variables that binaries do read.
func isProxyName(n []byte) bool { return bytes.HasSuffix(n, []byte("_proxy")) }

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func nameHash[T string | []byte](name T) uint64 {
	h := uint64(fnvOffset)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * fnvPrime
	}
	return h
}

// What a byte can be in an identifier.
const (
	nameByte  = 1 << iota // any part of one
	nameStart             // its first byte
	nameLower             // a lower-case letter
)

// nameClasses returns the classes of all bytes.
func nameClasses() *[256]uint8 {
	var t [256]uint8
	for c := range t {
		if isNameByte(byte(c)) {
			t[c] = nameByte
		}
		if isNameStart(byte(c)) {
			t[c] |= nameStart
		}
		if c >= 'a' && c <= 'z' {
			t[c] |= nameLower
		}
	}
	return &t
}

func isNameStart(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' }
func isNameByte(c byte) bool  { return isNameStart(c) || c >= '0' && c <= '9' }

func (s nameSet) has(name string) bool {
	_, ok := slices.BinarySearch(s, nameHash(name))
	return ok
}

// encode and decodeNames keep sets in the graph file, named by content.
func (s nameSet) encode() []byte {
	b := make([]byte, 0, 8*len(s))
	for _, h := range s {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	return b
}

func decodeNames(b []byte) nameSet {
	s := make(nameSet, len(b)/8)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return s
}
