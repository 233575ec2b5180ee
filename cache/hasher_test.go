package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHasherSeesEveryWrite writes and hashes as fast as it can: no content may
// ever be mistaken for an earlier one.
func TestHasherSeesEveryWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, multigrain := range []bool{true, false} {
		h := NewHasher()
		if !multigrain {
			h.grain.multigrain = func() bool { return false }
		} else if !kernelIsMultigrain() {
			continue
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2000 {
			content := fmt.Sprintf("%08d", i)
			if _, err := f.WriteAt([]byte(content), 0); err != nil {
				t.Fatal(err)
			}
			r, err := h.HashFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if r.Hash != HashString(content) {
				t.Fatalf("multigrain %v: write %d was not seen", multigrain, i)
			}
		}
		f.Close()
	}
}

func TestHasherRacy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	writeFile(t, path, "content")
	h := NewHasher()
	h.grain.multigrain = func() bool { return false }
	h.now = func() time.Time { return time.Unix(0, mustStat(t, path).Ctime) }
	r, err := h.HashFile(path)
	if err != nil || !r.Racy {
		t.Fatalf("a file that was just written is not racy: %+v %v", r, err)
	}
	if _, ok := h.Known(r.Stat); ok || len(h.Fresh()) > 0 {
		t.Error("it was kept")
	}
	h.now = func() time.Time { return time.Unix(0, mustStat(t, path).Ctime).Add(tick + 1) }
	if mustStat(t, path).Ctime%1e9 == 0 {
		t.Skip("the clock struck a whole second")
	}
	h.Settle()
	if hash, ok := h.Known(r.Stat); !ok || hash != HashString("content") {
		t.Error("it was not kept when it had settled")
	}
	if fresh := h.Fresh(); len(fresh) != 1 || fresh[0].Path != path {
		t.Errorf("fresh: %v", fresh)
	}
}

func mustStat(t testing.TB, path string) FileStat {
	t.Helper()
	st, err := Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestRacyGrain(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, c := range []struct {
		name       string
		magic      int64
		multigrain bool
		age        time.Duration
		racy       bool
	}{
		{"ext4 multigrain", unix.EXT4_SUPER_MAGIC, true, 0, false},
		{"ext4 coarse, new", unix.EXT4_SUPER_MAGIC, false, time.Millisecond, true},
		{"ext4 coarse, old", unix.EXT4_SUPER_MAGIC, false, 30 * time.Millisecond, false},
		{"nfs, new", unix.NFS_SUPER_MAGIC, true, 2*time.Second + 1, true},
		{"nfs, old", unix.NFS_SUPER_MAGIC, true, 3*time.Second + 1, false},
		{"ext4 coarse, whole second", unix.EXT4_SUPER_MAGIC, false, time.Second, true},
		{"ext4 coarse, future", unix.EXT4_SUPER_MAGIC, false, -time.Hour + 1, true},
	} {
		g := newGrains()
		g.multigrain = func() bool { return c.multigrain }
		g.dev[1] = g.ofType(c.magic)
		st := FileStat{Dev: 1, Ctime: now.Add(-c.age).UnixNano()}
		if got := g.racy(nil, st, now); got != c.racy {
			t.Errorf("%s: racy is %v", c.name, got)
		}
	}
}

func TestHashFiles(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range 50 {
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i)))
		if i != 7 {
			writeFile(t, paths[i], fmt.Sprint("content ", i))
		}
	}
	var calls atomic.Int32
	NewHasher().HashFiles(paths, func(i int, r FileHash, err error) {
		calls.Add(1)
		if i == 7 {
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("missing file: %v", err)
			}
			return
		}
		if err != nil || r.Hash != HashString(fmt.Sprint("content ", i)) {
			t.Errorf("file %d: %v", i, err)
		}
	})
	if calls.Load() != 50 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestHasherSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	writeFile(t, path, "content")
	st := mustStat(t, path)
	h := NewHasher()
	asked := 0
	h.AddSource(func(s FileStat) (Hash, bool) {
		asked++
		return HashString("remembered"), s == st
	})
	for range 2 {
		if r, err := h.HashFile(path); err != nil || r.Hash != HashString("remembered") || r.Stat != st {
			t.Errorf("%+v %v", r, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestDigestSeparatesFields(t *testing.T) {
	seen := map[Hash]int{}
	for i, h := range []Hash{
		NewDigest("a").Sum(),
		NewDigest("b").Sum(),
		NewDigest("a").String("").Sum(),
		NewDigest("a").String("x").String("y").Sum(),
		NewDigest("a").String("xy").Sum(),
		NewDigest("a").Strings([]string{"xy"}).Sum(),
		NewDigest("a").Strings([]string{"x", "y"}).Sum(),
		HashNames([]string{"a"}),
		HashNames(nil),
	} {
		if j, ok := seen[h]; ok {
			t.Errorf("lists %d and %d have the same hash", i, j)
		}
		seen[h] = i
	}
}

// TestStrongKeyMeaning: a strong key changes with what an input means and with
// nothing else.
func TestStrongKeyMeaning(t *testing.T) {
	base := Input{Path: "./a", Kind: InputContent, Mode: 0o644, Hash: HashString("a")}
	key := func(in Input) Hash { return StrongKey(Hash{}, []Input{in}, nil, nil) }
	for _, c := range []struct {
		name   string
		change func(*Input)
		same   bool
	}{
		{"stat", func(in *Input) { in.Stat.Mtime = 5 }, true},
		{"size of a content", func(in *Input) { in.Size = 5 }, true},
		{"path", func(in *Input) { in.Path = "./b" }, false},
		{"kind", func(in *Input) { in.Kind = InputExists }, false},
		{"mode", func(in *Input) { in.Mode = 0o755 }, false},
		{"content", func(in *Input) { in.Hash = HashString("b") }, false},
	} {
		in := base
		c.change(&in)
		if same := key(in) == key(base); same != c.same {
			t.Errorf("%s: same key is %v", c.name, same)
		}
	}
}

func TestParseHash(t *testing.T) {
	h := HashString("x")
	if got, err := ParseHash(h.String()); err != nil || got != h {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "00", h.String()[1:] + "g", h.String() + "00"} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
