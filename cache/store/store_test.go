package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"fmake/cache"
)

// connect returns a client of s.
func connect(t testing.TB, s *Store) *cache.Client {
	t.Helper()
	ours, theirs := net.Pipe()
	go s.Serve(theirs)
	c := cache.NewClient(ours)
	t.Cleanup(func() { c.Close() })
	return c
}

func open(t testing.TB, dir string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// cacheDir returns a folder as the cache's is: the user's alone.
func cacheDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "cache")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func trace(n int) *cache.Trace {
	return &cache.Trace{
		Target:   fmt.Sprint("t", n),
		Duration: 1000,
		Inputs:   []cache.Input{{Path: fmt.Sprintf("./%d.c", n), Kind: cache.InputContent, Hash: hash(n)}},
		Env:      []cache.EnvInput{{Name: "CPATH"}},
	}
}

func hash(n int) cache.Hash { return cache.HashString(fmt.Sprint(n)) }

func TestTwoPhaseLookUp(t *testing.T) {
	dir := cacheDir(t)
	s := open(t, dir)
	c := connect(t, s)
	key := hash(-1)
	if sets, err := c.PathSets(key); err != nil || sets != nil {
		t.Fatalf("empty store: %v %v", sets, err)
	}
	if tr, err := c.Result(key); err != nil || tr != nil {
		t.Fatalf("empty store: %v %v", tr, err)
	}
	for n := range cache.MaxPathSets + 3 {
		must(t, c.PutTrace(key, hash(n), trace(n)))
	}
	must(t, c.PutTrace(key, hash(5), trace(5))) // again: the most recent
	must(t, c.Sync())
	must(t, s.Close())

	c = connect(t, open(t, dir))
	sets, err := c.PathSets(key)
	must(t, err)
	if len(sets) != cache.MaxPathSets || !reflect.DeepEqual(sets[0], cache.SetOf(trace(5))) ||
		!reflect.DeepEqual(sets[1], cache.SetOf(trace(cache.MaxPathSets+2))) {
		t.Errorf("sets: %v", sets)
	}
	for n := range cache.MaxPathSets + 3 {
		if got, err := c.Result(hash(n)); err != nil || !reflect.DeepEqual(got, trace(n)) {
			t.Errorf("trace %d: %v %v", n, got, err)
		}
	}
	st, err := c.Stats()
	must(t, err)
	if st.Hits != cache.MaxPathSets+3 || st.Misses != 2 || st.Saved != 1000*st.Hits || st.Traces != st.Hits {
		t.Errorf("stats: %+v", st)
	}
}

func TestSmallContents(t *testing.T) {
	c := connect(t, open(t, cacheDir(t)))
	for _, content := range []string{"", "x"} {
		h, err := c.PutSmall([]byte(content))
		must(t, err)
		got, err := c.GetSmall(h)
		if err != nil || string(got) != content {
			t.Errorf("%q: %q %v", content, got, err)
		}
		if ok, err := c.HasSmall(h); !ok || err != nil {
			t.Errorf("has %q: %v %v", content, ok, err)
		}
	}
	if _, err := c.GetSmall(hash(1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestStatCache(t *testing.T) {
	c := connect(t, open(t, cacheDir(t)))
	a, b := cache.FileStat{Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5}, cache.FileStat{Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 6}
	must(t, c.PutStats([]cache.StatEntry{{Path: "/a", Stat: a, Hash: hash(1)}}))
	got, err := c.GetStats([]cache.FileStat{b, a})
	must(t, err)
	if !got[0].IsZero() || got[1] != hash(1) {
		t.Errorf("got %v", got)
	}
	if h, ok := c.StatSource()(a); !ok || h != hash(1) {
		t.Error("the source does not know it")
	}
}

func TestConcurrentCalls(t *testing.T) {
	s := open(t, cacheDir(t))
	var wg sync.WaitGroup
	for conn := range 4 {
		c := connect(t, s)
		for worker := range 4 {
			wg.Go(func() {
				for i := range 25 {
					n := conn*10000 + worker*1000 + i
					if err := c.PutTrace(hash(n), hash(n), trace(n)); err != nil {
						t.Error(err)
					}
					if got, err := c.Result(hash(n)); err != nil || got == nil || got.Target != trace(n).Target {
						t.Errorf("%d: %v %v", n, got, err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestReadOnly(t *testing.T) {
	dir := cacheDir(t)
	rw := open(t, dir)
	must(t, connect(t, rw).PutTrace(hash(1), hash(1), trace(1)))
	c := connect(t, open(t, dir, ReadOnly()))
	if err := c.PutTrace(hash(2), hash(2), trace(2)); !errors.Is(err, cache.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
	if got, err := c.Result(hash(1)); err != nil || got == nil {
		t.Errorf("get: %v %v", got, err)
	}
}

// TestSharing: the second engine goes through the first, and takes over when it
// ends, without its clients noticing.
func TestSharing(t *testing.T) {
	dir := cacheDir(t)
	first, second, third := open(t, dir), open(t, dir), open(t, dir)
	a, b, c := connect(t, first), connect(t, second), connect(t, third)
	must(t, a.PutTrace(hash(1), hash(1), trace(1)))
	for _, client := range []*cache.Client{b, c} {
		if got, err := client.Result(hash(1)); err != nil || got == nil {
			t.Fatalf("through the holder: %v %v", got, err)
		}
	}
	must(t, first.Close())
	must(t, b.PutTrace(hash(2), hash(2), trace(2)))
	for n := 1; n <= 2; n++ {
		if got, err := c.Result(hash(n)); err != nil || got == nil {
			t.Errorf("after the holder ended, trace %d: %v %v", n, got, err)
		}
	}
}

func TestOtherVersion(t *testing.T) {
	dir := cacheDir(t)
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, versionName), []byte("fmake store 9\n"), 0o600))
	_, err := Open(dir)
	var version *cache.VersionError
	if !errors.As(err, &version) || version.Found != "fmake store 9" {
		t.Fatalf("error is %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, storeName)); err == nil {
		t.Error("the store was touched")
	}
}

// TestDamagedVersion: a store of which nobody can tell what it holds is begun anew.
func TestDamagedVersion(t *testing.T) {
	for _, text := range []string{"", "\x00\x00\n", "fmake"} {
		dir := cacheDir(t)
		st := open(t, dir)
		must(t, connect(t, st).PutTrace(hash(1), hash(1), trace(1)))
		must(t, st.Close())
		must(t, os.WriteFile(filepath.Join(dir, versionName), []byte(text), 0o600))
		c := connect(t, open(t, dir))
		if got, err := c.Result(hash(1)); err != nil || got != nil {
			t.Errorf("%q: a result of the damaged store: %v %v", text, got, err)
		}
		must(t, c.PutTrace(hash(2), hash(2), trace(2)))
		if found, err := readVersion(dir); err != nil || found != format {
			t.Errorf("%q: the version is %q, %v", text, found, err)
		}
	}
}

func TestOthersFolder(t *testing.T) {
	dir := cacheDir(t)
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.Chmod(dir, 0o777))
	if err := connect(t, open(t, dir)).PutTrace(hash(1), hash(1), trace(1)); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("a folder that everybody can write: %v", err)
	}
}

func TestLongCacheDir(t *testing.T) {
	dir := cacheDir(t)
	for range 5 {
		dir = filepath.Join(dir, "a-folder-with-a-name-of-forty-characters")
	}
	first, second := open(t, dir), open(t, dir)
	must(t, connect(t, first).PutTrace(hash(1), hash(1), trace(1)))
	if got, err := connect(t, second).Result(hash(1)); err != nil || got == nil {
		t.Errorf("through the socket: %v %v", got, err)
	}
}

// TestOpenIsLazy: an engine that never asks leaves nothing behind.
func TestOpenIsLazy(t *testing.T) {
	dir := cacheDir(t)
	must(t, open(t, dir).Close())
	if _, err := os.Stat(dir); err == nil {
		t.Error("Open made the folder")
	}
}

func TestRefusedFrames(t *testing.T) {
	s := open(t, cacheDir(t))
	c := connect(t, s)
	for _, payload := range [][]byte{nil, []byte("short")} {
		for op := range 14 {
			if op == 0 || op == 10 || op == 11 || op == 12 || op == 13 {
				continue
			}
			if _, _, err := c.Call(byte(op), payload, 0); err != nil {
				t.Fatalf("op %d: %v", op, err)
			}
		}
	}
	must(t, c.PutTrace(hash(1), hash(1), trace(1)))
}
