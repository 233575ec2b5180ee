package makefile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What GNU make 4.4.1 prints while it reads. The makefile is called mk.
func TestRead(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"comment goes on", "# c \\\n$(error x)\na = b # c\n$(info [$a])", "[b ]\n"},
		{"quoted hash", "a = x\\#y\nb = $(subst #,+,p#q)\n$(info $a $b)", "x#y p+q\n"},
		{"continuation", "a = x \\\n   y \\\n\tz\n$(info [$a])", "[x y z]\n"},
		{"posix continuation", ".POSIX:\na = x \\\n   y\n$(info [$a])", "[x  y]\n"},
		{"continuation at the end", "$(info [$a])\na = foo \\\n", "[]\n"},
		{"crlf and bom", "\ufeffa = x\r\n$(info [$a])\r\n", "[x]\n"},
		{"nested define", "define a\nx\ndefine b\ny\nendef\nendef\n$(info $a)", "x\ndefine b\ny\nendef\n"},
		{"define simple", "v = 1\ndefine a :=\n$v\nendef # end\nv = 2\n$(info $a $(flavor a))", "1 simple\n"},
		{"define append", "define a\nx\nendef\ndefine a +=\ny\nendef\n$(info $a)", "x y\n"},
		{"else if", "ifdef no\nx y\nelse ifeq (a,a)\n$(info yes)\nelse\nx y\nendif", "yes\n"},
		{"ignored text", "ifeq (a,b)\ngarbage $(\ndefine x\nendif\nendef\nendif\n$(info ok)", "ok\n"},
		{"quoted comparison", "ifneq \"a\" 'b'\n$(info ne)\nendif", "ne\n"},
		{"append flavours", "a := 1\na += $(b)\nb = 2\na += $(b)\nc += $(b)\n$(info $a|$(value c))", "1 2|$(b)\n"},
		{"conditional", "a ?= 1\na ?= 2\n$(info $a)", "1\n"},
		{"immediate recursive", "b = $$x\na :::= $(b)\n$(info $(value a) $(flavor a))", "$$x recursive\n"},
		{"shell", "a != echo x\\ny\n$(info [$a] $(flavor a))", "[x y] recursive\n"},
		{"undefine", "a = 1\nundefine a\n$(info $(origin a))", "undefined\n"},
		{"keyword as name", "export = 3\ninclude = 4\n$(info $(export)$(include))", "34\n"},
		{"makefile list", "include inc\n$(info $(MAKEFILE_LIST))", "in inc\nmk inc\n"},
		{"recipe prefix", ".RECIPEPREFIX = >\na:\n>@x\n.RECIPEPREFIX =\n$(info ok)", "ok\n"},
		{"no target", "$(empty): x\n\t@y\n$(info ok)", "ok\n"},

		{"separator", "foo bar\n", "mk:1: *** missing separator.  Stop.\n"},
		{"eight spaces", "a:\n        b\n", "mk:2: *** missing separator (did you mean TAB instead of 8 spaces?).  Stop.\n"},
		{"glued ifeq", "\nifeq(a,b)\n", "mk:2: *** missing separator (ifeq/ifneq must be followed by whitespace).  Stop.\n"},
		{"recipe first", "\techo hi\n", "mk:1: *** recipe commences before first target.  Stop.\n"},
		{"missing endif", "ifdef x\n", "mk:2: *** missing 'endif'.  Stop.\n"},
		{"extraneous endif", "endif\n", "mk:1: *** extraneous 'endif'.  Stop.\n"},
		{"two elses", "ifdef x\nelse\nelse\nendif\n", "mk:3: *** only one 'else' per conditional.  Stop.\n"},
		{"bad condition", "ifeq (a,b\nendif\n", "mk:1: *** invalid syntax in conditional.  Stop.\n"},
		{"extra text", "ifdef x\nendif y\n", "mk:2: extraneous text after 'endif' directive\n"},
		{"missing endef", "\ndefine a\nb\n", "mk:2: *** missing 'endef', unterminated 'define'.  Stop.\n"},
		{"empty name", "= x\n", "mk:1: *** empty variable name.  Stop.\n"},
		{"rule missing", ";foo\n", "mk:1: *** missing rule before recipe.  Stop.\n"},
		{"mixed", "%.o a: b\n", "mk:1: *** mixed implicit and normal rules.  Stop.\n"},
		{"mixed static", "%.o: %.c: %.d\n", "mk:1: *** mixed implicit and static pattern rules.  Stop.\n"},
		{"pattern without percent", "a: x: %.c\n", "mk:1: *** target pattern contains no '%'.  Stop.\n"},
		{"no pattern", "a: : %.c\n", "mk:1: *** missing target pattern.  Stop.\n"},
		{"two patterns", "a: x% y%: %.c\n", "mk:1: *** multiple target patterns.  Stop.\n"},
		{"no match", "a: %.o: %.c\n", "mk:1: target 'a' doesn't match the target pattern\n"},
		{"grouped", "a b &: c\n", "mk:1: *** grouped targets must provide a recipe.  Stop.\n"},
		{"colons", "a::;@x\na:;@y\n", "mk:2: *** target file 'a' has both : and :: entries.  Stop.\n"},
		{"override", "a:\n\tx\na:\n\ty\n", "mk:4: warning: overriding recipe for target 'a'\nmk:2: warning: ignoring old recipe for target 'a'\n"},
		{"twice", "a a: ; x\n", "mk:1: target 'a' given more than once in the same rule\n"},
		{"position in variable", "\nx = $(subst a)\n\n$x\n", "mk:2: *** insufficient number of arguments (1) to function 'subst'.  Stop.\n"},
		{"position in eval", "define x\n\nfoo bar\nendef\n$(eval $x)\n", "mk:5: *** missing separator.  Stop.\n"},
		{"nul", "\x00x\n$(info ok)\n", "mk:1: warning: NUL character seen; rest of line ignored\nok\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, h := newTestDB(Options{}, "inc", "$(info in $(lastword $(MAKEFILE_LIST)))\n")
			if got := readText(t, db, h, tt.text); got != tt.want {
				t.Errorf("%q\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

// describe writes the rule of a target as one line.
func describe(db *Database, f *File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", f.Name)
	for _, d := range f.Deps {
		if d.OrderOnly {
			b.WriteString(" |")
		}
		if d.WaitBefore {
			b.WriteString(" .WAIT")
		}
		b.WriteString(" " + db.nameOf(d))
	}
	if f.Recipe != nil {
		fmt.Fprintf(&b, " ; %q at %d", f.Recipe.Text, f.Recipe.Pos.Line)
	}
	return b.String()
}

func TestRules(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"recipe lines", "a: b\n\tx\n\n# c\n\ty \\\n\tz\n", []string{`a: b ; "x\ny \\\n\tz" at 2`}},
		{"semicolon", "a: b;x;y # c\n\tz\n", []string{`a: b ; "x;y # c\nz" at 1`}},
		{"order only and wait", "a: b .WAIT c | d .WAIT\n", []string{"a: b .WAIT c | d"}},
		{"several targets", "a b: c\na: d\n\tx\n", []string{`a: d c ; "x" at 3`, "b: c"}},
		{"static pattern", "a.o b.o: %.o: %.c h\n\tx\n", []string{`a.o: a.c h ; "x" at 2`, `b.o: b.c h ; "x" at 2`}},
		{"expanded", "t = a b\nd = c ; e\n$t: $d\n", []string{`a: c ; " e" at 3`, `b: c ; " e" at 3`}},
		{"quoted", "a\\:b c\\ d: x\\:y\n", []string{"a:b: x:y", "c d: x:y"}},
		{"dot slash", "./a: .//b\n", []string{"a: b"}},
		{"archive group", "l(a b): c\n", []string{"l(a): c", "l(b): c"}},
		{"conditional in recipe", "a:\nifdef no\n\tx\nelse\n\ty\nendif\n\tz\n", []string{`a: ; "y\nz" at 5`}},
		{"glob", "all: *.c\n", []string{"all: p.c q.c"}},
		{"second expansion", ".SECONDEXPANSION:\na: $$b c\n", []string{".SECONDEXPANSION:", "a: $b c"}},
		{"double colon", "a:: b ; x\na:: c ; y\n", []string{`a: b ; " x" at 1`, `a: c ; " y" at 2`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, h := newTestDB(Options{}, "q.c", "", "p.c", "")
			if out := readText(t, db, h, tt.text); out != "" {
				t.Fatalf("printed %q", out)
			}
			var got []string
			for _, f := range db.Files() {
				for ; f != nil; f = f.Prev {
					if f.IsTarget {
						got = append(got, describe(db, f))
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestDefaultGoal(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a:\nb:\n", "a"},
		{".x:\n%.o: %.c\nb:\n", "b"},
		{"./.x/y:\nb:\n", ".x/y"},
		{".SUFFIXES: .c .o\n.c.o: ; x\nb:\n", "b"},
		{"a:\n.DEFAULT_GOAL :=\nb:\n", "b"},
		{"a: v = 1\nb:\n", "b"},
	}
	for _, tt := range tests {
		db, h := newTestDB(Options{})
		readText(t, db, h, tt.text)
		if got := db.Value(".DEFAULT_GOAL"); got != tt.want {
			t.Errorf("%q: goal %q, want %q", tt.text, got, tt.want)
		}
	}
}
