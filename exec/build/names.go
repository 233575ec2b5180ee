package build

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// nameSet is the set of identifiers in one file that could be names of
// environment variables, as sorted 64-bit hashes. It is computed once per
// content; a collision only makes a variable an input that need not be one.
type nameSet []uint64

// scanNames finds the identifiers in a program or script. In binaries only
// names without lower-case letters count: others there are symbols.
func scanNames(data []byte) nameSet {
	binaryFile := bytes.IndexByte(data[:min(len(data), 4096)], 0) >= 0
	seen := make(map[uint64]struct{})
	for i := 0; i < len(data); {
		if !isNameStart(data[i]) {
			i++
			continue
		}
		start, lower := i, false
		h := uint64(fnvOffset)
		for i < len(data) && isNameByte(data[i]) {
			lower = lower || data[i] >= 'a'
			h = (h ^ uint64(data[i])) * fnvPrime
			i++
		}
		if n := i - start; n < 2 || n > 64 || binaryFile && lower && !isProxyName(data[start:i]) {
			continue
		}
		seen[h] = struct{}{}
	}
	out := make(nameSet, 0, len(seen))
	for h := range seen {
		out = append(out, h)
	}
	slices.Sort(out)
	return out
}

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func nameHash(name string) uint64 {
	h := uint64(fnvOffset)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * fnvPrime
	}
	return h
}

func isNameStart(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' }
func isNameByte(c byte) bool  { return isNameStart(c) || c >= '0' && c <= '9' }

// isProxyName lets through the lower-case variables that binaries do read.
func isProxyName(n []byte) bool { return bytes.HasSuffix(n, []byte("_proxy")) }

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
