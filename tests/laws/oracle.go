package laws

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// truth is what a serial build from clean leaves.
type truth struct {
	tree   Tree
	status int
	output string
}

// oracle asks the reference make for the truth about a state of the sources.
// It builds in a folder that is as deep as the one under test, from clean, with
// one job, and remembers what it found.
type oracle struct {
	make  string
	dir   string
	run   runner
	known map[[sha256.Size]byte]*truth
}

// ask returns what building goal from nothing but the sources leaves.
func (o *oracle) ask(sources Tree, goal, args, tag string) (*truth, error) {
	blob, err := json.Marshal(struct {
		Tree            Tree
		Goal, Args, Tag string
	}{sources, goal, args, tag})
	if err != nil {
		return nil, fmt.Errorf("naming a state of the sources: %w", err)
	}
	key := sha256.Sum256(blob)
	if t := o.known[key]; t != nil {
		return t, nil
	}
	t, err := o.build(sources, goal, args, tag)
	if err == nil {
		o.known[key] = t
	}
	return t, err
}

func (o *oracle) build(sources Tree, goal, args, tag string) (*truth, error) {
	if err := os.RemoveAll(o.dir); err != nil {
		return nil, err
	}
	if err := sources.Write(o.dir); err != nil {
		return nil, err
	}
	done, err := o.run.make(order{program: o.make, dir: o.dir, jobs: 1, goal: goal, args: args, tag: tag})
	if err != nil {
		return nil, fmt.Errorf("the reference make: %w", err)
	}
	tree, err := Snapshot(o.dir)
	if err != nil {
		return nil, err
	}
	return &truth{tree: tree, status: done.status, output: done.output}, nil
}

// through returns what reading a path gives: it follows symbolic links within
// the tree.
func (t Tree) through(name string) Entry {
	for range 8 {
		e, found := t[name]
		if !found || e.Kind != 'l' {
			return e
		}
		name = filepath.ToSlash(filepath.Join(filepath.Dir(name), e.Text))
	}
	return Entry{}
}
