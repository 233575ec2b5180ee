package recipe

import "testing"

// TestNestedOutputs tells which scripts that write to a file within what writes to a file
// are the shell's.
func TestNestedOutputs(t *testing.T) {
	for _, tt := range []struct {
		script string
		ok     bool
	}{
		{"{ echo a; cat b; } >f", true},
		{"( { echo a; } >f; echo 1 ) >f", false},
		{"{ echo a >f; echo 1; } >f", false},
		{"{ echo a >>f; echo 1; } >f", false},
		{"{ echo a >f; echo 1; } >>f", true},
		{"{ echo a >f; echo 1; } >./f", false},
		{"{ echo a >g; echo 1; } >f", true},
		{"{ echo a; } >f; echo b >f", true},
		{"{ ls nope 2>f; echo 1; } >f", false},
		{"{ echo a >f; ls nope; } 2>f", false},
		{"{ ls nope 2>/dev/null; echo 1; } >/dev/null", true},
		{"if true; then if true; then echo a >f; fi; fi >f", false},
		{"for i in 1 2; do { echo $i >f; }; done >f", false},
		{"x=$(echo a >f); { y=$(echo b >f); echo $y; } >g", true},
		{"{ y=$(echo b >f); echo $y; } >f", false},
		{"f=g; { echo a >$f; } >f", false},
		{"f=g; { echo a >$f.o; } >f.c", true},
		{"f=g; { echo a >$f.o; } >x.o", false},
		{"f=g; { echo a >$f/x.o; } >g/x.o", false},
		{"f=g; { echo a >$f/x.o; } >g/y.o", true},
		{"f=g; { echo a >g; } >\"$f\"", false},
		{"{ echo a >'f'; } >\"f\"", false},
		{"{ echo a >sub/f; } >f", true},
		{"(cd sub; echo a >f) >f", false},
		{"(cd sub; echo a >g) >f", true},
		{"{ echo a >/tmp/f; } >f", false},
		{"{ echo a | tee f; echo b; } >f", false},
		{"{ echo a | tee g; echo b; } >f", true},
		{"{ echo f; test -f f; printf f; } >f", true},
		{"{ cat *.c; echo b; } >f", true},
		{"for i in a b; do cat $i.c; done >f", true},
		{"tee f >f", true}, // nothing goes on after it
	} {
		if _, err := Parse(tt.script); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want accepted %v", tt.script, err, tt.ok)
		}
	}
}
