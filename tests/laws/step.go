package laws

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Op is one change that the user makes between two builds.
type Op struct {
	What string `json:"what"`
	Path string `json:"path,omitempty"`
	To   string `json:"to,omitempty"`   // rename: the new path
	With *Entry `json:"with,omitempty"` // write: what to put; hand-edit: the new text
	Old  bool   `json:"old,omitempty"`  // with an mtime long ago, as rsync -a does
}

// The kinds of Op. A path of a source is one in the sources, a path of an
// output is one that a recipe left. An op whose path is not there (any more)
// does nothing, so that a history stays one when it is shortened.
const (
	opWrite    = "write"     // a source is written or made
	opRemove   = "remove"    // a source is removed
	opRename   = "rename"    // a folder of sources is renamed
	opDelete   = "delete"    // an output is removed
	opHandEdit = "hand-edit" // an output is edited
	opMoveOut  = "move-out"  // a folder of outputs is moved away
	opArgs     = "args"      // Path is now on make's command line
	opEnv      = "env"       // Path is now the value of LAWS_TAG
)

// Mode is how a step builds.
type Mode string

// The modes of a step.
const (
	Full      Mode = "full"      // build all, compare
	Partial   Mode = "partial"   // build one target, compare what it hangs on
	Cleaned   Mode = "clean"     // clean, compare, then as Full
	Killed    Mode = "kill"      // start a build, kill it, then as Full
	Interrupt Mode = "interrupt" // start a build, interrupt it, then as Full
	Broken    Mode = "broken"    // build with a source that does not compile, repair it, then as Full
)

// Step is one step of a history: changes, then builds.
type Step struct {
	Ops   []Op    `json:"ops,omitempty"`
	Mode  Mode    `json:"mode"`
	Jobs  int     `json:"jobs"`
	Goal  string  `json:"goal,omitempty"`  // of a partial build
	Whom  string  `json:"whom,omitempty"`  // of a kill: "make", "engine", "all"
	After float64 `json:"after,omitempty"` // of a kill: the share of a build's time
}

// String says in one line what a step does.
func (s Step) String() string {
	var b strings.Builder
	for _, op := range s.Ops {
		fmt.Fprintf(&b, "%s %s", op.What, op.Path)
		if op.To != "" {
			fmt.Fprintf(&b, " to %s", op.To)
		}
		if op.Old {
			b.WriteString(" (old mtime)")
		}
		b.WriteString("; ")
	}
	fmt.Fprintf(&b, "%s -j%d", s.Mode, s.Jobs)
	if s.Goal != "" {
		fmt.Fprintf(&b, " %s", s.Goal)
	}
	if s.Whom != "" {
		fmt.Fprintf(&b, " %s after %.2f of a build", s.Whom, s.After)
	}
	return b.String()
}

// state is what the user has made of the project so far: all that the truth
// depends on.
type state struct {
	files Tree   // the sources
	left  Tree   // outputs whose action left the graph: sources now
	args  string // on make's command line
	tag   string // LAWS_TAG
	kept  map[string]keptOutput
}

// keptOutput is an output that the user edited by hand.
type keptOutput struct {
	entry Entry
	// prereqs holds what the declared prerequisites were when it was adopted;
	// nil until the first build.
	prereqs map[string]Entry
}

// apply changes the state and the tree in dir as an op says.
func (s *state) apply(op Op, p *Project, dir string) error {
	full := filepath.Join(dir, op.Path)
	switch op.What {
	case opWrite:
		s.files.Put(op.Path, *op.With)
		s.unleave(p, op.Path)
		return writeSource(full, *op.With, op.Old)
	case opRemove:
		if _, found := s.files[op.Path]; !found {
			return nil
		}
		delete(s.files, op.Path)
		if err := s.leave(p, op.Path, dir); err != nil {
			return err
		}
		return os.Remove(full)
	case opRename:
		return s.rename(op, p, dir)
	case opDelete:
		delete(s.kept, op.Path)
		return ignoreMissing(os.Remove(full))
	case opHandEdit:
		return s.handEdit(op, full)
	case opMoveOut:
		return s.moveOut(op, dir)
	case opArgs:
		s.args = op.Path
	case opEnv:
		s.tag = op.Path
	}
	return nil
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func writeSource(full string, e Entry, old bool) error {
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	if err := e.write(full); err != nil {
		return err
	}
	if e.Kind != 'f' {
		return nil
	}
	return dated(full, old)
}

// dated gives a file the time of now, or of long ago: the kernel's own time stands
// still for some milliseconds, in which one change would seem no later than another.
func dated(full string, old bool) error {
	at := time.Now()
	if old {
		at = at.Add(-1000 * time.Hour)
	}
	return os.Chtimes(full, at, at)
}

// rename moves a folder of sources; what was made from them stays behind.
func (s *state) rename(op Op, p *Project, dir string) error {
	_, there := s.files[op.Path]
	_, taken := s.files[op.To]
	if !there || taken {
		return nil
	}
	for _, name := range append(s.files.Under(op.Path), op.Path) {
		moved := op.To + strings.TrimPrefix(name, op.Path)
		s.files[moved] = s.files[name]
		delete(s.files, name)
		if err := s.leave(p, name, dir); err != nil {
			return err
		}
		s.unleave(p, moved)
	}
	return os.Rename(filepath.Join(dir, op.Path), filepath.Join(dir, op.To))
}

// handEdit appends to an output that is a file.
func (s *state) handEdit(op Op, full string) error {
	st, err := os.Lstat(full)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	e := Entry{Kind: 'f', Mode: st.Mode().Perm(), Text: op.With.Text}
	s.kept[op.Path] = keptOutput{entry: e}
	return errors.Join(os.WriteFile(full, []byte(e.Text), e.Mode), dated(full, false))
}

// moveOut moves a folder of outputs away; it is a folder of sources then.
func (s *state) moveOut(op Op, dir string) error {
	from, to := filepath.Join(dir, op.Path), filepath.Join(dir, op.To)
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	if st, err := os.Lstat(from); err != nil || !st.IsDir() {
		return nil
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	moved, err := Snapshot(to)
	if err != nil {
		return err
	}
	s.left.Put(op.To, Entry{Kind: 'd', Mode: 0o755})
	for name, e := range moved {
		e.Same = ""
		s.left[path.Join(op.To, name)] = e
	}
	for name := range s.kept {
		if strings.HasPrefix(name, op.Path+"/") {
			delete(s.kept, name)
		}
	}
	return nil
}

// made returns the outputs of a source that the makefile finds by wildcard.
func (p *Project) made(source string) []string {
	if !strings.HasSuffix(source, ".c") {
		return nil
	}
	for _, w := range p.Wilds {
		if strings.HasPrefix(source, w.Prefix) {
			stem := path.Join(w.Out, strings.TrimSuffix(source, ".c"))
			return []string{stem + ".o", stem + ".d"}
		}
	}
	return nil
}

// leave notes the outputs of a source that is gone from the wildcards: their
// action is no longer in the graph, so they are sources as they are.
func (s *state) leave(p *Project, source, dir string) error {
	for _, name := range p.made(source) {
		e, err := readEntry(filepath.Join(dir, name), name, map[uint64]string{})
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("what a removed source leaves: %w", err)
		}
		s.left.Put(name, e)
	}
	return nil
}

// unleave: the source is there, what is made from it has an action again.
func (s *state) unleave(p *Project, source string) {
	for _, name := range p.made(source) {
		delete(s.left, name)
	}
}

// sources returns the files and what has become a source.
func (s *state) sources() Tree {
	t := s.files.Clone()
	for name, e := range s.left {
		t.Put(name, e)
	}
	return t
}
