package build

import "testing"

func TestPlainly(t *testing.T) {
	checkLines(t, "plainly", plainly, []lineTest{
		{"cc -DX='' -c x.c", "cc -DX= -c x.c"},
		{"cc -DX=\"\" -c 'x.c'", "cc -DX= -c x.c"},
		{"cc '-DX=\"a b\"' x.c", "cc '-DX=\"a b\"' x.c"},
		{"cc -DX=\\\"a\\ b\\\" x.c", "cc '-DX=\"a b\"' x.c"},
		{"cc -DX=\"\\\"a b\\\"\" x.c", "cc '-DX=\"a b\"' x.c"},
		{"cc \"a\\b\" 'it'\\''s'", "cc 'a\\b' 'it'\\''s'"},
		{"cc ''", "cc ''"},
		{"cc", "cc"},
		{"'if' \"a\"", "'if' a"},
		{"X='a' cc 'b' > 'c'", "X='a' cc b > 'c'"},
		{"test \"$x\" = 'a' && cc 'b'", "test \"$x\" = a && cc b"},
		{"rm *'.o' '*.o' \"~\" ~'/a'", "rm *'.o' '*.o' '~' ~'/a'"},
		{"for x in 'a' b; do cc \"$x\" 'c'; done", "for x in 'a' b; do cc \"$x\" c; done"},
		{"cc $(cat 'f') `cat 'f'` 'x'", "cc $(cat f) `cat 'f'` x"},
		{"cat <<'E'\n'a'\nE", "cat <<'E'\n'a'\nE"},
		{"cc 'a' \\\n  -o \"b\"", "cc a \\\n  -o b"},
		{"cc 'a", "cc 'a"},
		{"cc [a'-'z] {'a',b} $'a' $\"a\"", "cc [a'-'z] {'a',b} $'a' $\"a\""},
	})
}

func TestIsSilent(t *testing.T) {
	for line, want := range map[string]bool{
		"@cc x": true, " -@ cc x": true, "cc @x": false, "": false, "@cc \\\n x": true, "@cc x\ncc y": false,
	} {
		if got := isSilent(line); got != want {
			t.Errorf("isSilent(%q) = %v, want %v", line, got, want)
		}
	}
}

func BenchmarkPlainly(b *testing.B) {
	for b.Loop() {
		plainly(`printf '    %b %b\n' "\033[34m"CC"\033[0m" "\033[33m"adlist.o"\033[0m" 1>&2;cc -pedantic -DREDIS_STATIC='' -std=c11 -Wall -W -Wno-missing-field-initializers -O2 -g -ggdb -I../deps/hiredis -c adlist.c`)
	}
}
