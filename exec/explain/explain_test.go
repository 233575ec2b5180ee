package explain

import (
	"encoding/json"
	"strings"
	"testing"

	"fmake/exec/jsonout"
)

func TestDiffWords(t *testing.T) {
	tests := []struct{ was, is, want string }{
		{"", "", ""},
		{"gcc -O2 -c a.c", "gcc -O3 -c a.c", "gcc [-O2-] {+-O3+} -c a.c"},
		{"a", "a b", "a {+b+}"},
		{"a b", "b", "[-a-] b"},
		{"", "x y", "{+x y+}"},
		{"x y", "", "[-x y-]"},
		{"a b c d e", "a X c Y e", "a [-b-] {+X+} c [-d-] {+Y+} e"},
		{"1 2 3 4 5 6 a", "1 2 3 4 5 6 b", "... 4 5 6 [-a-] {+b+}"},
		{"a 1 2 3 4 5 6 7 8 b", "x 1 2 3 4 5 6 7 8 y", "[-a-] {+x+} 1 2 3 ... 6 7 8 [-b-] {+y+}"},
	}
	for _, tt := range tests {
		want := strings.ReplaceAll(tt.want, "[-O2-]", "[--O2-]")
		if got := FormatWords(DiffWords(tt.was, tt.is)); got != want {
			t.Errorf("%q -> %q: got %q, want %q", tt.was, tt.is, got, want)
		}
	}
}

// FuzzDiffWords: the words without those that were added are the old text, those
// without the removed ones the new.
func FuzzDiffWords(f *testing.F) {
	f.Add("a b c", "b c d")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, was, is string) {
		var old, now []string
		for _, w := range DiffWords(was, is) {
			if w.Change != Added {
				old = append(old, strings.Fields(w.Text)...)
			}
			if w.Change != Removed {
				now = append(now, strings.Fields(w.Text)...)
			}
		}
		if got, want := strings.Join(old, " "), strings.Join(strings.Fields(was), " "); got != want {
			t.Errorf("old text %q, want %q", got, want)
		}
		if got, want := strings.Join(now, " "), strings.Join(strings.Fields(is), " "); got != want {
			t.Errorf("new text %q, want %q", got, want)
		}
	})
}

func TestReasonsAreIndentedUnderWhatTheyAreTheReasonOf(t *testing.T) {
	a := &Answer{
		Name: "a", State: Rebuild, Sentence: "a would be rebuilt: b changed.",
		Why: []Reason{
			{Text: "b changed", Why: []Reason{{Text: "b was written by c", Words: []Word{{Removed, "1"}, {Added, "2"}}}}},
			{Text: "d vanished"},
		},
		Miss: &Miss{Text: "None.", Differ: []Reason{{Text: "e"}}},
	}
	var out strings.Builder
	a.Print(&out)
	want := "a would be rebuilt: b changed.\n  b changed\n    b was written by c\n      [-1-] {+2+}\n  d vanished\nNone.\n  e\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestJSONHasEverythingAndNothingEmpty(t *testing.T) {
	a := &Answer{
		Name: "a", State: UpToDate, Sentence: "a is up to date.",
		Why:    []Reason{{Text: "r", Words: []Word{{Same, "x"}}}},
		Run:    &Run{Text: "It ran.", Recipe: "cc", Procs: []Proc{{Argv: []string{"cc"}, Children: []Proc{{Argv: []string{"ld"}}}}}},
		Inputs: []Inputs{{Title: "In", Count: 2}}, Undeclared: []string{"u"},
		Outputs: []Output{{Path: "a", What: "directory", AsIs: true}},
		ReadBy:  []Link{{Target: "b", How: "read it"}},
	}
	var w jsonout.Writer
	WriteJSON(&w, []*Answer{a, {Name: "b", State: Source}})
	var got []map[string]any
	if err := json.Unmarshal(w.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Bytes())
	}
	for _, key := range []string{"name", "state", "sentence", "why", "run", "inputs", "undeclared", "outputs", "readBy"} {
		if got[0][key] == nil {
			t.Errorf("no %s", key)
		}
	}
	if len(got[1]) != 3 {
		t.Errorf("a file of which little is known has %v", got[1])
	}
}
