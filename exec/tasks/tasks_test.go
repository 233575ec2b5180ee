package tasks

import (
	"slices"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	tests := []struct {
		text string
		want []found
	}{
		{"all: x\n", nil},
		{"all: x ## builds it\n", []found{{Task{"all", "builds it"}, true}}},
		{"# Builds\n## it.\nall:\n", []found{{Task{"all", "Builds it."}, false}}},
		{"# Builds\n.PHONY: all\nall:\n", []found{{Task{"all", "Builds"}, false}}},
		{"# not this\n\nall:\n", nil},
		{"# value\nX := 1\nY ::= 2\n", nil},
		{"# lines\n\tall: no\n%.o: %.c ## no\n$(X): ## no\n", nil},
		{"a b:: c # one ## two\r\n", []found{{Task{"a", "two"}, true}, {Task{"b", "two"}, true}}},
	}
	for _, tt := range tests {
		if got := scan(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.text, got, tt.want)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add("# x\nall: a ## b\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, task := range scan(text) {
			if task.Name == "" || task.Text == "" || strings.ContainsAny(task.Name, " \t\n") {
				t.Errorf("%q has task %+v", text, task)
			}
		}
	})
}

func TestPrintAlignsTheTexts(t *testing.T) {
	var out strings.Builder
	Print(&out, []Task{{"a", "one"}, {"long", "two"}, {strings.Repeat("x", 30), "three"}})
	want := "a                         one\nlong                      two\n" + strings.Repeat("x", 30) + "  three\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
