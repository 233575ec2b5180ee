package makefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// teller is a Prober that keeps the messages.
type teller struct {
	members map[string]bool
	lines   []string
}

func (p *teller) MemberExists(name string) bool { return p.members[name] }
func (p *teller) Leftover(string) bool          { return false }
func (p *teller) Debugging() bool               { return true }
func (p *teller) Debug(depth int, format string, args ...any) {
	p.lines = append(p.lines, strings.Repeat(" ", depth)+fmt.Sprintf(format, args...))
}

// load reads a makefile in a directory that holds the given files.
func load(t *testing.T, text string, builtin bool, files ...string) (*Database, *treeHost) {
	t.Helper()
	host := &treeHost{root: t.TempDir()}
	for _, f := range files {
		path := filepath.Join(host.root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db := New(host, Options{NoBuiltinRules: !builtin})
	db.InstallSuffixRules()
	if err := db.Catch(func() { db.evaluate(fileSource("mk", []byte(text)), true); db.Snap() }); err != nil {
		t.Fatal(err)
	}
	return db, host
}

// summary writes what a file was given: "deps | order-only (stem) recipe".
func summary(db *Database, f *File) string {
	s := strings.TrimSpace(db.depList(f.Deps)) + " (" + f.Stem + ")"
	if f.Recipe != nil {
		s += " " + strings.TrimSpace(f.Recipe.Text)
	}
	return s
}

// TestTryImplicit holds what GNU make 4.4.1 finds.
func TestTryImplicit(t *testing.T) {
	for _, c := range []struct {
		name, text, target string
		builtin            bool
		files              []string
		want               string // "" if nothing is to be found
		others             map[string]string
	}{
		{
			name: "existing prerequisite", text: "%.x: %.y ; r", target: "a.x", files: []string{"a.y"},
			want: "a.y (a) r",
		},
		{name: "nothing to make it from", text: "%.x: %.y ; r", target: "a.x"},
		{
			name: "prerequisite that is a target", text: "%.x: %.y ; r\na.y: ; q", target: "a.x",
			want: "a.y (a) r",
		},
		{
			name: "split directory", text: "%.x: %.y com | sub/% ; r", target: "d/a.x",
			files: []string{"d/a.y", "com", "d/sub/a"}, want: "d/a.y com | d/sub/a (d/a) r",
		},
		{
			name: "pattern with a directory", text: "obj/%.o: src/%.c ; r", target: "obj/d/a.o",
			files: []string{"src/d/a.c"}, want: "src/d/a.c (d/a) r",
		},
		{
			name: "chain", text: "%.x: %.y ; r\n%.y: %.z ; q", target: "a.x", files: []string{"a.z"},
			want: "a.y (a) r", others: map[string]string{"a.y": "a.z (a) q"},
		},
		{
			name: "shortest stem first", text: "%.x: ; long\nab%.x: ; short", target: "abc.x",
			want: " (c) short",
		},
		{
			name: "a cancelled rule", text: "%.x: %.y ; r\n%.x: %.y", target: "a.x", files: []string{"a.y"},
		},
		{
			name: "match-anything gives way to the specific", text: "%: %.q ; any\n%.x: %.y ; r", target: "a.x",
			files: []string{"a.x.q"},
		},
		{
			name: "terminal match-anything does not", text: "%:: %.q ; any\n%.x: %.y ; r", target: "a.x",
			files: []string{"a.x.q"}, want: "a.x.q (a.x) any",
		},
		{
			name: "terminal rule does not chain", text: "%.x:: %.y ; r\n%.y: %.z ; q", target: "a.x", files: []string{"a.z"},
		},
		{
			name: "compatibility: mentioned elsewhere", text: "%.x: %.y ; r\nother: a.y", target: "a.x",
			want: "a.y (a) r",
		},
		{
			name: "prerequisites left by the rule before", text: "%.x: have missing ; 1\n%.x: ; 2", target: "a.x",
			files: []string{"have"}, want: "have (a) 2",
		},
		{
			name: "blank in the name", text: "%.x: %.y ; r", target: "a b.x", files: []string{"a b.y"},
			want: "a b.y (a b) r",
		},
		{
			name: "wildcard in the rule", text: "%.x: %.[yz] ; r", target: "a.x", files: []string{"a.y", "a.z"},
			want: "a.y a.z (a) r",
		},
		{
			name: "second expansion", text: ".SECONDEXPANSION:\n%.x: $$*.y $$(@D)/q | %.z ; r", target: "d/a.x",
			files: []string{"d/a.y", "d/q", "d/a.z"}, want: "d/a.y d/q | d/a.z (d/a) r",
		},
		{
			name: "second expansion with a directory for words that hold a stem",
			text: ".SECONDEXPANSION:\n%.x: a.% b%c%.w $$(if x,com  %.v) ; r", target: "d/o.x",
			files: []string{"d/a.o", "d/boc%.w", "d/com", "d/o.v"}, want: "d/a.o d/boc%.w d/com d/o.v (d/o) r",
		},
		{
			name: "VPATH", text: "VPATH = v\n%.x: %.y ; r", target: "a.x", files: []string{"v/a.y"},
			want: "a.y (a) r",
		},
		{
			name: "built-in", builtin: true, target: "d/a.o", files: []string{"d/a.c"},
			want: "d/a.c (d/a) $(COMPILE.c) $(OUTPUT_OPTION) $<",
		},
		{
			name: "built-in, by yacc", builtin: true, target: "a", files: []string{"a.y"},
			want:   "a.o (a) $(LINK.o) $^ $(LOADLIBES) $(LDLIBS) -o $@",
			others: map[string]string{"a.o": "a.c (a) $(COMPILE.c) $(OUTPUT_OPTION) $<"},
		},
		{name: "suffix rules cleared", text: ".SUFFIXES:", builtin: true, target: "a.o", files: []string{"a.c"}},
		{
			name: "suffix rule replaced", text: ".c.o: ; mine", builtin: true, target: "a.o", files: []string{"a.c"},
			want: "a.c (a) mine",
		},
		{
			name: "archive member", builtin: true, target: "l.a(m.o)", files: []string{"m.o"},
			want: "m.o (m.o) $(AR) $(ARFLAGS) $@ $<",
		},
		{
			name: "extra prerequisites", text: ".EXTRA_PREREQS = xp\n%.x: %.y ; r\nxp: ;", target: "a.x",
			files: []string{"a.y"}, want: "a.y xp (a) r",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, _ := load(t, c.text, c.builtin, c.files...)
			f := db.Enter(c.target)
			got := ""
			if db.TryImplicit(f, 0, silent{}) {
				got = summary(db, f)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for name, want := range c.others {
				if got := summary(db, db.Lookup(name)); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestIntermediateFlags(t *testing.T) {
	db, _ := load(t, "%.x: %.y lit ; r\n%.y: %.z ; q\nlit: ; l\n%.n: %.m ; r\n%.m: ; q\n.NOTINTERMEDIATE: %.m\n"+
		".PRECIOUS: %.p\n%.p: ; r\n%.a %.b: ; two\n", false, "a.z")
	for target, check := range map[string]func() bool{
		"a.x": func() bool { return db.Lookup("a.y").Intermediate && !db.Lookup("lit").Intermediate },
		"a.n": func() bool { m := db.Lookup("a.m"); return m.NotIntermediate && !m.Intermediate },
		"a.p": func() bool { return db.Lookup("a.p").Precious },
		"d/q.a": func() bool {
			f := db.Lookup("d/q.a")
			return len(f.AlsoMake) == 1 && f.AlsoMake[0] == db.Lookup("d/q.b") && f.AlsoMake[0].IsTarget
		},
	} {
		if !db.TryImplicit(db.Enter(target), 0, silent{}) || !check() {
			t.Errorf("wrong properties after the search for %s", target)
		}
	}
}

// TestImplicitMessages is a session of GNU make 4.4.1 with -d.
func TestImplicitMessages(t *testing.T) {
	db, _ := load(t, "%.x: %.y com ; 1\n%.y: %.w ; 2\nother: s/one.w\n", false)
	p := &teller{}
	f := db.Enter("s/one.x")
	if db.TryImplicit(f, 2, p) {
		t.Error("found a rule")
	}
	want := `  Looking for an implicit rule for 's/one.x'.
   Trying pattern rule '%.x: %.y com' with stem 'one'.
   Trying implicit prerequisite 's/one.y'.
   Not found 's/one.y'.
   Trying harder.
   Trying pattern rule '%.x: %.y com' with stem 'one'.
   Trying implicit prerequisite 's/one.y'.
   Looking for a rule with intermediate file 's/one.y'.
    Avoiding implicit rule recursion for rule '%.x: %.y com'.
    Trying pattern rule '%.y: %.w' with stem 'one'.
    Trying implicit prerequisite 's/one.w'.
    Prerequisite 's/one.w' of rule '%.y: %.w' does not qualify as ought to exist.
    Not found 's/one.w'.
    Trying harder.
    Trying pattern rule '%.y: %.w' with stem 'one'.
    Trying implicit prerequisite 's/one.w'.
    Prerequisite 's/one.w' of rule '%.y: %.w' does not qualify as ought to exist.
    Looking for a rule with explicit file 's/one.w'.
     Avoiding implicit rule recursion for rule '%.x: %.y com'.
     Avoiding implicit rule recursion for rule '%.y: %.w'.
    No implicit rule found for 's/one.w'.
    Rejecting rule '%.y: %.w' due to impossible prerequisite 's/one.w'.
   Searching for a compatibility rule for 's/one.y'.
    Avoiding implicit rule recursion for rule '%.x: %.y com'.
    Trying pattern rule '%.y: %.w' with stem 'one'.
    Trying implicit prerequisite 's/one.w'.
    Using compatibility rule '%.y: %.w' due to 's/one.w'.
   Found implicit rule '%.y: %.w' for 's/one.y'.
   Trying rule prerequisite 'com'.
   Looking for a rule with explicit file 'com'.
    Avoiding implicit rule recursion for rule '%.x: %.y com'.
   No implicit rule found for 'com'.
   Rejecting rule '%.x: %.y com' due to impossible prerequisite 'com'.
  No implicit rule found for 's/one.x'.`
	if got := strings.Join(p.lines, "\n"); got != want {
		t.Errorf("got:\n%s", got)
	}
}

// TestShapesFollowTheDatabase: a rule that was hopeless must be found when the
// makefile or a command has made it possible.
func TestShapesFollowTheDatabase(t *testing.T) {
	db, _ := load(t, "%.x: %.y ; r", false, "s/other")
	if db.TryImplicit(db.Enter("s/a.x"), 0, silent{}) {
		t.Fatal("found a rule for s/a.x")
	}
	db.Enter("s/b.y").IsTarget = true
	if !db.TryImplicit(db.Enter("s/b.x"), 0, silent{}) {
		t.Error("a target that was entered later is not seen")
	}
	db, host := load(t, "%.x: %.y ; r", false, "s/other")
	if db.TryImplicit(db.Enter("s/a.x"), 0, silent{}) {
		t.Fatal("found a rule for s/a.x")
	}
	if err := os.WriteFile(filepath.Join(host.root, "s/c.y"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db.Dirs().Invalidate()
	if !db.TryImplicit(db.Enter("s/c.x"), 0, silent{}) {
		t.Error("a file that a command made is not seen")
	}
}
