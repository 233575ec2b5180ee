package verify

import (
	"reflect"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	long := strings.Repeat("0123456789\n", 2*piece/11)
	tests := []struct {
		name          string
		first, second string
		want          Difference
		same          bool
	}{
		{name: "both empty", same: true},
		{name: "the same", first: long, second: long, same: true},
		{name: "a text", first: "a\nbc\nd\n", second: "a\nbx\nd\n", want: Difference{3, 2, "bc", "bx"}},
		{name: "the second ends", first: "a\nb\n", second: "a\n", want: Difference{2, 2, "b", ""}},
		{name: "the first is empty", second: "b", want: Difference{0, 1, "", "b"}},
		{name: "no newline at the end", first: "a", second: "a\n", want: Difference{1, 1, "a", "a"}},
		{name: "behind a piece", first: long + "x\n", second: long + "y\n", want: Difference{int64(len(long)), 1 + len(long)/11, "x", "y"}},
		{name: "exactly a piece", first: long[:piece], second: long[:piece] + "\x00", want: Difference{Offset: piece}},
		{name: "no text", first: "a\x00b", second: "a\x00c", want: Difference{Offset: 2}},
		{name: "one is a text", first: "ab", second: "a\x00", want: Difference{Offset: 1}},
		{
			name: "a long line", first: strings.Repeat("x", 100) + "1" + strings.Repeat("y", 100), second: strings.Repeat("x", 100) + "2",
			want: Difference{100, 1, "..." + strings.Repeat("x", lead) + "1" + strings.Repeat("y", shown-lead-1) + "...", "..." + strings.Repeat("x", lead) + "2"},
		},
		{name: "no character", first: "\xff", second: "b", want: Difference{0, 1, "?", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, differ, err := Compare(strings.NewReader(tt.first), strings.NewReader(tt.second))
			if err != nil || differ == tt.same || differ && got != tt.want {
				t.Errorf("got %+v, %v, %v, want %+v, %v", got, differ, err, tt.want, !tt.same)
			}
		})
	}
}

func TestRecords(t *testing.T) {
	all := []Finding{
		{Kind: Ran, Target: "a"},
		{Kind: Content, Makefile: "/m", Line: 3, Target: "a", File: "b", At: Difference{7, 2, "x", "y"}, Within: "section .data"},
		{Kind: Skipped, Target: "c", Why: "no"},
		{Kind: Trouble, Why: "gone"},
	}
	if got := Findings(append(Records(all), nil, []string{"lint"}, []string{record, "cut"})); !reflect.DeepEqual(got, all) {
		t.Errorf("got %+v, want %+v", got, all)
	}
	if !Differ(all) || !Troubled(all) || Differ(all[2:]) || Troubled(all[:3]) {
		t.Error("what differs and what is trouble are mixed up")
	}
}
