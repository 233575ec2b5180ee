package cache

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// asDead makes the entries of a journal look like those of another process: one that
// has ended.
func asDead(t *testing.T, tree string) {
	t.Helper()
	path := filepath.Join(tree, "journal")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := readJournal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.records {
		r.Process++
	}
	for i := range s.builds {
		s.builds[i].Process++
	}
	if err := os.WriteFile(path, s.needed("", time.Now()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func beginJournal(t *testing.T, tree, boot string) *Journal {
	t.Helper()
	j, _, err := openJournal(tree, boot, newClaims(tree))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func recoveryOf(t *testing.T, tree, boot string, claims *Claims) Recovery {
	t.Helper()
	j, rec, err := openJournal(tree, boot, claims)
	if err != nil {
		t.Fatal(err)
	}
	j.file.Close()
	return rec
}

func targets(list []JournalRecord) []string {
	var names []string
	for _, r := range list {
		names = append(names, r.Target)
	}
	return names
}

func TestJournalRecovery(t *testing.T) {
	tree := t.TempDir()
	j := beginJournal(t, tree, "boot")
	left := &Trace{Target: "ended", Outputs: []Output{{Path: "./new\n\xff", Hash: HashString("new")}}}
	for _, target := range []string{"cut", "failed", "good", "dropped", "ended", "put back"} {
		id, err := j.Begin(JournalRecord{Target: target, Dir: "d", Serial: 3})
		if err != nil {
			t.Fatal(err)
		}
		switch target {
		case "ended", "good":
			err = j.Left(id, left)
		case "put back":
			err = j.Means(id, left)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch target {
		case "failed", "dropped":
			err = j.Done(id, false)
		case "good":
			err = j.Done(id, true)
		}
		if target == "dropped" {
			err = j.Drop(id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rec := recoveryOf(t, tree, "boot", j.claims)
	if got := targets(rec.Unfinished); len(got)+len(rec.Ended) > 0 {
		t.Errorf("while the process lives: %q", got)
	}
	asDead(t, tree)
	rec = recoveryOf(t, tree, "boot", newClaims(tree))
	if got := targets(rec.Unfinished); !slices.Equal(got, []string{"cut", "failed", "put back"}) {
		t.Fatalf("after it ended: %q", got)
	}
	if got := rec.Unfinished[0]; got.Serial != 3 || got.Dir != "d" {
		t.Errorf("record: %+v", got)
	}
	if u := rec.Unfinished; u[0].Means != nil || !reflect.DeepEqual(u[2].Means, left) {
		t.Errorf("about to be left: %+v", u)
	}
	if len(rec.Ended) != 1 || rec.Ended[0].Target != "ended" || !reflect.DeepEqual(rec.Ended[0].Left, left) {
		t.Errorf("ended: %+v", rec.Ended)
	}
	if len(rec.Lost)+len(rec.Dark) > 0 {
		t.Errorf("under the same boot nothing is lost: %+v", rec)
	}
	rec = recoveryOf(t, tree, "next boot", newClaims(tree))
	if got := targets(rec.Lost); !slices.Equal(got, []string{"good"}) {
		t.Errorf("under another boot: lost %q", got)
	}
	if len(rec.Dark) != 1 || rec.Dark[0].From > rec.Unfinished[0].Time {
		t.Errorf("under another boot: dark %v", rec.Dark)
	}
}

// TestJournalClosed: a build that ended leaves no dark time.
func TestJournalClosed(t *testing.T) {
	tree := t.TempDir()
	j := beginJournal(t, tree, "boot")
	if _, err := j.Begin(JournalRecord{Target: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if rec := recoveryOf(t, tree, "next boot", newClaims(tree)); len(rec.Dark) != 0 || len(rec.Unfinished) != 1 {
		t.Errorf("%+v", rec)
	}
}

// TestJournalTorn cuts and damages a journal at every byte: what is whole is
// found, also behind what is torn.
func TestJournalTorn(t *testing.T) {
	tree := t.TempDir()
	path := filepath.Join(tree, "journal")
	j := beginJournal(t, tree, "boot")
	if _, err := j.Begin(JournalRecord{Target: "first"}); err != nil {
		t.Fatal(err)
	}
	one := mustStat(t, path).Size
	if _, err := j.Begin(JournalRecord{Target: "second"}); err != nil {
		t.Fatal(err)
	}
	two := mustStat(t, path).Size
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) (names []string) {
		s := newJournalState()
		entries(data, s.apply)
		for _, id := range s.order {
			names = append(names, s.records[id].Target)
		}
		return names
	}
	for i := one; i < two; i++ {
		if got := read(data[:i]); !slices.Equal(got, []string{"first"}) {
			t.Fatalf("cut at %d: %q", i, got)
		}
	}
	for i := range one {
		bad := slices.Clone(data)
		bad[i] ^= 1
		if got := read(bad); !slices.Contains(got, "second") {
			t.Fatalf("byte %d damaged: %q", i, got)
		}
	}
}

// TestJournalShortened: a long journal is rewritten without what is over, but
// not while another process has it open.
func TestJournalShortened(t *testing.T) {
	tree := t.TempDir()
	path := filepath.Join(tree, "journal")
	j := beginJournal(t, tree, "boot")
	for size := int64(0); size < longJournal; size = mustStat(t, path).Size {
		id, err := j.Begin(JournalRecord{Target: "good", Dir: string(make([]byte, 4000))})
		if err != nil {
			t.Fatal(err)
		}
		// It succeeded long ago.
		err = j.append(entryDone, func(w *writer) { writeDone(w, id, true, time.Now().Add(-2*writeback).UnixNano()) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Begin(JournalRecord{Target: "cut"}); err != nil {
		t.Fatal(err)
	}
	for build := range uint64(20) {
		if err := j.MakeEnded(MakeRecord{Build: build, ID: "lib"}); err != nil {
			t.Fatal(err)
		}
	}
	before := mustStat(t, path)
	recoveryOf(t, tree, "boot", j.claims)
	if mustStat(t, path) != before {
		t.Error("rewritten under the feet of another process")
	}
	j.file.Close()
	short := recoveryOf(t, tree, "boot", j.claims)
	if size := mustStat(t, path).Size; size > 4096 {
		t.Errorf("%d bytes after it was shortened", size)
	}
	if n := len(short.Makes); n == 0 || n > 10 || short.Makes[n-1].Build != 19 {
		t.Errorf("makes %v", short.Makes)
	}
	if len(short.Unfinished) != 0 { // our own process, which lives
		t.Errorf("unfinished: %q", targets(short.Unfinished))
	}
	asDead(t, tree)
	if got := targets(recoveryOf(t, tree, "boot", newClaims(tree)).Unfinished); !slices.Equal(got, []string{"cut"}) {
		t.Errorf("unfinished: %q", got)
	}
}

// TestJournalGrown: a build that goes on for long rewrites its journal, and goes on
// in the new one.
func TestJournalGrown(t *testing.T) {
	tree := t.TempDir()
	j := beginJournal(t, tree, "boot")
	big := &Trace{Recipe: string(make([]byte, GrownJournal/4))}
	for range 5 {
		id, err := j.Begin(JournalRecord{Target: "good"})
		if err := errors.Join(err, j.Left(id, big), j.Done(id, true)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Shorten(GrownJournal); err != nil {
		t.Fatal(err)
	}
	if size := mustStat(t, j.path).Size; size > 4096 {
		t.Errorf("%d bytes after it was shortened", size)
	}
	if _, err := j.Begin(JournalRecord{Target: "cut"}); err != nil {
		t.Fatal(err)
	}
	asDead(t, tree)
	if got := targets(recoveryOf(t, tree, "boot", newClaims(tree)).Unfinished); !slices.Equal(got, []string{"cut"}) {
		t.Errorf("unfinished: %q", got)
	}
}

func TestSavedPreimages(t *testing.T) {
	cacheDir := t.TempDir()
	j := beginJournal(t, filepath.Join(cacheDir, "trees", "one"), "boot")
	id, err := j.Begin(JournalRecord{Target: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Left(id, &Trace{Befores: []Output{{Path: "./x", Hash: HashString("x")}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := SavedPreimages(cacheDir); err != nil || !slices.Equal(got, []Hash{HashString("x")}) {
		t.Errorf("%v %v", got, err)
	}
}

func FuzzJournal(f *testing.F) {
	r := JournalRecord{ID: 1, Target: "x"}
	good := frameEntry(entryBegin, func(w *writer) { writeJournalRecord(w, &r) })
	f.Add(append(good, frameEntry(entryDone, func(w *writer) { writeDone(w, 1, true, 5) })...), byte(entryLeft))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		s := newJournalState()
		entries(data, s.apply)
		s.apply(kind, reader{s: string(data)})
		s.recovery("boot", func(*JournalRecord) bool { return false })
		s.needed("boot", time.Now())
	})
}

func TestJournalOfWhatIsPutBack(t *testing.T) {
	tree := t.TempDir()
	j := beginJournal(t, tree, "boot")
	if err := j.PutsBack(JournalRecord{Target: "again"}); err != nil {
		t.Fatal(err)
	}
	id, err := j.Begin(JournalRecord{Target: "other"})
	if err != nil {
		t.Fatal(err)
	}
	left := &Trace{Target: "other", Recipe: "cc"}
	if err := j.Means(id, left); err != nil {
		t.Fatal(err)
	}
	if err := j.LeftAsMeant(id); err != nil {
		t.Fatal(err)
	}
	j.file.Close()
	for range 2 { // as it was written, and as asDead writes it again
		asDead(t, tree)
		rec := recoveryOf(t, tree, "boot", newClaims(tree))
		if got := targets(rec.Ended); !slices.Equal(got, []string{"other"}) || len(rec.Unfinished)+len(rec.Lost) > 0 {
			t.Fatalf("ended %v, unfinished %v, lost %v", got, targets(rec.Unfinished), targets(rec.Lost))
		}
		if !reflect.DeepEqual(rec.Ended[0].Left, left) {
			t.Errorf("left %+v", rec.Ended[0].Left)
		}
	}
	rec := recoveryOf(t, tree, "next boot", newClaims(tree))
	if got := targets(rec.Lost); !slices.Equal(got, []string{"again"}) {
		t.Errorf("lost in a power loss: %v", got)
	}
}

// TestRecoveryAgain: the makes of one process need not read the same journal once more.
func TestRecoveryAgain(t *testing.T) {
	tree := t.TempDir()
	read := func() (*Journal, Recovery) {
		t.Helper()
		j, rec, err := openJournal(tree, "boot", newClaims(tree))
		if err != nil {
			t.Fatal(err)
		}
		return j, rec
	}
	j, rec := read()
	if !rec.Again() {
		t.Error("there is no journal, and it is not the same")
	}
	id, err := j.Begin(JournalRecord{Target: "a"})
	if err != nil || rec.Again() {
		t.Errorf("something was begun, and it is the same (%v)", err)
	}
	if _, rec, err := openJournal(tree, "boot", j.claims); err != nil || rec.Again() {
		t.Errorf("something runs, and may end at any time (%v)", err)
	}
	if err := j.Done(id, true); err != nil {
		t.Fatal(err)
	}
	if _, rec = read(); !rec.Again() {
		t.Error("all has ended, and it is not the same")
	}
	if _, err = j.Begin(JournalRecord{Target: "b"}); err != nil {
		t.Fatal(err)
	}
	asDead(t, tree)
	if _, rec = read(); len(rec.Unfinished) != 1 || rec.Again() {
		t.Errorf("something is to be put right once: %+v", rec)
	}
}
