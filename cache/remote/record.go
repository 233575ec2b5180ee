package remote

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"fmake/cache"
)

// kind says what an entry of the action cache is about.
type kind string

// The kinds.
const (
	setsKind   kind = "sets"
	resultKind kind = "result"
)

// format is in the name of every entry, so that programs that would misread each other's
// records do not meet.
const format = "1"

// record is what an entry holds.
type record struct {
	kind kind
	key  cache.Hash
	body []byte
}

const (
	recordMagic = "fmake record 1\n"
	// recordLimit bounds what a record can make us hold.
	recordLimit = 32 << 20
)

// encode seals the record and compresses it.
//
//	magic, length of kind (1 byte), kind, key (32), body, BLAKE3 of all that (32)
func (r *record) encode() []byte {
	b := append([]byte(recordMagic), byte(len(r.kind)))
	b = append(b, r.kind...)
	b = append(b, r.key[:]...)
	b = append(b, r.body...)
	seal := cache.HashBytes(b)
	b = append(b, seal[:]...)
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		panic("zstd: " + err.Error()) // the options are constants
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

// decodeRecord reads what encode wrote, if it is the record of that kind and key.
func decodeRecord(data []byte, want kind, key cache.Hash) (*record, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(recordLimit))
	if err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	defer z.Close()
	b, err := z.DecodeAll(data, nil)
	if err != nil {
		return nil, garbage("a record cannot be read")
	}
	n := len(b) - len(cache.Hash{})
	head := append([]byte(recordMagic), byte(len(want)))
	head = append(head, want...)
	head = append(head, key[:]...)
	if n < len(head) {
		return nil, garbage("a record is too short")
	}
	if seal := cache.HashBytes(b[:n]); string(seal[:]) != string(b[n:]) {
		return nil, garbage("a record is damaged")
	}
	if string(b[:len(head)]) != string(head) {
		return nil, garbage("a record belongs to something else")
	}
	return &record{want, key, b[len(head):n]}, nil
}

// encodeSets makes the body of a record of sets.
func encodeSets(sets [][]byte) []byte {
	var b []byte
	for _, s := range sets {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// decodeSets is its inverse. More sets than a key can have are not read.
func decodeSets(b []byte) ([][]byte, error) {
	var sets [][]byte
	for len(b) > 0 && len(sets) < cache.MaxPathSets {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, garbage("a record of sets is malformed")
		}
		sets = append(sets, b[used:used+int(n)])
		b = b[used+int(n):]
	}
	return sets, nil
}
