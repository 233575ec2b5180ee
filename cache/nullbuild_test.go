package cache

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

func someNullBuild() *NullBuild {
	n := &NullBuild{
		Env: HashString("env"), Named: []string{"A", "B"}, Status: 1,
		Chunks: []Chunk{{1, []byte("out\n")}, {2, []byte("err\n")}, {1, nil}},
		Shells: []ShellRun{{Dir: "/d", Path: "/bin/sh", Argv: []string{"sh", "-c", "date"}, Set: []string{"X=1"}, Unset: []string{"Y"}, Printed: "now", Status: 3}},
	}
	n.Looks.Add("a/b", Look{Kind: 1, Mode: 0o644, Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5})
	n.Looks.Add("missing", Look{Errno: 2})
	n.Looks.Add("/abs dir", Look{Kind: 4, Extra: 1 << 63})
	return n
}

func TestNullBuildRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "record")
	for name, want := range map[string]*NullBuild{"full": someNullBuild(), "empty": {}} {
		if err := WriteNullBuild(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := OpenNullBuild(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Env != want.Env || got.Status != want.Status || len(got.Chunks) != len(want.Chunks) || got.Looks.Len() != want.Looks.Len() {
			t.Errorf("%s: got %+v", name, got)
		}
		if len(want.Shells) > 0 && !reflect.DeepEqual(got.Shells, want.Shells) {
			t.Errorf("%s: shells %+v", name, got.Shells)
		}
		for i := range want.Looks.Len() {
			wp, wl := want.Looks.At(i)
			gp, gl := got.Looks.At(i)
			if wp != gp || wl.Kind != gl.Kind || wl.Extra != gl.Extra || !wl.SameStat(gl) {
				t.Errorf("%s: look %d is %q %+v, want %q %+v", name, i, gp, gl, wp, wl)
			}
		}
	}
}

func TestNullBuildRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record")
	if err := WriteNullBuild(path, someNullBuild()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenNullBuild(path); err == nil {
			t.Errorf("byte %d of %d changed, and it was believed", i, len(good))
		}
	}
	for i := range good {
		if err := os.WriteFile(path, good[:i], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenNullBuild(path); err == nil {
			t.Errorf("cut off after %d bytes of %d, and it was believed", i, len(good))
		}
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenNullBuild(path); err == nil {
			t.Errorf("mode %o: others may write it, and it was believed", mode)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNullBuild(link); err == nil {
		t.Error("a link was followed")
	}
}

func TestSweepNullBuilds(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for i, name := range []string{"new", "old", "middle"} {
		path := NullBuildFile(dir, name)
		if err := WriteNullBuild(path, someNullBuild()); err != nil {
			t.Fatal(err)
		}
		age := []time.Duration{0, 3 * time.Hour, time.Hour}[i]
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(NullBuildFile(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	SweepNullBuilds(dir, 2*info.Size())
	left, _ := filepath.Glob(NullBuildFile(dir, "*"))
	if want := []string{NullBuildFile(dir, "middle"), NullBuildFile(dir, "new")}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

// FuzzNullBuild: whatever the file holds, every look that is returned can be used.
func FuzzNullBuild(f *testing.F) {
	path := filepath.Join(f.TempDir(), "record")
	if err := WriteNullBuild(path, someNullBuild()); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		n := new(NullBuild)
		err := parseLooks(data, nullMagic, &n.Looks, n.readHead)
		if err != nil {
			return
		}
		for i := range n.Looks.Len() {
			n.Looks.At(i)
		}
	})
}
