package exec

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"fmake/makefile"
)

// sortLikeTable puts list in the order in which GNU make's table of files has
// it: the order of the "rm" line is that of a hash table. all lists the files in
// order of entry.
func sortLikeTable(list, all []*makefile.File) {
	t := newNameTable(1024)
	for _, f := range all {
		t.insert(f.HName)
	}
	slices.SortStableFunc(list, func(a, b *makefile.File) int {
		return t.place[a.HName] - t.place[b.HName]
	})
}

// nameTable computes where names lie in a hash table with open addressing.
type nameTable struct {
	slots []string
	used  int
	place map[string]int
}

// newNameTable makes a table with room for size names, a power of two.
func newNameTable(size int) *nameTable {
	return &nameTable{slots: make([]string, size), place: make(map[string]int)}
}

func (t *nameTable) insert(name string) {
	if _, ok := t.place[name]; ok {
		return
	}
	mask := uint32(len(t.slots) - 1)
	i := hashName(name) & mask
	for t.slots[i] != "" {
		i = (i + 1) & mask
	}
	t.slots[i], t.place[name] = name, int(i)
	t.used++
	if t.used > len(t.slots)-len(t.slots)/16 {
		t.grow()
	}
}

// grow doubles the table and enters the names anew, in the order of the old one.
func (t *nameTable) grow() {
	old := t.slots
	*t = *newNameTable(2 * len(old))
	for _, name := range old {
		if name != "" {
			t.insert(name)
		}
	}
}

// hashName is Bob Jenkins' hash of 32 bit (lookup3), seeded and finished as GNU
// make does.
func hashName(name string) uint32 {
	const seed = 0xdeadbeef
	a, b, c := uint32(seed), uint32(seed), uint32(seed)
	rest := []byte(name)
	for ; len(rest) >= 12; rest = rest[12:] {
		a += binary.LittleEndian.Uint32(rest)
		b += binary.LittleEndian.Uint32(rest[4:])
		c += binary.LittleEndian.Uint32(rest[8:])
		a, b, c = mixHash(a, b, c)
	}
	var tail [12]byte
	copy(tail[:], rest)
	a += binary.LittleEndian.Uint32(tail[:])
	b += binary.LittleEndian.Uint32(tail[4:])
	c += binary.LittleEndian.Uint32(tail[8:])
	return finishHash(a, b, c) + uint32(len(name)&^3)
}

func mixHash(a, b, c uint32) (uint32, uint32, uint32) {
	for _, r := range [...]int{4, 6, 8, 16, 19, 4} {
		a = (a - c) ^ bits.RotateLeft32(c, r)
		c += b
		a, b, c = b, c, a
	}
	return a, b, c
}

func finishHash(a, b, c uint32) uint32 {
	for _, r := range [...]int{14, 11, 25, 16, 4, 14, 24} {
		c = (c ^ b) - bits.RotateLeft32(b, r)
		a, b, c = b, c, a
	}
	// The last step left its result in b.
	return b
}
