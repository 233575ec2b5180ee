package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/raw"
)

// beforeChange records that the action is about to change path, and saves what
// is there while it still is. The caller makes the change after it returns.
func (v *view) beforeChange(path string, c change, tid uint32) {
	if v == nil {
		return
	}
	if c == appends && v.engine.inProject(path) && v.rec.hasRead(path) {
		c = edits // what it has read decides what it appends
	}
	if !c.commutes() {
		v.settle(path, tid)
	}
	// One change at a time, so that no writer can overtake the saving of the old
	// content. Recording of looks goes on meanwhile.
	v.writeMu.Lock()
	defer v.writeMu.Unlock()
	if v.rec.isOff() {
		return
	}
	var st syscall.Stat_t
	exists := raw.Lstat(path, &st) == nil && !v.hides(path)
	proc := v.procOf(tid)
	w, first := v.rec.change(path, c, exists, &st, proc)
	v.families.changed(path, v.procs.familyOf(proc))
	if w == nil {
		return
	}
	if !w.entered && !c.commutes() {
		w.entered = true
		v.engine.writers.enter(path, v, &w.before, func() { v.keepOld(path, c, w) })
	}
	v.keepOld(path, c, w)
	if first && v.journal != nil {
		v.journal.add(path, w)
	}
	if first {
		v.procs.writes(proc, path)
	}
}

// keepOld saves the old content of path if the change c can destroy it and
// nothing has saved it yet. Appending destroys nothing: the old size is enough.
func (v *view) keepOld(path string, c change, w *written) {
	b := &w.before
	if c == meta || c == appends || !b.Exists || b.Saved != "" || w.fresh && !c.discards() {
		return
	}
	switch b.Stat.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		if text, err := os.Readlink(path); err == nil && b.Link == "" {
			b.Link = text
		}
	case unix.S_IFREG:
		if v.engine.isSystem(path) {
			return
		}
		v.saveFile(path, c, b)
	}
}

// saveTries bounds how often a file is saved that another action is writing.
const saveTries = 4

// saveFile saves a file as it is at one moment: another action may be about to write it.
func (v *view) saveFile(path string, c change, b *tracefs.Before) {
	for try := 1; ; try++ {
		b.Saved = v.engine.preimages.save(path, b.Stat, c == replaces || c == removes)
		b.Lost = b.Saved == "" && b.Stat.Size > maxPreimage
		var now syscall.Stat_t
		if b.Saved == "" || raw.Lstat(path, &now) != nil {
			return
		}
		st := statOf(&now)
		if st.Mtime == b.Stat.Mtime && st.Size == b.Stat.Size || try == saveTries {
			return
		}
		b.Stat = st
		_ = os.Remove(b.Saved)
	}
}

// hasRead tells whether the action has looked into a file of others.
func (r *recorder) hasRead(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.marks[path]
	return m != nil && m.write == nil && m.flags&tracefs.LookContent != 0
}

func (r *recorder) isOff() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.off
}

// change notes a change at path. It returns nil when nothing is recorded, and
// whether this is the action's first change there.
func (r *recorder) change(path string, c change, exists bool, st *syscall.Stat_t, proc int32) (w *written, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return nil, false
	}
	for _, p := range r.parts(proc) {
		p.change(path, c, exists, st, proc)
	}
	m := r.at(path)
	if m.write == nil {
		m.write = newWritten(m, c, exists, st, proc)
		return m.write, true
	}
	w = m.write
	w.update(m, c, exists, st)
	return w, false
}

func newWritten(m *mark, c change, exists bool, st *syscall.Stat_t, proc int32) *written {
	hasContent := exists && st.Mode&syscall.S_IFMT != syscall.S_IFDIR
	w := &written{
		proc:       proc,
		fresh:      c.discards() || !exists && c != meta,
		appendOnly: c == appends,
		truncated:  hasContent && c.discards() && m.flags&tracefs.LookContent == 0,
		metaOnly:   c == meta,
		removed:    c == removes,
	}
	if exists {
		w.before = tracefs.Before{Exists: true, Stat: statOf(st)}
		w.meddled = c != appends && hasContent && m.hasRead() && !sameContent(m.stat, w.before.Stat, m.linked)
		if c == edits && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			m.flags |= tracefs.LookUndecided | tracefs.LookContent
			if m.stat.Mode == 0 {
				m.stat = statOf(st)
			}
			if m.proc < 0 {
				m.proc = proc
			}
		}
	}
	return w
}

// update notes a further change.
func (w *written) update(m *mark, c change, exists bool, st *syscall.Stat_t) {
	if c != appends && c != meta {
		w.appendOnly = false
	}
	if c == edits && !w.fresh && exists {
		m.flags |= tracefs.LookUndecided | tracefs.LookContent
		if m.stat.Mode == 0 {
			m.stat = statOf(st)
		}
	}
	if w.metaOnly && c.discards() && m.flags&tracefs.LookContent == 0 {
		w.truncated = true
	}
	if c == appends && w.metaOnly {
		w.appendOnly = true
	}
	if c != meta {
		w.metaOnly = false
	}
	w.fresh = w.fresh || c.discards()
	w.removed = c == removes
}

// below calls f for all that is below the real directory dir, which is not in
// it itself.
func below(dir string, f func(path string, d fs.DirEntry)) {
	// What cannot be read cannot be moved or recorded either.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir {
			f(path, d)
		}
		return nil
	})
}

// beforeRename records a rename: a removal and a creation of each path that
// moves. What is moved without being the action's own counts as read, since the
// new file has its content.
func (v *view) beforeRename(from, to string, exchange bool, tid uint32) {
	if v == nil || v.rec.isOff() {
		return
	}
	v.beforeMove(from, to, tid)
	if exchange {
		v.beforeMove(to, from, tid)
	}
}

func (v *view) beforeMove(from, to string, tid uint32) {
	var st syscall.Stat_t
	if raw.Lstat(from, &st) != nil {
		return
	}
	one := func(path string, st *syscall.Stat_t) {
		if st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			v.rec.look(path, tracefs.LookContent|tracefs.LookExists, st, v.procOf(tid))
		}
		v.beforeChange(path, removes, tid)
		v.beforeChange(to+path[len(from):], replaces, tid)
	}
	one(from, &st)
	if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return
	}
	below(from, func(path string, _ fs.DirEntry) {
		var st syscall.Stat_t
		if raw.Lstat(path, &st) == nil {
			one(path, &st)
		}
	})
}
