package build

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// errNotELF is for files that are no programs of this kind, and for damaged ones.
var errNotELF = errors.New("not an ELF file")

// elfSection is what counts of one section of a program or library.
//
// The standard library's reader would do, but it brings along what unpacks
// debugging information, and that takes its time whenever fmake starts.
type elfSection struct {
	name         string
	kind         uint32
	flags        uint64
	offset, size uint64
}

// Kinds and flags of sections.
const (
	elfProgBits = 1 // SHT_PROGBITS
	elfAlloc    = 2 // SHF_ALLOC
	elfExec     = 4 // SHF_EXECINSTR
)

// elfLayout says where the fields are. A section's name and kind are at 0 and 4
// of its header, always.
type elfLayout struct {
	word                int // bytes of an offset
	table, counts       int // in the file's header: e_shoff; e_shentsize, e_shnum, e_shstrndx
	flags, offset, size int // in a section's header
	entry               int // bytes of a section's header
}

// elfSections lists the sections of a program or library.
func elfSections(r io.ReaderAt) ([]elfSection, error) {
	head := make([]byte, 64)
	if n, _ := r.ReadAt(head, 0); n < 52 || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return nil, errNotELF
	}
	layout := elfLayout{word: 8, table: 40, counts: 58, flags: 8, offset: 24, size: 32, entry: 64}
	if head[4] == 1 {
		layout = elfLayout{word: 4, table: 32, counts: 46, flags: 8, offset: 16, size: 20, entry: 40}
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	word := func(b []byte) uint64 {
		if layout.word == 4 {
			return uint64(order.Uint32(b))
		}
		return order.Uint64(b)
	}
	entry := int(order.Uint16(head[layout.counts:]))
	count := int(order.Uint16(head[layout.counts+2:]))
	names := int(order.Uint16(head[layout.counts+4:]))
	if entry != layout.entry || names >= count {
		return nil, errNotELF
	}
	table := make([]byte, entry*count)
	if _, err := r.ReadAt(table, int64(word(head[layout.table:]))); err != nil {
		return nil, errNotELF
	}
	sections := make([]elfSection, count)
	for i := range sections {
		b := table[i*entry:]
		sections[i] = elfSection{
			kind: order.Uint32(b[4:]), flags: word(b[layout.flags:]),
			offset: word(b[layout.offset:]), size: word(b[layout.size:]),
		}
	}
	return sections, nameSections(r, sections, table, entry, names, order)
}

// nameSections fills in the names, which are in the section number names.
func nameSections(r io.ReaderAt, sections []elfSection, table []byte, entry, names int, order binary.ByteOrder) error {
	const most = 1 << 20
	if sections[names].size > most {
		return errNotELF
	}
	text := make([]byte, sections[names].size)
	if _, err := r.ReadAt(text, int64(sections[names].offset)); err != nil {
		return errNotELF
	}
	for i := range sections {
		at := order.Uint32(table[i*entry:])
		if uint64(at) >= uint64(len(text)) {
			return errNotELF
		}
		name, _, _ := bytes.Cut(text[at:], []byte{0})
		sections[i].name = string(name)
	}
	return nil
}
