package build

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
)

// Program is a program that a build has left, with the libraries that it was linked with.
type Program struct {
	Path   string   // absolute
	Loader string   // the dynamic loader that it asks for
	Libs   []string // the shared libraries that its recipe has read, without the loader's own
}

// Programs lists the programs among some targets and, where a target leaves no file of
// its own, among what that needs.
func (b *Build) Programs(targets []*makefile.File) []Program {
	var found []Program
	seen := make(map[*makefile.File]bool)
	var visit func(f *makefile.File)
	visit = func(f *makefile.File) {
		f = f.Current()
		if seen[f] {
			return
		}
		seen[f] = true
		n := b.node(f)
		if loader := loaderOf(n.path); !f.Phony && loader != "" {
			found = append(found, Program{n.path, loader, b.librariesRead(n)})
			return
		}
		if _, exists := b.w.lstat(n.path); exists && !f.Phony {
			return
		}
		for _, d := range f.Deps {
			if d.File != nil {
				visit(d.File)
			}
		}
	}
	for _, f := range targets {
		visit(f)
	}
	return found
}

// loaderDirs are where the loader looks by itself. Of what a recipe has read there most
// belongs to its own tools; what the program needs of it, its loader finds.
var loaderDirs = [...]string{"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64"}

// librariesRead lists the shared libraries that a target's recipe has read outside of the
// project and of the loader's own folders.
func (b *Build) librariesRead(n *node) (libs []string) {
	t := b.graph.Target(n.name)
	for i := 0; t != nil && i < len(t.Inputs); i++ {
		in := &t.Inputs[i]
		base := filepath.Base(in.Path)
		if slices.ContainsFunc(loaderDirs[:], func(dir string) bool { return within(in.Path, dir) }) {
			continue
		}
		if in.Kind == cache.InputContent && in.Path[0] == '/' && (strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.")) {
			libs = append(libs, in.Path)
		}
	}
	return slices.Compact(libs)
}

// loaderOf returns the loader that a program asks for, "" if it is no program that is
// linked dynamically.
func loaderOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	sections, err := elfSections(f)
	if err != nil {
		return ""
	}
	for _, s := range sections {
		if s.name != ".interp" || s.size > unix.PathMax {
			continue
		}
		name, err := io.ReadAll(io.NewSectionReader(f, int64(s.offset), int64(s.size)))
		if err != nil {
			return ""
		}
		return strings.TrimRight(string(name), "\x00")
	}
	return ""
}
