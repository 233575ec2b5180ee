package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"fmake/cache"
)

// TestWritesFail makes every write fail from the n-th on, for many n: pebble
// must neither end the process nor hang, calls say that the store is
// unavailable, and what is on disk opens again with all that was synced.
func TestWritesFail(t *testing.T) {
	for n := int32(0); n < 60; n += 1 + n/8 {
		mem := vfs.NewMem()
		dir := cacheDir(t)
		var warned []error
		failing := errorfs.Wrap(mem, errorfs.ErrInjected.If(errorfs.And(errorfs.Writes, errorfs.OnIndex(n))))
		s, err := Open(dir, onFS(failing), Warn(func(err error) { warned = append(warned, err) }))
		must(t, err)
		synced := putUntilFailure(t, connect(t, s))
		must(t, s.Close())
		if synced < 200 && len(warned) == 0 {
			t.Errorf("write %d failed: no warning", n)
		}

		c := connect(t, open(t, dir, onFS(mem)))
		for i := range synced {
			if got, err := c.Result(hash(i)); err != nil || got == nil {
				t.Fatalf("write %d failed: synced trace %d is lost: %v", n, i, err)
			}
		}
	}
}

// putUntilFailure puts and syncs traces until a call fails, and returns how
// many were synced.
func putUntilFailure(t *testing.T, c *cache.Client) int {
	for i := range 200 {
		err := c.PutTrace(hash(i), hash(i), trace(i))
		if err == nil {
			err = c.Sync()
		}
		if err != nil {
			if !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			if _, err := c.Result(hash(0)); !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("after a failed write: %v", err)
			}
			return i
		}
	}
	return 200
}

// TestPowerLoss loses a random part of what was not synced: what was synced is
// there, and nothing that is there is wrong.
func TestPowerLoss(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := vfs.NewCrashableMem()
		dir := cacheDir(t)
		s := open(t, dir, onFS(mem))
		c := connect(t, s)
		put := rapid.IntRange(0, 40).Draw(rt, "put")
		syncAt := rapid.IntRange(0, 40).Draw(rt, "sync")
		synced := 0
		for i := range put {
			must(t, c.PutTrace(hash(i%7), hash(i), trace(i)))
			if i == syncAt {
				must(t, c.Sync())
				synced = i + 1
			}
		}
		crashed := mem.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(rt, "kept"),
			RNG:                 newRand(rapid.Uint64().Draw(rt, "seed")),
		})
		must(t, s.Close())
		c = connect(t, open(t, dir, onFS(crashed)))
		for i := range put {
			got, err := c.Result(hash(i))
			if err != nil || got == nil && i < synced || got != nil && got.Target != trace(i).Target {
				rt.Fatalf("trace %d of %d, %d synced: %v %v", i, put, synced, got, err)
			}
		}
		for key := range 7 {
			if _, err := c.PathSets(hash(key)); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// TestDamagedRecord: a record whose checksum is wrong is reported once, dropped
// and counted, and can be written again.
func TestDamagedRecord(t *testing.T) {
	dir := cacheDir(t)
	s := open(t, dir)
	c := connect(t, s)
	must(t, c.PutTrace(hash(1), hash(1), trace(1)))
	small, err := c.PutSmall([]byte("content"))
	must(t, err)
	p := s.backend.(*holder).db.pebble
	h := hash(1)
	for _, k := range [][]byte{key(kindTrace, h[:]), key(kindSmall, small[:])} {
		damageRecord(t, p, k)
	}
	var corrupt *cache.CorruptError
	if _, err := c.Result(h); !errors.As(err, &corrupt) {
		t.Errorf("damaged trace: %v", err)
	}
	if _, err := c.GetSmall(small); !errors.As(err, &corrupt) {
		t.Errorf("damaged content: %v", err)
	}
	if got, err := c.Result(h); got != nil || err != nil {
		t.Errorf("after that: %v %v", got, err)
	}
	must(t, c.PutTrace(h, h, trace(1)))
	if got, err := c.Result(h); got == nil || err != nil {
		t.Errorf("written again: %v %v", got, err)
	}
	if st, err := c.Stats(); err != nil || st.Dropped != 2 {
		t.Errorf("stats: %+v %v", st, err)
	}
}

func damageRecord(t *testing.T, p *pebble.DB, k []byte) {
	t.Helper()
	value, closer, err := p.Get(k)
	must(t, err)
	bad := slices.Clone(value)
	closer.Close()
	bad[len(bad)/2] ^= 4
	must(t, p.Set(k, bad, pebble.NoSync))
}

// TestDamagedFiles flips bytes in each file of the database: calls may fail or
// miss, never lie, hang or end the process, and the store can be used again.
func TestDamagedFiles(t *testing.T) {
	dir := cacheDir(t)
	s := open(t, dir)
	c := connect(t, s)
	for i := range 50 {
		must(t, c.PutTrace(hash(i), hash(i), trace(i)))
	}
	must(t, s.backend.(*holder).db.pebble.Flush())
	for i := 50; i < 60; i++ {
		must(t, c.PutTrace(hash(i), hash(i), trace(i)))
	}
	must(t, c.Sync())
	must(t, s.Close())
	files, err := os.ReadDir(filepath.Join(dir, storeName))
	must(t, err)
	for _, f := range files {
		for _, at := range []int{0, 1, 2} { // thirds of the file
			t.Run(f.Name(), func(t *testing.T) { damagedFile(t, dir, f.Name(), at) })
		}
	}
}

func damagedFile(t *testing.T, from, name string, at int) {
	dir := cacheDir(t)
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.CopyFS(filepath.Join(dir, storeName), os.DirFS(filepath.Join(from, storeName))))
	path := filepath.Join(dir, storeName, name)
	data, err := os.ReadFile(path)
	must(t, err)
	if len(data) == 0 {
		t.Skip("an empty file")
	}
	data[len(data)*at/3] ^= 0x55
	must(t, os.WriteFile(path, data, 0o600))
	for range 2 { // the second holder begins anew if need be
		s := open(t, dir)
		c := connect(t, s)
		for i := range 60 {
			got, err := c.Result(hash(i))
			if err == nil && got != nil && got.Target != trace(i).Target {
				t.Fatalf("trace %d is %q", i, got.Target)
			}
		}
		must(t, s.Close())
	}
	c := connect(t, open(t, dir))
	must(t, c.PutTrace(hash(1), hash(1), trace(1)))
	if got, err := c.Result(hash(1)); err != nil || got == nil {
		t.Errorf("afterwards: %v %v", got, err)
	}
}
