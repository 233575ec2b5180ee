package makefile

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// inTableOrder sorts variables that are exported as GNU make meets them: in the
// order of its hash table. It shows where the expansion of several of them fails or
// does something. Those whose places in the table collide come in the order of
// their names, which need not be theirs in GNU make.
func inTableOrder(vars []*Variable) {
	if !slices.ContainsFunc(vars, expandsToExport) {
		return // then no order shows
	}
	size := 1024 // of a table that is never more than 15/16 full
	for len(vars) > size-size/16 {
		size *= 2
	}
	place := make(map[*Variable]uint32, len(vars))
	for _, v := range vars {
		place[v] = nameHash(v.Name) & uint32(size-1)
	}
	slices.SortFunc(vars, func(a, b *Variable) int {
		return cmp.Or(cmp.Compare(place[a], place[b]), strings.Compare(a.Name, b.Name))
	})
}

// expandsToExport tells whether a value may have to be expanded when it goes out.
func expandsToExport(v *Variable) bool {
	return v.Recursive && v.Origin != OriginEnv && v.Origin != OriginEnvOverride && strings.IndexByte(v.Value, '$') >= 0
}

// nameHash is GNU make's hash of a name: Bob Jenkins's lookup3 of 2006, but for the
// last bytes.
func nameHash(name string) uint32 {
	seed := 0xdeadbeef + uint32(len(name))
	a, b, c := seed, seed, seed
	rest := []byte(name)
	take := func() uint32 {
		word := binary.LittleEndian.Uint32(rest)
		rest = rest[4:]
		return word
	}
	for len(rest) > 12 {
		a += take()
		b += take()
		c += take()
		a, b, c = hashMix(a, b, c)
	}
	if len(rest) == 0 {
		return c
	}
	if len(rest) > 8 {
		a += take()
	}
	if len(rest) > 4 {
		b += take()
	}
	for i, x := range rest {
		c += uint32(x) << (8 * i)
	}
	return hashEnd(a, b, c)
}

func hashMix(a, b, c uint32) (x, y, z uint32) {
	for _, turn := range [2][3]int{{4, 6, 8}, {16, 19, 4}} {
		a = (a - c) ^ bits.RotateLeft32(c, turn[0])
		c += b
		b = (b - a) ^ bits.RotateLeft32(a, turn[1])
		a += c
		c = (c - b) ^ bits.RotateLeft32(b, turn[2])
		b += a
	}
	return a, b, c
}

func hashEnd(a, b, c uint32) uint32 {
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	return (c ^ b) - bits.RotateLeft32(b, 24)
}
