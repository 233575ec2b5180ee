package lint

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fmake/exec/story"
)

func TestDependencies(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a.o: a.c b.h\n", []string{"a.c", "b.h"}},
		{"a.o a.d : a.c \\\n  b.h \\\r\n c.h\nb.h:\n", []string{"a.c", "b.h", "c.h"}},
		{"a.o: b\\ c.h d\\#e.h f$$g.h", []string{"b c.h", "d#e.h", "f$g.h"}},
		{"# a: b\n\ta: c\nVAR = a\n", nil},
		{"a.o: c:/x.h", []string{"c:/x.h"}},
	}
	for _, tt := range tests {
		if got := dependencies(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzDependencies(f *testing.F) {
	f.Add("a.o: b.h \\\n c\\ d $$e")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range dependencies(text) {
			if name == "" {
				t.Errorf("%q has a name that is empty", text)
			}
		}
	})
}

func TestNamesThatMeanSomethingInAMakefileAreNotAdded(t *testing.T) {
	tests := map[string]bool{
		"a.o": true, "../lib/x-1.2.h": true, "über.h": true, "lib++.a": true,
		"": false, "a b": false, "a%b": false, "a=b": false, "lib(a.o)": false, "$x": false, "a:b": false, "~x": false, "#": false, "-x": false, "a\nb": false,
	}
	for name, want := range tests {
		if got := isPlain(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestLinesJoinTargetsWithTheSameNeeds(t *testing.T) {
	add := func(target string, apart bool, needs ...string) *Addition {
		return &Addition{Target: target, Needs: needs, Apart: apart}
	}
	got := lines([]*Addition{
		add("b.o", false, "x.h"), add("a.o", false, "x.h"), add("c.o", false, "y.h"),
		add("c.o", false, "x.h", "y.h"), add("prog", true, "x.h"),
	})
	want := []string{"a.o b.o: x.h", "c.o: x.h y.h", "prog: private .EXTRA_PREREQS += x.h"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrapKeepsReferencesWhole(t *testing.T) {
	needs := []string{}
	for range 9 {
		needs = append(needs, "some/long/header.h", "$(wildcard another/long/header.h)")
	}
	text := line([]string{"a.o"}, needs, false)
	broken := wrap(text)
	if len(broken) < 4 {
		t.Fatalf("not broken: %q", broken)
	}
	for _, l := range broken {
		if strings.Count(l, "$(") != strings.Count(l, ")") || len(l) > width+2 {
			t.Errorf("bad line %q", l)
		}
	}
	if got := strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(broken, "\n"), "\\\n", " ")), " "); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

// TestDiffIsWhatPatchTakes lets patch(1) judge.
func TestDiffIsWhatPatchTakes(t *testing.T) {
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("there is no patch")
	}
	added := "\n" + heading + "\na.o: x.h\n"
	tests := map[string]string{"": added, "a\n": "a\n" + added, "1\n2\n3\n4\n5": "1\n2\n3\n4\n5\n" + added, "no newline": "no newline\n" + added}
	for before, after := range tests {
		dir := t.TempDir()
		path := filepath.Join(dir, "Makefile")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		relative := func(string) string { return "Makefile" }
		diff, skipped := Diff([]*Addition{{Makefile: path, Dir: dir, Target: "a.o", Needs: []string{"x.h"}}}, relative, os.ReadFile)
		if skipped != nil {
			t.Fatal(skipped)
		}
		cmd := exec.Command(program, "-p1")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(diff))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, diff)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != after {
			t.Errorf("%q became %q, want %q (%v)", before, got, after, err)
		}
	}
}

func TestMakefilesThatCannotBePatchedAreTold(t *testing.T) {
	same := func(path string) string { return path }
	fails := func(string) ([]byte, error) { return nil, errors.New("no") }
	shared := []*Addition{
		{Makefile: "m", Dir: "/a", Target: "x", Needs: []string{"h"}},
		{Makefile: "m", Dir: "/b", Target: "x", Needs: []string{"h"}},
		{Makefile: "n", Dir: "/b", Target: "x", Needs: []string{"h"}},
	}
	diff, skipped := Diff(shared, same, fails)
	if len(diff) > 0 || len(skipped) != 2 || !strings.Contains(skipped[0], "several directories") || !strings.Contains(skipped[1], "cannot be read: no") {
		t.Errorf("got %q and %q", diff, skipped)
	}
}

func TestFindingsTravelAndAreToldOnce(t *testing.T) {
	missing := Finding{Kind: Missing, File: "/p/Makefile", Line: 9, Text: "t", Add: &Addition{Makefile: "/p/Makefile", Dir: "/p", Target: "a.o", Needs: []string{"x.h", "y.h"}, Apart: true}}
	hazard := Finding{Kind: Hazard, File: "/p/Makefile", Line: 12, Text: "h"}
	got := Findings([]story.Record{missing.Record(), {"lint"}, {"job", "1", "2", "3", "4"}, hazard.Record(), missing.Record()})
	if len(got) != 2 || got[0].Text != "h" || got[1].Add == nil || !slices.Equal(got[1].Add.Needs, missing.Add.Needs) || !got[1].Add.Apart {
		t.Fatalf("got %+v", got)
	}
	relative := func(path string) string { return strings.TrimPrefix(path, "/p/") }
	other := missing
	add := *missing.Add
	other.Add, add.Target = &add, "b.o"
	want := []string{"Makefile:12: h", "Makefile:9: t; add: a.o: private .EXTRA_PREREQS += x.h y.h; 1 more of this rule likewise"}
	if lines := Lines(append(got, other), relative); !slices.Equal(lines, want) {
		t.Errorf("lines: %q", lines)
	}
	if w := got[1].Words(relative); w != "Makefile:9: t; add: a.o: private .EXTRA_PREREQS += x.h y.h" {
		t.Errorf("words: %q", w)
	}
	if s := Summary(got); s != "lint: 1 -j hazard, 1 target with missing prerequisites" {
		t.Errorf("summary: %q", s)
	}
	if s := Summary(slices.Repeat([]Finding{{Kind: Stray}, {Kind: Outside}}, 2)); s != "lint: 2 targets that write what no rule declares, 2 files outside the project that recipes read" {
		t.Errorf("summary: %q", s)
	}
}
