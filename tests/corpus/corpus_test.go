package corpus

import "testing"

func TestInOneFolder(t *testing.T) {
	for names, want := range map[string]bool{
		"a/\na/b\na/c/d\n":   true,
		"./a/\n./a/b\n":      true,
		"a/b\nc/d\n":         false,
		"a/b\nMakefile\n":    false,
		"Makefile\nMakefile": false,
	} {
		if got := inOneFolder(names); got != want {
			t.Errorf("%q: %v", names, got)
		}
	}
}
