package wire

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt is returned for a body that does not follow its message's form.
var ErrCorrupt = errors.New("wire: corrupt message")

// Message describes its own fields, in order, to a Codec. One description
// serves encoding and decoding, so the two cannot drift apart.
type Message interface {
	Fields(c *Codec)
}

// Codec writes or reads the fields of messages. The first error sticks; later
// fields then decode as zero.
type Codec struct {
	buf     []byte
	reading bool
	err     error
}

// Encode returns the body of m.
func Encode(m Message) []byte {
	c := Codec{buf: make([]byte, 0, 256)}
	m.Fields(&c)
	return c.buf
}

// Decode fills m from body, all of which must be used.
func Decode(body []byte, m Message) error {
	c := Codec{buf: body, reading: true}
	m.Fields(&c)
	if c.err == nil && len(c.buf) != 0 {
		return ErrCorrupt
	}
	return c.err
}

// Uint is an unsigned number of variable length.
func (c *Codec) Uint(v *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	n, size := binary.Uvarint(c.buf)
	if size <= 0 || c.err != nil {
		c.fail()
		*v = 0
		return
	}
	c.buf = c.buf[size:]
	*v = n
}

// Int is a signed number of variable length.
func (c *Codec) Int(v *int64) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, *v)
		return
	}
	n, size := binary.Varint(c.buf)
	if size <= 0 || c.err != nil {
		c.fail()
		*v = 0
		return
	}
	c.buf = c.buf[size:]
	*v = n
}

// String is a length and that many bytes.
func (c *Codec) String(v *string) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*v)))
		c.buf = append(c.buf, *v...)
		return
	}
	*v = ""
	if n, ok := c.length(1); ok {
		*v = string(c.buf[:n])
		c.buf = c.buf[n:]
	}
}

// Bool is one byte.
func (c *Codec) Bool(v *bool) {
	n := uint64(0)
	if *v {
		n = 1
	}
	c.Uint(&n)
	if n > 1 {
		c.fail()
	}
	*v = n == 1
}

// Uint32 is Uint for a smaller field; a number that does not fit is an error.
func (c *Codec) Uint32(v *uint32) {
	n := uint64(*v)
	c.Uint(&n)
	if n > 1<<32-1 {
		c.fail()
		n = 0
	}
	*v = uint32(n)
}

// Int32 is Int for a smaller field; a number that does not fit is an error.
func (c *Codec) Int32(v *int32) {
	n := int64(*v)
	c.Int(&n)
	if n != int64(int32(n)) {
		c.fail()
		n = 0
	}
	*v = int32(n)
}

// Strings is a list of strings.
func (c *Codec) Strings(v *[]string) {
	List(c, v, func(c *Codec, s *string) { c.String(s) })
}

// List is a count and that many elements.
func List[T any](c *Codec, v *[]T, element func(*Codec, *T)) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*v)))
		for i := range *v {
			element(c, &(*v)[i])
		}
		return
	}
	*v = nil
	// Every element takes at least one byte, so a count above the bytes that
	// are left is a lie, and is found out before memory is taken for it.
	n, ok := c.length(1)
	if !ok || n == 0 {
		return
	}
	*v = make([]T, n)
	for i := range *v {
		element(c, &(*v)[i])
	}
	if c.err != nil {
		*v = nil
	}
}

// length reads a count of things of at least size bytes each.
func (c *Codec) length(size int) (int, bool) {
	var n uint64
	c.Uint(&n)
	if c.err != nil || n > uint64(len(c.buf)/size) {
		c.fail()
		return 0, false
	}
	return int(n), true
}

func (c *Codec) fail() {
	if c.err == nil {
		c.err = ErrCorrupt
	}
}
