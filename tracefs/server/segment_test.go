package server_test

import (
	"os"
	"path/filepath"
	"testing"
)

// What is appended to a file that is not read is not in the file when the action has
// ended, but all that the action itself sees of the file is as if it were.
func TestSegment(t *testing.T) {
	for _, tt := range []struct{ name, script, tree, segment string }{
		{"appended", `echo x >>a; echo y >>a`, "text\n", "x\ny\n"},
		{"nothing appended", `: >>a`, "text\n", ""},
		{"made", `echo x >>new; mv new new2; echo y >>a`, "text\n", "y\n"},
		{"its size", `echo x >>a; echo y >>a; test $(stat -c %s a) = 9`, "text\n", "x\ny\n"},
		{"read afterwards", `echo x >>a; test "$(tail -n1 a)" = x; echo y >>a`, "text\nx\ny\n", ""},
		{"read through an open append", `exec 3>>a; echo zz >&3; grep -q zz a; echo y >&3`, "text\nzz\ny\n", ""},
		{"read before", `grep -q zz a || echo x >>a`, "text\nx\n", ""},
		{"written otherwise", `echo x >>a; echo new >a; echo y >>a`, "new\ny\n", ""},
		{"renamed", `echo x >>a; cp a b; mv b a; echo y >>a`, "text\nx\ny\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.put("a", "text\n")
			r := b.trace("set -e; " + tt.script)
			tree, err := os.ReadFile(filepath.Join(b.dir, "a"))
			if err != nil {
				t.Fatal(err)
			}
			if string(tree) != tt.tree {
				t.Errorf("the file holds %q, want %q", tree, tt.tree)
			}
			var segment []byte
			for _, w := range r.Writes {
				if w.Segment == "" {
					continue
				}
				if filepath.Base(w.Path) != "a" {
					t.Errorf("a segment of %s", w.Path)
				}
				if segment, err = os.ReadFile(w.Segment); err != nil {
					t.Error(err)
				}
			}
			if string(segment) != tt.segment {
				t.Errorf("appended %q, want %q", segment, tt.segment)
			}
		})
	}
}

// A log that the action has made may be taken back for another action while it runs: what was
// appended is in the record all the same.
func TestSegmentOfLogTakenBack(t *testing.T) {
	b := newBench(t)
	v := b.view()
	if code, out := b.sh(v, `umask 027; echo x >>new`); code != 0 {
		t.Fatal(out)
	}
	if err := os.Remove(filepath.Join(b.dir, "new")); err != nil {
		t.Fatal(err)
	}
	r := b.finish(v)
	if len(r.Writes) != 1 || r.Writes[0].Segment == "" {
		t.Fatalf("recorded %s", b.describe(r))
	}
	text, err := os.ReadFile(r.Writes[0].Segment)
	if err != nil || string(text) != "x\n" {
		t.Errorf("appended %q, %v", text, err)
	}
	if mode := r.Writes[0].After.Mode & 0o777; mode != 0o640 {
		t.Errorf("mode %o", mode)
	}
}
