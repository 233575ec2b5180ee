package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files writes sources into a folder that is then the working directory.
func files(t *testing.T, texts map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range texts {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCompile(t *testing.T) {
	tests := []struct {
		name string
		args string
		main string
		want string // the object, or what the error holds
		deps string
	}{
		{"lines and comments", "", "# no\none\ntwo\n", "one\ntwo\n", "x.o: m.c\n"},
		{"defined words", "-DA=b", "A c\ndefine c d\nc A\n", "b c\nd b\n", "x.o: m.c\n"},
		{"first folder wins", "-Ip -Iq", "include \"h\"\n", "from p\n", "x.o: m.c p/h\n"},
		{"beside the includer", "-Ip", "include \"q/deep\"\n", "from q\nend\n", "x.o: m.c q/deep q/h\n"},
		{"once", "-Ip", "include \"h\"\ninclude \"h\"\n", "from p\n", "x.o: m.c p/h\n"},
		{"maybe", "", "maybe \"none\"\nend\n", "end\n", "x.o: m.c\n"},
		{"conditional", "-DX", "ifdef X\nifdef Y\na\nelse\nb\nendif\nelse\nc\nendif\n", "b\n", "x.o: m.c\n"},
		{"must be there", "", "include \"none\"\n", "m.c: no such file: none", ""},
		{"error", "", "one\nerror stop\n", "m.c: stop", ""},
		{"else alone", "", "else\n", "m.c: else without ifdef", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files(t, map[string]string{"m.c": tt.main, "p/h": "from p\n", "q/h": "from q\n", "q/deep": "include \"h\"\nend\n"})
			o, err := parseOptions(append(strings.Fields(tt.args), "-c", "-o", "x.o", "-MD", "x.d", "m.c"))
			if err != nil {
				t.Fatal(err)
			}
			if err := compile(o); err != nil {
				if !strings.Contains(err.Error(), tt.want) || tt.deps != "" {
					t.Fatal(err)
				}
				return
			}
			for name, want := range map[string]string{"x.o": tt.want, "x.d": tt.deps} {
				if got, err := os.ReadFile(name); err != nil || string(got) != want {
					t.Errorf("%s: got %q, %v", name, got, err)
				}
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for _, args := range []string{"", "-o x", "m.c", "-c -o x -z m.c"} {
		if _, err := parseOptions(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// The compiler is trusted to be a function that ends, whatever the fuzzer of
// histories puts into a source.
func FuzzCompile(f *testing.F) {
	f.Add("include \"m.c\"\nifdef A\nelse\nendif\n")
	f.Fuzz(func(t *testing.T, text string) {
		files(t, map[string]string{"m.c": text})
		compile(options{compile: true, out: "x.o", defines: map[string]string{}, inputs: []string{"m.c"}})
	})
}
