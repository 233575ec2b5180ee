package projects

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWithoutDates(t *testing.T) {
	member := func(date string) string { // a member of three bytes, padded to four
		return "name/           " + date + "0     0     100644  3         `\nabc\n"
	}
	a := "!<arch>\n" + member("1700000000  ") + member("1            ")[:60] + "xyz\n"
	b := "!<arch>\n" + member("1800000000  ") + member("2            ")[:60] + "xyz\n"
	if string(withoutDates([]byte(a))) != string(withoutDates([]byte(b))) {
		t.Error("archives that differ in dates only are not the same")
	}
	for cut := range len(a) { // must not panic on what is no whole archive
		withoutDates([]byte(a[:cut]))
	}
}

func TestDifferences(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func() Tree {
		t.Helper()
		tree, err := ReadTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	write("same", "x")
	write("changes", "x")
	write("goes", "x")
	before := read()
	write("changes", "y")
	write("comes", "x")
	if err := os.Remove(filepath.Join(dir, "goes")); err != nil {
		t.Fatal(err)
	}
	none := func(string) bool { return false }
	if got := before.Differences(read(), none); len(got) != 3 {
		t.Errorf("%d differences, want 3: %q", len(got), got)
	}
	if got := before.Differences(before, none); len(got) != 0 {
		t.Errorf("a tree differs from itself: %q", got)
	}
	if got := before.Differences(read(), func(name string) bool { return name == "changes" }); len(got) != 2 {
		t.Errorf("%d differences, want 2: %q", len(got), got)
	}
}
