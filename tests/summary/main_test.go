package main

import (
	"strings"
	"testing"
)

func TestSummarize(t *testing.T) {
	tests := []struct {
		name, in, last string
		failed         bool
		says           string
	}{
		{"nothing", "", "0 passed, 1 failed, 0 skipped", true, "no tests ran"},
		{
			"subtests count, their parent does not",
			`{"Action":"pass","Package":"p","Test":"A/1"}
{"Action":"skip","Package":"p","Test":"A/2"}
{"Action":"pass","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`,
			"1 passed, 0 failed, 1 skipped", false, "skipped: p A/2",
		},
		{
			"a failure is counted once, with its output",
			`{"Action":"output","Package":"p","Test":"A/1","Output":"boom\n"}
{"Action":"fail","Package":"p","Test":"A/1"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"fail","Package":"p"}`,
			"0 passed, 1 failed, 0 skipped", true, "boom",
		},
		{
			"a build that failed",
			`{"Action":"build-output","ImportPath":"p","Output":"p.go:1: wrong\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			"0 passed, 1 failed, 0 skipped", true, "p.go:1: wrong",
		},
		{
			"a test that never ended (crash)",
			`{"Action":"output","Package":"p","Test":"A","Output":"panic\n"}
{"Action":"fail","Package":"p"}`,
			"0 passed, 1 failed, 0 skipped", true, "panic",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			failed, err := summarize(strings.NewReader(tt.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if got := lines[len(lines)-1]; got != tt.last || failed != tt.failed {
				t.Errorf("got %q, failed %t; want %q, %t", got, failed, tt.last, tt.failed)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("%q is missing in:\n%s", tt.says, out.String())
			}
		})
	}
}
