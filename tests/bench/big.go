package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// perFolder is how many targets of a generated project share a folder.
const perFolder = 100

// A generated project has n targets, each with a source of its own, a header of its
// folder and one of all; each recipe puts these into one file.

// target returns the name of one target, without its suffix, and its folder.
func target(i int) (name, folder string) {
	folder = fmt.Sprintf("d%04d", i/perFolder)
	return fmt.Sprintf("%s/f%06d", folder, i), folder
}

// generate writes the files of a project with n targets, a makefile and a file for ninja.
func generate(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := touch(dir, "common.h"); err != nil {
		return err
	}
	for i := range n {
		name, folder := target(i)
		if i%perFolder == 0 {
			if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
				return err
			}
			if err := touch(dir, folder+"/folder.h"); err != nil {
				return err
			}
		}
		if err := touch(dir, name+".c"); err != nil {
			return err
		}
	}
	if err := write(filepath.Join(dir, "Makefile"), func(w *bufio.Writer) { makefileOf(w, n) }); err != nil {
		return err
	}
	return write(filepath.Join(dir, "build.ninja"), func(w *bufio.Writer) { ninjaOf(w, n) })
}

func makefileOf(w *bufio.Writer, n int) {
	fmt.Fprintln(w, ".PHONY: all clean\nall: list")
	for i := range n {
		name, folder := target(i)
		fmt.Fprintf(w, "%s.o: %s.c %s/folder.h common.h\n\tcat $^ > $@\n", name, name, folder)
	}
	fmt.Fprint(w, "clean:\n\trm -f d*/*.o\n.PHONY: list\nlist:")
	for i := range n {
		name, _ := target(i)
		fmt.Fprintf(w, " \\\n %s.o", name)
	}
	fmt.Fprintln(w)
}

func ninjaOf(w *bufio.Writer, n int) {
	fmt.Fprintln(w, "rule cat\n  command = cat $in > $out")
	for i := range n {
		name, folder := target(i)
		fmt.Fprintf(w, "build %s.o: cat %s.c %s/folder.h common.h\n", name, name, folder)
	}
}

func write(path string, fill func(*bufio.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fill(w)
	err = w.Flush()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func touch(dir, name string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(name+"\n"), 0o644)
}

// big measures generated projects of n targets: each tool has a tree of its own.
func (b *bench) big(n int) error {
	home := filepath.Join(b.dir, fmt.Sprint("big", n))
	defer os.RemoveAll(home) // the next one has its place on the disk
	cache := filepath.Join(home, "cache")
	rivals := []struct{ name, program string }{{"GNU make", b.reference}, {"ninja", "ninja"}}
	for _, d := range append([]string{"fmake"}, rivals[0].name, rivals[1].name) {
		if err := generate(filepath.Join(home, d), n); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if err := b.own(home); err != nil {
		return err
	}
	jobs := fmt.Sprintf("-j%d", b.jobs)
	ours := func(args ...string) (cost, error) {
		return b.measure(inTree(b.fmake, filepath.Join(home, "fmake"), cache, args...), 0)
	}
	title := func(what string) string { return fmt.Sprintf("%d targets: %s", n, what) }
	first, err := ours(jobs)
	if err != nil {
		return err
	}
	for range 2 { // a record of a make that had nothing to do
		if _, err := ours(jobs); err != nil {
			return err
		}
	}
	for _, rival := range rivals {
		if _, err := exec.LookPath(rival.program); err != nil {
			fmt.Fprintln(os.Stderr, "bench: no "+rival.name+" here")
			continue
		}
		theirs := func() (cost, error) {
			return b.measure(inTree(rival.program, filepath.Join(home, rival.name), cache, jobs), 0)
		}
		c, err := theirs()
		if err != nil {
			return err
		}
		b.report.add(row{work: title("first build"), rival: rival.name, theirs: []cost{c}, ours: []cost{first}})
		if err := b.inTurns(row{work: title("nothing to do"), rival: rival.name, peak: true}, theirs, func() (cost, error) { return ours(jobs) }); err != nil {
			return err
		}
	}
	if _, err := ours("clean"); err != nil {
		return err
	}
	again, err := ours(jobs)
	if err != nil {
		return err
	}
	b.report.add(row{work: title("clean, then build (warm cache)"), rival: "its first build", theirs: []cost{first}, ours: []cost{again}})
	return b.reading(title, filepath.Join(home, "fmake"), cache)
}

// inTurns measures pairs and adds their row.
func (b *bench) inTurns(r row, theirs, ours func() (cost, error)) error {
	for range b.pairs {
		t, err := theirs()
		if err != nil {
			return err
		}
		o, err := ours()
		if err != nil {
			return err
		}
		r.add(t, o)
	}
	b.report.add(r)
	return nil
}

// reading measures what is left without the record of the last build.
func (b *bench) reading(title func(string) string, tree, cache string) error {
	for _, r := range []struct {
		name string
		args []string
	}{
		{"read only (-rR -q common.h), untraced", []string{"-rR", "-q", "common.h"}},
		{"nothing to do, untraced", nil},
	} {
		make := func(program, flags string) func() (cost, error) {
			return func() (cost, error) {
				cmd := inTree(program, tree, cache, r.args...)
				cmd.Env = append(cmd.Env, "FMAKEFLAGS="+flags)
				return b.measure(cmd, 0)
			}
		}
		if err := b.inTurns(row{work: title(r.name), rival: "GNU make", peak: true}, make(b.reference, ""), make(b.fmake, "--tracefs=off")); err != nil {
			return err
		}
	}
	return nil
}
