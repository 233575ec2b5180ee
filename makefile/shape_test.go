package makefile

import "testing"

// TestMayHoldWhatCame: of a directory that was read, names that have come since count, too.
func TestMayHoldWhatCame(t *testing.T) {
	x := &shapes{list: []shape{{suffix: ".y"}, {dir: "RCS/", suffix: ",v"}, {suffix: ".c"}}}
	l := &dirListing{names: map[string]struct{}{"a.c": {}}}
	step := func(came string, want ...bool) {
		t.Helper()
		if came != "" {
			l.names[came] = struct{}{}
			l.came = append(l.came, came)
		}
		for id := range x.list {
			if got := l.mayHold(id, x); got != want[id] {
				t.Errorf("after %q: shape %d: %v", came, id, got)
			}
		}
	}
	step("", false, false, true)
	step("b.o", false, false, true)
	step("p.y", true, false, true)
	step("RCS", true, true, true)
	l.names, l.asked, l.held, l.came = map[string]struct{}{"b.y": {}}, 0, 0, nil // read again
	step("", true, false, false)
	step("c.c", true, false, true)
}
