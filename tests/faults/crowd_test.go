package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fmake/tests/processes"
)

var (
	crowdRounds = flag.Int("faults.crowd", 1, "rounds of many builds at once")
	crowdTree   = flag.String("faults.tree", "../demo/calc", "what they build")
	crowdGoals  = flag.String("faults.goals", "", "the goals, with spaces between")
)

// crowd is how many builds go on at once.
const crowd = 8

// TestCrowd has many builds at once share one cache, in one tree and in a tree each, and
// kills one of them: all others end right, and so does the cache.
func TestCrowd(t *testing.T) {
	b := &crowdOf{fmake: install(t)}
	tree := b.copyTree(t)
	start := time.Now()
	cmd := exec.Command("make", b.args()...)
	cmd.Dir, cmd.Env = tree, withoutMake()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	b.whole, b.takes = contents(t, tree), time.Since(start)
	for _, shape := range []struct {
		name string
		same bool
	}{{"one_tree", true}, {"a_tree_each", false}} {
		t.Run(shape.name, func(t *testing.T) {
			for i := range *crowdRounds {
				if b.round(t, shape.same); t.Failed() {
					t.Fatalf("in round %d", i)
				}
			}
		})
	}
}

// crowdOf is what all rounds share.
type crowdOf struct {
	fmake string
	whole map[string]string // the tree of a serial build by GNU make
	takes time.Duration
}

func (b *crowdOf) args() []string { return strings.Fields(*crowdGoals) }

func (b *crowdOf) copyTree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(dir, os.DirFS(*crowdTree)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// round runs the builds, kills one of them at a random moment and looks at the rest.
func (b *crowdOf) round(t *testing.T, same bool) {
	t.Helper()
	cache := filepath.Join(t.TempDir(), "cache")
	mark := fmt.Sprintf("crowd-%d-%d", os.Getpid(), rand.Uint64())
	env := environ(mark, cache)
	trees := []string{b.copyTree(t)}
	for !same && len(trees) < crowd {
		trees = append(trees, b.copyTree(t))
	}
	type result struct {
		i   int
		out string
		err error
	}
	builds, ends := make([]*exec.Cmd, crowd), make(chan result)
	for i := range builds {
		var out strings.Builder
		cmd := exec.Command(b.fmake, append(b.args(), "-j2")...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = trees[i%len(trees)], env, &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		builds[i] = cmd
		go func() {
			err := cmd.Wait()
			ends <- result{i, out.String(), err}
		}()
	}
	victim := rand.IntN(crowd)
	at := time.Duration(rand.Int64N(int64(b.takes) * 2))
	hanging := time.AfterFunc(10*limit, func() {
		for _, cmd := range builds {
			_ = cmd.Process.Kill()
		}
	})
	time.AfterFunc(at, func() { killed(t, "fmake", builds[victim].Process.Pid) })
	for range builds {
		if r := <-ends; r.err != nil && r.i != victim {
			t.Errorf("build %d, with %d killed after %v: %v\n%s", r.i, victim, at, r.err, r.out)
		}
	}
	hanging.Stop()
	for i, tree := range trees {
		if same || i != victim {
			compare(t, b.whole, contents(t, tree))
		}
		cmd := exec.Command(b.fmake, append(b.args(), "-j2")...)
		cmd.Dir, cmd.Env = tree, env
		if out, err := bounded(cmd); err != nil {
			t.Errorf("the next build: %v\n%s", err, out)
		}
		compare(t, b.whole, contents(t, tree))
	}
	verify := exec.Command(b.fmake, "--cache-verify")
	verify.Env = env
	if out, err := bounded(verify); err != nil {
		t.Errorf("--cache-verify: %v\n%s", err, out)
	}
	if left := processes.Remains(mark, 0); left != "" {
		t.Errorf("processes that are left:\n%s", left)
	}
}
