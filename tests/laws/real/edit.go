package real

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fmake/tests/laws"
)

// files returns the sources that may be edited.
func (l *lab) files() ([]string, error) {
	clean := filepath.Join(l.dir, "clean")
	var names []string
	for _, pattern := range l.sources {
		found, err := filepath.Glob(filepath.Join(clean, pattern))
		if err != nil {
			return nil, err
		}
		for _, full := range found {
			name, err := filepath.Rel(clean, full)
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}

// edit makes up a change of a file that shows in every object that it gets
// into, and compiles wherever C does.
func edit(name string, r *rand.Rand) string {
	id := strings.Map(func(c rune) rune {
		if c == '/' || c == '.' || c == '-' {
			return '_'
		}
		return c
	}, name)
	if strings.HasSuffix(name, ".c") {
		return fmt.Sprintf("\nint laws_%s = %d;\n", id, r.IntN(1e6))
	}
	return fmt.Sprintf("\n#ifndef LAWS_%s\n#define LAWS_%s\n#ifndef __ASSEMBLER__\nstatic const int laws_%s __attribute__((used)) = %d;\n#endif\n#endif\n",
		id, id, id, r.IntN(1e6))
}

// put writes a file with its edit into a tree: at its end, in a script at its beginning, which
// all runs come by.
func (l *lab) put(tree, name string) error {
	clean := filepath.Join(l.dir, "clean", name)
	data, err := os.ReadFile(clean)
	if err != nil {
		return err
	}
	st, err := os.Stat(clean)
	if err != nil {
		return err
	}
	full := filepath.Join(l.dir, tree, name)
	if err := os.Chmod(full, st.Mode().Perm()|0o200); err != nil {
		return err
	}
	at := len(data)
	if bytes.HasPrefix(data, []byte("#!")) {
		at = bytes.IndexByte(data, '\n') + 1
	}
	data = slices.Insert(data, at, []byte(l.edits[name])...)
	if l.replaced[0] != "" {
		data = bytes.ReplaceAll(data, []byte(l.replaced[0]), []byte(l.replaced[1]))
	}
	return os.WriteFile(full, data, 0o644)
}

// truth builds the sources as they are now from clean, with whole makefiles,
// and returns what is there then.
func (l *lab) truth(reference string) (laws.Tree, error) {
	if err := os.RemoveAll(filepath.Join(l.dir, "true")); err != nil {
		return nil, err
	}
	if err := l.copyTree("clean", "true"); err != nil {
		return nil, err
	}
	for name := range l.edits {
		if err := l.put("true", name); err != nil {
			return nil, err
		}
	}
	err := l.in("true", func() error { return l.make(reference, "-j1") })
	if err != nil {
		return nil, err
	}
	return laws.Snapshot(filepath.Join(l.dir, "true"))
}

// stale names the files of a tree that are not what they must be. Logs of
// configure tell of times.
func (l *lab) stale(tree string, want laws.Tree) ([]string, error) {
	got, err := laws.Snapshot(filepath.Join(l.dir, tree))
	if err != nil {
		return nil, err
	}
	lines := laws.Diff(want, got, func(name string) bool {
		return slices.Contains(l.makefiles, name) || slices.Contains(l.differ, name) || strings.HasSuffix(name, ".log")
	})
	more := func(line string) bool {
		name, what, _ := strings.Cut(line, ": ")
		return strings.HasPrefix(what, "should not be there") && slices.Contains(l.second, name)
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, " ") || more(line) }), nil
}

// start makes the two trees that are edited, with damaged makefiles.
func (l *lab) start(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	for _, tree := range []string{"fmake-tree", "gnu-tree"} {
		if err := l.copyTree("clean", tree); err != nil {
			return err
		}
	}
	for _, name := range l.makefiles {
		data, err := os.ReadFile(filepath.Join(l.dir, "clean", name))
		if err != nil {
			return err
		}
		text, lost := Damage(string(data), r)
		l.lost += lost
		for _, tree := range []string{"fmake-tree", "gnu-tree"} {
			if err := os.WriteFile(filepath.Join(l.dir, tree, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// make runs all makes of a build in the place.
func (l *lab) make(program, jobs string) error {
	for _, args := range append(l.first, l.args) {
		if _, err := l.shell(program, append([]string{jobs}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// build runs a make in a tree and says what is stale then.
func (l *lab) build(tree, program string, want laws.Tree) (stale []string, err error) {
	err = l.in(tree, func() error { return l.make(program, "-j8") })
	if err != nil && !errors.Is(err, errBuild) {
		return nil, err
	}
	stale, diffErr := l.stale(tree, want)
	if diffErr != nil {
		return nil, diffErr
	}
	return stale, err
}
