package flags

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fmake/makefile"
)

func decode(t testing.TB, s *Set, origin makefile.Origin, args ...string) (words, complaints []string, ok bool) {
	t.Helper()
	complain := func(line string) { complaints = append(complaints, line) }
	d := &Decoder{
		Set: s, Invoked: "dir/make", Program: "make", Origin: origin,
		Complain: complain, Getopt: complain, Word: func(word string) { words = append(words, word) },
		FileName: func(arg string) string { return strings.TrimPrefix(arg, "./") },
	}
	ok = d.Decode(args)
	return words, complaints, ok
}

func TestDecodeEncode(t *testing.T) {
	for _, c := range []struct{ args, letters, words, rest string }{
		{args: "-k", letters: "k"},
		{args: "-kj4 all", letters: "k", words: "-j4", rest: "all"},
		{args: "-j 4 all", words: "-j4", rest: "all"},
		{args: "-j all", words: "-j", rest: "all"},
		{args: "-j4x"},
		{args: "-j 4x", words: "-j", rest: "4x"},
		{args: "-l 2.5 -l"},
		{args: "-l2.5", words: "-l2.5"},
		{args: "--max-load=3", words: "-l3"},
		{args: "-Otarget -O", words: "-Otarget"},
		{args: "-S -k", letters: "k"},
		{args: "-k -S", letters: "S"},
		{args: "--no-pr", words: "--no-print-directory"},
		{args: "-w --no-print-directory -w", letters: "w"},
		{args: "-I a -Ib -I a", words: "-Ia -Ib"},
		{args: "--debug --debug=v,j", words: "--debug=basic --debug=v,j"},
		{args: "-f x -f x -C d --file=y g", rest: "g"},
		{args: "-n -- -k A=b", letters: "n", rest: "-k A=b"},
		{args: "- a -b -m", rest: "- a"},
		{args: "--recon --dry --just-print", letters: "n"},
		{args: "-sdBReiLpqrtv", letters: "BdeiLpqrRstv"},
		{args: "--jobserver-fds=3,4", words: "--jobserver-auth=3,4"},
	} {
		var s Set
		rest, _, _ := decode(t, &s, makefile.OriginCommand, strings.Fields(c.args)...)
		e := s.Encode(false)
		if e.Letters != c.letters || strings.Join(e.Words, " ") != c.words || strings.Join(rest, " ") != c.rest {
			t.Errorf("%s: %q %q, rest %q; want %q %q, %q", c.args, e.Letters, e.Words, rest, c.letters, c.words, c.rest)
		}
	}
}

func TestComplaints(t *testing.T) {
	for arg, want := range map[string]string{
		"-z":       "dir/make: invalid option -- 'z'",
		"--zz":     "dir/make: unrecognized option '--zz'",
		"-f":       "dir/make: option requires an argument -- 'f'",
		"--file":   "dir/make: option '--file' requires an argument",
		"--help=3": "dir/make: option '--help' doesn't allow an argument",
		"-j0":      "make: the '-j' option requires a positive integer argument",
		"--debug=": "make: the '--debug' option requires a non-empty string argument",
		"--no": "dir/make: option '--no' is ambiguous; possibilities: '--no-builtin-rules' '--no-builtin-variables'" +
			" '--no-keep-going' '--no-print-directory' '--no-silent'",
	} {
		var s Set
		_, complaints, ok := decode(t, &s, makefile.OriginCommand, arg)
		if ok || !slices.Equal(complaints, []string{want}) {
			t.Errorf("%s: ok %v, %q; want %q", arg, ok, complaints, want)
		}
	}
}

func TestMakefileOriginIsLenient(t *testing.T) {
	var s Set
	_, complaints, ok := decode(t, &s, makefile.OriginFile, "-z", "--zz", "-C", "d", "-k")
	if !ok || complaints != nil || !s.On(KeepGoing) || s.List(Directory) != nil {
		t.Errorf("ok %v, %q, %v", ok, complaints, s.List(Directory))
	}
}

func TestRankedOptions(t *testing.T) {
	var s Set
	decode(t, &s, makefile.OriginCommand, "-S")
	decode(t, &s, makefile.OriginFile, "-k", "-n")
	if s.On(KeepGoing) {
		t.Error("a makefile's -k undid the command line's -S")
	}
	if e := s.Encode(true); e.Letters != "S" {
		t.Errorf("while remaking makefiles: %q, want S", e.Letters)
	}
}

func TestSplitWords(t *testing.T) {
	for in, want := range map[string][]string{
		"":              nil,
		" a  b ":        {"a", "b"},
		`k -- A=b\ c d`: {"k", "--", "A=b c", "d"},
		`a\\b \`:        {`a\b`, `\`},
	} {
		if got := SplitWords(in); !reflect.DeepEqual(got, want) {
			t.Errorf("SplitWords(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzRoundTrip checks that a sub-make that reads what was encoded has the same
// settings.
func FuzzRoundTrip(f *testing.F) {
	f.Add("-k -j4 -l2.5 -Ix --debug=v --trace -O --shuffle=3 --no-silent")
	f.Add("-S -w --no-print-directory -E a\\ b=c -W x --eval=$q -j")
	f.Add("--jobserver-auth=fifo:/tmp/x -l1e3 -BdeiLnpqrRstv")
	f.Fuzz(func(t *testing.T, line string) {
		var s, again Set
		decode(t, &s, makefile.OriginCommand, SplitWords(line)...)
		e := s.Encode(false)
		value := e.Letters + " " + strings.Join(append(e.Words, e.Evals...), " ")
		said := func(text string) { t.Errorf("%q", text) }
		d := &Decoder{
			Set: &again, Origin: makefile.OriginCommand, Complain: said, Getopt: said, Word: said,
			FileName: func(arg string) string { return arg },
		}
		// What $(MAKEFLAGS) yields has its dollar signs single again.
		if !d.DecodeVariable(strings.ReplaceAll(value, "$$", "$")) {
			t.Fatalf("%q is not read", value)
		}
		if e2 := again.Encode(false); !reflect.DeepEqual(e, e2) {
			t.Errorf("%q: %q became %q", line, e, e2)
		}
	})
}
