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

func TestSeveralPrograms(t *testing.T) {
	tests := map[string]bool{
		"gcc -c a.c":                               false,
		"@gcc -c a.c; mv -f a.Tpo a.Po":            false,
		"cd d && gcc -c a.c":                       false,
		"mkdir -p d\n-gcc -c a.c && touch d/stamp": false,
		"@echo CC; gcc -c a.c || exit 1":           false,
		"gcc -c a.c; gcc -c b.c":                   true,
		"@gcc -c a.c\n@strip a.o":                  true,
		"for f in *.c; do gcc -c $f; done":         true,
		"@for f in *.c; \\\ndo gcc -c $f; done":    true,
		"if test -f x; then gen x; else gen y; fi": true,
		"gen | fmt >out":                           true,
		"FOO=1 gcc -c a.c":                         false,
		"":                                         false,
	}
	for text, want := range tests {
		if got := severalPrograms(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestIsMute(t *testing.T) {
	tests := map[string]bool{
		"gcc": true, "/usr/bin/cc": true, "g++-12": true, "x86_64-linux-gnu-gcc-12": true, "arm-none-eabi-ld": true, "clang++-15.0": true,
		"./step": false, "make": false, "mygcc": false, "gcc-wrapper": false, "ld-server": false, "": false, "-": false,
	}
	for program, want := range tests {
		if got := isMute(program); got != want {
			t.Errorf("%q: %v", program, got)
		}
	}
}
