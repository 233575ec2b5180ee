package recipe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestConditions compares test with dash's on random arguments, most of which
// make no sense: that is where the grammar is hard.
func TestConditions(t *testing.T) {
	needDash(t)
	words := []string{
		"a", "b", "''", "1", "2", "-1", "' 3 '", "=", "!=", "'<'", "-eq", "-lt", "-ge", "-nt", "-ef", "!", "'('", "')'",
		"-a", "-o", "-f", "-d", "-z", "-n", "-e", "-r", "-x", "-s", "-L", "a.c", "sub", "list", "dangling", "-t", "-b",
		"-w", "-O", "-q", "==", "-", "--", "0x1", "-k",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 120 {
		var script strings.Builder
		for range 40 {
			line := "test"
			for range r.IntN(8) {
				line += " " + words[r.IntN(len(words))]
			}
			// dash reads beyond its arguments if -a or -o is the last.
			if strings.HasSuffix(line, " -a") || strings.HasSuffix(line, " -o") {
				line += " x"
			}
			fmt.Fprintf(&script, "%s; echo $?\n", line)
		}
		compareLines(t, n, script.String())
	}
}

// compareLines runs a script of independent lines with both shells and shows
// the first line that differs.
func compareLines(t *testing.T, n int, script string) {
	t.Helper()
	s, err := Parse(script)
	if err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	want, got := runDash(t, script), runInterp(t, s)
	if want == got {
		return
	}
	for i, line := range strings.Split(script, "\n") {
		s, err := Parse(line)
		if err != nil || line == "" {
			continue
		}
		if w, g := runDash(t, line), runInterp(t, s); w != g {
			t.Errorf("%d.%d: %s\ndash %q %q\ngot  %q %q", n, i, line, w.stdout, w.stderr, g.stdout, g.stderr)
			return
		}
	}
	a, b := strings.Split(want.stdout, "\n"), strings.Split(got.stdout, "\n")
	if want.status != got.status {
		t.Errorf("%d: status %#x, got %#x", n, uint32(want.status), uint32(got.status))
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("%d: differs only as a whole at output %d: dash %q, got %q\n%s", n, i, a[i], b[i], script)
			return
		}
	}
}

// TestEscapes compares echo and printf on every escape and on random numbers.
func TestEscapes(t *testing.T) {
	needDash(t)
	var script bytes.Buffer
	for c := byte(' '); c < 0x7f; c++ {
		if c != '\'' {
			fmt.Fprintf(&script, "echo 'x\\%cy'\nprintf '[%%b]\\n' 'x\\%cy' z\n", c, c)
		}
	}
	for _, text := range []string{`\0`, `\01`, `\012`, `\0123`, `\01234`, `\1`, `\12`, `\123`, `\1234`, `\400`, `\0400`, `\8`, `\08`, `a\`, `\\n`, `\x41`, `\u00e9`} {
		fmt.Fprintf(&script, "echo '%s'\nprintf '%%b|' '%s'\n", text, text)
		if goodFormat(text) {
			fmt.Fprintf(&script, "printf '%s|'\n", text)
		}
	}
	compareLines(t, 0, script.String())

	r := rand.New(rand.NewPCG(3, 4))
	args := []string{"0", "1", "-1", "42", "007", "08", "0x1f", "0X", "0xg", "''", "abc", "5x", "-", "+3", "' 7'", "'7 '", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "\"'A\"", "\"'\"", "'\"'", "'a b'", "é"}
	flags := []string{"", "-", "0", "+", " ", "-0", "+0"}
	widths := []string{"", "1", "5", "12"}
	precisions := []string{"", ".", ".0", ".1", ".6"}
	for n := range 20 {
		script.Reset()
		for range 60 {
			format := ""
			for range 1 + r.IntN(2) {
				format += "<%" + flags[r.IntN(len(flags))] + widths[r.IntN(len(widths))] + precisions[r.IntN(len(precisions))] + string("diouxXsb"[r.IntN(8)]) + ">"
			}
			if !goodFormat(format) {
				continue
			}
			fmt.Fprintf(&script, "printf '%s\\n'", format)
			for range r.IntN(4) {
				fmt.Fprint(&script, " ", args[r.IntN(len(args))])
			}
			fmt.Fprint(&script, "; echo $?\n")
		}
		compareLines(t, n, script.String())
	}
}
