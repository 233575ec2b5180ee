package soak

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fmake/tests/corpus"
	"fmake/tests/programs"
	"fmake/tests/projects"
)

var (
	builds = flag.Int("soak.builds", 6, "how often something is built")
	limit  = flag.Int64("soak.limit", 300, "size of the cache in MB")
	names  = flag.String("soak.projects", "tree,ed", "what is built, separated by commas, or all")
	seed   = flag.Uint64("soak.seed", 1, "of what is taken and how it is edited")
	keep   = flag.String("soak.keep", "", "folder to build in, which stays")
)

// tooMany faults end the test.
const tooMany = 20

// soak is one run of the test.
type soak struct {
	*testing.T
	*house
	r      *rand.Rand
	fields []*field
	faults int
	broken int // edits that do not compile
}

// TestSoak builds the projects over and over.
func TestSoak(t *testing.T) {
	s := &soak{T: t, r: rand.New(rand.NewPCG(*seed, 0))}
	s.prepare()
	s.Logf("before: %s", s.figures())
	// Each comes once, then as it happens.
	for i, f := range s.fields {
		s.build(f, i+1, true)
	}
	for number := len(s.fields) + 1; number <= *builds; number++ {
		f := s.choose()
		one := 20
		if f.Heavy {
			one = 3
		}
		if s.build(f, number, s.r.IntN(one) == 0); number%25 == 0 {
			s.Logf("after %d: %s", number, s.figures())
		}
		if number%100 == 0 {
			s.verify()
		}
		if s.faults >= tooMany {
			s.Fatal("that is enough")
		}
	}
	for _, f := range s.fields {
		if !f.checked {
			s.check(f, "in the end")
		}
	}
	s.end()
}

// prepare unpacks the projects.
func (s *soak) prepare() {
	s.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		s.Skipf("no FUSE: %v", err)
	}
	f.Close()
	dir := *keep
	if dir == "" {
		dir = s.TempDir()
	}
	if s.house, err = newHouse(dir, *limit*1e6); err != nil {
		s.Fatal(err)
	}
	if s.corpus, err = corpus.Open(); err != nil {
		s.Fatal(err)
	}
	if s.reference = os.Getenv("FMAKE_REFERENCE"); s.reference == "" {
		ref, err := s.corpus.Reference()
		if err != nil {
			s.missing(err)
		}
		s.reference = ref.Make
	}
	if s.reference, err = exec.LookPath(s.reference); err != nil {
		s.Fatal(err)
	}
	if err := programs.Into(filepath.Dir(s.fmake)); err != nil {
		s.Fatal(err)
	}
	for _, p := range projects.All() {
		if *names != "all" && !slices.Contains(strings.Split(*names, ","), p.Name) {
			continue
		}
		f, err := newField(s.house, p)
		if err != nil {
			s.missing(fmt.Errorf("%s: %w", p.Name, err))
		}
		s.fields = append(s.fields, f)
	}
	s.r.Shuffle(len(s.fields), func(i, j int) { s.fields[i], s.fields[j] = s.fields[j], s.fields[i] })
}

// missing says that sources cannot be had, which is an error only in continuous integration.
func (s *soak) missing(err error) {
	s.Helper()
	if os.Getenv("CI") == "true" {
		s.Fatal(err)
	}
	s.Skip(err)
}

// choose takes a project, a light one ten times as often as one that takes minutes.
func (s *soak) choose() *field {
	for {
		if f := s.fields[s.r.IntN(len(s.fields))]; !f.Heavy || s.r.IntN(10) == 0 {
			return f
		}
	}
}

// build edits a project, builds it twice and has the collector run.
func (s *soak) build(f *field, number int, check bool) {
	s.Helper()
	start := time.Now()
	f.builds++
	f.checked = false
	jobs := 2 + s.r.IntN(7)
	var edits []string
	var undo []func() error
	for range 1 + s.r.IntN(2) {
		if f.builds == 1 {
			break
		}
		what, back, err := f.edit(s.r, number)
		if err != nil {
			s.Fatal(err)
		}
		edits, undo = append(edits, what), append(undo, back)
		if what != cleaning {
			continue
		}
		if _, err := f.run(s.fmake, jobs, f.Clean); err != nil {
			s.fault(f, "clean", err.Error())
		}
	}
	name := fmt.Sprintf("build %d: %s -j%d (%s)", number, f.Name, jobs, strings.Join(edits, "; "))
	beside := number%4 == 0
	out, err := s.watched(f, jobs, beside)
	s.complain(f, name)
	switch {
	case err == nil:
		s.second(f, name, out, jobs, check)
	case s.compiles(f):
		s.fault(f, name, err.Error())
	case f.builds == 1:
		s.Fatalf("%s cannot be built: %v", f.Name, err)
	default:
		s.broken++
		for _, back := range slices.Backward(undo) {
			if err := back(); err != nil {
				s.Fatal(err)
			}
		}
	}
	if err := s.collect(1, false); err != nil {
		s.fault(f, name, err.Error())
	}
	s.Logf("%s: %v, %d lines, cache %.0f MB", name, time.Since(start).Round(10*time.Millisecond), strings.Count(out, "\n"), float64(s.tally.last)/1e6)
}

// second builds once more, which must run nothing, and checks the tree then: what makefiles keep
// for the next build is there after two.
func (s *soak) second(f *field, name, first string, jobs int, check bool) {
	s.Helper()
	b, err := f.again(jobs)
	s.complain(f, name+", again")
	if err != nil {
		s.fault(f, name+", again", err.Error())
		return
	}
	if check {
		s.check(f, name)
	}
	if wrong := f.wrong(b); len(wrong) > 0 {
		s.fault(f, name+", again", strings.Join(wrong, "\n")+"\nthe first one said:\n"+tail(first, 30))
	}
}

// watched builds with fmake, with the collector at work beside it or not.
func (s *soak) watched(f *field, jobs int, beside bool) (string, error) {
	defer s.watch()()
	if beside {
		defer s.collecting()()
	}
	defer func() { s.make.add(f.peak) }()
	return f.run(s.fmake, jobs)
}

// compiles reports whether GNU make can build what there is.
func (s *soak) compiles(f *field) bool {
	_, err := f.truth(1)
	if err != nil && !errors.Is(err, errBuild) {
		s.Fatal(err)
	}
	return err == nil
}

// check holds a tree against GNU make's.
func (s *soak) check(f *field, when string) {
	s.Helper()
	wrong, err := f.differences()
	if err != nil {
		s.Fatalf("%s, %s: %v", f.Name, when, err)
	}
	if len(wrong) > 0 {
		s.fault(f, when, fmt.Sprintf("%d differences:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n")))
	}
}

// complain says what a build has left.
func (s *soak) complain(f *field, when string) {
	s.Helper()
	if wrong := s.left(); len(wrong) > 0 {
		s.fault(f, when, "there are left "+strings.Join(wrong, ", "))
	}
}

// fault notes what is wrong, with the trees and the cache as they are if they stay.
func (s *soak) fault(f *field, when, text string) {
	s.Helper()
	s.Errorf("%s, %s: %s", f.Name, when, text)
	s.faults++
	if *keep == "" {
		return
	}
	dir := filepath.Join(s.dir, fmt.Sprintf("fault-%d", s.faults))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", f.dir, s.cache, dir).CombinedOutput(); err != nil {
		s.Logf("cp: %v: %s", err, out)
	}
}

// verify has fmake read the whole cache.
func (s *soak) verify() {
	s.Helper()
	out, err := s.manage("--cache-verify")
	if err != nil {
		s.Errorf("--cache-verify: %v: %s", err, out)
	}
	s.Logf("--cache-verify: %s", out)
}

// end says what has become of all.
func (s *soak) end() {
	s.verify()
	if err := s.collect(1, false); err != nil {
		s.Error(err)
	}
	if s.tally.last > s.limit {
		s.Errorf("the cache holds %d bytes, more than %d", s.tally.last, s.limit)
	}
	if s.tally.removing == 0 && *builds >= 100 {
		s.Error("the collector has not removed anything")
	}
	out, err := s.manage("--cache-stats")
	s.Logf("--cache-stats: %v\n%s", err, out)
	s.Logf("after: %s", s.figures())
	for _, f := range s.fields {
		s.Logf("%s: %d builds, %d held against GNU make's; %d files on which two builds of its own differ; fmake's peak memory with nothing to do, KiB: %d the first time, %d the last",
			f.Name, f.builds, f.checks, len(f.flaky), f.still[0], f.still[len(f.still)-1])
	}
	s.Logf("%d builds, %d edits that do not compile, %d faults", *builds, s.broken, s.faults)
}
