package build

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestFamilies claims places for makefiles and moves them.
func TestFamilies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[uint64]string)
		var f families
		for range rapid.IntRange(1, 20).Draw(t, "claims") {
			at := rapid.Uint64Range(1, 12).Draw(t, "at")
			name := fmt.Sprint("makefile ", rapid.IntRange(1, 3).Draw(t, "makefile"))
			f = f.claim(at<<topShift, name)
			want[at] = name
			for at, name := range want {
				if got := f.of(at<<topShift - steps[1]); got != name {
					t.Fatalf("of what is below %d: %q, want %q in %v", at, got, name, f)
				}
				if got := f.of(at << topShift); got != name {
					t.Fatalf("of %d: %q, want %q in %v", at, got, name, f)
				}
			}
		}
		f.move(move{7 << topShift, math.MaxUint64, 5 << topShift})
		for at, name := range want {
			if at >= 7 {
				at += 5
			}
			if got := f.of(at << topShift); got != name {
				t.Fatalf("of %d after the move: %q, want %q in %v", at, got, name, f)
			}
		}
	})
}
