// Package proto is what the store's client and server say to each other.
//
// # Model
//
// A connection carries frames: length (4 bytes), call number (4), code (1),
// payload; numbers are little-endian. The client opens with the Hello op, whose
// payload is Greeting; from then on it may have any number of calls under way,
// and the answers come in any order under the calls' numbers. The code of a call
// is its Op, that of an answer its Status.
//
// Payloads are made of hashes, of byte strings preceded by their length, and of
// fixed-size entries, so that the server need not understand what it keeps.
// Every call can be repeated without harm: a proxy repeats those that a dead
// server left unanswered.
package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Greeting names the protocol. Client and server may be of different releases:
// engines of all of a user's builds share one server.
const Greeting = "fmake store 1"

// Op says what is asked.
type Op byte

// The operations; request payload -> answer payload.
const (
	Hello    Op = iota + 1 // Greeting ->
	PathSets               // key -> list of encoded sets
	Result                 // strong key -> encoded trace
	PutTrace               // key, strong key, set's hash, set, trace ->
	GetSmall               // hash -> content
	PutSmall               // hash, content ->
	HasSmall               // hash ->
	GetStats               // StatKeys -> hashes
	PutStats               // StatKey and hash, any number ->
	Sync                   // ->
	Stats                  // -> numbers
	Verify                 // 1: drop what is damaged -> numbers
	Collect                // numbers -> numbers
	Similar                // key, target, directory -> list of encoded traces
	Tally                  // numbers ->
	GetAlias               // hash -> hash of the same content by another function
	PutAlias               // hash, other hash ->
)

// The operations about what is kept far away, on another machine. The store hands
// them to the program that speaks to it, whose answers are these. A call says
// Refused if there is no such place, and Unavailable, with what a person should be
// told, once: from then on nothing is found there.
const (
	FarSetUp  Op = iota + 64 // list of byte strings -> ; to the program only
	FarSets                  // key -> list of encoded sets
	FarResult                // strong key -> encoded trace, whose contents are in the store then
	FarPut                   // as PutTrace; to the program only
	FarFlush                 // -> ; waits a while for what is on its way
	FarRun                   // action -> what came back of it; takes as long as that takes
	FarRecall                // number of an action -> ; it need not come back any more
)

// Status says how a call went.
type Status byte

// The statuses. All but OK and NotFound carry a message.
const (
	OK Status = iota
	NotFound
	Corrupt
	ReadOnly
	Unavailable
	Refused // the request makes no sense
)

// Sizes of fixed parts.
const (
	HashLen    = 32
	StatKeyLen = 40 // dev, ino, size, mtime, ctime
	headLen    = 9
	// MaxFrame bounds what one side can make the other allocate.
	MaxFrame = 64 << 20
)

// ErrTooLarge is returned for what does not fit in a frame. Nothing was sent.
var ErrTooLarge = errors.New("too large for the store")

// Frame is one message.
type Frame struct {
	ID      uint32
	Code    byte
	Payload []byte
}

// Append encodes f after b.
func (f Frame) Append(b []byte) ([]byte, error) {
	n := headLen - 4 + len(f.Payload)
	if n > MaxFrame {
		return b, ErrTooLarge
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, f.ID)
	b = append(b, f.Code)
	return append(b, f.Payload...), nil
}

// Read reads one frame. The error is io.EOF if r ends between two frames.
func Read(r io.Reader) (Frame, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < headLen-4 || n > MaxFrame {
		return Frame{}, fmt.Errorf("frame of %d bytes", n)
	}
	f := Frame{ID: binary.LittleEndian.Uint32(head[4:]), Code: head[8], Payload: make([]byte, n-(headLen-4))}
	if _, err := io.ReadFull(r, f.Payload); err != nil {
		return Frame{}, io.ErrUnexpectedEOF
	}
	return f, nil
}

// AppendBytes appends s preceded by its length.
func AppendBytes(b, s []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// CutBytes takes off what AppendBytes appended.
func CutBytes(b []byte) (s, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	return b[used : used+int(n)], b[used+int(n):], true
}

// AppendNumbers appends numbers of 8 bytes.
func AppendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// Numbers fills the places from b; what b does not have stays as it is, so that
// either side may know more numbers than the other.
func Numbers(b []byte, places ...*int64) {
	for _, p := range places {
		if len(b) < 8 {
			return
		}
		*p = int64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
}
