package makefile

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "abc", true},
		{"*", ".hid", false},
		{".*", ".hid", true},
		{`\.*`, ".hid", true},
		{"[.]h*", ".hid", false},
		{"?hid", ".hid", false},
		{"*.c", "a.c", true},
		{"*.c", "a.cc", false},
		{"a*b*c", "aXbXbc", true},
		{"a*b*c", "aXbXbd", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[]a]x", "]x", true},
		{"[a-]x", "-x", true},
		{"[[:digit:]_]", "7", true},
		{"[[:digit:]_]", "_", true},
		{"[[:upper:]]", "a", false},
		{"[a", "[a", true},
		{"[a", "a", false},
		{`[\]]`, "]", true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{"?", "é", true},
		{"[à-ü]", "é", true},
		{"a?", "a\xff", true},
		{"*é", "aé", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %t", c.pattern, c.name, got)
		}
	}
}

// FuzzMatch compares patterns of stars and plain characters with a regular
// expression, and lets the others show that they neither panic nor hang.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("[a-z]*[!x]", "abcd")
	f.Add(`[[:alpha:]\]*`, "é]")
	f.Add("***a*", "bbbbbbbba")
	simple := regexp.MustCompile(`^[a-z*]*$`)
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := Match(pattern, name)
		if !simple.MatchString(pattern) || !simple.MatchString(name) {
			return
		}
		re := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$")
		if want := re.MatchString(name); got != want {
			t.Errorf("Match(%q, %q) = %t, want %t", pattern, name, got, want)
		}
	})
}

// TestGlob holds what GNU make 4.4.1 gives for the same tree.
func TestGlob(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"a/x", "b", ".hid"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"a/1.c", "b/2.c", "a/.dot", "st*r", "st*rr", "B.c", "a.c", "_.c", "a-.c"} {
		if err := os.WriteFile(filepath.Join(root, n), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"brok": "nowhere", "lnk": "a"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	db := New(&treeHost{root: root}, Options{})
	for pattern, want := range map[string]string{
		".*":        ". .. .hid",
		"*":         "B.c _.c a a-.c a.c b brok lnk st*r st*rr",
		"*/":        "a/ b/ lnk/",
		"*/*":       "a/1.c a/x b/2.c lnk/1.c lnk/x",
		"brok":      "brok",
		"brok/":     "brok",
		"br*/":      "",
		`st\*r`:     "st*r",
		`st\*r*`:    "st*r st*rr",
		"./*.c":     "./B.c ./_.c ./a-.c ./a.c",
		"a//*.c":    "a//1.c",
		"a/./*.c":   "a/./1.c",
		"[a-b].c":   "a.c",
		"[!a].c":    "B.c _.c",
		"a/":        "a/",
		"a//":       "a//",
		"a.c/":      "a.c",
		"*/x/":      "a/x/ lnk/x/",
		"a/.*":      "a/. a/.. a/.dot",
		"[a":        "",
		`a/\1.c`:    "a/1.c",
		`\a/*.c`:    "a/1.c",
		"none*":     "",
		"~nouser/*": "",
	} {
		if got := strings.Join(db.Glob(pattern), " "); got != want {
			t.Errorf("Glob(%q) = %q, want %q", pattern, got, want)
		}
	}
}

func TestTilde(t *testing.T) {
	db := New(&treeHost{homes: map[string]string{"": "/home/me", "joe": "/home/joe"}}, Options{})
	for word, want := range map[string]string{
		"~": "/home/me", "~/x": "/home/me/x", "~joe": "/home/joe", "~joe/y/z": "/home/joe/y/z",
		"~nobody/x": "~nobody/x", "a~": "a~",
	} {
		if got := db.Tilde(word); got != want {
			t.Errorf("Tilde(%q) = %q, want %q", word, got, want)
		}
	}
	db.Define("HOME", "/var/home", OriginFile, false, nil, Pos{})
	if got := db.Tilde("~/x"); got != "/var/home/x" {
		t.Errorf("Tilde does not follow HOME: %q", got)
	}
}

func TestDirCache(t *testing.T) {
	root := t.TempDir()
	host := &treeHost{root: root}
	c := NewDirCache(host)
	touch := func(name string) {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	touch("old")
	for name, want := range map[string]bool{
		"old": true, "new": false, "./old": true, "nodir/old": false, "./": true, "nodir/": false, "./.": true,
	} {
		if got := c.Exists(name); got != want {
			t.Errorf("Exists(%q) = %t", name, got)
		}
	}
	touch("new")
	if c.Exists("new") {
		t.Error("a listing was read again though no command has run")
	}
	c.MarkImpossible("x")
	if !c.Impossible("x") || c.Impossible("y") {
		t.Error("impossible names are not kept")
	}
	c.Invalidate()
	if !c.Exists("new") {
		t.Error("a file made by a command is not seen")
	}
	if c.Impossible("x") {
		t.Error("a name stays impossible after a command has run")
	}
}

func TestDirCacheKeepsSettledListings(t *testing.T) {
	host := &treeHost{root: t.TempDir()}
	c := NewDirCache(host)
	far := int64(1) << 62
	c.Clock = func() int64 { return far }
	c.Exists("x")
	reads := host.reads
	c.Invalidate()
	c.Exists("x")
	if host.reads != reads {
		t.Error("an unchanged directory was read again")
	}
	if err := os.WriteFile(filepath.Join(host.root, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Invalidate()
	if !c.Exists("x") {
		t.Error("a changed directory was not read again")
	}
}

func TestSplitArchive(t *testing.T) {
	for name, want := range map[string][]string{
		"lib(m)":     {"lib", "m"},
		"l.a((x))":   {"l.a", "(x)"},
		"lib()":      nil,
		"(m)":        nil,
		"lib(m":      nil,
		"d/l.a(m.o)": {"d/l.a", "m.o"},
		"plain":      nil,
	} {
		var got []string
		if IsArchiveName(name) {
			a, m := SplitArchive(name)
			got = []string{a, m}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q splits into %q, want %q", name, got, want)
		}
	}
}
