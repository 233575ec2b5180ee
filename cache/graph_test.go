package cache

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// sampleTrace looks like the trace of a compile that reads n headers.
func sampleTrace(n int) *Trace {
	tr := &Trace{
		Target: fmt.Sprintf("src/file%d.o", n),
		Dir:    "/home/u/project",
		Key:    HashBytes([]byte{byte(n)}),
		Recipe: "cc -c -o x.o x.c",
		Env:    []EnvInput{{Name: "CPATH"}},
	}
	for i := range n {
		path := fmt.Sprintf("/usr/include/header%03d.h", i)
		st := FileStat{Dev: 64769, Ino: uint64(1000 + i), Size: int64(100 + i), Mtime: 17e17, Ctime: 17e17 + 5, Mode: unix.S_IFREG | 0o644}
		tr.Inputs = append(tr.Inputs, Input{Path: path, Kind: InputContent, Mode: st.Mode, Hash: HashString(path), Stat: st})
	}
	tr.Outputs = []Output{{
		Path: "./" + tr.Target, Type: unix.S_IFREG, Mode: 0o644, Hash: HashString(tr.Target), Size: 5,
		Stat: FileStat{Dev: 64769, Ino: uint64(100_000 + n), Size: 5, Mtime: 17e17, Ctime: 17e17},
	}}
	return tr
}

func mustLoad(t testing.TB, path string) *Graph {
	t.Helper()
	g, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustSave(t testing.TB, g *Graph) {
	t.Helper()
	if err := g.Save(); err != nil {
		t.Fatal(err)
	}
}

// TestGraphModel compares a graph with a map through random histories of two
// processes that load, change and save.
func TestGraphModel(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		path := filepath.Join(dir, fmt.Sprint(run), "graph")
		saved := map[string]*Trace{}
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			var graphs [2]*Graph
			for i := range graphs {
				g, err := Load(path)
				if err != nil {
					t.Fatal(err)
				}
				graphs[i] = g
			}
			for _, g := range graphs {
				changed := map[string]*Trace{}
				for range rapid.IntRange(0, 5).Draw(t, "changes") {
					name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")
					tr := genTrace().Draw(t, "trace")
					if rapid.Bool().Draw(t, "delete") {
						g.Delete(name)
						changed[name] = nil
						continue
					}
					g.Put(name, tr)
					changed[name] = tr
				}
				for name, tr := range changed {
					if tr == nil {
						delete(saved, name)
						continue
					}
					saved[name] = tr
				}
				if err := g.Save(); err != nil {
					t.Fatal(err)
				}
			}
			compareGraph(t, path, saved)
		}
	})
}

func compareGraph(t *rapid.T, path string, want map[string]*Trace) {
	g, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(want))
	if got := g.Names(); !slices.Equal(got, names) {
		t.Fatalf("names %q, want %q", got, names)
	}
	for name, tr := range want {
		if got := g.Target(name); !reflect.DeepEqual(got, tr) {
			t.Fatalf("%s: got %+v\nwant %+v", name, got, tr)
		}
		e, ok := g.Entry(name)
		if !ok || e.Key() != tr.Key || e.Dir() != tr.Dir || !reflect.DeepEqual(e.Outputs(), tr.Outputs) ||
			!reflect.DeepEqual(e.Tokens(), tr.Tokens) || !slices.Equal(e.Vars(), tr.Vars) {
			t.Fatalf("%s: entry differs from trace", name)
		}
	}
}

func TestGraphSections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	places := []Place{{"a", 1 << 40}, {"b", 1}}
	edges := []Edge{{"a", "gen.h"}}
	writes := []LastWrite{{Target: "x", Hash: HashString("x"), Stat: FileStat{Ino: 7}}}
	g.SetPlaceBelow("b", 2)
	g.SetPlaceBelow("a", 1<<40)
	g.SetPlaceBelow("b", 1)
	g.SetEdges(edges)
	g.SetLastWrites(writes)
	g.SetSection("mine", []byte("text"))
	g.SetSection("gone", []byte("text"))
	mustSave(t, g)
	g.SetSection("gone", nil)
	mustSave(t, g)

	g = mustLoad(t, path)
	if !slices.Equal(g.PlacesBelow(), places) || !slices.Equal(g.Edges(), edges) || !slices.Equal(g.LastWrites(), writes) ||
		string(g.Section("mine")) != "text" || g.Section("gone") != nil {
		t.Errorf("places %v, edges %v, writes %v, mine %q", g.PlacesBelow(), g.Edges(), g.LastWrites(), g.Section("mine"))
	}
	g.SetSection("mine", []byte("text"))
	if g.Dirty() {
		t.Error("storing what is there makes the graph dirty")
	}
}

func TestGraphDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	g.Put("x", sampleTrace(3))
	mustSave(t, g)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	load := func(data []byte) (*Graph, error) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(path)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1
		g, err := load(bad)
		var corrupt *CorruptError
		var version *VersionError
		if !errors.As(err, &corrupt) && !errors.As(err, &version) {
			t.Fatalf("byte %d changed: error is %v", i, err)
		}
		if g.Len() != 0 {
			t.Fatalf("byte %d changed: graph is not empty", i)
		}
		if g, err := load(good[:i]); err == nil || g.Len() != 0 {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}

	g, _ = load(good[:20])
	g.Put("y", sampleTrace(2))
	mustSave(t, g)
	if g := mustLoad(t, path); g.Len() != 1 {
		t.Errorf("a corrupt graph was not replaced: %q", g.Names())
	}
}

func TestGraphOtherVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	w := writer{b: []byte(graphMagic)}
	w.u32(graphVersion + 1)
	data := w.seal()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := Load(path)
	var version *VersionError
	if !errors.As(err, &version) || version.Name != path {
		t.Fatalf("error is %v", err)
	}
	g.Put("x", sampleTrace(1))
	if err := g.Save(); !errors.As(err, &version) {
		t.Fatalf("save over another version: %v", err)
	}
	if now, _ := os.ReadFile(path); !slices.Equal(now, data) {
		t.Error("a graph of another version was changed")
	}
}

func TestGraphOnMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	mine, theirs := mustLoad(t, path), mustLoad(t, path)
	theirs.SetSection("list", []byte("a"))
	mustSave(t, theirs)
	mine.SetSection("list", []byte("b"))
	mine.OnMerge(func(theirs *Graph) { mine.SetSection("list", append(theirs.Section("list"), mine.Section("list")...)) })
	mustSave(t, mine)
	if got := mustLoad(t, path).Section("list"); string(got) != "ab" {
		t.Errorf("list %q", got)
	}
}

// TestGraphSweep replaces traces until the tables are cleaned up.
func TestGraphSweep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	tr := sampleTrace(500)
	for round := range 40 {
		for i := range tr.Inputs {
			tr.Inputs[i].Stat.Ctime = int64(round)
		}
		g.Put("x", tr)
		mustSave(t, g)
	}
	if n := g.img.states.len(); n > 4096+3*500 {
		t.Errorf("%d states for a target with 500 inputs", n)
	}
	if got := mustLoad(t, path).Target("x"); !reflect.DeepEqual(got, tr) {
		t.Error("the trace did not survive")
	}
}

func TestGraphConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	var wg sync.WaitGroup
	for p := range 4 {
		g := mustLoad(t, path) // as if it were a process
		for worker := range 2 {
			wg.Go(func() {
				for i := range 10 {
					name := fmt.Sprintf("t%d.%d.%d", p, worker, i)
					g.Put(name, sampleTrace(i))
					if err := g.Save(); err != nil {
						t.Error(err)
					}
					if g.Target(name) == nil {
						t.Errorf("%s vanished", name)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := mustLoad(t, path).Len(); n != 80 {
		t.Errorf("%d targets, want 80", n)
	}
}

func TestCheckerAsksOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	for i := range 20 {
		g.Put(fmt.Sprint(i), sampleTrace(100+i))
	}
	mustSave(t, g)
	asked := map[string]int{}
	bad := ""
	c := g.NewChecker(func(in *Input) bool {
		asked[in.Path]++
		return in.Path != bad
	})
	holds := func(name string) bool {
		e, ok := g.Entry(name)
		if !ok {
			t.Fatal("no entry", name)
		}
		return c.Holds(&e, nil) == nil
	}
	for i := range 20 {
		if !holds(fmt.Sprint(i)) {
			t.Errorf("%d does not hold", i)
		}
	}
	for path, n := range asked {
		if n != 1 {
			t.Errorf("asked %d times about %s", n, path)
		}
	}
	bad = "/usr/include/header110.h"
	if !holds("15") {
		t.Error("asked again without Forget")
	}
	c.Forget(bad)
	if holds("15") || !holds("5") {
		t.Error("after Forget, exactly the traces with that input must not hold")
	}
}

// What is entered in the graph after a path was first forgotten is forgotten, too.
func TestCheckerForgetsLaterEntries(t *testing.T) {
	g := mustLoad(t, filepath.Join(t.TempDir(), "graph"))
	g.Put("1", sampleTrace(1))
	bad := ""
	c := g.NewChecker(func(in *Input) bool { return in.Path != bad })
	holds := func(name string) bool {
		e, ok := g.Entry(name)
		if !ok {
			t.Fatal("no entry", name)
		}
		return c.Holds(&e, nil) == nil
	}
	if !holds("1") {
		t.Fatal("1 does not hold")
	}
	c.Forget("anything")
	g.Put("2", sampleTrace(2))
	if !holds("2") {
		t.Fatal("2 does not hold")
	}
	bad = "/usr/include/header001.h"
	c.Forget(bad)
	if holds("2") {
		t.Error("2 holds with an input that was forgotten and has changed")
	}
}

func TestStatSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	tr := sampleTrace(3)
	g.Put("x", tr)
	extra := StatEntry{"./y", FileStat{Ino: 9, Ctime: 4}, HashString("y")}
	g.PutStats([]StatEntry{extra})
	mustSave(t, g)
	source := mustLoad(t, path).StatSource()
	for _, want := range []StatEntry{
		extra,
		{"", tr.Inputs[1].Stat, tr.Inputs[1].Hash},
		{"", tr.Outputs[0].Stat, tr.Outputs[0].Hash},
	} {
		if h, ok := source(want.Stat); !ok || h != want.Hash {
			t.Errorf("%v: %v %v", want, h.Short(), ok)
		}
	}
	if _, ok := source(FileStat{Ino: 10}); ok {
		t.Error("knows what nobody stored")
	}
}

// TestSuspectAfterPowerLoss: files that were changed shortly before a save
// under another boot are not believed by stat until they were read again.
func TestSuspectAfterPowerLoss(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g := mustLoad(t, path)
	g.boot = "first"
	tr := sampleTrace(2)
	now := time.Now().UnixNano()
	old, recent := &tr.Inputs[0].Stat, &tr.Inputs[1].Stat
	old.Ctime, recent.Ctime = now-int64(24*writeback), now-int64(writeback/2)
	g.Put("x", tr)
	mustSave(t, g)
	if g.Suspect(*recent) {
		t.Error("suspect under the same boot")
	}

	g = mustLoad(t, path)
	if g.Suspect(*old) || !g.Suspect(*recent) {
		t.Error("after a reboot the recent file must be suspect, the old one not")
	}
	if _, ok := g.StatSource()(*recent); ok {
		t.Error("the stat cache believes a suspect stat")
	}
	g.PutStats([]StatEntry{{"/h", *recent, tr.Inputs[1].Hash}})
	mustSave(t, g)
	g = mustLoad(t, path)
	if g.Suspect(*recent) {
		t.Error("still suspect after it was read again")
	}
	if _, ok := g.StatSource()(*recent); !ok {
		t.Error("the stat cache does not know what was read again")
	}
}

// FuzzGraph gives the parser bytes under a right checksum and walks everything.
func FuzzGraph(f *testing.F) {
	img := newImage()
	var names, recs []string
	for i := range 5 {
		names = append(names, fmt.Sprint("t", i))
		recs = append(recs, img.encode(sampleTrace(i*10)))
	}
	good := img.bytes(names, recs)
	f.Add(good[:len(good)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		w := writer{b: slices.Clone(body)}
		data := w.seal()
		img, err := parseImage(textOf(data), data)
		if err != nil {
			return
		}
		g := &Graph{img: img}
		c := g.NewChecker(func(*Input) bool { return true })
		for _, name := range append(g.Names(), "t0", "t1") {
			g.Target(name)
			if e, ok := g.Entry(name); ok {
				c.Holds(&e, nil)
			}
		}
		g.StatSource()(FileStat{})
		g.PlacesBelow()
	})
}
