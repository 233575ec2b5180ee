package labels

import (
	"bytes"
	"encoding/binary"
	"errors"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// # How a label is written
//
//	magic, version byte
//	name, made, apps, test, the test's folder, wrapped, tree
//	entries: each kind, path, mode, uid, gid, mtime, and by kind size and hash, or text
//	the BLAKE3 of all that
//
// Texts and lists are preceded by their length, numbers are varints.

const (
	magic    = "fmake label"
	version  = 1
	maxLabel = 256 << 20 // of what is read from a file
)

// Encode writes a label.
func (l *Label) Encode() []byte {
	w := writer{b: append([]byte(magic), version)}
	w.text(l.Name)
	w.number(uint64(l.Made))
	w.texts(l.Apps)
	w.texts(l.Test)
	w.text(l.TestDir)
	w.texts(l.Wrapped)
	w.text(l.Tree)
	w.number(uint64(len(l.Entries)))
	for i := range l.Entries {
		w.entry(&l.Entries[i])
	}
	sum := cache.HashBytes(w.b)
	return append(w.b, sum[:]...)
}

// Decode reads what Encode wrote, and checks that it makes sense. The error is a
// *cache.CorruptError or a *cache.VersionError.
func Decode(b []byte) (*Label, error) {
	corrupt := func(err error) error { return &cache.CorruptError{What: "label", Err: err} }
	end := len(b) - proto.HashLen
	if end <= len(magic) || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, corrupt(errors.New("it is no label"))
	}
	if v := b[len(magic)]; v != version {
		return nil, &cache.VersionError{What: "label", Found: string('0' + rune(v)), Want: string('0' + rune(version))}
	}
	if cache.HashBytes(b[:end]) != cache.Hash(b[end:]) {
		return nil, corrupt(errors.New("wrong checksum"))
	}
	r := reader{b: b[len(magic)+1 : end]}
	l := &Label{Name: r.text(), Made: int64(r.number()), Apps: r.texts(), Test: r.texts(), TestDir: r.text(), Wrapped: r.texts(), Tree: r.text()}
	n := r.number()
	for i := uint64(0); i < n && !r.bad; i++ {
		l.Entries = append(l.Entries, r.entry())
	}
	if r.bad || len(r.b) > 0 {
		return nil, corrupt(errors.New("malformed"))
	}
	if err := l.Check(); err != nil {
		return nil, corrupt(err)
	}
	return l, nil
}

type writer struct{ b []byte }

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) text(s string) { w.b = proto.AppendBytes(w.b, []byte(s)) }

func (w *writer) texts(list []string) {
	w.number(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

func (w *writer) entry(e *Entry) {
	w.b = append(w.b, byte(e.Kind))
	w.text(e.Path)
	for _, n := range []uint32{e.Mode, e.UID, e.GID} {
		w.number(uint64(n))
	}
	w.number(uint64(e.Mtime))
	switch e.Kind {
	case File:
		w.number(uint64(e.Size))
		w.b = append(w.b, e.Hash[:]...)
	case Link:
		w.text(e.Text)
	}
}

// reader reads. What is malformed makes it bad, and everything after that empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.bad = true
	r.b = nil
}

func (r *reader) number() uint64 {
	n, used := binary.Uvarint(r.b)
	if used <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[used:]
	return n
}

func (r *reader) small() uint32 {
	n := r.number()
	if n > 1<<32-1 {
		r.fail()
	}
	return uint32(n)
}

func (r *reader) text() string {
	s, rest, ok := proto.CutBytes(r.b)
	if !ok {
		r.fail()
		return ""
	}
	r.b = rest
	return string(s)
}

func (r *reader) texts() (list []string) {
	n := r.number()
	for i := uint64(0); i < n && !r.bad; i++ {
		list = append(list, r.text())
	}
	return list
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.fail()
		return make([]byte, n)
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) entry() (e Entry) {
	e.Kind = Kind(r.take(1)[0])
	e.Path = r.text()
	e.Mode, e.UID, e.GID = r.small(), r.small(), r.small()
	e.Mtime = int64(r.number())
	switch e.Kind {
	case File:
		e.Size = int64(r.number())
		e.Hash = cache.Hash(r.take(proto.HashLen))
	case Link:
		e.Text = r.text()
	}
	return e
}
