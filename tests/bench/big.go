package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// perFolder is how many targets of the generated makefile share a folder.
const perFolder = 100

// generate writes a makefile with n targets, each with a source of its own, a
// header of its folder and one of all, and all the files, up to date.
func generate(dir string, n int) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "Makefile"))
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriter(f)
	if err := touch(dir, "common.h"); err != nil {
		return err
	}
	fmt.Fprintln(w, ".PHONY: all\nall: list")
	for i := range n {
		folder := fmt.Sprintf("d%04d", i/perFolder)
		if i%perFolder == 0 {
			if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
				return err
			}
			if err := touch(dir, folder+"/folder.h"); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("%s/f%06d", folder, i)
		if err := touch(dir, name+".c"); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s.o: %s.c %s/folder.h common.h\n\tcat $^ > $@\n", name, name, folder)
	}
	fmt.Fprint(w, ".PHONY: list\nlist:")
	for i := range n {
		fmt.Fprintf(w, " \\\n d%04d/f%06d.o", i/perFolder, i)
	}
	fmt.Fprintln(w)
	for i := range n { // last, so that they are the newest
		if err := touch(dir, fmt.Sprintf("d%04d/f%06d.o", i/perFolder, i)); err != nil {
			return err
		}
	}
	return w.Flush()
}

func touch(dir, name string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(name+"\n"), 0o644)
}

// big measures reading and a null build of the generated makefile.
func (b *bench) big(n int) error {
	dir := filepath.Join(b.dir, "big", "tree")
	if err := generate(dir, n); err != nil {
		return err
	}
	cache := filepath.Join(b.dir, "big", "cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if err := b.own(filepath.Join(b.dir, "big")); err != nil {
		return err
	}
	command := func(program string, env []string, args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		cmd.Env = append(env, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME="+b.dir, "LC_ALL=C", "FMAKE_CACHE_DIR="+cache)
		return cmd
	}
	plain := []string{"FMAKEFLAGS=--tracefs=off"}
	rows := []struct {
		name string
		env  []string
		args []string
	}{
		{"read only (-rR -q common.h)", plain, []string{"-rR", "-q", "common.h"}},
		{"nothing to do, -rR, --tracefs=off", plain, []string{"-rR"}},
		{"nothing to do, --tracefs=off", plain, nil},
		{"nothing to do, traced", nil, nil},
	}
	for _, r := range rows {
		s := series{name: fmt.Sprintf("%d targets: %s", n, r.name)}
		for i := 0; r.env == nil && i < 2; i++ { // the first adopts the tree, the second finds nothing to do
			if _, err := b.measure(command(b.fmake, r.env, r.args...), 0); err != nil {
				return err
			}
		}
		for range b.pairs {
			theirs, err := b.measure(command(b.reference, nil, r.args...), 0)
			if err != nil {
				return err
			}
			ours, err := b.measure(command(b.fmake, r.env, r.args...), 0)
			if err != nil {
				return err
			}
			s.add(theirs, ours)
		}
		s.print()
		peak := func(c cost) float64 { return float64(c.Peak) / 1024 }
		fmt.Printf("| %s, peak MiB | %.0f | %.0f | %.2f | |\n", s.name, median(s.theirs, peak), median(s.ours, peak), s.ratio(peak))
	}
	return nil
}
