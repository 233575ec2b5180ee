package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"fmake/tests/projects"
)

// ccacheLinks is where Debian's ccache puts compilers of its own.
const ccacheLinks = "/usr/lib/ccache"

// side is one of the makes that build a project, with a tree of its own.
type side struct {
	b       *bench
	project projects.Project
	program string
	tree    string
	env     []string
}

// run measures one make of the project.
func (s side) run(args ...string) (cost, error) {
	return s.b.measure(s.project.Command(s.program, s.tree, s.b.jobs, s.env, args...), 0)
}

// step is one thing that both sides are measured at.
type step struct {
	name    string
	prepare func(s side, round int) error // before each, not measured
	times   int                           // pairs in a round
}

// shortRuns is how often in a round is measured what takes milliseconds: one run
// says little of it.
const shortRuns = 10

// pair measures a step at both sides, one after the other.
func (st step) pair(theirs, ours side, round int) (costs [2]cost, err error) {
	for k, s := range []side{theirs, ours} {
		if err := st.prepare(s, round); err != nil {
			return costs, err
		}
		if costs[k], err = s.run(); err != nil {
			return costs, err
		}
	}
	return costs, nil
}

// project measures all steps of one project.
func (b *bench) project(p projects.Project) error {
	home := filepath.Join(b.dir, p.Name)
	pristine := filepath.Join(home, "pristine", p.Name)
	if err := p.Unpack(b.corpus, pristine); err != nil {
		return err
	}
	cache := filepath.Join(home, "cache")
	theirs := side{b, p, b.reference, filepath.Join(home, "make", p.Name), nil}
	ours := side{b, p, b.fmake, filepath.Join(home, "fmake", p.Name), []string{"FMAKE_CACHE_DIR=" + cache}}
	steps := []step{
		{"clean build, empty cache", func(s side, _ int) error { return s.fresh(pristine, cache) }, 1},
		{"nothing to do", func(side, int) error { return nil }, shortRuns},
		{"one header edited", func(s side, round int) error { return p.EditHeader(s.tree, round) }, 1},
		{"one source edited", func(s side, round int) error { return p.EditSource(s.tree, round) }, 1},
		{"clean, then build (warm cache)", func(s side, _ int) error { _, err := s.run(p.Clean); return err }, 1},
	}
	rows := make([]row, len(steps))
	for round := range b.pairs {
		for i, st := range steps {
			rows[i].work, rows[i].rival = p.Name+": "+st.name, "GNU make"
			for range st.times {
				costs, err := st.pair(theirs, ours, round)
				if err != nil {
					return fmt.Errorf("%s: %w", st.name, err)
				}
				rows[i].add(costs[0], costs[1])
			}
		}
	}
	for i := range rows {
		b.report.add(rows[i])
	}
	if err := b.ccache(theirs, ours); err != nil {
		return err
	}
	if err := b.switching(ours); err != nil {
		return err
	}
	if b.edits == 0 {
		return nil
	}
	return b.growth(ours, pristine, cache, b.edits)
}

// fresh puts a pristine tree in place and empties the cache.
func (s side) fresh(pristine, cache string) error {
	if s.env != nil {
		if err := os.RemoveAll(cache); err != nil {
			return err
		}
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return err
		}
		if err := s.b.own(cache); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.tree); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.tree), 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", pristine, s.tree).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	return s.b.own(filepath.Dir(s.tree))
}

// ccache measures a build from clean by GNU make with a warm ccache against
// fmake with its warm cache.
func (b *bench) ccache(theirs, ours side) error {
	if _, err := os.Stat(ccacheLinks); err != nil {
		fmt.Fprintln(os.Stderr, "bench: no ccache here")
		return nil
	}
	store := filepath.Join(filepath.Dir(theirs.tree), "ccache")
	theirs.env = append(theirs.env, "CCACHE_DIR="+store,
		"PATH="+ccacheLinks+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	r := row{work: ours.project.Name + ": clean, then build (warm caches)", rival: "GNU make and ccache"}
	for round := range b.pairs + 1 {
		var costs [2]cost
		for k, s := range []side{theirs, ours} {
			if _, err := s.run(s.project.Clean); err != nil {
				return err
			}
			var err error
			if costs[k], err = s.run(); err != nil {
				return err
			}
		}
		if round > 0 { // the first fills ccache
			r.add(costs[0], costs[1])
		}
	}
	b.report.add(r)
	return nil
}
