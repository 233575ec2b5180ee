package real

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fmake/tests/laws"
)

var lintNames = flag.String("laws.lint", "", "projects whose makefiles --lint=patch is to mend, separated by commas, or all")

// TestLintPatch mends the makefiles of real projects with what fmake --lint=patch prints. A clean
// build by GNU make -j8 must leave then what a serial one leaves without the patch, and so must
// one after an edit of each source that the patch names. That the same builds without the patch
// are wrong shows that the patch was needed.
func TestLintPatch(t *testing.T) {
	if *lintNames == "" {
		t.Skip("no -laws.lint")
	}
	fmake, reference := programs(t)
	for _, p := range slices.Concat(projects, linted) {
		if *lintNames == "all" || slices.Contains(strings.Split(*lintNames, ","), p.name) {
			t.Run(p.name, func(t *testing.T) { mend(t, newLab(t, p), fmake, reference) })
		}
	}
}

// linted are projects for this test alone.
var linted = []project{
	{name: "figlet", pkg: "figlet"},
	{
		// The make at the top does not enter deps once more when something there was edited.
		name: "redis-parts", pkg: "redis", args: []string{"-C", "src", "MALLOC=libc", "OPTIMIZATION=-O0"},
		first: [][]string{{"-C", "deps", "hiredis", "linenoise", "lua", "hdr_histogram", "OPTIMIZATION=-O0"}},
	},
	{name: "less", pkg: "less", configure: "./configure"},
	{name: "mawk", pkg: "mawk", configure: "./configure"},
	{name: "git", pkg: "git", args: []string{"CFLAGS=-O0", "NO_GETTEXT=1", "NO_TCLTK=1", "NO_CURL=1", "NO_EXPAT=1", "NO_OPENSSL=1", "NO_PERL=1", "NO_PYTHON=1"}},
	{
		name: "busybox", pkg: "busybox",
		configure: `make defconfig && sed -i "s/^CONFIG_TC=y/# CONFIG_TC is not set/" .config && (yes "" | make oldconfig)`,
	},
}

// mended is what one edit did to both trees.
type mended struct{ edits, wrong, stale, still int }

func mend(t *testing.T, l *lab, fmake, reference string) {
	if err := l.fetch(*tars); err != nil {
		t.Skip("no sources: ", err)
	}
	patch, err := l.patch(fmake)
	if err != nil {
		t.Fatal(err)
	}
	sources := l.named(patch)
	want, err := l.truth(reference)
	if err != nil {
		t.Fatal("the project does not build: ", err)
	}
	again, err := l.truth(reference)
	if err != nil {
		t.Fatal(err)
	}
	// What two builds of the same leave otherwise has dates in it.
	l.differ = names(laws.Diff(want, again, func(string) bool { return false }))
	for _, tree := range []string{"plain", "patched"} {
		if err := l.copyTree("clean", tree); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.apply(patch, "patched"); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []string{"plain", "patched"} {
		stale, err := l.build(tree, reference, want)
		stale = differing(stale)
		if err != nil || len(stale) > 0 {
			t.Logf("clean build, %s: %v, %d files differ: %s", tree, err, len(stale), strings.Join(names(stale), " "))
			if tree == "patched" {
				t.Error("with the patch a clean build is wrong")
			}
		}
	}
	var sum mended
	// redis' Makefile.dep alone needs 200: of so many some from everywhere have to do.
	for i := range min(*edits, len(sources)) {
		l.tryEdit(t, sources[i*len(sources)/min(*edits, len(sources))], reference, &sum)
	}
	t.Logf("| %s | edits %d | wrong before %d | stale files %d | wrong with the patch %d |", l.name, sum.edits, sum.wrong, sum.stale, sum.still)
}

// written are words that scripts write into what they make, and others in their place.
var written = map[string][2]string{
	"libtool":   {"# It is necessary for", "# It is quite necessary for"},
	"mkconfigs": {"Do not edit.", "Do not edit it."},
	// git lists its commands by what their pages say in one line.
	"scalar.txt": {"A tool for managing", "The tool for managing"},
}

// tryEdit edits one source in fresh copies of both built trees.
func (l *lab) tryEdit(t *testing.T, name, reference string, sum *mended) {
	t.Helper()
	l.edits = map[string]string{name: visible(filepath.Join(l.dir, "clean", name))}
	l.replaced = written[filepath.Base(name)]
	want, err := l.truth(reference)
	if errors.Is(err, errBuild) {
		t.Logf("%s cannot be edited so", name)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sum.edits++
	for _, tree := range []string{"plain", "patched"} {
		work := tree + "-edited"
		if err := errors.Join(os.RemoveAll(filepath.Join(l.dir, work)), l.copyTree(tree, work), l.put(work, name)); err != nil {
			t.Fatal(err)
		}
		stale, err := l.build(work, reference, want)
		stale = differing(stale)
		t.Logf("%s edited, %s: %v, stale: %s", name, tree, err, strings.Join(names(stale), " "))
		switch bad := err != nil || len(stale) > 0; {
		case bad && tree == "plain":
			sum.wrong++
			sum.stale += len(stale)
		case bad:
			sum.still += max(len(stale), 1)
			t.Errorf("with the patch, an edit of %s leaves %d stale files: %v", name, len(stale), err)
		}
	}
}

// visible is an edit that shows in what is made of a file.
func visible(path string) string {
	switch filepath.Ext(path) {
	case ".c", ".h":
		return edit(filepath.Base(path), rand.New(rand.NewPCG(1, 2)))
	case ".map":
		return "\nEDITED { };\n" // for the linker
	case ".uni":
		return "\n{ 0x10fffe, 0x10fffe },\n" // a range of characters, as less has them
	}
	if data, err := os.ReadFile(path); err == nil && bytes.HasPrefix(data, []byte("#!/bin/sh")) {
		return "echo edited\n"
	}
	return "\n# edited\n"
}

// patch builds the project with fmake --lint=patch and returns what it prints.
func (l *lab) patch(fmake string) (string, error) {
	if err := l.copyTree("clean", "linted"); err != nil {
		return "", err
	}
	var text string
	err := l.in("linted", func() (err error) {
		args, found := l.args, slices.Index(l.args, "-C")
		if found >= 0 { // the whole is one project
			args = slices.Delete(slices.Clone(args), found, found+2)
		}
		text, err = l.shell(fmake, append([]string{"-j2", "--lint=patch"}, args...)...)
		return err
	})
	_, text, found := strings.Cut(text, "\n--- a/")
	if err == nil && !found {
		err = errors.New("--lint has nothing to add")
	}
	return "--- a/" + text, err
}

// apply mends the makefiles of a tree.
func (l *lab) apply(patch, tree string) error {
	cmd := exec.Command("patch", "-p1", "-s", "--no-backup-if-mismatch")
	cmd.Dir, cmd.Stdin = filepath.Join(l.dir, tree), strings.NewReader(patch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("patch: %w: %s", err, out)
	}
	return nil
}

// named are the sources that a patch adds as prerequisites. The makefiles that it changes are
// not compared: only one of the trees has it.
func (l *lab) named(patch string) (found []string) {
	dir := ""
	for line := range strings.Lines(patch) {
		if path, is := strings.CutPrefix(line, "--- a/"); is {
			path = strings.TrimSpace(path)
			l.makefiles = append(l.makefiles, path)
			dir = filepath.Dir(path)
			continue
		}
		added, is := strings.CutPrefix(line, "+")
		if !is || strings.HasPrefix(added, "++") || strings.HasPrefix(added, "#") {
			continue
		}
		if _, after, has := strings.Cut(added, ": "); has {
			added = after
		}
		for _, word := range strings.FieldsFunc(added, func(r rune) bool { return strings.ContainsRune(" \t\n\\()$", r) }) {
			for _, name := range []string{filepath.Join(dir, word), filepath.Clean(word)} {
				if st, err := os.Stat(filepath.Join(l.dir, "clean", name)); err == nil && st.Mode().IsRegular() {
					found = append(found, name)
					break
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// differing leaves those files out that are there as well: a second make may leave more than the
// first one does.
func differing(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, ": should not be there (") })
}

// names are those of the files in lines that tell differences.
func names(lines []string) (files []string) {
	for _, line := range lines {
		if name, _, found := strings.Cut(line, ": "); found && !strings.HasPrefix(line, " ") {
			files = append(files, name)
		}
	}
	return files
}
