// Command bench measures fmake against GNU make 4.4.1 in one run, one after the
// other in turns, so that both meet the same machine: a clean build with an empty
// cache, a build with nothing to do, an edit of one header, and a build from clean
// with a warm cache, of real projects, and reading a generated makefile of 50,000
// targets. It prints medians and the median of the ratios of the pairs, wall time
// and user+sys. The CPU time is that of all processes that a command leaves
// behind, fmake's engine among them.
//
//	go run ./tests/bench [-projects lua,redis] [-pairs 3] [-jobs 2] [-targets 50000] [-uid 0]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	uid       uint32
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
	pairs := flag.Int("pairs", 3, "how often each thing is measured with each make")
	jobs := flag.Int("jobs", 2, "jobs at once")
	targets := flag.Int("targets", 50_000, "targets of the generated makefile; 0 for none")
	uid := flag.Uint("uid", 0, "user to run as, when root; 0 stays root")
	flag.Parse()
	b := &bench{pairs: *pairs, jobs: *jobs, uid: uint32(*uid)}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	fmt.Println("| what | GNU make, s | fmake, s | wall ratio | user+sys ratio |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	for name := range strings.SplitSeq(*names, ",") {
		if name == "" {
			continue
		}
		p, err := projects.Find(name)
		if err != nil {
			return err
		}
		if err := b.project(p); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if *targets == 0 {
		return nil
	}
	return b.big(*targets)
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
