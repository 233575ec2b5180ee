package cache

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// otherMake writes into a journal as another process does.
type otherMake struct {
	t    *testing.T
	path string
	rec  JournalRecord
}

func newOtherMake(t *testing.T, path, boot string, process uint64) *otherMake {
	return &otherMake{t, path, JournalRecord{Process: process, Boot: boot, Time: time.Now().UnixNano()}}
}

// claimantTree is the variable of the environment that gives a claimant, another process
// that claims something in a tree, its tree.
const claimantTree = "FMAKE_TEST_CLAIMANT"

// startClaimant starts one that lives under a number and makes a target.
func startClaimant(t *testing.T, tree string, process uint64, target string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestClaimant$", strconv.FormatUint(process, 10), target)
	c.Env = append(os.Environ(), claimantTree+"="+tree)
	_, err1 := c.StdinPipe() // it waits for its end
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal("the other process: ", err)
	}
	return c
}

// TestClaimant is what a claimant does.
func TestClaimant(t *testing.T) {
	tree := os.Getenv(claimantTree)
	if tree == "" {
		t.Skip("runs as another process")
	}
	args := flag.Args()
	process, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	c := newClaims(tree)
	if _, _, err := c.Take(args[1]); err != nil {
		t.Fatal(err)
	}
	c.live(process)
	for range 500 { // files to close at its end, after that of the claims
		if _, err := os.Open(os.Args[0]); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Print("+")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// TestKilledClaimant: a process whose target can be claimed since it was killed is known
// to be dead at that moment.
func TestKilledClaimant(t *testing.T) {
	tree := t.TempDir()
	c := newClaims(tree)
	const rounds = 20
	for process := range uint64(rounds) {
		other := startClaimant(t, tree, process, "a")
		if _, ok, err := c.Take("a"); ok || err != nil || !c.lives(process) {
			t.Fatal("the other process has not claimed its target", err)
		}
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for {
			_, ok, err := c.Take("a")
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				break
			}
		}
		if c.lives(process) {
			t.Fatal("its target is free, and it lives")
		}
		c.Release("a")
	}
}

func (m *otherMake) append(kind byte, body func(*writer)) {
	m.t.Helper()
	f, err := os.OpenFile(m.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(frameEntry(kind, body))
		f.Close()
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *otherMake) begin(id uint64, target string) {
	rec := m.rec
	rec.ID, rec.Target = id, target
	m.append(entryBegin, func(w *writer) { writeJournalRecord(w, &rec) })
}

func (m *otherMake) left(id uint64, tr *Trace) {
	m.append(entryLeft, func(w *writer) { writeLeft(w, id, string(EncodeTrace(tr))) })
}

func (m *otherMake) done(id uint64) {
	m.append(entryDone, func(w *writer) { writeDone(w, id, true, m.rec.Time) })
}

func targetsOf(records []JournalRecord) (names string) {
	for i := range records {
		names += records[i].Target + " "
	}
	return names
}

// TestNews follows what another process does to a tree.
func TestNews(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	boot := BootID()
	startClaimant(t, dir, 7, "something")
	other, gone := newOtherMake(t, path, boot, 7), newOtherMake(t, path, boot, 8)
	other.begin(1, "early")
	other.left(1, &Trace{Target: "early"})

	j, rec, err := openJournal(dir, boot, newClaims(dir))
	if err != nil || len(rec.Ended)+len(rec.Unfinished) > 0 {
		t.Fatal(rec, err)
	}
	own, err := j.Begin(JournalRecord{Target: "own"})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Left(own, &Trace{Target: "own"}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name              string
		do                func()
		ended, saved, cut string
		more              bool
	}{
		{"before this one", func() {}, "early ", "", "", false},
		{"nothing", func() {}, "", "", "", false},
		{"begun", func() { other.begin(2, "a") }, "", "", "", false},
		{"ended", func() { other.left(2, &Trace{Target: "a"}) }, "a ", "", "", false},
		{"saved", func() { other.done(2); other.done(1) }, "", "a early ", "", false},
		{"all at once", func() { other.begin(3, "b"); other.left(3, &Trace{Target: "b"}); other.done(3) }, "b ", "b ", "", false},
		{"cut short", func() { gone.begin(4, "c") }, "", "", "c ", false},
		{"not put right", func() {}, "", "", "c ", false},
		{"put right", func() { _ = j.Left(4, &Trace{Target: "c"}) }, "", "", "", false},
		{"torn", func() { other.append('?', func(*writer) {}) }, "", "", "", false},
		{"another file", func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			other.begin(5, "d")
			other.left(5, &Trace{Target: "d"})
		}, "d ", "", "", true},
	}
	for _, s := range steps {
		s.do()
		n, err := j.News()
		if err != nil {
			t.Fatal(err)
		}
		saved := ""
		for _, name := range n.Saved {
			saved += name + " "
		}
		if targetsOf(n.Ended) != s.ended || saved != s.saved || targetsOf(n.Cut) != s.cut || n.More != s.more {
			t.Errorf("%s: ended %q, saved %q, cut %q, more %v", s.name, targetsOf(n.Ended), saved, targetsOf(n.Cut), n.More)
		}
		for i := range n.Ended {
			if n.Ended[i].Left == nil || n.Ended[i].Left.Target != n.Ended[i].Target {
				t.Errorf("%s: %s has left %v", s.name, n.Ended[i].Target, n.Ended[i].Left)
			}
		}
	}
}

// TestTheirs has what others have yet to save in a graph that saves its own.
func TestTheirs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "graph")
	g, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	g.Put("mine", &Trace{Target: "mine"})
	g.Put("both", &Trace{Target: "both", Reason: "mine"})
	g.PutTheirs("theirs", &Trace{Target: "theirs"})
	g.PutTheirs("both", &Trace{Target: "both", Reason: "theirs"})
	check := func(g *Graph, want ...string) {
		t.Helper()
		names := g.Names()
		if len(names) != len(want) {
			t.Fatalf("targets %v, want %v", names, want)
		}
		for i, name := range want {
			if tr := g.Target(name); names[i] != name || tr == nil || tr.Target != name {
				t.Fatalf("targets %v, want %v; %s is %v", names, want, name, tr)
			}
		}
	}
	check(g, "both", "mine", "theirs")
	if err := g.Save(); err != nil {
		t.Fatal(err)
	}
	check(g, "both", "mine", "theirs")
	if why := g.Target("both").Reason; why != "theirs" {
		t.Errorf("of two results that of %q counts", why)
	}
	saved, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	check(saved, "mine")

	other, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	other.Put("theirs", &Trace{Target: "theirs", Reason: "saved"})
	if err := other.Save(); err != nil {
		t.Fatal(err)
	}
	if changed, err := g.Renew(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	g.Saved("theirs")
	if why := g.Target("theirs").Reason; why != "saved" {
		t.Errorf("after it was saved, it is %q", why)
	}
	check(g, "both", "mine", "theirs")
}

// TestClaims counts the makes of one process that claim a target.
func TestClaims(t *testing.T) {
	g, err := Load(filepath.Join(t.TempDir(), "tree", "graph"))
	if err != nil {
		t.Fatal(err)
	}
	c := g.Claims()
	for range 2 {
		if _, ok, err := c.Take("a"); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	c.Release("a")
	if c.held["a"] != 1 {
		t.Errorf("held %d times", c.held["a"])
	}
	c.Release("a")
	if len(c.held) > 0 {
		t.Errorf("still held: %v", c.held)
	}
}

// TestMakeEnded: makes in other processes hear of the end of one, also those that begin
// after it; its own process does not.
func TestMakeEnded(t *testing.T) {
	tree := t.TempDir()
	early, one := beginJournal(t, tree, "boot"), beginJournal(t, tree, "boot")
	if one.Changed() {
		t.Error("it has changed something before it began")
	}
	if _, err := one.Begin(JournalRecord{Target: "x"}); err != nil || !one.Changed() {
		t.Error("it has not changed anything, though it began", err)
	}
	want := MakeRecord{Build: 1, From: 1 << 41, ID: "lib", Last: 1<<41 + 8}
	if err := one.MakeEnded(want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		news func() ([]MakeRecord, error)
		want []MakeRecord
	}{
		{"one that was there", func() ([]MakeRecord, error) { n, err := early.News(); return n.Makes, err }, []MakeRecord{want}},
		{"the same once more", func() ([]MakeRecord, error) { n, err := early.News(); return n.Makes, err }, nil},
		{"its own process", func() ([]MakeRecord, error) { n, err := one.News(); return n.Makes, err }, nil},
		{"one that begins", func() ([]MakeRecord, error) {
			_, rec, err := openJournal(tree, "boot", newClaims(tree))
			return rec.Makes, err
		}, []MakeRecord{want}},
	} {
		if got, err := c.news(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v %v", c.name, got, err)
		}
	}
}

// TestClaimsWithoutLocks: a process knows that it lives itself where nobody else can.
func TestClaimsWithoutLocks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClaims(file) // below a file nothing can be made
	c.live(1)
	if !c.lives(1) || c.lives(2) {
		t.Errorf("lives: %v, another: %v", c.lives(1), c.lives(2))
	}
}

// TestOwnEntriesUnread: a process does not read what it has written itself, but what
// others have written before it, and what it has written about their actions.
func TestOwnEntriesUnread(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	boot := BootID()
	startClaimant(t, dir, 7, "something")
	other := newOtherMake(t, path, boot, 7)
	j, _, err := openJournal(dir, boot, newClaims(dir))
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 { return mustStat(t, path).Size }
	own, err := j.Begin(JournalRecord{Target: "own"})
	if err != nil || j.news.read != size() {
		t.Fatalf("the first: read up to %d of %d, %v", j.news.read, size(), err)
	}
	other.begin(1, "a")
	before := j.news.read
	if err := j.Left(own, &Trace{Target: "own"}); err != nil || j.news.read != before {
		t.Errorf("after another's: read up to %d, not %d, %v", j.news.read, before, err)
	}
	if n, err := j.News(); err != nil || len(n.Ended)+len(n.Cut)+len(n.Saved) > 0 || j.news.read != size() {
		t.Errorf("news: %+v, %v; read up to %d of %d", n, err, j.news.read, size())
	}
	before = j.news.read
	if err := j.Left(1, &Trace{Target: "a"}); err != nil || j.news.read != before {
		t.Errorf("about another's: read up to %d, not %d, %v", j.news.read, before, err)
	}
	other.done(1)
	if n, err := j.News(); err != nil || !slices.Equal(n.Saved, []string{"a"}) {
		t.Errorf("news: %+v, %v", n, err)
	}
}
