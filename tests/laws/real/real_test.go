package real

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fmake/tests/laws"
)

var (
	realNames = flag.String("laws.real", "", "projects to play with, separated by commas, or all")
	edits     = flag.Int("laws.edits", 10, "edits of each project, at most")
	seed      = flag.Uint64("laws.seed", 1, "seed of damage and edits")
	tars      = flag.String("laws.tars", "", "folder with NAME.tar of unpacked sources (otherwise: Debian.s source package)")
	keepIn    = flag.String("laws.keep", "", "folder to build in, which stays")
)

// tally is what happened to one tree over all edits.
type tally struct{ stale, failed int }

// TestReal edits real projects with damaged makefiles.
func TestReal(t *testing.T) {
	if *realNames == "" {
		t.Skip("no -laws.real")
	}
	fmake, reference := programs(t)
	for _, p := range projects {
		if *realNames == "all" || slices.Contains(strings.Split(*realNames, ","), p.name) {
			t.Run(p.name, func(t *testing.T) { play(t, p, fmake, reference) })
		}
	}
}

// programs finds the make under test and the reference.
func programs(t *testing.T) (fmake, reference string) {
	t.Helper()
	reference = os.Getenv("FMAKE_REFERENCE")
	if reference == "" {
		reference = "make"
	}
	reference, err := exec.LookPath(reference)
	if err != nil {
		t.Skip("no reference make: ", err)
	}
	if fmake = os.Getenv("FMAKE_TEST_BINARY"); fmake != "" {
		return fmake, reference
	}
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir+"/", "fmake/cmd/fmake", "fmake/cmd/fmake-engine").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "fmake"), reference
}

func newLab(t *testing.T, p project) *lab {
	t.Helper()
	dir := t.TempDir()
	if *keepIn != "" {
		dir = filepath.Join(*keepIn, p.name)
		os.RemoveAll(dir)
	}
	return &lab{project: p, dir: dir, place: filepath.Join(dir, "place"), cacheDir: filepath.Join(dir, "cache"), edits: map[string]string{}}
}

func play(t *testing.T, p project, fmake, reference string) {
	l := newLab(t, p)
	if err := l.fetch(*tars); err != nil {
		t.Skip("no sources: ", err)
	}
	if err := l.start(*seed); err != nil {
		t.Fatal(err)
	}
	want, err := l.truth(reference)
	if err != nil {
		t.Fatal("the project does not build: ", err)
	}
	var ours, theirs tally
	round(t, l, fmake, "fmake-tree", want, &ours)
	round(t, l, reference, "gnu-tree", want, &theirs)
	names, err := l.files()
	if err != nil || len(names) == 0 {
		t.Fatal("nothing to edit: ", err)
	}
	r := rand.New(rand.NewPCG(*seed, 1))
	for done := 0; done < *edits; {
		name := names[r.IntN(len(names))]
		before, had := l.edits[name]
		l.edits[name] = edit(name, r)
		want, err := l.truth(reference)
		if err != nil && !errors.Is(err, errBuild) {
			t.Fatal(err)
		}
		if err != nil { // this file cannot be edited so
			if l.edits[name] = before; !had {
				delete(l.edits, name)
			}
			continue
		}
		done++
		for _, tree := range []string{"fmake-tree", "gnu-tree"} {
			if err := l.put(tree, name); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("edit %d: %s", done, name)
		round(t, l, fmake, "fmake-tree", want, &ours)
		round(t, l, reference, "gnu-tree", want, &theirs)
	}
	t.Logf("%s: %d prerequisites lost, %d edits; fmake: %d stale files, %d failed builds; GNU make: %d and %d",
		p.name, l.lost, *edits, ours.stale, ours.failed, theirs.stale, theirs.failed)
}

// round builds one tree. What is stale under fmake is an error.
func round(t *testing.T, l *lab, program, tree string, want laws.Tree, sum *tally) {
	t.Helper()
	stale, err := l.build(tree, program, want)
	switch {
	case errors.Is(err, errBuild):
		sum.failed++
	case err != nil:
		t.Fatal(err)
	}
	sum.stale += len(stale)
	if tree != "fmake-tree" {
		return
	}
	if err != nil {
		t.Error(err)
	} else if len(stale) > 0 {
		t.Errorf("stale: %s", strings.Join(stale, "\n  "))
	}
}
