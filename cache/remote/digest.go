package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"fmake/cache"
)

// errGarbage is wrapped by the error for an answer that cannot be right.
var errGarbage = errors.New("the answer makes no sense")

func garbage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errGarbage, fmt.Sprintf(format, args...))
}

// function is the digest function that a server is spoken to in.
type function repb.DigestFunction_Value

const (
	sha256Function = function(repb.DigestFunction_SHA256)
	blake3Function = function(repb.DigestFunction_BLAKE3)
)

func (f function) value() repb.DigestFunction_Value { return repb.DigestFunction_Value(f) }

// sum hashes a content.
func (f function) sum(data []byte) [32]byte {
	if f == blake3Function {
		return cache.HashBytes(data)
	}
	return sha256.Sum256(data)
}

// hasher hashes what is written to it.
func (f function) hasher() hash.Hash {
	if f == blake3Function {
		return blake3.New()
	}
	return sha256.New()
}

// The types of what an action leaves.
const (
	regular = unix.S_IFREG
	symlink = unix.S_IFLNK
)

// digest names a content.
func (f function) digest(data []byte) *repb.Digest {
	return named(f.sum(data), int64(len(data)))
}

func named(sum [32]byte, size int64) *repb.Digest {
	return &repb.Digest{Hash: hex.EncodeToString(sum[:]), SizeBytes: size}
}

// check returns an error unless data is the content of a name.
func (f function) check(d *repb.Digest, data []byte) error {
	if got := f.digest(data); got.Hash != d.GetHash() || got.SizeBytes != d.GetSizeBytes() {
		return garbage("a content is not what its name says")
	}
	return nil
}

// sumOf hashes what r gives with SHA256.
func sumOf(r io.Reader) (sum [32]byte, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	copy(sum[:], h.Sum(nil))
	return sum, size, err
}

// valid is false for a digest that names nothing.
func valid(d *repb.Digest) bool {
	raw, err := hex.DecodeString(d.GetHash())
	return err == nil && len(raw) == 32 && d.GetSizeBytes() >= 0
}

// blob is a content that is to be kept.
type blob struct {
	digest *repb.Digest
	data   []byte
	open   func() (io.ReadCloser, error) // in place of data
}

// read gives the content.
func (b *blob) read() (io.ReadCloser, error) {
	if b.open != nil {
		return b.open()
	}
	return io.NopCloser(bytes.NewReader(b.data)), nil
}

// bytes gives the content at once.
func (b *blob) bytes() ([]byte, error) {
	if b.open == nil {
		return b.data, nil
	}
	r, err := b.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
