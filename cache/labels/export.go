package labels

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"fmake/cache"
)

// # How a label is handed on
//
//	exportMagic, the length of the label as a varint, the label
//	each distinct content in the order of the entries, as long as its entry says
//
// Where executables are wrapped is this machine's affair and stays here.

const exportMagic = "fmake exported label 1\n"

// Export writes a label with its contents.
func (s *Shelf) Export(l *Label, to io.Writer) error {
	bare := *l
	bare.Wrapped, bare.Tree = nil, ""
	data := bare.Encode()
	w := bufio.NewWriter(to)
	_, _ = w.WriteString(exportMagic) // Flush tells
	_, _ = w.Write(binary.AppendUvarint(nil, uint64(len(data))))
	_, _ = w.Write(data)
	for h, size := range l.Contents() {
		content, err := s.Blobs.Get(h)
		if err == nil && int64(len(content)) != size {
			err = &cache.CorruptError{What: "label", Name: l.Name, Err: errors.New("a content has another size")}
		}
		if err != nil {
			return fmt.Errorf("export label %s: %w", l.Name, err)
		}
		_, _ = w.Write(content)
	}
	return w.Flush()
}

// Import reads what Export wrote and keeps it. Nothing in the file is believed: the label
// is checked as any other, and each content must have the hash that the label gives it.
func (s *Shelf) Import(from io.Reader) (*Label, error) {
	r := bufio.NewReader(from)
	head := make([]byte, len(exportMagic))
	if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, []byte(exportMagic)) {
		return nil, errors.New("it is no exported label")
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, errors.New("it is cut off")
	}
	data, err := limited(r, n)
	if err != nil {
		return nil, fmt.Errorf("read the label: %w", err)
	}
	l, err := Decode(data)
	if err != nil {
		return nil, err
	}
	l.Wrapped, l.Tree = nil, ""
	for h, size := range l.Contents() {
		if err := s.importContent(r, h, size); err != nil {
			return nil, fmt.Errorf("read the content %s: %w", h.Short(), err)
		}
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return nil, errors.New("there is more in it than the label says")
	}
	return l, s.Add(l)
}

// importContent keeps one content of n bytes.
func (s *Shelf) importContent(r io.Reader, want cache.Hash, n int64) error {
	var buf bytes.Buffer // grows as bytes come, whatever n says
	if _, err := io.CopyN(&buf, r, n); err != nil {
		return io.ErrUnexpectedEOF
	}
	if cache.HashBytes(buf.Bytes()) != want {
		return errors.New("it is not what its hash says")
	}
	return s.keepBytes(buf.Bytes(), want)
}

// keepBytes keeps a content, again if the one that is kept is damaged.
func (s *Shelf) keepBytes(data []byte, h cache.Hash) error {
	if _, err := s.Blobs.PutBytes(data); err != nil {
		return err
	}
	err := s.Blobs.Check(h)
	var damaged *cache.CorruptError
	if errors.As(err, &damaged) { // it is dropped now
		_, err = s.Blobs.PutBytes(data)
	}
	return err
}
