package labels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fmake/cache"
)

// frozen makes a label of a small tree.
func frozen(t *testing.T, s *Shelf) (l *Label, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"lib.so.1.2": "old", "data/a": "a", "data/sub/b": "b"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	f := s.Freezer()
	err := errors.Join(
		os.Symlink("lib.so.1.2", filepath.Join(dir, "lib.so.1")), os.Symlink("/dev/null", filepath.Join(dir, "data/null")),
		f.Add(filepath.Join(dir, "lib.so.1")), f.Add(filepath.Join(dir, "data")+"/"), f.AddAbsent(filepath.Join(dir, "lib.so.2")))
	if err != nil {
		t.Fatal(err)
	}
	l = &Label{Name: "app", Apps: []string{dir + "/app"}, Entries: f.Entries()}
	if err := s.Add(l); err != nil {
		t.Fatal(err)
	}
	return l, dir
}

func TestFreeze(t *testing.T) {
	s := Open(t.TempDir())
	l, dir := frozen(t, s)
	var got []string
	for _, e := range l.Entries {
		got = append(got, e.Kind.String()+" "+strings.TrimPrefix(e.Path, dir))
	}
	want := []string{
		"folder /data", "file /data/a", "link /data/null", "folder /data/sub", "file /data/sub/b",
		"link /lib.so.1", "file /lib.so.1.2", "absent /lib.so.2",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if e := l.Find(dir + "/lib.so.1.2"); e.Mode != 0o640 || e.Hash != cache.HashString("old") {
		t.Errorf("%+v", e)
	}
	if len(l.Tops()) != 4 {
		t.Errorf("tops: %v", l.Tops())
	}
	if d := l.Compare(); d != nil {
		t.Errorf("differs: %v", d)
	}
	for name, err := range map[string]error{
		"missing":    s.Freezer().Add(dir + "/none"),
		"device":     s.Freezer().Add("/dev/null"),
		"root":       s.Freezer().Add("/"),
		"not absent": s.Freezer().AddAbsent(dir + "/data"),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCompare(t *testing.T) {
	s := Open(t.TempDir())
	l, dir := frozen(t, s)
	err := errors.Join(
		os.WriteFile(dir+"/lib.so.1.2", []byte("new"), 0), os.Chmod(dir+"/data/a", 0o600), os.Remove(dir+"/lib.so.1"),
		os.Symlink("lib.so.2", dir+"/lib.so.1"), os.WriteFile(dir+"/lib.so.2", nil, 0o644),
		os.WriteFile(dir+"/data/c", nil, 0o644), os.RemoveAll(dir+"/data/sub"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range l.Compare() {
		got = append(got, strings.TrimPrefix(d.Path, dir)+": "+d.What)
	}
	want := []string{
		"/data/c: new", "/data/a: mode 0640 -> 0600", "/data/sub: gone", "/data/sub/b: gone",
		"/lib.so.1: led to lib.so.1.2, leads to lib.so.2", "/lib.so.1.2: changed, 3 bytes", "/lib.so.2: new",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestShelf(t *testing.T) {
	cacheDir := t.TempDir()
	s := Open(cacheDir)
	l, _ := frozen(t, s)
	if err := s.Add(l); !errors.Is(err, ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	if err := s.Rename("app", "other"); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Names(); err != nil || !reflect.DeepEqual(names, []string{"other"}) {
		t.Errorf("%q %v", names, err)
	}
	kept, err := Kept(cacheDir)
	if err != nil || len(kept) != 3 {
		t.Errorf("kept: %v %v", kept, err)
	}
	if err := os.WriteFile(s.file("other"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Kept(cacheDir); err == nil {
		t.Error("a damaged label names nothing")
	}
}

func TestExport(t *testing.T) {
	from, to := Open(t.TempDir()), Open(t.TempDir())
	l, _ := frozen(t, from)
	l.Wrapped = []string{"/opt/app"}
	var file bytes.Buffer
	if err := from.Export(l, &file); err != nil {
		t.Fatal(err)
	}
	got, err := to.Import(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	l.Wrapped = nil
	if !reflect.DeepEqual(got, l) {
		t.Errorf("%+v\n%+v", got, l)
	}
	if err := to.Verify(l); err != nil {
		t.Error(err)
	}
	for n := range file.Len() {
		if _, err := Open(t.TempDir()).Import(bytes.NewReader(file.Bytes()[:n])); err == nil {
			t.Fatalf("the first %d bytes were accepted", n)
		}
		bad := bytes.Clone(file.Bytes())
		bad[n] ^= 0x20
		if _, err := Open(t.TempDir()).Import(bytes.NewReader(bad)); err == nil {
			t.Fatalf("changed byte %d was accepted", n)
		}
	}
	if _, err := Open(t.TempDir()).Import(bytes.NewReader(append(file.Bytes(), 'x'))); err == nil {
		t.Error("one byte more was accepted")
	}
}

// TestForged imports what somebody made who knows how checksums are computed.
func TestForged(t *testing.T) {
	for name, path := range map[string]string{"upwards": "/usr/lib/../../etc/passwd", "relative": "etc/passwd", "process": "/proc/1/root/x"} {
		l := &Label{Name: "app", Apps: []string{"/opt/app"}, Entries: []Entry{{Path: path, Kind: File, Mode: 0o644, Size: 1, Hash: cache.HashString("x")}}}
		data := l.Encode()
		file := append(binary.AppendUvarint([]byte(exportMagic), uint64(len(data))), data...)
		if _, err := Open(t.TempDir()).Import(bytes.NewReader(append(file, 'x'))); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzImport(f *testing.F) {
	s := Open(f.TempDir())
	l := sample()
	for i, text := range []string{"12345", ""} {
		if err := s.keepBytes([]byte(text), cache.HashString(text)); err != nil {
			f.Fatal(i, err)
		}
	}
	var file bytes.Buffer
	if err := s.Export(l, &file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Open(t.TempDir())
		if l, err := s.Import(bytes.NewReader(b)); err == nil {
			if err := s.Verify(l); err != nil {
				t.Error(err)
			}
		}
	})
}
