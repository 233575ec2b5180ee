package build

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
	"fmake/tracefs"
)

// A run that was cut short - its make was killed, its engine, or the machine lost power -
// has failed without anybody there to write that down. The next build does: what the run
// has left is then known as that of any failed action, stands in nobody's way, and is
// undone when the action runs again.

// statusCut is the status of such a run: what a shell says of a program that was killed.
const statusCut = 128 + int(unix.SIGKILL)

// suspect is a target whose last run succeeded shortly before the machine went down: what
// it wrote may not have reached the disk.
type suspect struct {
	since int64 // when the run began, nanoseconds since 1970
	ids   []uint64
}

// putRight crosses out a suspect whose target has been made again.
func (b *Build) putRight(name string) {
	s, bad := b.suspect[name]
	if !bad {
		return
	}
	delete(b.suspect, name)
	for _, id := range s.ids {
		b.drop(id)
	}
}

func (b *Build) drop(id uint64) {
	if err := b.journal.Drop(id); err != nil {
		b.trouble("writing down what runs", err)
	}
}

// recoverCut makes failed actions of the runs that were cut short. It is called before the
// first target is judged.
func (b *Build) recoverCut() {
	runs := b.cutRuns
	if b.journal == nil || len(runs) == 0 && b.recovered {
		return
	}
	b.cutRuns, b.recovered = nil, true
	byName := make(map[string][]cache.JournalRecord)
	for _, r := range runs {
		byName[r.Target] = append(byName[r.Target], r)
	}
	journals, err := tracefs.ReadJournals(b.opts.CacheDir, func(id string) bool { return byName[id] != nil })
	if err != nil {
		b.warn("journals of earlier engines: %v", err)
	}
	left := make(map[string]*cache.Trace)
	for name, runs := range byName {
		left[name] = b.leftByCut(name, runs, journals)
	}
	for name, t := range left {
		b.takeOver(name, byName[name], t)
	}
	for i := range journals {
		if j := &journals[i]; b.isPutRight(j, byName) || b.isWritten(j) {
			if err := j.Remove(); err != nil {
				b.trouble("forgetting what a dead engine had begun", err)
			}
		}
	}
	if len(runs) == 0 {
		return
	}
	b.chain = &versions{b: b}
	b.checker = b.graph.NewChecker(b.w.same)
}

// takeOver writes down what a target's cut runs have left.
func (b *Build) takeOver(name string, runs []cache.JournalRecord, t *cache.Trace) {
	b.graph.Put(name, t)
	for i := range runs {
		if id := runs[i].ID; i < len(runs)-1 {
			b.drop(id)
		} else if err := b.journal.Left(id, t); err != nil {
			b.trouble("writing down what a recipe has left", err)
		} else {
			b.cross(id)
		}
	}
}

// isPutRight tells whether nobody needs a dead engine's journal any more: what it says is
// known, or there is nothing in it to be undone.
func (b *Build) isPutRight(j *tracefs.Journal, known map[string][]cache.JournalRecord) bool {
	return b.cutHere(j) && known[j.ID] != nil || !slices.ContainsFunc(j.Writes, func(w tracefs.Write) bool { return !b.sp.isTemp(w.Path) })
}

// isWritten tells whether a dead engine's journal is of a run that its make has written
// down, and then had no time to say so to the engine. A target that another build has
// claimed is that build's affair.
func (b *Build) isWritten(j *tracefs.Journal) bool {
	t := b.graph.Target(j.ID)
	if t == nil || slices.ContainsFunc(j.Writes, func(w tracefs.Write) bool { return !b.isKnown(&w, t) }) {
		return false
	}
	_, ok, err := b.tree.claims.Take(j.ID)
	if !ok || err != nil {
		return false
	}
	b.tree.claims.Release(j.ID)
	return true
}

// isKnown tells whether a target's trace covers one change of a journal.
func (b *Build) isKnown(w *tracefs.Write, t *cache.Trace) bool {
	return b.sp.isTemp(w.Path) || findOutput(t.Outputs, b.sp.key(w.Path)) != nil
}

// cutHere tells whether a journal is of this tree: others have targets of the same name.
func (b *Build) cutHere(j *tracefs.Journal) bool {
	return slices.ContainsFunc(j.Writes, func(w tracefs.Write) bool { return b.sp.inProject(w.Path) })
}

// leftByCut makes a failed trace of what a target's cut runs have left.
func (b *Build) leftByCut(name string, runs []cache.JournalRecord, journals []tracefs.Journal) *cache.Trace {
	first, last := &runs[0], &runs[len(runs)-1]
	t := &cache.Trace{
		Target: last.Target, Dir: last.Dir, Status: statusCut, Flags: cache.Failed | last.Flags, Serial: last.Serial,
		Started: last.Time, Reason: "its run was cut short",
	}
	old := b.graph.Target(name)
	if old != nil {
		t.Target = old.Target
		t.Flags |= old.Flags & cache.Stateful
		t.Inputs = old.Inputs // what is to be hidden from it next time
	}
	a := &action{b: b, n: &node{name: name, serial: last.Serial, path: b.sp.abs(name)}, f: &makefile.File{Name: b.display(name)}, old: old}
	began := first.Time - clockTick
	t.Outputs, t.Befores = a.outputs(b.cutRecord(name, began, journals))
	if last.Means != nil {
		addVersions(t, last.Means, b.leftAsIs)
	}
	if st, ok := b.w.lstat(a.n.path); ok && st.Ctime >= began && findOutput(t.Outputs, name) == nil && !b.isOld(old, name) {
		o, _ := b.outputAt(a.n.path)
		t.Outputs = append(t.Outputs, o)
		sortOutputs(t.Outputs)
	}
	if old != nil && old.Flags&cache.Provisional == 0 {
		addVersions(t, old, func(*cache.Output) bool { return true })
	}
	return t
}

// isOld tells whether what stands at a path is what a target's earlier run left there.
func (b *Build) isOld(old *cache.Trace, path string) bool {
	if old == nil {
		return false
	}
	o := findOutput(old.Outputs, path)
	return o != nil && b.leftAsIs(o)
}

// addVersions is addOutputs with what these had replaced.
func addVersions(t, from *cache.Trace, which func(*cache.Output) bool) {
	var befores []cache.Output
	for _, o := range addOutputs(t, from, which) {
		if before := findOutput(from.Befores, o.Path); before != nil && findOutput(t.Befores, o.Path) == nil {
			befores = append(befores, *before)
		}
	}
	t.Befores = append(t.Befores, befores...)
	sortOutputs(t.Befores)
}

// cutRecord is the record of a target's cut runs, as far as they had come.
func (b *Build) cutRecord(name string, began int64, journals []tracefs.Journal) *tracefs.Record {
	rec := &tracefs.Record{}
	for i := range journals {
		if journals[i].ID != name || journals[i].Time < began || !b.cutHere(&journals[i]) {
			continue
		}
		for _, w := range journals[i].Writes {
			if !b.sp.inProject(w.Path) || findWrite(rec.Writes, w.Path) != nil {
				continue
			}
			if w.Append && w.Path != b.sp.abs(name) {
				continue // it is in no log yet
			}
			if st, ok := b.w.lstat(w.Path); ok && st.Mtime < began && st.Ctime < began {
				continue // it was about to be changed
			}
			at, _ := slices.BinarySearchFunc(rec.Writes, w.Path, compareWrite)
			rec.Writes = slices.Insert(rec.Writes, at, w) // the first of several runs has found what is to come back
		}
	}
	return rec
}

// clockTick is how far the times of files, which the kernel takes from its tick,
// may lie behind the clock.
const clockTick = int64(20 * time.Millisecond)
