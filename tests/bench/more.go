package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// switching measures going back to a state of the sources that was built before, against
// copying the files that this changes.
func (b *bench) switching(ours side) error {
	header := filepath.Join(ours.tree, ours.project.Header)
	var states [2][]byte
	for i := range states {
		if _, err := ours.run(); err != nil {
			return err
		}
		var err error
		if states[i], err = os.ReadFile(header); err != nil {
			return err
		}
		if err := ours.project.EditHeader(ours.tree, 1000+i); err != nil {
			return err
		}
	}
	r := row{work: ours.project.Name + ": switch to a state built before", rival: "cp of what changes"}
	for i := range b.pairs + 1 {
		if err := os.WriteFile(header, states[i%2], 0o644); err != nil {
			return err
		}
		start := time.Now()
		c, err := ours.run()
		if err != nil {
			return err
		}
		copied, err := b.copyOf(ours.tree, start)
		if err != nil {
			return err
		}
		if i > 0 { // the first comes from a state that was not built
			r.add(copied, c)
		}
	}
	b.report.add(r)
	return nil
}

// copyOf measures how long it takes to copy the files of a tree that have changed since a
// time.
func (b *bench) copyOf(tree string, since time.Time) (cost, error) {
	changed, _, err := changedFiles(tree, since)
	if err != nil {
		return cost{}, err
	}
	to, err := os.MkdirTemp(b.dir, "copy-")
	if err != nil {
		return cost{}, err
	}
	defer os.RemoveAll(to)
	if err := b.own(to); err != nil {
		return cost{}, err
	}
	cmd := exec.Command("cp", append([]string{"-a", "--parents", "--target-directory=" + to}, changed...)...)
	cmd.Dir, cmd.Env = tree, []string{"PATH=/usr/bin:/bin"}
	return b.measure(cmd, 0)
}

// changedFiles lists the files of a tree that have changed since a time, and adds up their
// sizes.
func changedFiles(tree string, since time.Time) (names []string, size int64, err error) {
	err = filepath.WalkDir(tree, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.ModTime().After(since) {
			name, _ := filepath.Rel(tree, path)
			names, size = append(names, name), size+info.Size()
		}
		return nil
	})
	return names, size, err
}

// growth tells how large the cache is after a number of edits, each built, for each byte
// that one build leaves.
func (b *bench) growth(ours side, pristine, cache string, edits int) error {
	if err := ours.fresh(pristine, cache); err != nil {
		return err
	}
	start := time.Now()
	if _, err := ours.run(); err != nil {
		return err
	}
	_, outputs, err := changedFiles(ours.tree, start)
	if err != nil {
		return err
	}
	for i := range edits {
		edit := ours.project.EditSource
		if i%10 == 9 {
			edit = ours.project.EditHeader
		}
		if err := edit(ours.tree, i); err != nil {
			return err
		}
		if _, err := ours.run(); err != nil {
			return err
		}
	}
	_, size, err := changedFiles(cache, time.Time{})
	if err != nil {
		return err
	}
	b.report.note(fmt.Sprintf("%s: cache after %d edits: %.1f MB, %.2f of the outputs of one build", ours.project.Name, edits, float64(size)/1e6, float64(size)/float64(max(outputs, 1))))
	return nil
}

// start measures a whole process that finds one rule up to date.
func (b *bench) start() error {
	home := filepath.Join(b.dir, "start")
	tree := filepath.Join(home, "tree")
	if err := os.MkdirAll(filepath.Join(home, "cache"), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tree, "Makefile"), []byte("out: in; cp in out\n"), 0o644); err != nil {
		return err
	}
	if err := touch(tree, "in"); err != nil {
		return err
	}
	if err := b.own(home); err != nil {
		return err
	}
	command := func(program string) *exec.Cmd { return inTree(program, tree, filepath.Join(home, "cache")) }
	r := row{work: "one rule, up to date", rival: "GNU make"}
	for i := range 3 + b.pairs*shortRuns {
		theirs, err := b.measure(command(b.reference), 0)
		if err != nil {
			return err
		}
		ours, err := b.measure(command(b.fmake), 0)
		if err != nil {
			return err
		}
		if i >= 3 {
			r.add(theirs, ours)
		}
	}
	b.report.add(r)
	return nil
}

// inTree is a command of the generated projects.
func inTree(program, tree, cache string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = tree
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + filepath.Dir(tree), "LC_ALL=C", "FMAKE_CACHE_DIR=" + cache}
	return cmd
}
