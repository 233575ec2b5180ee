package makefile

import (
	"strings"
	"testing"
	"time"
)

func TestSpecialTargets(t *testing.T) {
	db, _ := load(t, `
.PRECIOUS: a %.p
.PHONY: b
.INTERMEDIATE: i
.SECONDARY: s
.NOTINTERMEDIATE: n
.LOW_RESOLUTION_TIME: l
.IGNORE: g
.SILENT: h
.NOTPARALLEL: k
.DELETE_ON_ERROR:
.EXPORT_ALL_VARIABLES:
a b i s n l g h: ; r
k: x y z
`, false)
	for name, ok := range map[string]bool{
		"precious":        db.Lookup("a").Precious && db.Lookup("%.p").Precious,
		"phony":           db.Lookup("b").Phony && db.Lookup("b").IsTarget,
		"intermediate":    db.Lookup("i").Intermediate && !db.Lookup("i").Secondary,
		"secondary":       db.Lookup("s").Intermediate && db.Lookup("s").Secondary,
		"notintermediate": db.Lookup("n").NotIntermediate,
		"low resolution":  db.Lookup("l").LowResTime,
		"ignore":          db.Lookup("g").Run.Flags == FlagNoError && !db.IgnoreErrors,
		"silent":          db.Lookup("h").Run.Flags == FlagSilent && !db.Silent,
		"notparallel":     !db.NotParallel && !db.Lookup("k").Deps[0].WaitBefore && db.Lookup("k").Deps[2].WaitBefore,
		"delete on error": db.DeleteOnError,
		"export":          db.ExportAll,
	} {
		if !ok {
			t.Errorf("%s: wrong", name)
		}
	}
}

func TestBareSpecialTargets(t *testing.T) {
	db, _ := load(t, ".IGNORE:\n.SILENT:\n.NOTPARALLEL:\n.SECONDARY:\n.NOTINTERMEDIATE: n\na n: ; r\n", false)
	if !db.IgnoreErrors || !db.Silent || !db.NotParallel || !db.AllSecondary {
		t.Error("a special target without prerequisites does not hold for all")
	}
	if !db.Lookup("a").Intermediate || db.Lookup("n").Intermediate {
		t.Error(".SECONDARY without prerequisites: wrong files are intermediate")
	}
}

func TestContradictions(t *testing.T) {
	for text, want := range map[string]string{
		".INTERMEDIATE: a\n.NOTINTERMEDIATE: a": "a cannot be both .NOTINTERMEDIATE and .INTERMEDIATE",
		".SECONDARY: a\n.NOTINTERMEDIATE: a":    "a cannot be both .NOTINTERMEDIATE and .SECONDARY",
		".SECONDARY:\n.NOTINTERMEDIATE:":        ".NOTINTERMEDIATE and .SECONDARY are mutually exclusive",
	} {
		db := New(&treeHost{root: t.TempDir()}, Options{})
		err := db.Catch(func() { db.EvalString(text, Pos{}); db.Snap() })
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestExtraPrereqs(t *testing.T) {
	db, _ := load(t, `
.EXTRA_PREREQS = xtra
one: V = 1
one: a ; r
two: b ; r
four: a ; r
four: .EXTRA_PREREQS = own
self: self2 ; r
self2: .EXTRA_PREREQS = self2
self2: c
xtra: d
%.x: ; r
`, false)
	for name, want := range map[string]string{
		"one": "a", "two": "b xtra", "four": "a own", "self2": "c", "xtra": "d",
	} {
		if got := strings.TrimSpace(db.depList(db.Lookup(name).Deps)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := db.ruleDefinition(db.Patterns[0]); got != "%.x: xtra" {
		t.Errorf("pattern rule: %q", got)
	}
}

func TestConvertSuffixRules(t *testing.T) {
	db, host := load(t, `
.SUFFIXES:
.SUFFIXES: .c .o .a
.c.o: hello; one
.c: ; two
.c.a: ; three
.x.o: ; no
`, true)
	var got []string
	for _, r := range db.Patterns {
		if !r.Builtin {
			got = append(got, db.ruleDefinition(r))
		}
	}
	want := "%.c:,%: %.c,%.o: %.c,(%.o): %.c,%.a: %.c,%.o:,%: %.o,%.a:"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
	if said := host.said(); said != "warning: ignoring prerequisites on suffix rule definition" {
		t.Errorf("said %q", said)
	}
}

func TestVPathSearch(t *testing.T) {
	db, _ := load(t, `
VPATH = g:h/ .
GPATH = h
vpath %.h inc : inc2
vpath %.q gone
vpath %.q
mention: g/only
tgt: ; r
g/tgt:
lib: -lfoo
`, true, "inc2/a.h", "g/f", "h/f", "h/x", "g/tgt", "g/libfoo.a", "h/libfoo.so", "gone/z.q")
	for name, want := range map[string]string{
		"a.h": "inc2/a.h", "f": "g/f", "x": "h/x", "only": "g/only", "none": "", "z.q": "", "/f": "", "tgt": "g/tgt",
	} {
		hit, ok := db.VPathSearch(name)
		if hit.Name != want || ok != (want != "") {
			t.Errorf("VPathSearch(%q) = %q, %t; want %q", name, hit.Name, ok, want)
		}
	}
	if !db.GPathHas("h") || db.GPathHas("g") {
		t.Error("GPATH is wrong")
	}
	// The directory counts before the pattern: g has the static library.
	if hit, ok := db.LibrarySearch("-lfoo"); !ok || hit.Name != "g/libfoo.a" {
		t.Errorf("LibrarySearch = %q, %t", hit.Name, ok)
	}
}

func TestExpandDeps(t *testing.T) {
	db, _ := load(t, `
.SECONDEXPANSION:
a.c: | b $$(patsubst %,%1,$$^$$|)
a.c: c d c $$(addprefix x,$$^ $$| $$<) $$*
s1 s2: s%: $$@z z%% $$(V)
V = late
w: $$(EMPTY)
`, true)
	for name, want := range map[string]string{
		"a.c": "c d c xb a | b", // the automatic variables hold what is expanded already
		"s1":  "s1z z1% late",
		"w":   "",
	} {
		f := db.Lookup(name)
		db.ExpandDeps(f)
		db.ExpandDeps(f)
		if got := strings.TrimSpace(db.depList(f.Deps)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSetAutoVars(t *testing.T) {
	db, _ := load(t, "l.a(d.o): x(m.o) y y | z y\nf.c: a b | a c\n", true)
	for name, want := range map[string]string{
		"l.a(d.o)": "@=l.a %=d.o *=d <=x(m.o) ^=m.o y +=m.o y y ?=y |=z",
		"f.c":      "@=f.c %= *=f <=a ^=a b +=a b ?=b |=c",
	} {
		f := db.Lookup(name)
		f.Deps[1].Changed = true
		db.InitFileVars(f, false)
		db.SetAutoVars(f, "", false)
		got := db.ExpandFor("@=$@ %=$% *=$* <=$< ^=$^ +=$+ ?=$? |=$|", f)
		if got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

// TestPrintDatabase checks the text that tools look for; the whole was compared
// with GNU make's by hand.
func TestPrintDatabase(t *testing.T) {
	db, _ := load(t, `
V = a $$ b
S := a $$ b
define D
x
y
endef
SP := $(subst x,,x x)
%.x: P = 1
all: one | two ; @echo
	-echo \
	  more
one: T := 2
dc:: a ; r
%.x: %.y | z
	make it
vpath %.h inc
`, false)
	var b strings.Builder
	db.PrintDatabase(&b, time.Unix(0, 0).UTC())
	for _, want := range []string{
		"\n# Make data base, printed on Thu Jan  1 00:00:00 1970\n\n# Variables\n\n",
		"# makefile (from 'mk', line 2)\nV = a $$ b\n",
		"# makefile (from 'mk', line 3)\nS := a $$ b\n",
		"define D\nx\ny\nendef\n",
		"\nSP := $(subst ,, )\n",
		"\n# Pattern-specific Variable Values\n\n%.x :\n# makefile (from 'mk', line 9)\n# P := 1\n\n# 1 pattern-specific variable values\n# Directories\n",
		"\n# Implicit Rules\n\n%.x: %.y | z\n#  recipe to execute (from 'mk', line 16):\n\tmake it\n\n# 1 implicit rules, 0 (0.0%) terminal.\n# Files\n",
		"\nall: one | two\n#  Implicit rule search has not been done.\n#  Modification time never checked.\n#  File has not been updated.\n" +
			"#  recipe to execute (from 'mk', line 10):\n\t @echo\n\t-echo \\\n\t  more\n",
		"\n# Not a target:\ntwo:\n",
		"\n# makefile (from 'mk', line 13)\none: T := 2\n# Not a target:\none:\n",
		"\ndc:: a\n",
		"# VPATH Search Paths\n\nvpath %.h inc\n\n# 1 'vpath' search paths.\n\n# No general ('VPATH' variable) search path.\n",
		"\n# Finished Make data base on Thu Jan  1 00:00:00 1970\n\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing:\n%s", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

// TestParentCycle: circular dependencies end in parents that are each other's,
// which must not keep variables from being looked up.
func TestParentCycle(t *testing.T) {
	db, _ := load(t, "a: V = 1\nb: W = 2\na: b\nb: a\n", false)
	a, b := db.Lookup("a"), db.Lookup("b")
	a.Parent, b.Parent = b, a
	db.InitFileVars(a, false)
	if got := db.ExpandFor("$V$W", a); got != "12" {
		t.Errorf("in a: %q", got)
	}
	db.InitFileVars(b, false)
	if got := db.ExpandFor("$V$W$(none)", b); got != "12" {
		t.Errorf("in b: %q", got)
	}
}
