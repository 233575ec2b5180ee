// Package ar looks into Unix archives: which members there are, when each was
// last changed, and it can set such a time to now.
//
// # Model
//
// An archive is a magic line and a chain of members, each with a header of
// fixed size whose fields are text. A name that does not fit the header's 16
// bytes is kept elsewhere: GNU and System V put all long names into a member
// "//" that stands before the others, BSD puts the name before the member's
// data. Both are understood. Members' contents are never read.
package ar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	magic      = "!<arch>\n"
	headerSize = 60
	headerEnd  = "`\n"
	nameSize   = 16
	dateAt     = 16
	dateSize   = 12
	sizeAt     = 48
	sizeSize   = 10

	// maxNames bounds the memory that a damaged archive can make us take.
	maxNames = 1 << 28
)

// The reasons why there is nothing to be found.
var (
	// ErrNotArchive says that a file is no archive, or a damaged one.
	ErrNotArchive = errors.New("not a valid archive")
	// ErrNoMember says that an archive has no member of that name.
	ErrNoMember = errors.New("no such member")
)

// Member is one file in an archive.
type Member struct {
	Name string
	// Short says that the name stood in the header itself, where a long one may
	// have been cut off.
	Short  bool
	Date   int64 // modification time, seconds since 1970
	Offset int64 // of the header in the archive
}

// Is reports whether name, whose directory part does not count, means the
// member.
func (m *Member) Is(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if m.Short && len(m.Name) >= nameSize-1 && len(name) >= nameSize-1 {
		return m.isTruncated(name)
	}
	return name == m.Name
}

// isTruncated reports whether the header had no room for more of the name.
func (m *Member) isTruncated(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return len(m.Name) >= nameSize-1 && strings.HasPrefix(name, m.Name[:nameSize-1])
}

// Members lists the members of the archive at path, in their order. The tables
// that belong to the archive itself are left out.
func Members(path string) ([]Member, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening archive: %w", err)
	}
	defer f.Close()
	return scan(f)
}

// At returns the member that holds a byte of an archive, and where its content begins;
// ok is false if the byte belongs to no member.
func At(archive io.ReaderAt, offset int64) (m Member, data int64, ok bool) {
	members, err := scan(archive)
	if err != nil {
		return m, 0, false
	}
	for _, next := range members {
		if next.Offset > offset {
			break
		}
		m, ok = next, true
	}
	return m, m.Offset + headerSize, ok
}

// MemberDate gives the time of a member in seconds since 1970. A member without
// a time, as ar's deterministic mode writes them, counts as absent. Under
// truncated a member whose name has the length of the header's field may be any
// that starts so.
func MemberDate(path, name string, truncated bool) (int64, error) {
	members, err := Members(path)
	if err != nil {
		return 0, err
	}
	for i := range members {
		m := &members[i]
		if m.Date > 0 && (m.Is(name) || truncated && m.isTruncated(name)) {
			return m.Date, nil
		}
	}
	return 0, ErrNoMember
}

// Glob lists the names of an archive's members that match accepts, sorted.
func Glob(path string, match func(name string) bool) []string {
	members, err := Members(path)
	if err != nil {
		return nil
	}
	var names []string
	for i := range members {
		if match(members[i].Name) {
			names = append(names, members[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

// scan reads the chain of members.
func scan(r io.ReaderAt) ([]Member, error) {
	start := make([]byte, len(magic))
	if _, err := r.ReadAt(start, 0); err != nil || string(start) != magic {
		return nil, ErrNotArchive
	}
	var members []Member
	var names []byte // the GNU table of long names
	header := make([]byte, headerSize)
	for at := int64(len(magic)); ; {
		n, err := r.ReadAt(header, at)
		if n == 0 && errors.Is(err, io.EOF) {
			return members, nil
		}
		if n != headerSize || string(header[headerSize-len(headerEnd):]) != headerEnd {
			return nil, ErrNotArchive
		}
		size, err := number(header[sizeAt : sizeAt+sizeSize])
		if err != nil {
			return nil, err
		}
		data := at + headerSize
		raw := string(bytes.TrimRight(header[:nameSize], " "))
		if raw == "//" || raw == "ARFILENAMES/" {
			if names, err = readNames(r, data, size); err != nil {
				return nil, err
			}
		} else if raw != "/" && raw != "/SYM64/" {
			m, err := member(r, raw, data, names)
			if err != nil {
				return nil, err
			}
			m.Offset = at
			if m.Date, err = number(header[dateAt : dateAt+dateSize]); err != nil {
				return nil, err
			}
			members = append(members, m)
		}
		at = data + size + size%2
	}
}

// member finds out the name of a member from what stands in its header.
func member(r io.ReaderAt, raw string, data int64, names []byte) (Member, error) {
	switch {
	case strings.HasPrefix(raw, "#1/"):
		n, err := number([]byte(raw[len("#1/"):]))
		if err != nil || n < 1 {
			return Member{}, ErrNotArchive
		}
		name, err := readNames(r, data, n)
		if err != nil {
			return Member{}, err
		}
		return Member{Name: string(bytes.TrimRight(name, "\x00"))}, nil
	case len(raw) > 1 && raw[0] == '/' && names != nil:
		at, err := number([]byte(raw[1:]))
		if err != nil || at >= int64(len(names)) {
			return Member{}, ErrNotArchive
		}
		name, _, _ := strings.Cut(string(names[at:]), "\n")
		name = strings.TrimSuffix(name, "/")
		if name == "" {
			return Member{}, ErrNotArchive
		}
		return Member{Name: name}, nil
	}
	return Member{Name: strings.TrimSuffix(raw, "/"), Short: true}, nil
}

func readNames(r io.ReaderAt, at, size int64) ([]byte, error) {
	if size > maxNames {
		return nil, ErrNotArchive
	}
	// Read in pieces, so that a made-up size costs no memory.
	names, err := io.ReadAll(io.NewSectionReader(r, at, size))
	if err != nil || int64(len(names)) != size {
		return nil, ErrNotArchive
	}
	return names, nil
}

// number reads a header's decimal field. An empty one is zero.
func number(field []byte) (int64, error) {
	var n int64
	for _, c := range bytes.Trim(field, " ") {
		if c < '0' || c > '9' || n > 1<<50 {
			return 0, ErrNotArchive
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}
