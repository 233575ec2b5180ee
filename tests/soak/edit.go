package soak

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cleaning is what edit returns when clean is to be made.
const cleaning = "clean"

// edit changes the tree at random and says how. undo takes back what cannot be compiled.
func (f *field) edit(r *rand.Rand, number int) (what string, undo func() error, err error) {
	nothing := func() error { return nil }
	edited := slices.Sorted(maps.Keys(f.edits))
	switch dice := r.IntN(16); {
	case dice < 4:
		name := pick(r, f.sources)
		undo, err = f.change(name, f.edits[name]+fmt.Sprintf("\n/* soak %d */\n", number))
		return "comment in " + name, undo, err
	case dice < 8:
		name := pick(r, f.sources)
		undo, err = f.change(name, fmt.Sprintf("\nstatic int __attribute__((used)) soak_%s(void) { return %d; }\n", identifier(name), number))
		return "function in " + name, undo, err
	case dice < 9:
		name := pick(r, f.headers)
		undo, err = f.change(name, header(name, number))
		return "declaration in " + name, undo, err
	case dice < 11 && len(edited) > 0:
		name := pick(r, edited)
		undo, err = f.change(name, "")
		return name + " as it was", undo, err
	case dice < 13:
		name := pick(r, f.headers)
		now := time.Now()
		return "date of " + name, nothing, os.Chtimes(filepath.Join(f.place, name), now, now)
	case dice < 15:
		objects, err := f.objects()
		if err != nil || len(objects) == 0 {
			return "nothing", nothing, err
		}
		name := pick(r, objects)
		return name + " deleted", nothing, os.Remove(filepath.Join(f.place, name))
	}
	return cleaning, nothing, nil
}

func pick(r *rand.Rand, names []string) string { return names[r.IntN(len(names))] }

// change gives a file another addition.
func (f *field) change(name, text string) (undo func() error, err error) {
	was := f.edits[name]
	undo = func() error { return f.set(name, was) }
	return undo, f.set(name, text)
}

func (f *field) set(name, text string) error {
	f.edits[name] = text
	if text == "" {
		delete(f.edits, name)
	}
	return f.put(name)
}

// header makes up what shows in every object that it gets into, also if it is there twice or
// not read by a C compiler.
func header(name string, number int) string {
	id := identifier(name)
	return fmt.Sprintf("\n#ifndef SOAK_%[1]s\n#define SOAK_%[1]s\n#ifndef __ASSEMBLER__\nstatic const int soak_%[1]s __attribute__((used)) = %[2]d;\n#endif\n#endif\n", id, number)
}

func identifier(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, name)
}

// objects lists the object files of the tree that GNU make would make if they were gone.
func (f *field) objects() ([]string, error) {
	var names []string
	err := filepath.WalkDir(f.place, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && f.Once != "" && path == filepath.Join(f.place, f.Once) {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".o") {
			names = append(names, strings.TrimPrefix(path, f.place+"/"))
		}
		return err
	})
	return names, err
}
