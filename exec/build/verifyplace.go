package build

import (
	"io"

	"fmake/exec/ar"
)

// partAt says which part of an archive, program or library a byte is in, "" if the file
// is none or has no name for it.
func partAt(r io.ReaderAt, offset int64) string {
	if m, data, ok := ar.At(r, offset); ok {
		if offset < data {
			return "the header of member " + m.Name
		}
		part := "member " + m.Name
		if section := sectionAt(io.NewSectionReader(r, data, 1<<62), offset-data); section != "" {
			part += ", section " + section
		}
		return part
	}
	if section := sectionAt(r, offset); section != "" {
		return "section " + section
	}
	return ""
}

// sectionAt names the section of a program or library that a byte is in.
func sectionAt(r io.ReaderAt, offset int64) string {
	const noBits = 8 // SHT_NOBITS: it takes no room in the file
	sections, err := elfSections(r)
	if err != nil {
		return ""
	}
	for i := range sections {
		if s := &sections[i]; s.kind != noBits && offset >= int64(s.offset) && offset < int64(s.offset+s.size) {
			return s.name
		}
	}
	return ""
}
