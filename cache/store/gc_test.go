package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/cache/labels"
)

// world is a cache with some results, and a clock.
type world struct {
	t     *testing.T
	dir   string
	store *Store
	c     *cache.Client
	blobs *cache.Blobs
}

func newWorld(t *testing.T) *world {
	dir := cacheDir(t)
	s := open(t, dir)
	w := &world{t: t, dir: dir, store: s, c: connect(t, s), blobs: cache.OpenBlobs(dir, cache.BlobOptions{})}
	must(t, w.c.Sync()) // opens the database
	return w
}

// result records a result with one output of 100,000 bytes, used age ago.
func (w *world) result(n int, age time.Duration) *cache.Trace {
	w.t.Helper()
	content := make([]byte, 100_000)
	content[0], content[1] = byte(n), byte(n>>8)
	h, err := w.blobs.PutBytes(content)
	must(w.t, err)
	tr := trace(n)
	tr.Strong = hash(n)
	tr.Outputs = []cache.Output{{Path: "./o", Type: unix.S_IFREG, Hash: h, Size: 100_000}}
	d := w.store.backend.(*holder).db
	d.now = func() time.Time { return time.Now().Add(-age) }
	must(w.t, w.c.PutTrace(hash(n), hash(n), tr))
	d.now = time.Now
	at := time.Now().Add(-age)
	must(w.t, os.Chtimes(w.blobPath(h), at, at))
	return tr
}

func (w *world) blobPath(h cache.Hash) string {
	s := h.String()
	return filepath.Join(w.dir, "blobs", s[:2], s[2:])
}

// has reports whether a result is there, whole.
func (w *world) has(tr *cache.Trace) bool {
	w.t.Helper()
	got, err := w.c.Result(tr.Strong)
	must(w.t, err)
	return got != nil && w.blobs.Has(tr.Outputs[0].Hash)
}

func TestCollectBySize(t *testing.T) {
	w := newWorld(t)
	var traces []*cache.Trace
	for n := range 10 {
		traces = append(traces, w.result(n, time.Duration(20-n)*24*time.Hour))
	}
	fresh := w.result(10, time.Minute)
	graph, err := cache.Load(filepath.Join(w.dir, "trees", "x", "graph"))
	must(t, err)
	graph.Put("pinned", traces[0])
	must(t, graph.Save())

	report, err := w.c.GC(cache.GCLimits{Bytes: 450_000})
	must(t, err)
	if report.After > 450_000 || report.Traces != 7 || report.Blobs != 7 {
		t.Errorf("report: %+v", report)
	}
	for n, tr := range traces {
		if want := n == 0 || n >= 8; w.has(tr) != want {
			t.Errorf("result %d is there: %v", n, !want)
		}
	}
	if !w.has(fresh) {
		t.Error("the result of a minute ago is gone")
	}
	if r, err := w.c.Verify(false); err != nil || r.Missing+r.BadBlobs+r.BadRecords != 0 {
		t.Errorf("verify: %+v %v", r, err)
	}
}

func TestCollectByAge(t *testing.T) {
	w := newWorld(t)
	old, young := w.result(1, 10*24*time.Hour), w.result(2, 2*24*time.Hour)
	_, err := w.c.GC(cache.GCLimits{Age: 5 * 24 * time.Hour})
	must(t, err)
	if w.has(old) || !w.has(young) {
		t.Errorf("old %v, young %v", w.has(old), w.has(young))
	}
}

// TestCollectSpares: who knows that nothing builds has what was just used collected, too.
func TestCollectSpares(t *testing.T) {
	for _, step := range []struct {
		spare      time.Duration
		old, young bool
	}{{0, true, true}, {20 * time.Minute, false, true}, {1, false, false}} {
		w := newWorld(t) // to look whether a result is there is to use it
		old, young := w.result(1, 30*time.Minute), w.result(2, 10*time.Minute)
		_, err := w.c.GC(cache.GCLimits{Bytes: 1, Spare: step.spare})
		must(t, err)
		if w.has(old) != step.old || w.has(young) != step.young {
			t.Errorf("sparing %v: old %v, young %v", step.spare, w.has(old), w.has(young))
		}
	}
}

// TestCollectNothingFromUnreadableGraph: a graph that cannot be read may name
// anything.
func TestCollectNothingFromUnreadableGraph(t *testing.T) {
	w := newWorld(t)
	tr := w.result(1, 10*24*time.Hour)
	path := filepath.Join(w.dir, "trees", "x", "graph")
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte("of another kind"), 0o600))
	if _, err := w.c.GC(cache.GCLimits{Bytes: 1}); err == nil {
		t.Error("no error")
	}
	if !w.has(tr) {
		t.Error("something was collected")
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	a, b := w.result(1, 0), w.result(2, 0)
	path := w.blobPath(a.Outputs[0].Hash)
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	must(t, os.Remove(w.blobPath(b.Outputs[0].Hash)))
	h := hash(2)
	damageRecord(t, w.store.backend.(*holder).db.pebble, key(kindUsed, key(kindTrace, h[:])))

	r, err := w.c.Verify(false)
	must(t, err)
	if r.BadBlobs != 1 || r.BadRecords != 1 || r.Missing != 1 || r.Blobs != 1 {
		t.Errorf("verify: %+v", r)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("verify without fix removed something")
	}
	r, err = w.c.Verify(true)
	must(t, err)
	if r.BadBlobs != 1 || r.BadRecords != 0 {
		t.Errorf("verify with fix: %+v", r)
	}
	r, err = w.c.Verify(false)
	must(t, err)
	if r.BadBlobs != 0 || r.Missing != 2 {
		t.Errorf("after that: %+v", r)
	}
}

// TestCollectCommands: what a single command left is not kept for its sake, what it
// replaced is, and a command that was not run for long is forgotten.
func TestCollectCommands(t *testing.T) {
	w := newWorld(t)
	left, replaced := w.result(1, 10*24*time.Hour), w.result(2, 10*24*time.Hour)
	path := filepath.Join(w.dir, "commands", "x", "graph")
	graph, err := cache.Load(path)
	must(t, err)
	graph.Put("command", &cache.Trace{Outputs: left.Outputs, Befores: replaced.Outputs})
	must(t, graph.Save())
	_, err = w.c.GC(cache.GCLimits{Age: 5 * 24 * time.Hour})
	must(t, err)
	if w.blobs.Has(left.Outputs[0].Hash) || !w.blobs.Has(replaced.Outputs[0].Hash) {
		t.Errorf("left %v, replaced %v", w.blobs.Has(left.Outputs[0].Hash), w.blobs.Has(replaced.Outputs[0].Hash))
	}

	lock, long := filepath.Join(filepath.Dir(path), "lock"), time.Now().Add(-2*commandLife)
	must(t, os.Chtimes(path, long, long))
	collect := func() bool {
		_, err := w.c.GC(cache.GCLimits{Age: 5 * 24 * time.Hour})
		must(t, err)
		_, err = os.Stat(path)
		return err != nil
	}
	if collect() {
		t.Error("forgotten, though its lock is new")
	}
	must(t, os.Chtimes(lock, long, long))
	if !collect() {
		t.Error("not forgotten")
	}
}

// TestCollectKeepsLabels: what a label names stays, though no trace does; and nothing goes
// while there is a label that cannot be read.
func TestCollectKeepsLabels(t *testing.T) {
	w := newWorld(t)
	frozen, other := w.result(1, 10*24*time.Hour), w.result(2, 10*24*time.Hour)
	o := frozen.Outputs[0]
	shelf := labels.Open(w.dir)
	must(t, shelf.Add(&labels.Label{
		Name: "app", Apps: []string{"/opt/app"},
		Entries: []labels.Entry{{Path: "/usr/lib/x.so", Kind: labels.File, Size: o.Size, Hash: o.Hash}},
	}))
	path := filepath.Join(w.dir, "labels", "bad.label")
	must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	collect := func() error {
		_, err := w.c.GC(cache.GCLimits{Age: 5 * 24 * time.Hour})
		return err
	}
	if err := collect(); err == nil || !w.blobs.Has(other.Outputs[0].Hash) {
		t.Errorf("a label that cannot be read: %v, kept %v", err, w.blobs.Has(other.Outputs[0].Hash))
	}
	must(t, os.Remove(path))
	must(t, collect())
	if !w.blobs.Has(o.Hash) || w.blobs.Has(other.Outputs[0].Hash) {
		t.Errorf("labelled %v, other %v", w.blobs.Has(o.Hash), w.blobs.Has(other.Outputs[0].Hash))
	}
}

// TestCollectNear: what a tree has near goes with the time of its last build, and counts.
func TestCollectNear(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-2 * 24 * time.Hour)
	for _, tree := range []string{"old", "built", "new"} {
		dir := filepath.Join(w.dir, "trees", tree)
		must(t, os.MkdirAll(dir, 0o700))
		near := filepath.Join(dir, "near")
		must(t, os.WriteFile(near, make([]byte, 1000), 0o600))
		if tree != "new" {
			must(t, os.Chtimes(near, old, old))
		}
		if tree == "built" {
			graph, err := cache.Load(filepath.Join(dir, "graph"))
			must(t, err)
			graph.Put("t", trace(1))
			must(t, graph.Save())
		}
	}
	stats, err := w.c.Stats()
	must(t, err)
	if stats.Near != 3 || stats.NearBytes != 3000 {
		t.Errorf("stats: %+v", stats)
	}
	report, err := w.c.GC(cache.GCLimits{Bytes: 1})
	must(t, err)
	if report.Near != 1 || report.Before-report.After != 1000 {
		t.Errorf("report: %+v", report)
	}
	for tree, want := range map[string]bool{"old": false, "built": true, "new": true} {
		if _, err := os.Stat(filepath.Join(w.dir, "trees", tree, "near")); (err == nil) != want {
			t.Errorf("near of tree %q: %v", tree, err)
		}
	}
}
