package makefile

import "testing"

// The results are those of GNU make 4.4.1.
func TestExpand(t *testing.T) {
	const setUp = `
a = 1 2  3
b := $(a) x
rev = $(2) $(1)
tail = $(if $(word 2,$1),$(call tail,$(wordlist 2,99,$1)),$1)
define two
line1
line2
endef
`
	tests := []struct{ text, want string }{
		{"plain", "plain"},
		{"$$ $ [$]", "$ ["},
		{"a$", "a$"},
		{"$a|${a}|$(b)|$(nope)", "1 2  3|1 2  3|1 2  3 x|"},
		{"$(a:2=z) $(a:%=<%>)", "1 z 3 <1> <2> <3>"},
		{"$(two)", "line1\nline2"},
		{"$(subst a,b,aaa xa)", "bbb xb"},
		{"$(subst ,x,ab)", "abx"},
		{"$(patsubst %.c,%.o,a.c  b.h   c.c )", "a.o b.h c.o"},
		{"$(patsubst a,b,a   c  a)", "b   c  b"},
		{`$(patsubst \%.c,%.o,%.c a.c)`, "%.o a.c"},
		{"$(strip   a   b  )", "a b"},
		{"$(filter %.c b,a.c b c d.c)|$(filter-out %.c b,a.c b c d.c)", "a.c b d.c|c"},
		{"$(sort c a b a)", "a b c"},
		{"$(word 2,a b c)|$(word 9,a)|$(wordlist 2,3,a  b   c d)|$(words a b c)", "b||b   c|3"},
		{"$(firstword a b)|$(lastword a b )|$(lastword )", "a|b|"},
		{"$(dir a/b c /x a/)|$(notdir a/b c a/ z)", "a/ ./ / a/|b c  z"},
		{"$(suffix a.c b a.b/c x.y.z)|$(basename a.c b a.b/c x.y.z)", ".c .z|a b a.b/c x.y"},
		{"$(addsuffix .x,a b)|$(addprefix p/,a b)|$(join a b c,1 2)", "a.x b.x|p/a p/b|a1 b2 c"},
		{"$(if  ,y,n)$(if x,y)$(if ,y)|$(or ,,c)|$(and a,b)|$(and a,,b)", "ny|c|b|"},
		{"$(intcmp 1,2,lt,eq,gt)|$(intcmp 2,+02)|$(intcmp 3,2,lt,ge)|$(intcmp -0,0,lt,eq,gt)", "lt|2|ge|eq"},
		{"$(intcmp 99999999999999999999,1,lt,eq,gt)|$(intcmp -5,-40,lt,eq,gt)", "gt|gt"},
		{"$(call rev,a,b)|$(call rev,x)|$(call nope,a)|$(call subst,a,b,aaa)", "b a| x||bbb"},
		{"$(call tail,a b c d)", "d"},
		{"$(let x y z,1 2 3 4,$z-$y-$x)|$(foreach i,1 2 3,<$i>)", "3 4-2-1|<1> <2> <3>"},
		{"$(value rev)|$(origin a)|$(origin nope)|$(flavor a)|$(flavor b)", "$(2) $(1)|file|undefined|recursive|simple"},
		{"$(abspath a/../b /x/./y //z)", "/w/b /x/y /z"},
		{"$(eval e := 5)$(e)", "5"},
		{`$(shell echo a\nb\n\n)|$(.SHELLSTATUS)|$(shell exit 3)$(.SHELLSTATUS)`, "a b|0|3"},
		{"$(file >f,one)$(file >>f,two)$(file <f)|$(file <missing)", "one\ntwo|"},
		{"$(subst},x,y)", ""},
	}
	for _, tt := range tests {
		db, h := newTestDB(Options{})
		readText(t, db, h, setUp)
		var got string
		if err := db.Catch(func() { got = db.Expand(tt.text) }); err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"$(a", "unterminated variable reference"},
		{"$(subst a,b)", "insufficient number of arguments (2) to function 'subst'"},
		{"${subst a,b,c", "unterminated call to function 'subst': missing '}'"},
		{"$(word a,b)", "invalid first argument to 'word' function: 'a'"},
		{"$(word  ,b)", "invalid first argument to 'word' function: empty value"},
		{"$(word 0,b)", "first argument to 'word' function must be greater than 0"},
		{"$(word 99999999999999999999,b)", "invalid first argument to 'word' function: '99999999999999999999' out of range"},
		{"$(wordlist 1,-1,b)", "invalid second argument to 'wordlist' function: '-1'"},
		{"$(intcmp 1,x)", "non-numeric second argument to 'intcmp' function: 'x'"},
		{"$(file foo)", "file: invalid file operation: foo"},
		{"$(file >)", "file: missing filename"},
		{"$(error bad thing)", "bad thing"},
		{"$(self)", "Recursive variable 'self' references itself (eventually)"},
	}
	for _, tt := range tests {
		db, _ := newTestDB(Options{})
		db.Define("self", "$(self)", OriginFile, true, nil, Pos{})
		for range 2 { // an error leaves the database usable
			err := db.Catch(func() { db.Expand(tt.text) })
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s\n got %v\nwant %s", tt.text, err, tt.want)
			}
		}
	}
}

func TestExpansionIsBounded(t *testing.T) {
	db, h := newTestDB(Options{})
	db.maxText = 1 << 16
	text := "a := xx\n"
	for range 40 {
		text += "a := $a$a\n"
	}
	if got, want := readText(t, db, h, text), "mk:17: *** virtual memory exhausted.  Stop.\n"; got != want {
		t.Errorf("doubling: got %q, want %q", got, want)
	}
	db, h = newTestDB(Options{})
	text = "include mk\n"
	if got, want := readText(t, db, h, text), "mk:1: *** Too many open files.  Stop.\n"; got != want {
		t.Errorf("include: got %q, want %q", got, want)
	}
}
