package remote

import (
	"slices"
	"strings"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
)

// draw lists what a tree holds, by its contents alone.
func draw(t *testing.T, root *repb.Digest, dirs []*blob) string {
	t.Helper()
	byHash := make(map[string]*repb.Directory)
	for _, b := range dirs {
		if sha256Function.check(b.digest, b.data) != nil {
			t.Error("a directory is not what its name says")
		}
		d := &repb.Directory{}
		if err := proto.Unmarshal(b.data, d); err != nil {
			t.Fatal(err)
		}
		byHash[b.digest.GetHash()] = d
	}
	var lines []string
	var walk func(at string, digest *repb.Digest)
	walk = func(at string, digest *repb.Digest) {
		d := byHash[digest.GetHash()]
		if d == nil {
			t.Fatalf("directory %q is not there", at)
		}
		var names []string
		for _, f := range d.GetFiles() {
			names = append(names, f.GetName())
			line := at + f.GetName()
			if f.GetIsExecutable() {
				line += "*"
			}
			lines = append(lines, line)
		}
		for _, l := range d.GetSymlinks() {
			lines = append(lines, at+l.GetName()+"->"+l.GetTarget())
		}
		for _, s := range d.GetDirectories() {
			lines = append(lines, at+s.GetName()+"/")
			walk(at+s.GetName()+"/", s.GetDigest())
		}
		if !slices.IsSorted(names) {
			t.Errorf("the files of %q are not sorted: %q", at, names)
		}
	}
	walk("", root)
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

func TestTree(t *testing.T) {
	file := func(path string) leaf { return leaf{path: path, digest: sha256Function.digest([]byte(path))} }
	program := func(path string) leaf { l := file(path); l.exec = true; return l }
	dir := func(path string) leaf { return leaf{path: path, dir: true} }
	link := func(path, text string) leaf { return leaf{path: path, link: text} }
	for _, test := range []struct {
		name   string
		leaves []leaf
		want   string
		wrong  string // part of the error
	}{
		{name: "nothing"},
		{name: "a file", leaves: []leaf{file("a")}, want: "a"},
		{name: "a program below", leaves: []leaf{program("d/e/f")}, want: "d/ d/e/ d/e/f*"},
		{name: "an empty directory", leaves: []leaf{dir("d/e")}, want: "d/ d/e/"},
		{name: "a directory that is not empty", leaves: []leaf{file("d/a"), dir("d"), dir(".")}, want: "d/ d/a"},
		{name: "a link", leaves: []leaf{link("d/l", "../a"), file("a")}, want: "a d/ d/l->../a"},
		{name: "sorted by bytes", leaves: []leaf{file("b"), file("a-b"), file("a/b"), file("a.c"), file("B")}, want: "B a-b a.c a/ a/b b"},
		{name: "twice the same", leaves: []leaf{file("a"), file("a")}, want: "a"},
		{name: "equal directories", leaves: []leaf{dir("x/e"), dir("y/e")}, want: "x/ x/e/ y/ y/e/"},
		{name: "below a file", leaves: []leaf{file("a"), file("a/b")}, wrong: `"a" is below`},
		{name: "below a link", leaves: []leaf{link("l", "d"), file("l/b")}, wrong: `"l" is below`},
		{name: "a file that is a directory", leaves: []leaf{file("a/b"), file("a")}, wrong: `"a" is two things`},
		{name: "a directory that is a file", leaves: []leaf{file("a"), dir("a")}, wrong: `"a" is a directory and something else`},
		{name: "a link that is a file", leaves: []leaf{file("a"), link("a", "b")}, wrong: `"a" is two things`},
		{name: "out of the tree", leaves: []leaf{file("../a")}, wrong: "no path"},
		{name: "not clean", leaves: []leaf{file("a/../b")}, wrong: "no path"},
		{name: "absolute", leaves: []leaf{file("/a")}, wrong: "no path"},
		{name: "no name", leaves: []leaf{file("")}, wrong: "no path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, dirs, err := buildTree(sha256Function, test.leaves)
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Fatalf("error %v, want %q", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := draw(t, root, dirs); got != test.want {
				t.Errorf("the tree is %q, want %q", got, test.want)
			}
			other := slices.Clone(test.leaves)
			slices.Reverse(other)
			if again, _, err := buildTree(sha256Function, other); err != nil || again.GetHash() != root.GetHash() {
				t.Errorf("in another order it has another name: %v", err)
			}
		})
	}
}

// TestTreeIsNamedByAllOfIt has every change to a tree change its name.
func TestTreeIsNamedByAllOfIt(t *testing.T) {
	a := sha256Function.digest([]byte("a"))
	names := make(map[string]string)
	for what, leaves := range map[string][]leaf{
		"":                  {{path: "d/a", digest: a}},
		"another name":      {{path: "d/b", digest: a}},
		"another content":   {{path: "d/a", digest: sha256Function.digest(nil)}},
		"executable":        {{path: "d/a", digest: a, exec: true}},
		"a link":            {{path: "d/a", link: "a"}},
		"a directory":       {{path: "d/a", dir: true}},
		"another directory": {{path: "e/a", digest: a}},
		"a directory more":  {{path: "d/a", digest: a}, {path: "e", dir: true}},
	} {
		root, _, err := buildTree(sha256Function, leaves)
		if err != nil {
			t.Fatal(err)
		}
		if other, known := names[root.GetHash()]; known {
			t.Errorf("%q and %q have one name", what, other)
		}
		names[root.GetHash()] = what
	}
}
