package laws

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Subject is the make under test.
type Subject struct {
	Make      string // fmake
	Reference string // GNU make 4.4.1
	Tools     string // a folder with minicc
	// CleanFirst runs clean before every build: with it GNU make passes too.
	CleanFirst bool
	// Lenient leaves out what GNU make does not promise: the second build that
	// runs nothing.
	Lenient bool
}

// History is a project and what happens to it.
type History struct {
	Project *Project `json:"project"`
	Steps   []Step   `json:"steps"`
	Busy    bool     `json:"busy,omitempty"` // other builds come between the steps
}

// Failure is a law that was broken.
type Failure struct {
	Step   int // -1: the first build
	Law    string
	Lines  []string
	Output string // of the build that broke it
}

func (f *Failure) Error() string {
	lines := f.Lines
	if len(lines) > 12 {
		lines = append(slices.Clone(lines[:12]), fmt.Sprintf("... and %d more", len(f.Lines)-12))
	}
	return fmt.Sprintf("step %d: %s\n  %s", f.Step, f.Law, strings.Join(lines, "\n  "))
}

// world is one history under way: the tree under test, and what is known.
type world struct {
	subject Subject
	project *Project // what the make under test gets
	state   state
	work    string
	run     runner
	oracle  *oracle
	marked  *marked
	busy    bool          // see errands
	took    time.Duration // of the last full build
	built   Tree          // what that was to leave
	step    int

	mu    sync.Mutex
	stuck []string // what the watchdog saw
}

// Play runs a history in a new folder dir. The error is a *Failure where a law
// was broken.
func Play(s Subject, h History, dir string) error {
	w, err := newWorld(s, h.Project, dir)
	if err != nil {
		return err
	}
	w.busy = h.Busy
	if w.busy { // or what is started in a folder knows nothing of what is above
		if err := os.Mkdir(filepath.Join(w.work, vcs), 0o755); err != nil {
			return err
		}
	}
	stop := make(chan struct{})
	defer close(stop)
	go w.marked.watchdog(stop, func(text string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stuck = append(w.stuck, text)
	})
	if err := w.first(h); err != nil {
		return err
	}
	for i, step := range h.Steps {
		w.step = i
		if err := w.play(step); err != nil {
			return err
		}
	}
	return nil
}

func newWorld(s Subject, p *Project, dir string) (*world, error) {
	r := runner{tools: s.Tools, home: filepath.Join(dir, "home"), mark: fmt.Sprintf("%d-%s", os.Getpid(), filepath.Base(dir))}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	w := &world{
		subject: s, project: p, work: filepath.Join(dir, "work"), run: r, step: -1,
		state:  state{files: p.Files.Clone(), left: Tree{}, tag: "first", kept: map[string]keptOutput{}},
		oracle: &oracle{make: s.Reference, dir: filepath.Join(dir, "true"), run: r, known: map[[32]byte]*truth{}},
		marked: newMarked(r.mark),
	}
	// What the reference leaves running would be taken for the subject's.
	w.oracle.run.mark = r.mark + "-true"
	return w, w.rendering(nil).tree().Write(w.work)
}

// rendering is how the make under test sees the project.
func (w *world) rendering(kept map[string]bool) rendering {
	return rendering{project: w.project, sources: w.state.sources(), damaged: w.project.Damaged, kept: kept}
}

// truth asks the oracle about the undamaged project as it is now. Outputs that
// the user edited are sources to it, as long as what they are declared to be
// made from stays as it was.
func (w *world) truth(goal string) (*truth, error) {
	for {
		kept := map[string]bool{}
		for name := range w.state.kept {
			kept[name] = true
		}
		tree := rendering{project: w.project, sources: w.state.sources(), kept: kept}.tree()
		for name, k := range w.state.kept {
			tree.Put(name, k.entry)
		}
		t, err := w.oracle.ask(tree, goal, w.state.args, w.state.tag)
		// A build that fails says nothing of prerequisites that it did not come to.
		if err != nil || t.status != 0 || !w.dropKept(t) {
			return t, err
		}
	}
}

// dropKept gives up edited outputs whose declared prerequisites have changed.
func (w *world) dropKept(t *truth) bool {
	dropped := false
	for name, k := range w.state.kept {
		if k.prereqs != nil && !sameEntries(k.prereqs, w.declared(name, t.tree)) {
			delete(w.state.kept, name)
			dropped = true
		}
	}
	return dropped
}

func sameEntries(a, b map[string]Entry) bool {
	for name, e := range a {
		if b[name].Text != e.Text || b[name].Kind != e.Kind {
			return false
		}
	}
	return len(a) == len(b)
}

// declared returns the prerequisites that the make under test is told of.
func (w *world) declared(target string, t Tree) map[string]Entry {
	found := map[string]Entry{}
	r := newGraph(w.project).makers[target]
	for _, d := range r.Prereqs {
		name := path.Join(r.Dir, d.Name)
		if _, there := t[name]; there && !d.Order && !(d.Lost && w.project.Damaged) {
			found[name] = t.through(name)
		}
	}
	return found
}

// adopt notes what the edited outputs hang on, after a full build.
func (w *world) adopt(t *truth) {
	for name, k := range w.state.kept {
		if k.prereqs == nil {
			k.prereqs = w.declared(name, t.tree)
			w.state.kept[name] = k
		}
	}
}

// order is a run of the make under test.
func (w *world) order(jobs int, goal string) order {
	return order{program: w.subject.Make, dir: w.work, jobs: jobs, goal: goal, args: w.state.args, tag: w.state.tag}
}

// build runs the make under test; a build that hangs, or a process that is
// stuck, is a failure.
func (w *world) build(o order) (done, error) {
	d, err := w.run.make(o)
	if errors.Is(err, errHangs) {
		return d, w.failure("the build hangs (law 7)", d, nil)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && len(w.stuck) > 0 {
		return d, w.failure("a process is stuck (law 7)", d, w.stuck)
	}
	return d, err
}

func (w *world) failure(law string, d done, lines []string) *Failure {
	return &Failure{Step: w.step, Law: law, Lines: lines, Output: d.output}
}

// makefilesDiffer leaves the makefiles out of comparisons: the damaged ones
// differ by right.
func (w *world) makefilesDiffer(name string) bool {
	return slices.Contains(w.project.makefiles(), name)
}

// killed starts a build and kills some of it midway, then waits until nothing
// of it runs any more.
func (w *world) killed(step Step) error {
	o := w.order(step.Jobs, "")
	after := time.Duration(step.After * float64(w.took))
	o.during = func(pid int, ended <-chan struct{}) {
		select {
		case <-ended:
			return
		case <-time.After(after):
		}
		w.kill(step, pid)
	}
	d, err := w.build(o)
	if err != nil {
		return err
	}
	if left := w.marked.gone(10 * time.Second); len(left) > 0 {
		var lines []string
		for _, p := range left {
			lines = append(lines, fmt.Sprintf("%d %s %c", p.pid, p.name, p.state))
		}
		return w.failure("processes stay behind after a kill of "+step.Whom, d, lines)
	}
	return nil
}

// kill ends what a step says: the make (or the group of it with all recipes),
// or one of the engine's processes.
func (w *world) kill(step Step, pid int) {
	switch step.Whom {
	case "make":
		syscall.Kill(pid, syscall.SIGKILL)
	case "interrupt":
		syscall.Kill(-pid, syscall.SIGINT)
	case "all":
		for _, p := range w.marked.list() {
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
	case "engine":
		var engines []process
		for _, p := range w.marked.list() {
			if strings.HasPrefix(p.name, "fmake-engine") {
				engines = append(engines, p)
			}
		}
		if len(engines) > 0 {
			syscall.Kill(engines[rand.IntN(len(engines))].pid, syscall.SIGKILL)
		}
	}
}
