package remote

import (
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fmake/cache"
	"fmake/cache/endpoint"
	"fmake/tests/reapi"
)

// TestTravels has results travel between machines, by servers of all kinds.
func TestTravels(t *testing.T) {
	for _, quirks := range []string{"", "nocaps", "inline", "checks", "blake3", "zstd", "blake3 zstd inline", "smallcas"} {
		t.Run(quirks, func(t *testing.T) {
			s := startServer(t, strings.Fields(quirks)...)
			newMachine(t, s).put(t, 8)
			other := newMachine(t, s)
			for i := range 8 {
				if !other.take(t, i) {
					t.Errorf("result %d is not there", i)
				}
			}
			if other.take(t, 9) {
				t.Error("a result is there that nobody has put")
			}
			r, _ := result(3)
			if got, err := other.client.Result(r.Strong); err != nil || got == nil {
				t.Errorf("it was not kept: %v, %v", got, err)
			}
			if stats, err := other.client.Stats(); err != nil || stats.Far != 8 {
				t.Errorf("%d results were counted, %v", stats.Far, err)
			}
		})
	}
}

// TestSetsAreMerged has two machines put runs of one key that have looked at other paths.
func TestSetsAreMerged(t *testing.T) {
	s := startServer(t)
	for i := range cache.MaxPathSets + 2 {
		m := newMachine(t, s)
		r, _ := result(0)
		r.Outputs, r.Procs = nil, nil
		r.Env[0].Name = string(rune('a' + i))
		r.Strong = cache.StrongKey(r.FullKey, r.Inputs, r.Env, nil)
		if err := m.client.PutTrace(r.FullKey, r.Strong, r); err != nil {
			t.Fatal(err)
		}
		if err := m.client.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := result(0)
	sets, err := newMachine(t, s).client.FarSets(r.FullKey)
	if err != nil || len(sets) != cache.MaxPathSets {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	for i, set := range sets {
		if want := string(rune('a' + cache.MaxPathSets + 1 - i)); set.Env[0] != want {
			t.Errorf("set %d is %q, want %q", i, set.Env[0], want)
		}
	}
}

// TestOnceHashed has a content given twice that is hashed with SHA256 once.
func TestOnceHashed(t *testing.T) {
	s := startServer(t)
	m := newMachine(t, s)
	m.put(t, 1)
	_, contents := result(0)
	for _, c := range contents {
		if alias, err := m.client.GetAlias(cache.HashString(c)); err != nil || alias.IsZero() {
			t.Errorf("its other hash is not known: %v", err)
		}
	}
}

// TestForeign refuses results that would do what they should not, in either direction.
func TestForeign(t *testing.T) {
	for name, change := range map[string]func(*cache.Trace){
		"out of the project": func(r *cache.Trace) { r.Outputs[0].Path = "./../large" },
		"absolute":           func(r *cache.Trace) { r.Outputs[0].Path = "/large" },
		"behind a link":      func(r *cache.Trace) { r.Outputs[2].Path = "./link/small" },
		"not clean":          func(r *cache.Trace) { r.Outputs[0].Path = "./a/../large" },
		"setuid":             func(r *cache.Trace) { r.Outputs[2].Mode |= 0o4000 },
		"device":             func(r *cache.Trace) { r.Outputs[2].Type = 0o020000 },
		"replaces":           func(r *cache.Trace) { r.Befores = r.Outputs[2:] },
		"no function":        func(r *cache.Trace) { r.Flags |= cache.NoStore },
		"stream":             func(r *cache.Trace) { r.Chunks[0].Stream = 9 },
		"process":            func(r *cache.Trace) { r.Procs[0].Reads = []uint32{5} },
		"parent":             func(r *cache.Trace) { r.Procs[0].Parent = 1 },
	} {
		r, _ := result(0)
		change(r)
		if cache.CheckPortable(r) == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, ok := cache.Portable(r); ok {
			t.Errorf("%s: given away", name)
		}
	}
	r, _ := result(0)
	p, ok := cache.Portable(r)
	if !ok || p.Procs[0].Env != nil || p.Inputs[0].Stat != (cache.FileStat{}) || p.Outputs[0].Stat != (cache.FileStat{}) {
		t.Errorf("what travels says too much: %+v", p)
	}
	if r.Procs[0].Env == nil || r.Inputs[0].Stat.Ino == 0 {
		t.Error("what stays has lost something")
	}
}

// TestBad asks servers that are of no use: nothing wrong comes from them, what is wrong is
// said once, and they cost little time.
func TestBad(t *testing.T) {
	for _, test := range []struct {
		quirks string
		found  bool
		says   string // part of what is said; "" for nothing
	}{
		{"hang", false, "does not answer in time"},
		{"hangreads", false, "does not answer in time"},
		{"slow", true, ""}, // or a time-out, see below
		{"closed", false, "does not let us in: who are you?"},
		{"closed long", false, "..."},
		{"garbage", false, "it is no cache"},
		{"forgets", false, ""},
		{"forgets checks", false, ""},
		{"lies", false, "not what its name says"},
		{"lies inline", false, "not what its name says"},
		{"swaps", false, "belongs to something else"},
		{"full", true, ""},
		{"readonly", true, ""},
	} {
		t.Run(test.quirks, func(t *testing.T) {
			s := startServer(t)
			newMachine(t, s).put(t, 12)
			change(t, s, test.quirks)
			m := newMachine(t, s)
			begun := time.Now()
			said, found := ask(m, t, 12)
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("it took %v", took)
			}
			if test.quirks == "slow" {
				if len(said) > 1 {
					t.Errorf("said %q", said)
				}
				return
			}
			if want := map[bool]int{true: 12}[test.found]; found != want {
				t.Errorf("%d results were found, want %d", found, want)
			}
			switch {
			case test.says == "" && len(said) > 0, len(said) > 1:
				t.Errorf("said %q", said)
			case test.says != "" && (len(said) != 1 || !strings.Contains(said[0], test.says) || len(said[0]) > 300 || strings.ContainsAny(said[0], "\n\x1b")):
				t.Errorf("said %q, want %q", said, test.says)
			}
		})
	}
}

// TestBadTaker gives to servers that are of no use: it is said once, and does not take long.
func TestBadTaker(t *testing.T) {
	for quirks, says := range map[string]string{
		"hang":     "did not get there in time",
		"slow":     "did not get there in time",
		"full":     "takes no more results: the disk is full (ResourceExhausted)",
		"closed":   "takes no more results: who are you?",
		"readonly": "takes no more results: it cannot be written",
		"garbage":  "takes no more results: the answer makes no sense",
	} {
		t.Run(quirks, func(t *testing.T) {
			s := startServer(t, strings.Fields(quirks)...)
			m := newMachine(t, s, endpoint.Wait+"=1")
			for i := range 12 {
				r, contents := result(i)
				for _, c := range contents {
					_, _ = m.contents.PutBytes([]byte(c))
				}
				if err := m.client.PutTrace(r.FullKey, r.Strong, r); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			err := m.client.Flush()
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("said %v, want %q", err, says)
			}
			if err := m.client.Flush(); err != nil {
				t.Errorf("said again: %v", err)
			}
		})
	}
}

// TestDies has the server die between two questions, and come back.
func TestDies(t *testing.T) {
	s := startServer(t)
	newMachine(t, s).put(t, 2)
	m := newMachine(t, s)
	if !m.take(t, 0) {
		t.Fatal("it is not there")
	}
	s.Stop()
	if said, found := ask(m, t, 2); found != 0 || len(said) != 1 || !strings.Contains(said[0], "cannot be reached") {
		t.Errorf("found %d, said %q", found, said)
	}
}

func change(t *testing.T, s *reapi.Server, words string) {
	t.Helper()
	q, err := reapi.ParseQuirks(strings.Fields(words))
	if err != nil {
		t.Fatal(err)
	}
	s.SetQuirks(q)
}

// ask takes results, and returns what was said meanwhile and how many were found.
func ask(m *machine, t *testing.T, n int) (said []string, found int) {
	t.Helper()
	hear := func(err error) {
		var far *cache.FarError
		if errors.As(err, &far) {
			said = append(said, far.Why)
		}
	}
	for i := range n {
		r, _ := result(i)
		_, err := m.client.FarSets(r.FullKey)
		hear(err)
		got, err := m.client.FarResult(r.Strong)
		hear(err)
		if got != nil && m.take(t, i) {
			found++
		}
	}
	hear(m.client.Flush())
	return said, found
}

var poisons = flag.Int("poisons", 10, "how often TestPoison damages what a server holds, in each way")

// TestPoison damages what a server holds, at random, and looks that nothing wrong comes
// from it.
func TestPoison(t *testing.T) {
	s := startServer(t)
	const results = 4
	newMachine(t, s).put(t, results)
	sound := s.Snapshot()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for _, way := range reapi.Poisons() {
		t.Run(way, func(t *testing.T) {
			lost := 0
			for range *poisons {
				s.Restore(sound)
				for range 1 + r.IntN(3) {
					s.Poison(way, r)
				}
				m := newMachine(t, s)
				for i := range results {
					if !m.take(t, i) {
						lost++
					}
				}
				m.close()
			}
			if lost == 0 && way != reapi.Harmless {
				t.Error("no damage was ever met")
			}
		})
	}
}
