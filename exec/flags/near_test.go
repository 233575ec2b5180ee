package flags

import (
	"slices"
	"strings"
	"testing"

	"fmake/makefile"
)

func TestNear(t *testing.T) {
	names := []string{"explain", "explain-miss", "json", "lint", "verify", "report", "remote-cache", "remote-exec", "env", "order"}
	others := []string{"recon", "print-directory", "debug", "eval"}
	for word, want := range map[string]string{
		"explian":           "explain",
		"explan":            "explain",
		"exlpain":           "explain",
		"xeplain":           "explain",
		"explain-mis":       "explain-miss",
		"explain_miss":      "explain-miss",
		"expl":              "explain",
		"explains":          "explain",
		"lnit":              "lint",
		"lints":             "lint",
		"verfy":             "verify",
		"raport":            "report",
		"remote":            "remote-cache",
		"remote-chace":      "remote-cache",
		"remote-exce":       "remote-exec",
		"envs":              "env",
		"oder":              "order",
		"deubg":             "", // GNU make's
		"record":            "", // as far from "report" as from "recon"
		"no-such-option":    "",
		"zz":                "",
		"e":                 "",
		"":                  "",
		"lxxx":              "",
		"completely-wrong":  "",
		"print-directories": "",
		"évrify":            "",
	} {
		if got := Near(word, names, others); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestWrongLetters(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "ab", 2},
		{"ab", "", 2},
		{"ab", "ba", 1},
		{"abc", "abd", 1},
		{"abcd", "acbd", 1},
		{"kitten", "sitting", 3},
		{"abc", "abc", 0},
		{"ca", "abc", 3},
	} {
		if n, m := wrongLetters(c.a, c.b), wrongLetters(c.b, c.a); n != c.want || m != c.want {
			t.Errorf("%q and %q: %d, %d, want %d", c.a, c.b, n, m, c.want)
		}
	}
}

// TestSuggestion: GNU make's complaint stays as it is, with a line behind it.
func TestSuggestion(t *testing.T) {
	for _, c := range []struct {
		arg    string
		origin makefile.Origin
		want   []string
	}{
		{"--explian=x", makefile.OriginCommand, []string{"dir/make: unrecognized option '--explian'", "Did you mean '--explain'?"}},
		{"--debgu", makefile.OriginCommand, []string{"dir/make: unrecognized option '--debgu'"}},
		{"--explian=x", makefile.OriginFile, nil},
		{"--no", makefile.OriginCommand, []string{"dir/make: option '--no' is ambiguous; possibilities: '--no-builtin-rules' '--no-builtin-variables'" +
			" '--no-keep-going' '--no-print-directory' '--no-silent'"}},
	} {
		var s Set
		var said []string
		say := func(line string) { said = append(said, line) }
		d := &Decoder{
			Set: &s, Invoked: "dir/make", Program: "make", Origin: c.origin, Complain: say, Getopt: say,
			Word:     func(string) {},
			OwnNames: func() []string { return strings.Fields("explain lint note") },
		}
		d.Decode([]string{c.arg})
		if !slices.Equal(said, c.want) {
			t.Errorf("%s: %q, want %q", c.arg, said, c.want)
		}
	}
}
