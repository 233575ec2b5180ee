package build

import (
	"slices"
	"testing"
)

// FuzzTold: what is written down of a run is read again, and damage never does more than to
// lose some of it.
func FuzzTold(f *testing.F) {
	f.Add("name", "cc -c a.c", "", "it failed", 3)
	f.Add("", "", "", "", 0)
	f.Fuzz(func(t *testing.T, name, words, why, lost string, cut int) {
		want := []toldRun{{name, words, why, lost}, {words, name, lost, why}}
		var text []byte
		for i := range want {
			text = want[i].encode(text)
		}
		if got := told(text); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if cut >= 0 && cut < len(text) {
			if got := told(text[:cut]); len(got) >= len(want) || len(got) > 0 && got[0] != want[0] {
				t.Errorf("cut at %d: %q", cut, got)
			}
		}
	})
}
