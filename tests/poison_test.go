package tests

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fmake/tests/reapi"
)

// What TestPoisoned plays. Each round has a generator of its own, so that one that goes wrong
// can be played alone.
var (
	poisonRounds = flag.Int("poison.rounds", 30, "how often TestPoisoned damages what a server keeps, and builds")
	poisonFirst  = flag.Int("poison.first", 0, "the first round")
	poisonSeed   = flag.Uint64("poison.seed", 1, "of the random numbers")
)

// poisonedProject leaves files of all kinds: executable, links, in a directory, several of
// one recipe, one that has to be streamed, and it prints.
const poisonedProject = `all: plain tool link dir/inner first large sum says
plain: in1 ; cat in1 >$@
tool: in2 ; cat in2 >$@; chmod +x $@
link: plain ; ln -sf plain $@
dir/inner: in1 in2 ; mkdir -p dir; cat in1 in2 >$@
first second &: in1 ; cat in1 in1 >first; cat in1 in1 in1 >second
large: in2 ; cat in2 >$@; seq 60000 >>$@
sum: plain tool large dir/inner second ; cat $^ | cksum >$@
says: in1 ; @echo it says; cat in1; cat in1 >$@
`

// poisonedUses are what a server is used for, with what is told to fmake then.
func poisonedUses() map[string][]string {
	return map[string][]string{
		"cache": {"FMAKE_REMOTE_CACHE"},
		"exec":  {"FMAKE_REMOTE_EXEC"},
		"both":  {"FMAKE_REMOTE_CACHE", "FMAKE_REMOTE_EXEC"},
	}
}

// TestPoisoned damages what a server keeps of several states of a project, in all ways,
// between builds on machines that know nothing: whatever comes back, the tree is right, what
// is printed is right, and there is at most one warning for each use of the server.
func TestPoisoned(t *testing.T) {
	if why := fuseMissing(); why != "" || currentSetup().reference() {
		t.Skip("nothing can be traced here: " + why)
	}
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	want := make([]string, poisonedStates)
	for state := range want {
		want[state] = poisonedBuild(t, state, nil).tree
	}
	uses, sound := poisonedUses(), make(map[string]reapi.Snapshot)
	names, empty := slices.Sorted(maps.Keys(uses)), s.Snapshot()
	for _, use := range names {
		s.Restore(empty)
		for state := range want {
			if got := poisonedBuild(t, state, settings(uses[use], s)); got.tree != want[state] || got.warnings > 0 {
				t.Fatalf("%s, while all is sound: %+v", use, got)
			}
		}
		sound[use] = s.Snapshot()
	}
	met := 0
	for round := *poisonFirst; round < *poisonFirst+*poisonRounds; round++ {
		r := rand.New(rand.NewPCG(*poisonSeed, uint64(round)))
		use, state := names[round%len(names)], r.IntN(poisonedStates)
		s.Restore(sound[use])
		done := poison(s, r, round/len(names))
		s.SetQuirks(reapi.Quirks{Inline: r.IntN(2) == 0, Zstd: r.IntN(2) == 0})
		s.Calls()
		got := poisonedBuild(t, state, settings(uses[use], s))
		if calls := s.Calls(); got.warnings > 0 || calls["Execute"]+calls["UpdateActionResult"] > 0 {
			met++
		}
		if got.tree != want[state] || got.warnings > len(uses[use]) {
			t.Errorf("round %d of seed %d: %s, state %d, %s:\n%s\nwant\n%s\nsaid %s", round, *poisonSeed, use, state, done, got.tree, want[state], got.said)
		}
	}
	t.Logf("%d rounds, in %d of which damage was met", *poisonRounds, met)
}

// poison damages what a server holds in up to three ways, of which turn tells the first, and
// says in which.
func poison(s *reapi.Server, r *rand.Rand, turn int) string {
	ways := reapi.Poisons()
	var done []string
	for i := range 1 + r.IntN(3) {
		way := ways[(turn+i*r.IntN(len(ways)))%len(ways)]
		times := 1 << r.IntN(7)
		for range times {
			s.Poison(way, r)
		}
		done = append(done, fmt.Sprintf("%s x %d", way, times))
	}
	return strings.Join(done, ", ")
}

// settings tell fmake to use a server.
func settings(variables []string, s *reapi.Server) (env []string) {
	for _, v := range variables {
		env = append(env, v+"=grpc://"+s.Addr())
	}
	return env
}

// poisonedStates is in how many states the project is built.
const poisonedStates = 3

// poisonedResult is what a build has left and said.
type poisonedResult struct {
	tree     string // status, what it has printed, and all files
	said     string
	warnings int
}

// poisonedBuild builds the project in one of its states on a machine that knows nothing.
func poisonedBuild(t *testing.T, state int, env []string) poisonedResult {
	t.Helper()
	dir, err := os.MkdirTemp("", "poisoned")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	project := filepath.Join(dir, "project")
	if err := os.Mkdir(project, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Makefile": poisonedProject, "in1": fmt.Sprintf("first input %d\n", state), "in2": fmt.Sprintf("second input %d\n", max(1, state)),
	} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary("fmake"), "-j2")
	cmd.Dir = project
	cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+filepath.Join(dir, "cache"), "FMAKE_REMOTE_WAIT=30", "FMAKEFLAGS=", "MAKEFLAGS=")
	cmd.Env = append(cmd.Env, env...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	status := "status 0"
	if err := cmd.Run(); err != nil {
		status = err.Error()
	}
	lines := strings.Split(out.String(), "\n")
	slices.Sort(lines) // two run at a time
	return poisonedResult{
		tree: status + "\n" + strings.Join(lines, "\n") + "\n" + listTree(t, project),
		said: said.String(), warnings: strings.Count(said.String(), "\n"),
	}
}

// listTree describes all that is in a folder.
func listTree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, text := p[len(dir):], ""
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			text = string(data)
			if len(data) > 100 {
				text = fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
			}
		case info.Mode()&fs.ModeSymlink != 0:
			if text, err = os.Readlink(p); err != nil {
				return err
			}
		}
		fmt.Fprintf(&b, "%s %v %q\n", rel, info.Mode(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
