package build

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRecipeWords(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"cc -c -o a.o a.c", []string{"cc", "a.o", "a.c"}},
		{"cc -Iinclude -I. -DX=y.h a.c", []string{"cc", "include", ".", "y.h", "a.c"}},
		{"@sh ./tool.sh <in >$@", []string{"sh", "./tool.sh", "in"}},
		{"cp */x /abs out/ 'quoted name'", []string{"cp", "out", "quoted", "name"}},
		{"a \\\n  b; (cd d && c)", []string{"a", "b", "cd", "d", "c"}},
		{"prog --file=conf.txt --verbose", []string{"prog", "conf.txt"}},
	} {
		if got := recipeWords(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestIncludedBy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.c")
	text := "#include \"a.h\"\n #  include <sys/b.h> // why\n#include_next \"c.h\"\n#include MACRO\n#include\nint x; /* #include */\n#includes \"no\"\n#include \"\"\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := includedBy(file), []string{"a.h", "sys/b.h", "c.h"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := includedBy(file + "x"); got != nil {
		t.Errorf("of no file: %q", got)
	}
}

func TestStaysInside(t *testing.T) {
	for _, test := range []struct {
		key, text string
		want      bool
	}{
		{"./l", "a", true}, {"./d/l", "../a", true}, {"./l", "../a", false}, {"./d/l", "../../a", false}, {"./l", "/a", false}, {"./d/l", "./x/../../y", true},
	} {
		if got := staysInside(test.key, test.text); got != test.want {
			t.Errorf("%s -> %s: %v", test.key, test.text, got)
		}
	}
}

func TestIsSystem(t *testing.T) {
	for p, want := range map[string]bool{"/usr": true, "/usr/include/x.h": true, "/usrx": false, "/lib64/ld.so": true, "/home/me": false, "/tmp": false, "/": false, "./usr": false} {
		if isSystem(p) != want {
			t.Errorf("%s: %v", p, !want)
		}
	}
}
