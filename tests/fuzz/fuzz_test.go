package fuzz

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"fmake/tests/corpus"
	"fmake/tests/programs"
)

var flags = struct {
	cases, jobs *int
	seed        *uint64
	keep        *string
	write       *string
	record      *bool
}{
	cases:  flag.Int("fuzz.cases", 150, "number of random cases"),
	jobs:   flag.Int("fuzz.jobs", 2, "cases at a time"),
	seed:   flag.Uint64("fuzz.seed", 1, "seed of the first case"),
	keep:   flag.String("fuzz.keep", "", "folder that keeps the cases that differ, shortened"),
	record: flag.Bool("fuzz.record", false, "write what GNU make does into the cases of found/"),
	write:  flag.String("fuzz.write", "", "only write the case of the first seed to this file"),
}

// referenceVar names a GNU make 4.4.1 that was built elsewhere.
const referenceVar = "FMAKE_REFERENCE"

// TestRandom plays random cases with both makes.
func TestRandom(t *testing.T) {
	if *flags.write != "" {
		if err := os.WriteFile(*flags.write, format(Generate(*flags.seed), ""), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	ref := reference(t)
	our := folderOf(t, subject(t))
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range *flags.jobs {
		p := newPair(t, ref, our)
		workers.Go(func() {
			for seed := range seeds {
				p.judge(t, seed)
			}
		})
	}
	for i := range *flags.cases {
		seeds <- *flags.seed + uint64(i)
	}
	close(seeds)
	workers.Wait()
}

// TestFound plays the cases that once differed; what GNU make did is in each.
func TestFound(t *testing.T) {
	files, err := filepath.Glob("found/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if *flags.record {
		record(t, files)
		return
	}
	our := folderOf(t, subject(t))
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			c, want, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := player{our, filepath.Join(t.TempDir(), "w")}.play(c)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got:\n%s\nGNU make:\n%s", got, want)
			}
		})
	}
}

// record writes what GNU make does into cases.
func record(t *testing.T, files []string) {
	ref := player{reference(t), filepath.Join(t.TempDir(), "w")}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ref.play(c)
		if err != nil {
			t.Fatal(f, err)
		}
		if err := os.WriteFile(f, format(c, want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pair is both makes, which play in the same folder by turns.
type pair struct{ ref, our player }

func newPair(t *testing.T, ref, our string) pair {
	dir := filepath.Join(t.TempDir(), "w")
	return pair{player{ref, dir}, player{our, dir}}
}

// judge plays the case of a seed and keeps it if the makes differ.
func (p pair) judge(t *testing.T, seed uint64) {
	c := Generate(seed)
	if !p.differs(c) {
		return
	}
	if *flags.keep == "" {
		want, _ := p.ref.play(c)
		got, err := p.our.play(c)
		t.Errorf("seed %d: %v\n%s\ngot:\n%s\nGNU make:\n%s", seed, err, format(c, ""), got, want)
		return
	}
	c = shorten(c, p.differs)
	want, _ := p.ref.play(c)
	got, err := p.our.play(c)
	name := filepath.Join(*flags.keep, fmt.Sprintf("seed%d.txtar", seed))
	t.Errorf("seed %d: %v, see %s", seed, err, name)
	if err := errors.Join(os.WriteFile(name, format(c, want), 0o644), os.WriteFile(name+".got", []byte(got), 0o644)); err != nil {
		t.Error(err)
	}
}

// differs plays a case with both makes. Where GNU make does not come to an end,
// or to two different ones, fmake may do what it likes.
func (p pair) differs(c Case) bool {
	want, err := p.ref.play(c)
	if err != nil {
		return false
	}
	got, err := p.our.play(c)
	if err == nil && got == want {
		return false
	}
	for range 5 { // two commands of a pipe, say, may speak in either order
		if again, err := p.ref.play(c); err != nil || again != want {
			return false
		}
	}
	return true
}

// subject puts the fmake under test into a folder.
func subject(t *testing.T) string {
	dir := t.TempDir()
	if err := programs.Into(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "fmake")
}

// reference finds GNU make 4.4.1.
func reference(t *testing.T) string {
	if given := os.Getenv(referenceVar); given != "" {
		return folderOf(t, given)
	}
	c, err := corpus.Open()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := c.Reference()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return folderOf(t, ref.Make)
}

// tools are the programs that recipes may run. A compiler is not among them: it
// would have to be the same everywhere.
var tools = []string{"cat", "cp", "echo", "false", "head", "mkdir", "printf", "pwd", "sort", "test", "touch", "true"}

// folderOf returns a folder in which a program has the name make, beside tools.
func folderOf(t *testing.T, program string) string {
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, "make")); err != nil {
		t.Fatal(err)
	}
	for _, name := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
