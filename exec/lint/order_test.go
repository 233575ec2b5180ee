package lint

import (
	"testing"

	"fmake/exec/story"
)

func TestWhatARecipeWaitsForIsThereForTheMakesThatItStarts(t *testing.T) {
	hazard := func(level int, serial uint64, key string) Finding {
		return Finding{Kind: Hazard, Text: "x", Key: key, Place: Place{Level: level, Serial: serial}}
	}
	order := Order{Level: 1, First: 10, End: 20, Keys: []string{"./a.h", "./b.h"}}
	tests := []struct {
		name    string
		finding Finding
		told    bool
	}{
		{"there when the make began", hazard(2, 10, "./a.h"), false},
		{"in a make further down", hazard(3, 19, "./b.h"), false},
		{"nothing waits for it", hazard(2, 10, "./c.h"), true},
		{"another recipe's make", hazard(2, 20, "./a.h"), true},
		{"the make itself", hazard(1, 10, "./a.h"), true},
		{"no hazard", Finding{Kind: Missing, Text: "x", Place: Place{Level: 2, Serial: 10}}, true},
	}
	for _, tt := range tests {
		got := Findings(append(Records([]Finding{tt.finding}, []Order{order}), story.Record{orderRecord, "1"}))
		if told := len(got) == 1; told != tt.told {
			t.Errorf("%s: told: %v, want %v", tt.name, told, tt.told)
		}
	}
}
