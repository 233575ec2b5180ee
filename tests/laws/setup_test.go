package laws

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fmake/tests/programs"
)

var flags = struct {
	histories, jobs, steps, rules, maxJobs        *int
	seed                                          *uint64
	class, keep, replay, write, without           *string
	kills, writers, busy, subs, shrink, reference *bool
}{
	histories: flag.Int("laws.histories", 0, "number of histories (0: the share of a plain go test)"),
	jobs:      flag.Int("laws.jobs", 1, "histories at a time"),
	steps:     flag.Int("laws.steps", 20, "steps of a history"),
	rules:     flag.Int("laws.rules", 0, "rules of each project (0: random, 50 to 300)"),
	maxJobs:   flag.Int("laws.maxj", 8, "largest -j of a build"),
	seed:      flag.Uint64("laws.seed", 1, "seed of the first history"),
	class:     flag.String("laws.class", "mix", "undamaged, order (damaged, the order of all is enough), demand or mix"),
	keep:      flag.String("laws.keep", "", "folder that keeps the trees of failed histories"),
	replay:    flag.String("laws.replay", "", "play the history in this file"),
	write:     flag.String("laws.write", "", "only write the project of the seed to this folder"),
	without:   flag.String("laws.without", "", "bricks to leave out, separated by commas"),
	kills:     flag.Bool("laws.kills", true, "kill builds midway"),
	writers:   flag.Bool("laws.writers", true, "paths that several actions write"),
	busy:      flag.Bool("laws.busy", false, "build this and that between the steps"),
	subs:      flag.Bool("laws.subs", true, "sub-makes"),
	shrink:    flag.Bool("laws.shrink", true, "shorten a failing history"),
	reference: flag.Bool("laws.reference", false, "put GNU make itself to the test, with clean before each build"),
}

// The environment may name programs that were built elsewhere.
const (
	binaryVar    = "FMAKE_TEST_BINARY" // fmake; its engine is beside it
	referenceVar = "FMAKE_REFERENCE"   // GNU make 4.4.1
)

// tools holds what is built once for all tests.
var tools struct{ dir, fmake string }

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fmake-laws-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "laws: set-up:", err)
		return 1
	}
	return m.Run()
}

func build(dir string) error {
	pkgs := []string{"fmake/tests/laws/minicc"}
	tools.dir = dir
	tools.fmake = os.Getenv(binaryVar)
	if tools.fmake == "" {
		tools.fmake = filepath.Join(dir, "fmake")
		pkgs = append(pkgs, "fmake/cmd/fmake", "fmake/cmd/fmake-engine")
	}
	return programs.Build(dir, pkgs...)
}

// referenceMake finds GNU make 4.4.1.
func referenceMake(t *testing.T) string {
	t.Helper()
	program := os.Getenv(referenceVar)
	if program == "" {
		program = "make"
	}
	program, err := exec.LookPath(program)
	if err != nil {
		t.Skip("no reference make: ", err)
	}
	return program
}

// subject is fmake, or GNU make itself with clean before each build.
func subject(t *testing.T) Subject {
	s := Subject{Make: tools.fmake, Reference: referenceMake(t), Tools: tools.dir}
	if *flags.reference {
		s.Make, s.CleanFirst, s.Lenient = s.Reference, true, true
	}
	return s
}
