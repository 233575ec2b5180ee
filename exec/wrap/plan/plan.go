// Package plan is what a wrapper knows and does: it is all that the small program links
// that stands in the place of a wrapped one.
//
// # Model
//
// A wrapper is a copy of the program frun-label with a plan behind it. When it is started
// it is in a mount namespace of its own already (see cmd/frun-label). There it puts the
// label's files where the program will look for them, the program itself over its own
// place, and becomes the program. Nothing of that is seen by anybody else, and nothing is
// left of it when the last process in the namespace has ended.
//
// # Which mounts
//
// The label's files stand in a folder, the tree, laid out as they were. A file is bound over
// the installed file, a folder over the installed folder. Where that cannot be, because
// there is nothing to bind over, or a link, or because something has to be hidden, the
// folder above becomes an overlay of the tree's folder and the installed one. All these
// mounts are read-only.
package plan

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Plan is what one wrapper does.
type Plan struct {
	Label   string
	Program string // where the wrapper stands and the program is expected
	Real    string // where the program is kept
	Tree    string // the label's files below this folder
	Tops    []Top
}

// Top is a path that is to be as it was, with all that is below it.
type Top struct {
	Path string
	Kind byte // see below
}

// Kinds of tops.
const (
	Absent = iota
	File
	Folder
	Link
)

// A plan stands at the end of the wrapper's file: its texts, each preceded by its length,
// the length of all that in 8 bytes, and the mark.
const mark = "frun label plan1"

const tailLen = 8 + len(mark)

// maxPlan bounds what is read.
const maxPlan = 64 << 20

// ErrNone is the error for a file that has no plan: it is no wrapper.
var ErrNone = errors.New("it is no wrapper")

// Append appends the plan to a program.
func (p *Plan) Append(program []byte) []byte {
	var body []byte
	text := func(s string) { body = append(binary.AppendUvarint(body, uint64(len(s))), s...) }
	for _, s := range []string{p.Label, p.Program, p.Real, p.Tree} {
		text(s)
	}
	for _, t := range p.Tops {
		text(string(rune('0'+t.Kind)) + t.Path)
	}
	out := append(program, body...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(body)))
	return append(out, mark...)
}

// Read reads the plan of a wrapper. It goes without package os, whose files take a poller
// to be started, which is longer than all else that a wrapper does.
func Read(file string) (*Plan, error) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	tail := make([]byte, tailLen)
	at := st.Size - int64(tailLen)
	if n, err := unix.Pread(fd, tail, max(at, 0)); err != nil || n < tailLen || !bytes.HasSuffix(tail, []byte(mark)) {
		return nil, ErrNone
	}
	size := binary.LittleEndian.Uint64(tail)
	if size > maxPlan || int64(size) > at {
		return nil, ErrNone
	}
	body := make([]byte, size)
	for done := 0; done < len(body); {
		n, err := unix.Pread(fd, body[done:], at-int64(size)+int64(done))
		if err != nil || n == 0 {
			return nil, ErrNone
		}
		done += n
	}
	return decode(body)
}

func decode(body []byte) (*Plan, error) {
	var texts []string
	for len(body) > 0 {
		n, used := binary.Uvarint(body)
		if used <= 0 || n > uint64(len(body)-used) {
			return nil, ErrNone
		}
		texts = append(texts, string(body[used:used+int(n)]))
		body = body[used+int(n):]
	}
	if len(texts) < 4 {
		return nil, ErrNone
	}
	p := &Plan{Label: texts[0], Program: texts[1], Real: texts[2], Tree: texts[3]}
	for _, t := range texts[4:] {
		if t == "" || t[0] < '0'+Absent || t[0] > '0'+Link {
			return nil, ErrNone
		}
		p.Tops = append(p.Tops, Top{Path: t[1:], Kind: t[0] - '0'})
	}
	return p, nil
}
