package cache

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"unsafe"

	"github.com/zeebo/blake3"
)

// HashBytes names a content.
func HashBytes(b []byte) Hash { return blake3.Sum256(b) }

// HashString names a content held as a string.
func HashString(s string) Hash {
	return blake3.Sum256(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// HashNames names a directory listing. The names must be sorted.
func HashNames(names []string) Hash {
	return NewDigest("names").Strings(names).Sum()
}

// ParseHash reads the 64 hexadecimal digits that String writes.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("hash %q: want %d hexadecimal digits", s, 2*len(h))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("hash %q: %w", s, err)
	}
	return h, nil
}

// String returns 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short returns enough digits to tell contents apart in messages.
func (h Hash) Short() string { return hex.EncodeToString(h[:6]) }

// IsZero reports whether h means "no content".
func (h Hash) IsZero() bool { return h == Hash{} }

func sum(h *blake3.Hasher) (out Hash) {
	h.Sum(out[:0])
	return out
}

// Digest hashes a list of fields. Each field is written with its length, so
// that two different lists never give the same bytes; the domain keeps lists of
// different meaning apart.
//
// The fields are collected and hashed at the end: a blake3.Hasher is 10 KB of
// memory, which is more work to get than most lists are to hash.
type Digest struct{ b []byte }

// NewDigest starts a list of fields.
func NewDigest(domain string) *Digest {
	d := &Digest{b: make([]byte, 0, 256)}
	return d.String(domain)
}

// String adds a text.
func (d *Digest) String(s string) *Digest {
	d.Uint(uint64(len(s)))
	d.b = append(d.b, s...)
	return d
}

// Bytes adds a byte string; it counts as the same field as an equal String.
func (d *Digest) Bytes(b []byte) *Digest {
	d.Uint(uint64(len(b)))
	d.b = append(d.b, b...)
	return d
}

// Hash adds a hash.
func (d *Digest) Hash(h Hash) *Digest {
	d.b = append(d.b, h[:]...)
	return d
}

// Uint adds a number.
func (d *Digest) Uint(u uint64) *Digest {
	d.b = binary.LittleEndian.AppendUint64(d.b, u)
	return d
}

// Strings adds a list of texts.
func (d *Digest) Strings(list []string) *Digest {
	d.Uint(uint64(len(list)))
	for _, s := range list {
		d.String(s)
	}
	return d
}

// Sum returns the hash of the fields added so far.
func (d *Digest) Sum() Hash { return blake3.Sum256(d.b) }

// StrongKey names one action with everything that it depended on as it is now:
// the key, what was seen at each input, the environment and the hashes that
// stand for the tokens. Only what an input means counts, never its Stat.
func StrongKey(key Hash, in []Input, env []EnvInput, tokens []Hash) Hash {
	return new(Digest).StrongKey(key, in, env, tokens)
}

// StrongKey is the function of that name for who needs many: the memory of d is used again.
func (d *Digest) StrongKey(key Hash, in []Input, env []EnvInput, tokens []Hash) Hash {
	const perInput = 120 // bytes, about
	d.b = slices.Grow(d.b[:0], 1024+perInput*len(in))
	d.String("strong").Hash(key).Uint(uint64(len(in)))
	for i := range in {
		d.input(&in[i])
	}
	d.Uint(uint64(len(env)))
	for _, e := range env {
		d.String(e.Name).Uint(bit(e.Set)).Hash(e.Value)
	}
	d.Uint(uint64(len(tokens)))
	for _, t := range tokens {
		d.Hash(t)
	}
	return d.Sum()
}

func (d *Digest) input(in *Input) {
	d.String(in.Path).Uint(uint64(in.Kind))
	switch in.Kind {
	case InputAbsent:
	case InputExists:
		d.Uint(uint64(in.Mode)).Uint(uint64(in.Size))
	case InputContent:
		d.Uint(uint64(in.Mode)).Hash(in.Hash)
	default:
		d.Hash(in.Hash)
	}
}

// Means reports whether two inputs are the same but for their Stat, as StrongKey counts.
func (in *Input) Means(o *Input) bool {
	if in.Path != o.Path || in.Kind != o.Kind {
		return false
	}
	switch in.Kind {
	case InputAbsent:
		return true
	case InputExists:
		return in.Mode == o.Mode && in.Size == o.Size
	case InputContent:
		return in.Mode == o.Mode && in.Hash == o.Hash
	}
	return in.Hash == o.Hash
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
