package report

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fmake/exec/jsonout"
	"fmake/exec/story"
)

// sample is a build of three targets in two makes.
func sample() *Build {
	return &Build{
		Spans: []Span{
			{Kind: Whole, Name: "make", Dir: "/p", Start: 1000, End: 9_001_000},
			{Kind: Recipe, Name: "a.o", Key: "./a.o", Dir: "/p", Start: 1000, End: 4_001_000},
			{Kind: Recipe, Name: "b.o", Key: "./sub/b.o", Dir: "/p/sub", Start: 1000, End: 2_001_000, Failed: true},
			{Kind: Recipe, Name: "prog", Key: "./prog", Dir: "/p", Start: 4_001_000, End: 9_001_000},
		},
		Targets: []Target{
			{Key: "./prog", Name: "prog", Dir: "/p", Outcome: Ran, Why: `it "does" not exist`, Runs: 2, Procs: []Proc{{0, "sh"}, {1, "ld x"}}},
			{Key: "./a.o", Name: "a.o", Dir: "/p", Outcome: Cut, Reads: 3, Writes: 1, Undeclared: []string{"x.h", "y z.h"}},
			{Key: "./sub/b.o", Name: "b.o", Dir: "/p/sub", Outcome: Failed},
		},
		Edges:    []Edge{{Declared, "./prog", "./a.o"}, {Learned, "./a.o", "./sub/b.o"}, {Declared, "./prog", "./a.o"}},
		Compiles: []Compile{{Dir: "/p", File: "a.c", Output: "a.o", Args: []string{"gcc", "-c", "a.c"}}},
	}
}

func TestRecordsKeepEverything(t *testing.T) {
	b := sample()
	text := story.Encode(b.Records())
	records, err := story.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if got := FromRecords(records); !reflect.DeepEqual(got, b) {
		t.Errorf("got  %+v\nwant %+v", got, b)
	}
}

// TestPageLeavesShortLooksOut: of very many $(wildcard) the longest are in the page.
func TestPageLeavesShortLooksOut(t *testing.T) {
	b := sample()
	for i := range 10 * mostSpans {
		b.Spans = append(b.Spans, Span{Kind: Wildcard, Name: "$(wildcard " + strings.Repeat("x", 1000) + ")", Start: 2000, End: 2000 + int64(i)*1000})
	}
	page := string(b.Page("/p"))
	if n := strings.Count(page, `["wildcard"`); n != mostSpans {
		t.Errorf("%d are in the page, want %d", n, mostSpans)
	}
	if last := fmt.Sprintf(",1,%d,", 10*mostSpans-1); !strings.Contains(page, last) {
		t.Errorf("the longest is not there")
	}
	if len(page) > 1<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// FuzzFromRecords: nothing that a make may have told is more than left out.
func FuzzFromRecords(f *testing.F) {
	f.Add(string(story.Encode(sample().Records())))
	f.Add("\"target\" \"\" \"\" \"\" \"\" \"\" \"1\" \"2\" \"3\" \"4\" \"-7\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		records, err := story.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		b := FromRecords(records)
		b.Critical()
		b.Dot()
		var w jsonout.Writer
		b.Profile(&w)
		b.CompileCommands(&w)
	})
}

func TestATargetOfSeveralMakesIsToldByWhoDidMost(t *testing.T) {
	kept, ran := Target{Key: "./x", Outcome: Kept}, Target{Key: "./x", Outcome: Ran, Why: "w"}
	for _, order := range [][]Target{{kept, ran}, {ran, kept}} {
		got := FromRecords((&Build{Targets: order}).Records()).Targets
		if len(got) != 1 || got[0].Why != "w" {
			t.Errorf("got %+v", got)
		}
	}
}

func TestCriticalChain(t *testing.T) {
	c := sample().Critical()
	if want := []string{"./sub/b.o", "./a.o", "./prog"}; !slices.Equal(c.Keys, want) || c.Time != 11_000_000 {
		t.Errorf("got %v %d", c.Keys, c.Time)
	}
	circle := sample()
	circle.Edges = append(circle.Edges, Edge{Read, "./sub/b.o", "./prog"})
	if c := circle.Critical(); c.Time == 0 {
		t.Error("a circle has no chain")
	}
	if c := (&Build{}).Critical(); c.Time != 0 || c.Keys != nil {
		t.Errorf("nothing has a chain: %v", c)
	}
}

func TestLanesDoNotOverlap(t *testing.T) {
	spans := []Span{{Start: 0, End: 10}, {Start: 0, End: 5}, {Start: 5, End: 7}, {Start: 6, End: 8}, {Start: 10, End: 11}}
	if got, want := lanes(spans), []int{0, 1, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProfileIsWhatChromeReads(t *testing.T) {
	var w jsonout.Writer
	sample().Profile(&w)
	var got struct {
		TraceEvents []struct {
			Ph, Name, Cat string
			Pid, Tid      int
			Ts, Dur       float64
		}
		OtherData struct{ Hint string }
	}
	if err := json.Unmarshal(w.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.TraceEvents) != 6 {
		t.Fatalf("%d events", len(got.TraceEvents))
	}
	last := got.TraceEvents[3]
	if last.Name != "prog" || last.Pid != 1 || last.Tid != 2 || last.Ts != 4000 || last.Dur != 5000 {
		t.Errorf("got %+v", last)
	}
	if want := "The recipes took 11ms in all, the build 9ms. The longest chain of recipes that need each other takes 11ms; no -j makes the build shorter than that, and -j2 helps little."; got.OtherData.Hint != want {
		t.Errorf("hint %q", got.OtherData.Hint)
	}
}

func TestDotIsWhatGraphvizReads(t *testing.T) {
	text := sample().Dot()
	if n := strings.Count(string(text), `"./prog" -> "./a.o";`); n != 1 {
		t.Errorf("the edge is there %d times", n)
	}
	if !strings.Contains(string(text), `tooltip="it \"does\" not exist"`) {
		t.Errorf("quoting: %s", text)
	}
	dot, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("there is no Graphviz")
	}
	file := filepath.Join(t.TempDir(), "g.dot")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(dot, "-Tsvg", "-o", os.DevNull, file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCompiles(t *testing.T) {
	tests := []struct {
		argv string
		want string // FILE>OUTPUT of each
	}{
		{"gcc -c -o a.o a.c", "a.c>a.o"},
		{"/usr/bin/x86_64-linux-gnu-gcc-14 -O2 -oa.o -c x/a.cc", "x/a.cc>a.o"},
		{"ccache clang++ -c a.cpp", "a.cpp>"},
		{"cc -o prog a.c b.c", "a.c> b.c>"},
		{"gcc -c -include pre.c -MF a.d -x c a.c", "a.c>"},
		{"gcc -E a.c", ""},
		{"gcc -MM a.c", ""},
		{"gcc -o prog a.o", ""},
		{"gcc -c -", ""},
		{"gcc", ""},
		{"", ""},
		{"/usr/libexec/gcc/cc1 -quiet a.c", ""},
		{"as -o a.o a.s", ""},
		{"sh -c gcc", ""},
		{"cp a.c b.c", ""},
		{"gcc-ar rc a.c", ""},
	}
	for _, tt := range tests {
		var got []string
		for _, c := range Compiles("/p", strings.Fields(tt.argv)) {
			got = append(got, c.File+">"+c.Output)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: got %q, want %q", tt.argv, got, tt.want)
		}
	}
}

func TestNothingIsSaidOfDependencyFiles(t *testing.T) {
	tests := map[string]string{
		"gcc -MD -MT x/a.o -MF x/a.d -MP -o a.o -c a.c": "gcc -o a.o -c a.c",
		"gcc -MMD -MFa.d -MQa.o -c a.c":                 "gcc -c a.c",
		"gcc -Wp,-MMD,.a.o.d -Wp,-DX -c a.c":            "gcc -Wp,-DX -c a.c",
		"gcc -I -MD -c a.c":                             "gcc -I -MD -c a.c", // a folder of that name
		"gcc -Map -c a.c -MF":                           "gcc -Map -c a.c",
	}
	for argv, want := range tests {
		got := Compiles("/p", strings.Fields(argv))
		if len(got) != 1 || strings.Join(got[0].Args, " ") != want {
			t.Errorf("%q: got %+v, want %q", argv, got, want)
		}
	}
}

// large is a build of n objects with a program for each hundred of them.
func large(n int) *Build {
	b := &Build{}
	for i := range n {
		key := fmt.Sprintf("./some/folder/object_%d.o", i)
		b.Targets = append(b.Targets, Target{
			Key: key, Name: key[2:], Dir: "/p", Outcome: []Outcome{Ran, Restored, Kept, Cut}[i%4], Why: "some/folder/header.h changed (0123456789ab -> ba9876543210)",
			Runs: 1, Duration: int64(i) * 1e6, Reads: 100, Writes: 1, Undeclared: []string{"some/folder/header.h"},
			Procs: []Proc{{0, strings.Repeat("gcc -O2 ", 25)}, {1, strings.Repeat("cc1 -quiet ", 20)}, {1, strings.Repeat("as --64 ", 20)}},
		})
		b.Spans = append(b.Spans, Span{Kind: Recipe, Name: key[2:], Key: key, Dir: "/p", Start: int64(i/2) * 1e6, End: int64(i/2+1) * 1e6})
		prog := fmt.Sprintf("./prog_%d", i/100)
		if i%100 == 0 {
			b.Targets = append(b.Targets, Target{Key: prog, Name: prog[2:], Dir: "/p", Outcome: Ran, Why: "x"})
		}
		b.Edges = append(b.Edges, Edge{Declared, prog, key}, Edge{OrderOnly, key, "./some/folder/object_0.o"}, Edge{Read, key, fmt.Sprintf("./some/folder/object_%d.o", i/2)})
	}
	return b
}

func TestPageOfALargeBuildIsSmallAndWhole(t *testing.T) {
	text := string(large(10_000).Page("/p"))
	if len(text) > 10<<20 {
		t.Errorf("the page has %d bytes", len(text))
	}
	if out := os.Getenv("PAGE_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, outside := range []string{"http://", "https://", "src=", "@import", "{{"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page has %q in it", outside)
		}
	}
	_, data, _ := strings.Cut(text, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var got struct {
		Targets, Edges, Spans [][]any
		Chain                 []int
		Summary, Hint         string
	}
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Targets) != 10_100 || len(got.Spans) != 10_000 || len(got.Edges) < 20_000 || len(got.Chain) == 0 {
		t.Errorf("%d targets, %d spans, %d edges, a chain of %d", len(got.Targets), len(got.Spans), len(got.Edges), len(got.Chain))
	}
}

func TestPageOfNothing(t *testing.T) {
	if text := string((&Build{}).Page("</script>")); strings.Contains(text, `"</script>"`) {
		t.Error("a name ends the data")
	}
}
