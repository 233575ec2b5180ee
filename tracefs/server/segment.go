package server

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"fmake/tracefs"
	"fmake/tracefs/raw"
)

// What an action appends to a file of the project that it does not read is a
// segment: it goes into a file of the action's own, and whoever gets the record
// puts it where it belongs in serial order. So appends of actions that run at the
// same time commute, and none of them sees what the others add.
//
// An action that then does look at the file, or changes it otherwise, is no mere
// appender: its segment is added to the file first, which is edited in place from
// then on.

// segment is what one action has appended to one file so far.
type segment struct {
	path  string
	alone bool   // what stands at path does not exist for the action
	mode  uint32 // of the file, if the action has made it

	mu      sync.Mutex
	file    *os.File // the segment; once it is settled, the file itself, opened for appending
	size    int64
	settled bool
}

// segments are those of one view. Hardly any action has one, so that nothing but any is
// looked at until the first.
type segments struct {
	any    atomic.Bool
	mu     sync.Mutex
	byPath map[string]*segment
	byFh   map[uint64]*segment // by open handle
	all    []*segment
}

func (x *segments) at(path string) *segment {
	if !x.any.Load() {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byPath[path]
}

func (x *segments) of(fh uint64) *segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byFh[fh]
}

// mayAppend tells whether appending to a path makes a segment: a file of the
// project that is neither the action's target nor version control's own, and that
// the action has not looked into or written otherwise.
func (v *view) mayAppend(path string, mode openMode) bool {
	if v == nil || !mode.writes || !mode.appends || mode.reads || mode.truncates || v.rec.isOff() {
		return false
	}
	if v.engine.preimages.dir == "" || !v.engine.inProject(path) || tracefs.IsVersionControl(path) || slices.Contains(v.targets, path) {
		return false
	}
	return v.segments.at(path) != nil || v.rec.onlyAppended(path)
}

// inProject tells whether a path is in the project of the engine's first client.
func (e *engine) inProject(path string) bool {
	return e.config.Project != "" && underAny(path, []string{e.config.Project})
}

// onlyAppended tells whether an action has done no more with a path than to look
// it up.
func (r *recorder) onlyAppended(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.marks[path]
	return m == nil || m.write == nil && m.flags&tracefs.LookContent == 0
}

// append begins or goes on with the segment of a path. It is nil if there is no
// place for one.
func (v *view) append(path string, tid uint32) *segment {
	x := &v.segments
	if g := x.at(path); g != nil {
		v.rec.appendsInPart(path, v.procOf(tid))
		return g
	}
	if v.engine.preimages.make() != nil {
		return nil
	}
	name := filepath.Join(v.engine.preimages.dir, "segment-"+strconv.FormatUint(v.engine.preimages.next.Add(1), 10))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil
	}
	v.beforeChange(path, appends, tid)
	v.rec.appends(path, v.procOf(tid))
	g := &segment{path: path, file: f}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byPath == nil {
		x.byPath, x.byFh = map[string]*segment{}, map[uint64]*segment{}
	}
	x.byPath[path] = g
	x.all = append(x.all, g)
	x.any.Store(true)
	return g
}

// appender returns the segment that an open is to append to, nil if it is another kind
// of open.
func (s *superblock) appender(n *node, mode openMode, tid uint32) *segment {
	if s.view == nil || !mode.appends || n.kind != syscall.S_IFREG {
		return nil
	}
	s.mu.Lock()
	path, plain := n.path, !n.gone && len(n.aliases) == 0
	s.mu.Unlock()
	if !plain || !s.view.mayAppend(path, mode) {
		return nil
	}
	return s.view.append(path, tid)
}

// createLog answers an open for appending to a file that is absent. It is made
// empty, unless it stands there and is hidden.
func (s *superblock) createLog(g *segment, in *fuse.CreateIn, name, path string, out *fuse.CreateOut) fuse.Status {
	v := s.view
	if v.hides(path) {
		g.alone = true
		v.reveal(path)
	}
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, in.Mode)
	if err != nil {
		return fuse.ToStatus(err)
	}
	defer syscall.Close(fd)
	s.giveTo(fd, path, &in.Caller)
	var st syscall.Stat_t
	if err := raw.Fstat(fd, &st); err != nil {
		return fuse.ToStatus(err)
	}
	g.mode = st.Mode
	n := s.enter(in.NodeId, name, &st)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	s.tells(in.NodeId, name)
	s.entry(n, path, &st, &out.EntryOut)
	return s.openSegment(g, &out.OpenOut)
}

// openSegment answers an open for appending.
func (s *superblock) openSegment(g *segment, out *fuse.OpenOut) fuse.Status {
	out.Fh = s.bareHandle()
	// Past the page cache: the kernel has no pages of a segment.
	out.OpenFlags = fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH
	x := &s.view.segments
	x.mu.Lock()
	x.byFh[out.Fh] = g
	x.mu.Unlock()
	return fuse.OK
}

// closeSegment forgets a handle.
func (x *segments) closeSegment(fh uint64) {
	x.mu.Lock()
	delete(x.byFh, fh)
	x.mu.Unlock()
}

// write appends data. If there is no room for segments, the file itself is appended to.
func (g *segment) write(data []byte) (uint32, fuse.Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, err := syscall.Write(int(g.file.Fd()), data)
	if err != nil && !g.settled {
		g.goOver()
		n, err = syscall.Write(int(g.file.Fd()), data)
	}
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	if !g.settled {
		g.size += int64(n)
	}
	return uint32(n), fuse.OK
}

// size returns how large a file is for the action, which may have appended to it.
func (v *view) size(path string, inTree int64) int64 {
	g := v.segments.at(path)
	if g == nil {
		return inTree
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.alone {
		return g.size
	}
	return inTree + g.size
}

// settle ends the life of a path's segment as such: from now on the action edits the
// file in place.
func (v *view) settle(path string, tid uint32) {
	if v == nil || !v.segments.any.Load() {
		return
	}
	x := &v.segments
	x.mu.Lock()
	g := x.byPath[path]
	delete(x.byPath, path)
	x.mu.Unlock()
	if g == nil {
		return
	}
	if g.alone {
		g.replace()
	}
	v.rec.restart(path)
	v.beforeChange(path, edits, tid)
	g.intoFile()
	v.sb.appendedTo(path)
}

// appendedTo lets the next open of a file do without what the kernel has cached of
// it. To tell the kernel at once would wait for locks that the request that is being
// answered may hold.
func (s *superblock) appendedTo(path string) {
	n := s.find(path)
	if n == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.stale, n.dirty = true, true
}

// appends notes that what is written at a path is a segment.
func (r *recorder) appends(path string, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.at(path); m.write != nil {
		m.write.segment, m.write.appendOnly = true, true
	}
	for _, p := range r.parts(proc) {
		p.appends(path, proc)
	}
}

// restart makes the next change at a path the first one.
func (r *recorder) restart(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.marks[path]
	if m == nil || m.write == nil {
		return
	}
	m.write.segment = false
	var st syscall.Stat_t
	if !m.write.before.Exists && raw.Lstat(path, &st) == nil && st.Size == 0 {
		return // nothing is there but what the action itself appends
	}
	m.write = nil
}

// replace puts an empty file where one stands that does not exist for the action.
func (g *segment) replace() {
	var st syscall.Stat_t
	if raw.Lstat(g.path, &st) != nil || os.Remove(g.path) != nil {
		return
	}
	if f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, os.FileMode(st.Mode&0o777)); err == nil {
		f.Close()
	}
}

// intoFile adds a segment to its file, to which what is appended goes from then on.
func (g *segment) intoFile() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.settled {
		g.goOver()
	}
}

// goOver is intoFile with the lock held.
func (g *segment) goOver() {
	f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return // it can only go on by itself
	}
	if data, err := os.ReadFile(g.file.Name()); err == nil {
		_, _ = f.Write(data)
	}
	_ = os.Remove(g.file.Name())
	g.file.Close()
	g.file, g.size, g.settled = f, 0, true
}

// endSegments names the segments in the record of an action that has ended. What
// processes that it has left append later goes to the files themselves.
func (v *view) endSegments(rec *tracefs.Record, leftover bool) {
	x := &v.segments
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range rec.Writes {
		if g := x.byPath[rec.Writes[i].Path]; g != nil {
			w := &rec.Writes[i]
			w.Segment = g.end(leftover)
			w.After.Mode = cmp.Or(w.After.Mode, g.mode, w.Before.Stat.Mode) // the file may be gone for now
		}
	}
	x.byPath = nil
	for _, g := range x.all {
		if !leftover { // else somebody may write on
			g.file.Close()
		}
	}
	x.all = nil
}

// end ends a segment and returns the name of its file, "" if the file itself was
// appended to.
func (g *segment) end(leftover bool) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.settled {
		return ""
	}
	name := g.file.Name()
	if !leftover {
		g.settled = true
		return name
	}
	if f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
		g.file.Close()
		g.file = f
	}
	g.size, g.settled = 0, true
	return name
}
