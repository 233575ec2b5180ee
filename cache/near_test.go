package cache

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func nearTrace(target string, key, strong byte) *Trace {
	return &Trace{Target: target, FullKey: Hash{key}, Strong: Hash{strong}, Recipe: "cc"}
}

func putNear(n *Near, t *Trace) { n.PutResult(t.Target, t, EncodeTrace(t)) }

// strongOf lists the results of a target.
func strongOf(n *Near, target string, key, inForce byte) string {
	var s []byte
	for t := range n.Results(target, Hash{key}, Hash{inForce}) {
		s = append(s, t.Strong[0])
	}
	return string(s)
}

func TestNearIsFoundByOthers(t *testing.T) {
	dir := t.TempDir()
	n := newNear(dir)
	h := HashString("content")
	n.PutSmall(h, []byte("content"))
	putNear(n, nearTrace("a", 'k', '1'))
	putNear(n, nearTrace("b", 'k', '2'))
	for _, n := range []*Near{n, newNear(dir)} {
		if data, ok := n.Small(h); !ok || string(data) != "content" || !n.HasSmall(h) {
			t.Errorf("content: %q, %v", data, ok)
		}
		if n.HasSmall(HashString("other")) {
			t.Error("a content that nobody put")
		}
		if got := strongOf(n, "a", 'k', 0); got != "1" {
			t.Errorf("results: %q", got)
		}
		if got := strongOf(n, "a", 'x', 0); got != "" {
			t.Errorf("results of another recipe: %q", got)
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func TestNearKeepsTheLastResults(t *testing.T) {
	for _, c := range []struct {
		put, want string
		inForce   byte
	}{
		{"12", "21", 0},
		{"12", "12", '2'}, // what is in force comes last
		{"121", "12", 0},
		{"123456", "6543", 0},
		{"123412", "2143", 0},
		{"123412", "2431", '1'},
	} {
		for _, read := range []bool{false, true} {
			n := newNear(t.TempDir())
			if read {
				n.HasSmall(Hash{})
			}
			for _, s := range []byte(c.put) {
				putNear(n, nearTrace("a", 'k', s))
			}
			if got := strongOf(n, "a", 'k', c.inForce); got != c.want {
				t.Errorf("put %s: %s, want %s", c.put, got, c.want)
			}
			n.Close()
		}
	}
}

func TestNearPassesOverWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	first, second := HashString("first"), HashString("second")
	n := newNear(dir)
	n.PutSmall(first, []byte("first"))
	n.PutSmall(second, []byte("no such content"))
	n.Close()
	path := filepath.Join(dir, "near")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for end := range len(whole) {
		if err := os.WriteFile(path, whole[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		n := newNear(dir)
		n.PutSmall(second, []byte("second"))
		n.Close()
		n = newNear(dir)
		if data, ok := n.Small(second); !ok || string(data) != "second" {
			t.Fatalf("cut at %d: %q, %v", end, data, ok)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	n = newNear(dir)
	if _, ok := n.Small(second); ok || n.HasSmall(second) {
		t.Error("a content that does not hash to its name")
	}
	if !n.HasSmall(first) {
		t.Error("the entry before it is gone")
	}
}

// nearIDs lists the contents and the results in a log, by the first bytes of their names.
func nearIDs(log []byte) string {
	var ids []byte
	frames(log, func(entry []byte) {
		if h, _, ok := readSmall(entry); ok {
			ids = append(ids, h[0])
		}
		if _, p, ok := readResult(entry); ok {
			ids = append(ids, p.strong[0])
		}
	})
	return string(ids)
}

func TestNearKeepsWhatCounts(t *testing.T) {
	small := func(c byte) []byte {
		return frameEntry(nearSmall, func(w *writer) { w.hash(Hash{c}); w.b = append(w.b, "content"...) })
	}
	result := func(target string, strong, left byte) []byte {
		r := nearTrace(target, 'k', strong)
		r.Outputs = []Output{{Path: target, Type: 0o100000, Hash: Hash{left}}}
		return frameEntry(nearResult, func(w *writer) {
			w.str(target)
			w.hash(r.FullKey)
			w.hash(r.Strong)
			w.b = append(w.b, EncodeTrace(r)...)
		})
	}
	damaged := frameEntry(nearResult, func(w *writer) { w.str("a"); w.hash(Hash{'k'}); w.hash(Hash{'9'}) })
	size := len(result("a", '1', 'x'))
	for _, c := range []struct {
		log        [][]byte
		want       string
		fits, more int // how many results, and bytes more
	}{
		{[][]byte{small('x'), small('y'), result("a", '1', 'x')}, "x1", 9, 0},
		{[][]byte{small('x'), result("a", '1', 'x'), small('x')}, "1x", 9, 0},
		{[][]byte{result("a", '1', 0), result("b", '2', 0), result("a", '1', 0)}, "21", 9, 0},
		{[][]byte{result("a", '1', 0), result("a", '2', 0), result("a", '3', 0), result("a", '4', 0), result("a", '5', 0)}, "2345", 9, 0},
		{[][]byte{result("a", '1', 0), result("a", '2', 0), result("b", '3', 0)}, "23", 2, 1},
		{[][]byte{damaged, result("a", '1', 0)}, "1", 9, 0},
		{[][]byte{result("a", '1', 0)}, "", 0, 0},
	} {
		got := counting(slices.Concat(c.log...), c.fits*size+c.more)
		if ids := nearIDs(got); ids != c.want {
			t.Errorf("kept %q, want %q", ids, c.want)
		}
	}
}

func TestNearIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	n := newNear(dir)
	large := nearTrace("a", 'k', '1')
	large.Recipe = string(make([]byte, smallNear/4))
	for i := range 40 {
		large.Strong[0] = byte('0' + i)
		putNear(n, large)
	}
	st := mustStat(t, n.path)
	if st.Size > 2*smallNear+smallNear/2 {
		t.Errorf("%d bytes", st.Size)
	}
	if got, want := strongOf(newNear(dir), "a", 'k', 0), "WVUT"; got != want {
		t.Errorf("results %q, want %q", got, want)
	}
	n.Close()
}

func TestNearThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "near"), 0o700); err != nil {
		t.Fatal(err)
	}
	n := newNear(dir)
	n.PutSmall(HashString("x"), []byte("x"))
	if n.HasSmall(HashString("x")) {
		t.Error("it is there")
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzNear(f *testing.F) {
	n := newNear(f.TempDir())
	n.PutSmall(HashString("x"), []byte("x"))
	putNear(n, nearTrace("a", 'k', '1'))
	n.Close()
	log, err := os.ReadFile(n.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(log)
	f.Fuzz(func(t *testing.T, log []byte) {
		n := newNear(t.TempDir())
		if err := os.WriteFile(n.path, log, 0o600); err != nil {
			t.Fatal(err)
		}
		if data, ok := n.Small(HashString("x")); ok && string(data) != "x" {
			t.Errorf("another content: %q", data)
		}
		for r := range n.Results("a", Hash{'k'}, Hash{}) {
			if r.FullKey != (Hash{'k'}) {
				t.Error("a result of another recipe")
			}
		}
		again := counting(log, len(log))
		if string(counting(again, len(again))) != string(again) {
			t.Error("what is kept is not kept again")
		}
	})
}
