package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fmake/tests/processes"
)

// editors is a makefile in which one file has a version by each of four recipes, of
// which one appends: whatever is cut short, none of them may find what it did itself, or
// what comes after it.
const editors = `all: third text other
shared: data ; sed 's/^/shared /' data >$@
first: shared ; sed -i s/shared/first/ shared; touch $@
second: first word ; cat word >>shared; touch $@
third: second ; sed -i s/first/third/ shared; touch $@
text: third ; cat shared >$@
other: data ; sleep 0.1; cat data >$@
`

// TestKilledEditor kills builds of editors one after the other in one tree, edits its
// sources before and, at times, after, and looks at what the next build makes of it.
func TestKilledEditor(t *testing.T) {
	fmake := install(t)
	for _, victim := range []string{"fmake", "server"} {
		t.Run(victim, func(t *testing.T) {
			e := newEditorTree(t, fmake, victim)
			for i := range 4 * *rounds {
				if e.kill(t, victim); t.Failed() {
					t.Fatalf("in round %d", i)
				}
			}
		})
	}
}

// editorTree is a tree with the makefile above.
type editorTree struct {
	fmake, dir, mark string
	env              []string
	data, word       string
}

func newEditorTree(t *testing.T, fmake, victim string) *editorTree {
	t.Helper()
	e := &editorTree{fmake: fmake, dir: t.TempDir(), mark: fmt.Sprintf("%s-%d-%d", victim, os.Getpid(), rand.Uint64())}
	e.env = environ(e.mark, t.TempDir())
	e.write(t, "Makefile", editors)
	e.edit(t)
	return e
}

func (e *editorTree) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit gives the sources one of three contents each, which may be what they have.
func (e *editorTree) edit(t *testing.T) {
	t.Helper()
	e.data, e.word = fmt.Sprintf("data %d\n", rand.IntN(3)), fmt.Sprintf("word %d\n", rand.IntN(3))
	e.write(t, "data", e.data)
	e.write(t, "word", e.word)
}

func (e *editorTree) command() *exec.Cmd {
	cmd := exec.Command(e.fmake, "-j5")
	cmd.Dir, cmd.Env = e.dir, e.env
	return cmd
}

// kill kills one build, and looks at the next.
func (e *editorTree) kill(t *testing.T, victim string) {
	t.Helper()
	e.edit(t)
	cmd := e.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(600 * time.Millisecond))))
	pid := cmd.Process.Pid
	if victim != "fmake" {
		pid = processes.WithRole(e.mark, victim) // 0 if nothing runs
	}
	if pid != 0 {
		killed(t, victim, pid)
	}
	_ = cmd.Wait() // what it says of its engine's death is its own affair
	if rand.IntN(3) == 0 {
		e.edit(t)
	}
	out, err := bounded(e.command())
	if err != nil {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	want := "third " + e.data + e.word
	for _, name := range []string{"shared", "text"} {
		if got, _ := os.ReadFile(filepath.Join(e.dir, name)); string(got) != want {
			t.Errorf("%s is %q, not %q; the next run has printed\n%s", name, got, want, out)
		}
	}
}
