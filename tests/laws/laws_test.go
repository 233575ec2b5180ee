package laws

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestLaws plays random histories of random projects. Whatever the makefile
// forgets, whatever -j and whatever happened before, the tree after each build
// must be that of a serial build from clean.
func TestLaws(t *testing.T) {
	s := subject(t)
	needFUSE(t, s)
	if *flags.replay != "" {
		replay(t, s, *flags.replay)
		return
	}
	if *flags.write != "" {
		p := generate(*flags.seed).Project
		if err := (rendering{project: p, sources: p.Files, damaged: p.Damaged}).tree().Write(*flags.write); err != nil {
			t.Fatal(err)
		}
		return
	}
	if *flags.histories == 0 {
		share(t, s)
		return
	}
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range *flags.jobs {
		workers.Go(func() {
			for seed := range seeds {
				one(t, s, generate(seed))
			}
		})
	}
	for i := range *flags.histories {
		seeds <- *flags.seed + uint64(i)
	}
	close(seeds)
	workers.Wait()
}

// TestKept plays the histories that have shown a defect which no short script shows.
func TestKept(t *testing.T) {
	s := subject(t)
	needFUSE(t, s)
	names, err := filepath.Glob("kept/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no histories: ", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			if err := Play(s, readHistory(t, name), t.TempDir()); err != nil {
				t.Error(err)
			}
		})
	}
}

// share plays a few small histories of the classes that hold today, with seeds
// that were seen to hold. -laws.histories plays any class with any seed; the
// README says what does not hold yet.
func share(t *testing.T, s Subject) {
	classes := []struct {
		name   string
		shape  Shape
		damage bool
		course Course
		seeds  []uint64
	}{
		{"serial", Shape{}, false, Course{MaxJobs: 1}, []uint64{1000}},
		{"parallel", Shape{Subs: true}, false, Course{MaxJobs: 8}, []uint64{1011}},
		{"killed", Shape{Subs: true}, false, Course{MaxJobs: 8, Kills: true}, []uint64{1021}},
		{"damaged", Shape{}, true, Course{MaxJobs: 1}, []uint64{1040}},
		{"hazards", Shape{Subs: true}, true, Course{MaxJobs: 8, Kills: true}, []uint64{1050, 1052}},
		{"demand", Shape{Demand: true, Subs: true}, true, Course{MaxJobs: 8}, []uint64{1060, 1061}},
		{"writers", Shape{Subs: true, Writers: true}, true, Course{MaxJobs: 8, Kills: true}, []uint64{1070, 1072, 1073}},
	}
	for _, c := range classes {
		t.Run(c.name, func(t *testing.T) {
			c.shape.Rules, c.course.Steps = 15, 10
			for _, seed := range c.seeds {
				p := Generate(seed, c.shape)
				if c.damage {
					p = p.Damage()
				}
				one(t, s, NewHistory(p, c.course))
			}
		})
	}
}

// needFUSE skips where a view of the file system cannot be mounted.
func needFUSE(t *testing.T, s Subject) {
	t.Helper()
	if s.CleanFirst {
		return
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no FUSE: ", err)
	}
	f.Close()
}

// generate makes the history of a seed as the flags say.
func generate(seed uint64) History {
	r := rand.New(rand.NewPCG(seed, 0))
	shape := Shape{Rules: *flags.rules, Writers: *flags.writers, Subs: *flags.subs, Without: strings.Split(*flags.without, ",")}
	if shape.Rules == 0 {
		shape.Rules = 8 + r.IntN(32)
		if *flags.histories > 0 {
			shape.Rules = 50 + min(r.IntN(251), r.IntN(251))
		}
	}
	class := *flags.class
	if class == "mix" {
		class = []string{"undamaged", "order", "demand"}[r.IntN(3)]
	}
	shape.Demand = class == "demand"
	p := Generate(seed, shape)
	if class != "undamaged" {
		p = p.Damage()
	}
	h := NewHistory(p, Course{Steps: *flags.steps, MaxJobs: *flags.maxJobs, Kills: *flags.kills})
	h.Busy = *flags.busy
	return h
}

// one plays a history and reports how it went.
func one(t *testing.T, s Subject, h History) {
	seed := h.Project.Seed
	dir := t.TempDir()
	err := Play(s, h, dir)
	if err == nil {
		t.Logf("seed %d: %d rules, %d steps, damaged %v, demand %v: ok", seed, len(h.Project.Rules), len(h.Steps), h.Project.Damaged, h.Project.Demand)
		os.RemoveAll(dir)
		return
	}
	t.Errorf("seed %d: %v", seed, err)
	report(t, s, h, dir, err)
}

// report keeps what is needed to look into a failure.
func report(t *testing.T, s Subject, h History, dir string, err error) {
	var f *Failure
	if !errors.As(err, &f) || *flags.keep == "" {
		return
	}
	if *flags.shrink {
		h, f = Shrink(s, h, f, t.TempDir())
	}
	base := filepath.Join(*flags.keep, fmt.Sprint("seed", h.Project.Seed))
	os.RemoveAll(base)
	if err := os.MkdirAll(base, 0o755); err != nil {
		t.Error(err)
		return
	}
	blob, err := json.MarshalIndent(h, "", "\t")
	if err != nil {
		t.Error(err)
		return
	}
	for name, data := range map[string][]byte{"history.json": blob, "report.txt": []byte(Describe(h, f))} {
		if err := os.WriteFile(filepath.Join(base, name), data, 0o644); err != nil {
			t.Error(err)
		}
	}
	for _, tree := range []string{"work", "true"} {
		if err := os.CopyFS(filepath.Join(base, tree), os.DirFS(filepath.Join(dir, tree))); err != nil {
			t.Log("keeping the trees:", err)
		}
	}
	t.Logf("see %s", base)
}

// replay plays a history that was kept, in a folder that stays, and shortens it
// once more where -laws.keep says where to.
func replay(t *testing.T, s Subject, name string) {
	h := readHistory(t, name)
	dir := filepath.Join(filepath.Dir(name), fmt.Sprint("replayed", h.Project.Seed))
	os.RemoveAll(dir)
	err := Play(s, h, dir)
	if err == nil {
		return
	}
	var f *Failure
	if errors.As(err, &f) {
		t.Log(f.Output)
	}
	t.Error(err)
	report(t, s, h, dir, err)
}

func readHistory(t *testing.T, name string) (h History) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &h); err != nil {
		t.Fatal(err)
	}
	return h
}
