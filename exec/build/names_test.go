package build

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestScanNames(t *testing.T) {
	long := strings.Repeat("A", maxName+1)
	tests := []struct {
		name, text string
		in, out    []string
	}{
		{"script", "echo $FOO ${bar_1} X9", []string{"FOO", "bar_1", "X9", "echo"}, []string{"FO", "9"}},
		{"binary", "\x00FOO\x00lower\x00http_proxy\x00MixedCase\x00", []string{"FOO", "http_proxy"}, []string{"lower", "MixedCase"}},
		{"too long", long + " " + long[:maxName], []string{long[:maxName]}, []string{long}},
		{"digits first", "1FOO", []string{"FOO"}, []string{"1FOO"}},
		{"at a border", strings.Repeat(" ", 128<<10-3) + "BORDER_NAME end", []string{"BORDER_NAME", "end"}, []string{"BOR", "DER_NAME"}},
		{"long over a border", strings.Repeat(" ", 128<<10-200) + strings.Repeat("B", 400), nil, []string{strings.Repeat("B", 64), "BB"}},
		{"empty", "", nil, []string{"A"}},
	}
	for _, tt := range tests {
		for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.HalfReader(strings.NewReader(tt.text))} {
			s, err := scanNames(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range tt.in {
				if !s.has(n) {
					t.Errorf("%s: %q is not found", tt.name, n)
				}
			}
			for _, n := range tt.out {
				if s.has(n) {
					t.Errorf("%s: %q is found", tt.name, n)
				}
			}
		}
	}
}
