package makefile

import (
	"slices"
	"strings"
	"testing"
)

func TestTargetVariables(t *testing.T) {
	db, h := newTestDB(Options{})
	readText(t, db, h, `
v = global
a: v = a
a: w += 1
w = 0
b: v += b
%x: v := pattern
%yx: v := longer
c: private v = mine
a: b c fx gyx
b c fx gyx d:
`)
	parent := db.Lookup("a")
	tests := []struct{ file, parent, text, want string }{
		{"a", "", "$v", "a"},
		{"a", "", "$w", "0 1"},
		{"b", "a", "$v", "a b"},
		{"b", "", "$v", "global b"},
		{"fx", "", "$v", "pattern"},
		{"gyx", "a", "$v", "longer"},
		{"c", "", "$v", "mine"},
		{"d", "c", "$v", "global"},
	}
	for _, tt := range tests {
		f := db.Lookup(tt.file)
		f.Parent = nil
		switch tt.parent {
		case "a":
			f.Parent = parent
		case "c":
			f.Parent = db.Lookup("c")
		}
		db.InitFileVars(f, false)
		if got := db.ExpandFor(tt.text, f); got != tt.want {
			t.Errorf("%s for %s below %q: got %q, want %q", tt.text, tt.file, tt.parent, got, tt.want)
		}
	}
}

func TestCommandLineBeatsMakefile(t *testing.T) {
	db, h := newTestDB(Options{Env: []string{"E=env", "O=env"}})
	db.DefineOnCommandLine("C=cmd")
	readText(t, db, h, "C = mk\nE = mk\noverride O = mk\na: C = mk\na: override C += mk\nb: C = mk\nb:\n")
	for name, want := range map[string]string{"C": "cmd", "E": "mk", "O": "mk"} {
		if got := db.Value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"a": "cmd mk", "b": "cmd"} {
		f := db.Lookup(name)
		db.InitFileVars(f, false)
		if got := db.ExpandFor("$(C)", f); got != want {
			t.Errorf("C for %s is %q, want %q", name, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	const text = `
export YES = $(PLAIN)
PLAIN = p
unexport GONE
x-y = 1
export x-y
SHELL = /bin/other
a: export T = t
a: unexport YES = x
`
	db, h := newTestDB(Options{Env: []string{"GONE=1", "KEPT=$x", "SHELL=/bin/env"}})
	db.DefineOnCommandLine("CMD=c")
	readText(t, db, h, text)
	check := func(f *File, want string) {
		t.Helper()
		got := strings.Join(db.Environment(f, true), " ")
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	check(nil, "CMD=c KEPT=$x MAKELEVEL=1 SHELL=/bin/env YES=p x-y=1")
	a := db.Lookup("a")
	db.InitFileVars(a, false)
	check(a, "CMD=c KEPT=$x MAKELEVEL=1 SHELL=/bin/env T=t x-y=1")
}

// A variable that calls the shell and is exported has its old value in that
// shell's environment.
func TestShellEnvironmentEndsRecursion(t *testing.T) {
	db, h := newTestDB(Options{Env: []string{"V=old"}})
	out := readText(t, db, h, "export V = $(shell echo hi)\n$(info $(V))\n")
	if out != "hi\n" {
		t.Errorf("printed %q", out)
	}
	if !slices.Contains(h.env, "V=old") {
		t.Errorf("environment %q has no V=old", h.env)
	}
}

func TestChop(t *testing.T) {
	tests := []struct {
		text  string
		lines []string
		flags []LineFlag
	}{
		{"", []string{""}, []LineFlag{0}},
		{"@a\n- +b", []string{"@a", "- +b"}, []LineFlag{FlagSilent, FlagNoError | FlagRecurse}},
		{"a \\\n\tb\nc", []string{"a \\\n\tb", "c"}, []LineFlag{0, 0}},
		{"a\\\\\nb", []string{"a\\\\", "b"}, []LineFlag{0, 0}},
		{"cd x && $(MAKE)", []string{"cd x && $(MAKE)"}, []LineFlag{FlagRecurse}},
	}
	db, _ := newTestDB(Options{})
	for _, tt := range tests {
		r := &Recipe{Text: tt.text}
		db.Chop(r)
		if !slices.Equal(r.Lines, tt.lines) || !slices.Equal(r.Flags, tt.flags) {
			t.Errorf("%q: got %q %v, want %q %v", tt.text, r.Lines, r.Flags, tt.lines, tt.flags)
		}
	}
}
