package recipe

import "testing"

// TestParseFile: a file's first line may name the shell, also where lines are continued;
// what the shell alone can run, or what appends to files, is not accepted.
func TestParseFile(t *testing.T) {
	tests := map[string]bool{
		"#!/bin/sh\ncc a.c && \\\n\tcc b.c\n":                true,
		"#!/bin/sh\n# compile\nfor f in *.c; do cc $f; done": true,
		"cc a.c >log\n":               true,
		"# odd\ncc a.c && \\\ncc b.c": false,
		"cc a.c >>log\n":              false,
		"f() { cc a.c; }\nf\n":        false,
		"cc \"$1\"\n":                 false,
		"cc a.c &\n":                  false,
		"if cc a.c\n":                 false,
	}
	for text, want := range tests {
		s, err := ParseFile(text, "./build.sh")
		if (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		if s != nil && s.name != "./build.sh" {
			t.Errorf("%q: messages call it %s", text, s.name)
		}
	}
}
