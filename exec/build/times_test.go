package build

import (
	"testing"
	"time"
)

// TestRunBeginsWithItsFirstCommand: that a recipe waited for a slot is no part of its run,
// unless it has looked around before.
func TestRunBeginsWithItsFirstCommand(t *testing.T) {
	for _, looked := range []bool{false, true} {
		a := &action{started: time.Now().Round(0).Add(-time.Hour), looked: looked}
		a.Line(0, ":")
		a.ended = a.started.Add(2 * time.Hour)
		began, took := a.times()
		if end := time.Unix(0, began+took); !end.Equal(a.ended) {
			t.Errorf("looked %t: it ended %v, want %v", looked, end, a.ended)
		}
		if waited := began != a.started.UnixNano(); waited == looked {
			t.Errorf("looked %t: it began %v after it was begun with", looked, time.Unix(0, began).Sub(a.started))
		}
	}
}
