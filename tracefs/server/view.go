package server

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"fmake/tracefs"
	"fmake/tracefs/raw"
	"fmake/tracefs/wire"
)

// view is the file system as one action sees it.
type view struct {
	engine *engine
	id     uint32
	sb     *superblock
	root   string // where it stands in the spawner's mount namespace

	// Set when the view is given to an action; before that nothing runs in it.
	name   string
	serial uint64
	dir    string

	reverse  bool     // see tracefs.ViewSpec
	targets  []string // of the action: what is appended to them is no segment
	segments segments

	rec      *recorder
	parts    atomic.Bool // see beginPart
	partMu   sync.Mutex
	part     *part // nil if none goes on
	families families
	shells   shells
	procs    *procs
	journal  *journal
	writeMu  sync.Mutex

	writing   []string             // guarded by writers.mu, as the next
	contended []tracefs.Contention // what others were writing at the same time

	removals sync.RWMutex // held while something is removed; before hiddenMu
	hiding   atomic.Bool  // whether hidden has entries
	hiddenMu sync.Mutex
	hidden   map[string]bool

	labels *labelled // nil for a view without
}

// assign gives a prepared view to an action. What the spawner looked up while it
// put the view in place is forgotten.
func (v *view) assign(m *wire.NewView) {
	v.name, v.serial, v.dir, v.targets, v.reverse = m.ID, m.Serial, m.Dir, m.Targets, m.Reverse
	v.parts.Store(m.Parts)
	v.hide(m.Hidden)
	if v.engine.config.System == tracefs.WholeView {
		v.labels = newLabelled(m.Labels, m.Strict, v.root, v.engine.spawnerID)
		return // nothing is recorded
	}
	v.journal = v.engine.newJournal(v)
	v.rec.mu.Lock()
	v.rec.off = false
	v.rec.mu.Unlock()
}

// procOf returns the process that a thread belongs to. Clients have no thread
// here.
func (v *view) procOf(tid uint32) int32 {
	if tid == 0 {
		return -1
	}
	return v.process(tid, false)
}

// process returns the process that a thread belongs to, -1 for none.
func (v *view) process(tid uint32, execs bool) int32 {
	proc := v.procs.of(tid, execs, v.root)
	if proc == lost {
		v.families.unknownActs()
	}
	return max(proc, -1)
}

// opened records that path was opened for its content.
func (v *view) opened(path string, st *syscall.Stat_t, flags tracefs.LookFlags, tid uint32) {
	if v.rec.isOff() {
		return
	}
	proc := int32(-1)
	if tid != 0 {
		proc = v.process(tid, flags&tracefs.LookExec != 0)
	}
	if v.rec.read(path, flags, st, proc) {
		v.procs.reads(proc, path)
	}
}

// finish ends the recording and returns what was recorded.
func (v *view) finish(leftover bool) *tracefs.Record {
	v.writeMu.Lock()
	defer v.writeMu.Unlock()
	rec := v.rec.close()
	v.endSegments(rec, leftover)
	rec.Contended = slices.DeleteFunc(v.engine.writers.leave(v), func(c tracefs.Contention) bool { return leftAlone(rec, c.Path) })
	rec.Procs = v.procs.result()
	rec.Leftover = leftover
	return rec
}

// close stops recording and sums up.
func (r *recorder) close() *tracefs.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off, r.part, r.family = true, nil, nil
	rec := &tracefs.Record{Sockets: r.sockets, Setuid: r.setuid}
	for path, m := range r.marks {
		if m.write != nil && !r.sumWrite(rec, path, m) {
			continue
		}
		if m.lists {
			slices.Sort(m.within)
			rec.Within = append(rec.Within, tracefs.Listed{Path: path, Names: slices.Compact(m.within)})
		}
		if m.missed && m.write == nil && m.flags == 0 {
			m.flags = tracefs.LookAbsent
		}
		if m.flags&^tracefs.LookSystem == 0 {
			continue
		}
		if m.write != nil && m.write.meddled || m.write == nil && meddled(path, m) {
			rec.Meddled = append(rec.Meddled, path)
		}
		rec.Looks = append(rec.Looks, tracefs.Look{
			Path: path, Flags: m.flags, Stat: m.stat, Link: m.link, Names: m.names, Proc: m.proc,
		})
	}
	r.marks = map[string]*mark{}
	slices.SortFunc(rec.Looks, func(a, b tracefs.Look) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(rec.Writes, func(a, b tracefs.Write) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(rec.Within, func(a, b tracefs.Listed) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(rec.Meddled)
	slices.Sort(rec.Through)
	rec.Through = slices.Compact(rec.Through)
	return rec
}

// sumWrite adds the change of one path to the record. It returns false for a
// temporary file, of which nothing is to be told.
func (r *recorder) sumWrite(rec *tracefs.Record, path string, m *mark) bool {
	var st syscall.Stat_t
	exists := raw.Lstat(path, &st) == nil
	w := m.write
	if !w.before.Exists && !exists && !w.segment { // a log may be taken back for another action meanwhile
		rec.Through = append(rec.Through, parentOf(path))
		return false
	}
	if w.before.Exists && exists && w.before.Stat == statOf(&st) && !w.segment {
		return true // opened for writing and left alone
	}
	rec.Writes = append(rec.Writes, tracefs.Write{
		Path: path, Before: w.before, Proc: w.proc,
		Append: w.appendOnly && m.flags&tracefs.LookContent == 0, Truncated: w.truncated,
		After: statOf(&st),
	})
	return true
}

// leftAlone tells whether an action has changed nothing at a path where it was
// about to, or only made a directory, which another would have made just so.
func leftAlone(rec *tracefs.Record, path string) bool {
	i, wrote := slices.BinarySearchFunc(rec.Writes, path, func(w tracefs.Write, p string) int { return strings.Compare(w.Path, p) })
	if wrote {
		return rec.Writes[i].After.Mode&syscall.S_IFMT == syscall.S_IFDIR
	}
	var st syscall.Stat_t
	return raw.Lstat(path, &st) == nil // else it made a file and removed it
}

// meddled tells whether a file that was read is not any more what it was at the
// first look; if it is, its times are from now on those of the action's end. A file
// that another action has written and given its old time back shows by the time of its
// last change only, which a new name of the file moves, too.
func meddled(path string, m *mark) bool {
	if !m.hasRead() {
		return false
	}
	var st syscall.Stat_t
	if raw.Lstat(path, &st) != nil {
		return true
	}
	now, saw := statOf(&st), m.stat
	m.stat.Ctime = now.Ctime
	return !sameContent(saw, now, m.linked)
}

// hasRead tells whether the content of a file of the project was read.
func (m *mark) hasRead() bool {
	return m.flags&tracefs.LookContent != 0 && m.flags&tracefs.LookSystem == 0 && m.stat.Mode&syscall.S_IFMT == syscall.S_IFREG
}

// sameContent tells whether a file is as it was seen; linked, that the action has given it a
// name more.
func sameContent(saw, now tracefs.Stat, linked bool) bool {
	if now.Nlink != saw.Nlink || linked {
		saw.Nlink, saw.Ctime = now.Nlink, now.Ctime
	}
	return now == saw
}

// read records an open for content; it reports whether this is the first one.
func (r *recorder) read(path string, flags tracefs.LookFlags, st *syscall.Stat_t, proc int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return false
	}
	for _, p := range r.parts(proc) {
		p.read(path, flags, st, proc)
	}
	m := r.at(path)
	first := m.flags&tracefs.LookContent == 0
	return r.see(m, flags|tracefs.LookContent|tracefs.LookExists, st, proc) && first
}
