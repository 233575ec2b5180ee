package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fmake/exec/away"
)

// record runs a script in a folder with some files, and returns the record.
func record(t *testing.T, script string) (*Recorder, string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for name, text := range map[string]string{"a": "a\n", "b": "b\n", "d/c": "c\n"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("d/c", "link"); err != nil {
		t.Fatal(err)
	}
	r, err := New()
	if err != nil {
		t.Skip("nothing can be traced here: ", err)
	}
	defer r.Close()
	in, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := r.Run("/bin/sh", []string{"sh", "-c", script}, []string{"PATH=/usr/bin:/bin"}, in, null, null)
	if err != nil || !ws.Exited() {
		t.Fatalf("%q: %v, %v", script, ws, err)
	}
	return r, dir
}

func TestSeen(t *testing.T) {
	for _, test := range []struct {
		script string
		looks  map[string]uint64 // some of the bits have to be there
		not    []string          // nobody looked at these
		wrote  string
		odd    string
	}{
		{script: "cat a", looks: map[string]uint64{"a": away.Content}, not: []string{"b"}},
		{script: "cat link", looks: map[string]uint64{"link": away.Text, "d/c": away.Content}},
		{script: "test -f nothing || cat d/../b", looks: map[string]uint64{"nothing": away.Absent, "b": away.Content}},
		{script: "cd d && cat c >new", looks: map[string]uint64{"d/c": away.Content}, wrote: "d/new"},
		{script: "ls d", looks: map[string]uint64{"d": away.Listed}, not: []string{"a"}},
		{script: "cp a x && mv x y && rm y", looks: map[string]uint64{"a": away.Content}, wrote: "x y"},
		{script: "(sleep 0.01; cat b) & cat a; wait", looks: map[string]uint64{"a": away.Content, "b": away.Content}},
		{script: "mv d e", odd: "renames a directory", wrote: "d e"},
		{script: "read x <a; cat >z <<E\nE\n", looks: map[string]uint64{"a": away.Content}, wrote: "z"},
		{script: "timeout 0.05 cat", odd: "standard input"},
		{script: "sleep 3 &", odd: "leaves a process"},
	} {
		t.Run(test.script, func(t *testing.T) {
			r, dir := record(t, test.script)
			for name, bits := range test.looks {
				if r.Looks()[dir+"/"+name]&bits != bits {
					t.Errorf("it looked at %s as %b, want %b", name, r.Looks()[dir+"/"+name], bits)
				}
			}
			for _, name := range test.not {
				if _, seen := r.Looks()[dir+"/"+name]; seen {
					t.Errorf("it looked at %s", name)
				}
			}
			for _, name := range strings.Fields(test.wrote) {
				if !r.Written()[dir+"/"+name] {
					t.Errorf("it has not written %s: %v", name, r.Written())
				}
			}
			if (test.odd == "") != (r.Odd() == "") || !strings.Contains(r.Odd(), test.odd) {
				t.Errorf("odd: %q, want %q", r.Odd(), test.odd)
			}
			if len(r.Procs()) == 0 || r.Procs()[0].Parent != -1 {
				t.Errorf("programs: %+v", r.Procs())
			}
		})
	}
}
