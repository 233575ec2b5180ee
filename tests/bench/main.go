// Command bench measures fmake against GNU make 4.4.1, ninja and ccache in one run, in
// turns, so that all meet the same machine: real projects (clean build, nothing to do, an
// edit, a build from clean with a warm cache, a switch between two states), generated
// projects of many targets, the start of the program, and applications with and without
// labels. It prints one row for each with medians, smallest and largest values, and the medians of the ratios of the pairs, wall
// time and user+sys. The CPU time is that of all processes that a command leaves behind,
// fmake's engine among them.
//
//	go run ./tests/bench [-projects lua,redis] [-targets 1000,10000] [-labels] [-pairs 3] [-jobs 2] [-edits 0] [-uid 0] [-csv FILE] [-svg FILE]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"fmake/tests/corpus"
	"fmake/tests/programs"
	"fmake/tests/projects"
)

// bench is what all measurements share.
type bench struct {
	dir       string // work folder, readable by everybody
	reference string
	fmake     string
	corpus    *corpus.Corpus
	pairs     int
	jobs      int
	edits     int
	uid       uint32
	report    report
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == measureWord {
		os.Exit(measureChild(os.Args[2:]))
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	names := flag.String("projects", "lua,redis", "projects to build, with commas between; empty for none")
	targets := flag.String("targets", "1000,10000,50000", "numbers of targets of generated projects, with commas between; empty for none")
	labels := flag.Bool("labels", false, "measure an application with a label, too")
	pairs := flag.Int("pairs", 3, "how often each thing is measured with each tool")
	jobs := flag.Int("jobs", 2, "jobs at once")
	edits := flag.Int("edits", 0, "edits after which the size of the cache is told; 0 for none")
	uid := flag.Uint("uid", 0, "user to run as, when root; 0 stays root")
	table := flag.String("csv", "", "file to write all figures to")
	chart := flag.String("svg", "", "file to draw the ratios in")
	flag.Parse()
	sizes, err := numbers(*targets)
	if err != nil {
		return err
	}
	b := &bench{pairs: *pairs, jobs: *jobs, edits: *edits, uid: uint32(*uid), report: report{out: os.Stdout}}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.report.head(b)
	err = b.all(listed(*names), sizes)
	if err == nil && *labels {
		err = b.labels()
	}
	if *table != "" {
		err = errors.Join(err, b.report.writeCSV(*table))
	}
	if *chart != "" {
		err = errors.Join(err, b.report.writeChart(*chart))
	}
	return err
}

// listed cuts a list with commas.
func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func numbers(text string) (list []int, err error) {
	for _, word := range listed(text) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("-targets: %q is no number", word)
		}
		if n > 0 {
			list = append(list, n)
		}
	}
	return list, nil
}

// all measures everything.
func (b *bench) all(names []string, sizes []int) error {
	if err := b.start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	for _, name := range names {
		p, err := projects.Find(name)
		if err != nil {
			return err
		}
		if err := b.project(p); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, n := range sizes {
		if err := b.big(n); err != nil {
			return fmt.Errorf("%d targets: %w", n, err)
		}
	}
	return nil
}

// prepare builds the programs and makes the work folder.
func (b *bench) prepare() error {
	var err error
	if b.dir, err = os.MkdirTemp("", "fmake-bench-"); err != nil {
		return err
	}
	bin := filepath.Join(b.dir, "bin")
	b.fmake = filepath.Join(bin, "fmake")
	b.reference = filepath.Join(bin, "make")
	if b.corpus, err = corpus.Open(); err != nil {
		return err
	}
	ref, err := b.corpus.Reference()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return errors.Join(os.Chmod(b.dir, 0o755), programs.Into(bin), programs.Copy(ref.Make, b.reference), programs.Copy(self, filepath.Join(bin, "measure")))
}

// own gives a tree to the user who is measured.
func (b *bench) own(dir string) error {
	if b.uid == 0 {
		return nil
	}
	return exec.Command("chown", "-R", fmt.Sprint(b.uid), dir).Run()
}
