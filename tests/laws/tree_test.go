package laws

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func never(string) bool { return false }

func TestTreeRoundTrip(t *testing.T) {
	want := Tree{}
	want.Put("a/b/file", file("text\n"))
	want.Put("a/tool", script("#!/bin/sh\n"))
	want.Put("a/link", symlink("b/file"))
	dir := filepath.Join(t.TempDir(), "tree")
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Snapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range Diff(want, got, never) {
		t.Error(line)
	}
	if e := got.through("a/link"); e.Text != "text\n" {
		t.Errorf("through the link: %+v", e)
	}
}

func TestSnapshotKnowsHardLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	got, err := Snapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got["a"].Same != "a" || got["b"].Same != "a" {
		t.Errorf("got %+v", got)
	}
}

func TestDiff(t *testing.T) {
	base := Tree{"f": file("one\ntwo\n"), "d": {Kind: 'd', Mode: 0o755}, "l": symlink("f")}
	tests := []struct {
		name   string
		change func(Tree)
		skip   func(string) bool
		want   []string
	}{
		{"same", func(Tree) {}, never, nil},
		{"content", func(t Tree) { t["f"] = file("one\n2\n") }, never, []string{
			"f: is file, 6 bytes, -rw-r--r--, want file, 8 bytes, -rw-r--r--", `    line 2: is "2", want "two"`,
		}},
		{"skipped", func(t Tree) { t["f"] = file("") }, func(n string) bool { return n == "f" }, nil},
		{"mode", func(t Tree) { t["d"] = Entry{Kind: 'd', Mode: 0o700} }, never, []string{
			`d: is d -rwx------ same="", want d -rwxr-xr-x same=""`,
		}},
		{"missing and more", func(t Tree) { delete(t, "l"); t["m"] = symlink("x") }, never, []string{
			"l: missing (link to f)", "m: should not be there (link to x)",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := base.Clone()
			tt.change(got)
			if lines := Diff(base, got, tt.skip); !slices.Equal(lines, tt.want) {
				t.Errorf("got %q", lines)
			}
		})
	}
}
