package labels

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"fmake/cache"
)

// sample is a label with everything in it.
func sample() *Label {
	return &Label{
		Name: "app-1.0", Made: 1_700_000_000, Apps: []string{"/opt/app"}, Test: []string{"/opt/app/run", "--selftest"}, TestDir: "/opt",
		Entries: []Entry{
			{Path: "/usr/lib/libold.so.1", Kind: Link, Mode: 0o777, Text: "libold.so.1.2", Mtime: 17e17},
			{Path: "/usr/lib/libold.so.1.2", Kind: File, Mode: 0o644, UID: 3, GID: 4, Size: 5, Hash: cache.HashString("12345")},
			{Path: "/usr/lib/libold.so.2"},
			{Path: "/usr/share/app", Kind: Folder, Mode: 0o2755},
			{Path: "/usr/share/app/data", Kind: File, Mode: 0o600, Hash: cache.HashString("")},
		},
		Wrapped: []string{"/opt/app/run"}, Tree: "/var/lib/x",
	}
}

func TestCodec(t *testing.T) {
	l := sample()
	got, err := Decode(l.Encode())
	if err != nil || !reflect.DeepEqual(got, l) {
		t.Fatalf("%v\n%+v\n%+v", err, got, l)
	}
	for n := range l.Encode() {
		if _, err := Decode(l.Encode()[:n]); err == nil {
			t.Errorf("the first %d bytes were accepted", n)
		}
	}
	later := l.Encode()
	later[len(magic)] = 2
	var foreign *cache.VersionError
	if _, err := Decode(later); !errors.As(err, &foreign) {
		t.Errorf("format 2: %v", err)
	}
}

func TestCheck(t *testing.T) {
	file := func(path string) Entry { return Entry{Path: path, Kind: File, Hash: cache.HashString("x"), Size: 1} }
	for name, change := range map[string]func(l *Label){
		"name of a path":         func(l *Label) { l.Name = "../x" },
		"name with a dot":        func(l *Label) { l.Name = ".x" },
		"no name":                func(l *Label) { l.Name = "" },
		"no application":         func(l *Label) { l.Apps = nil },
		"relative application":   func(l *Label) { l.Apps = []string{"opt/app"} },
		"test folder":            func(l *Label) { l.TestDir = "/a/../b" },
		"relative path":          func(l *Label) { l.Entries = []Entry{file("usr/lib/x")} },
		"path upwards":           func(l *Label) { l.Entries = []Entry{file("/usr/../etc/passwd")} },
		"path that is not clean": func(l *Label) { l.Entries = []Entry{file("/usr//lib")} },
		"path with a zero byte":  func(l *Label) { l.Entries = []Entry{file("/usr/\x00lib")} },
		"root":                   func(l *Label) { l.Entries = []Entry{{Path: "/", Kind: Folder}} },
		"process":                func(l *Label) { l.Entries = []Entry{file("/proc/self/exe")} },
		"twice":                  func(l *Label) { l.Entries = []Entry{file("/a"), file("/a")} },
		"out of order":           func(l *Label) { l.Entries = []Entry{file("/b"), file("/a")} },
		"below a file":           func(l *Label) { l.Entries = []Entry{file("/a"), file("/a/b")} },
		"below a link":           func(l *Label) { l.Entries = []Entry{{Path: "/a", Kind: Link, Text: "/etc"}, file("/a/b")} },
		"folder left out":        func(l *Label) { l.Entries = []Entry{{Path: "/a", Kind: Folder}, file("/a/b/c")} },
		"setuid":                 func(l *Label) { l.Entries[1].Mode = 0o4755 },
		"more than a mode":       func(l *Label) { l.Entries[1].Mode = 0o100644 },
		"kind":                   func(l *Label) { l.Entries[2].Kind = 9 },
		"link without text":      func(l *Label) { l.Entries[0].Text = "" },
		"file without hash":      func(l *Label) { l.Entries[1].Hash = cache.Hash{} },
		"negative size":          func(l *Label) { l.Entries[1].Size = -1 },
	} {
		l := sample()
		change(l)
		if err := l.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := Decode(l.Encode()); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
	if err := sample().Check(); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		// The checksum is no secret: whoever forges a label gets it right.
		sum := cache.HashBytes(b)
		for _, data := range [][]byte{b, append(bytes.Clone(b), sum[:]...)} {
			l, err := Decode(data)
			if err != nil {
				continue
			}
			if err := l.Check(); err != nil {
				t.Error(err)
			}
			if again, err := Decode(l.Encode()); err != nil || !reflect.DeepEqual(again, l) {
				t.Errorf("%v\n%+v\n%+v", err, again, l)
			}
		}
	})
}
