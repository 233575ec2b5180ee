package ar

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// put appends one member to an archive under construction.
func put(b *bytes.Buffer, name string, date int64, data string) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, date, 0, 0, 0o644, len(data))
	b.WriteString(data)
	if len(data)%2 != 0 {
		b.WriteByte('\n')
	}
}

func gnuArchive() []byte {
	b := bytes.NewBufferString(magic)
	put(b, "/", 5, "\x00\x00\x00\x00")
	put(b, "//", 0, "a_rather_long_name.o/\nanother_rather_long.o/\n")
	put(b, "short.o/", 1000, "odd")
	put(b, "/0", 1001, "xx")
	put(b, "/22", 1002, "")
	put(b, "zero.o/", 0, "z")
	return b.Bytes()
}

func bsdArchive() []byte {
	b := bytes.NewBufferString(magic)
	put(b, "#1/20", 7, "long_bsd_name.o\x00\x00\x00\x00\x00data")
	put(b, "plain.o", 8, "d")
	return b.Bytes()
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lib.a")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMemberDate(t *testing.T) {
	gnu, bsd := write(t, gnuArchive()), write(t, bsdArchive())
	for _, c := range []struct {
		path, name string
		date       int64
		ok         bool
	}{
		{gnu, "short.o", 1000, true},
		{gnu, "dir/short.o", 1000, true},
		{gnu, "a_rather_long_name.o", 1001, true},
		{gnu, "another_rather_long.o", 1002, true},
		{gnu, "zero.o", 0, false}, // no time: absent
		{gnu, "absent.o", 0, false},
		{gnu, "a_rather_long_nam", 0, false},
		{bsd, "long_bsd_name.o", 7, true},
		{bsd, "plain.o", 8, true},
		{"/nonexistent.a", "x.o", 0, false},
	} {
		date, err := MemberDate(c.path, c.name, false)
		if date != c.date || (err == nil) != c.ok {
			t.Errorf("MemberDate(%s) = %d, %v; want %d, %t", c.name, date, err, c.date, c.ok)
		}
	}
}

func TestTruncatedName(t *testing.T) {
	m := Member{Name: "fifteen_chars_o", Short: true}
	if !m.Is("fifteen_chars_of_name.o") {
		t.Error("a name cut off in the header is not recognised")
	}
	m.Short = false
	if m.Is("fifteen_chars_of_name.o") {
		t.Error("a whole name matches a longer one")
	}
}

func TestGlob(t *testing.T) {
	got := Glob(write(t, gnuArchive()), func(n string) bool { return n != "zero.o" })
	want := []string{"a_rather_long_name.o", "another_rather_long.o", "short.o"}
	if !slices.Equal(got, want) {
		t.Errorf("Glob = %q, want %q", got, want)
	}
}

func TestTouch(t *testing.T) {
	path := write(t, gnuArchive())
	before := time.Now().Unix()
	if err := Touch(path, "a_rather_long_name.o"); err != nil {
		t.Fatal(err)
	}
	date, err := MemberDate(path, "a_rather_long_name.o", false)
	if err != nil || date < before-1 {
		t.Errorf("date after Touch = %d, want at least %d", date, before-1)
	}
	if date, _ := MemberDate(path, "short.o", false); date != 1000 {
		t.Errorf("another member's date became %d", date)
	}
	if err := Touch(path, "absent.o"); !errors.Is(err, ErrNoMember) {
		t.Errorf("touching an absent member: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	for _, data := range []string{
		"", "!<arch>", "plain text, no archive", magic + "half a header",
		magic + "//              0           0     0     644     9999999999`\n",
		magic + "a/              x           0     0     644     0         `\n",
	} {
		if _, err := Members(write(t, []byte(data))); !errors.Is(err, ErrNotArchive) {
			t.Errorf("Members(%q) = %v, want ErrNotArchive", data, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(gnuArchive())
	f.Add(bsdArchive())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := scan(bytes.NewReader(data))
		if err != nil {
			return
		}
		for i := range members {
			if o := members[i].Offset; o < int64(len(magic)) || o+headerSize > int64(len(data)) {
				t.Errorf("member %q at %d of %d bytes", members[i].Name, o, len(data))
			}
		}
	})
}
