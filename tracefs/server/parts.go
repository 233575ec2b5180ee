package server

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/raw"
	"fmake/tracefs/wire"
)

// A part is what one of the programs of an action does, recorded by itself besides the
// record of the whole. Of what an action looks at, the kernel asks only once; so when a
// part begins, it is made to ask again for all that it was told before. Whatever comes
// while there is a part belongs to it: the client begins one only when nothing else
// runs in the view.

// toldNames are the names that the kernel has been told of since the last part began. It is
// kept only in views that may have parts.
type toldNames struct {
	mu    sync.Mutex
	names map[entryName]bool
}

func (t *toldNames) add(dir uint64, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = map[entryName]bool{}
	}
	t.names[entryName{dir, name}] = true
}

// take returns all names, and forgets them.
func (t *toldNames) take() []entryName {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := slices.Collect(maps.Keys(t.names))
	clear(t.names)
	return names
}

// tells notes that the kernel is told of a name. Something is mounted on some: those
// never expire, since it would fall off.
func (s *superblock) tells(dir uint64, name string) {
	if s.view == nil || !s.view.parts.Load() || dir == fuse.FUSE_ROOT_ID && s.engine.bound["/"+name] {
		return
	}
	s.names.add(dir, name)
}

// part is one that has begun.
type part struct {
	rec   *recorder
	procs int // how many processes there were before
}

// beginPart begins a part. It is ENOTSUP where the kernel cannot be made to ask again, and
// EBUSY if it is to be checked whether something lives in the view, and something does.
func (v *view) beginPart(check bool) error {
	if !v.parts.Load() || v.sb.kernel.features&fuse.CAP_HAS_EXPIRE_ONLY == 0 {
		return unix.ENOTSUP
	}
	if check {
		if lives, err := v.lives(); err != nil || lives {
			return cmp.Or(err, error(unix.EBUSY))
		}
	}
	v.expireTold()
	v.partMu.Lock()
	defer v.partMu.Unlock()
	v.part = &part{rec: newRecorder(), procs: v.procs.count()}
	v.rec.setPart(v.part.rec)
	return nil
}

// expireTold makes the kernel ask again for all names that it was told.
func (v *view) expireTold() {
	for _, e := range v.sb.names.take() {
		if path, ok := v.sb.child(e.dir, e.name); !ok || v.engine.bound[path] {
			continue
		}
		v.sb.kernel.expire(e.dir, e.name)
	}
}

// endPart ends it and returns what was recorded of it.
func (v *view) endPart() (*tracefs.Record, error) {
	v.partMu.Lock()
	p := v.part
	v.part = nil
	v.rec.setPart(nil)
	v.partMu.Unlock()
	if p == nil {
		return nil, unix.ESTALE
	}
	lives, err := v.lives()
	if err != nil {
		return nil, err
	}
	rec := p.rec.close()
	rec.Procs = v.procs.since(p.procs)
	rec.Leftover = lives
	return rec, nil
}

// lives tells whether something lives in the view besides commands that run.
func (v *view) lives() (bool, error) {
	var live wire.Released
	_, err := v.engine.spawner.Call(wire.OpInhabited, &wire.Ref{View: v.id}, &live)
	return live.Leftover, err
}

// setPart lets a part's recorder see all that this one does.
func (r *recorder) setPart(part *recorder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.part = part
}

// lookPart is look for a part. The kernel keeps the texts of links, so that one which is
// looked up counts as read.
func (r *recorder) lookPart(path string, flags tracefs.LookFlags, st *syscall.Stat_t, proc int32) {
	r.look(path, flags, st, proc)
	if st == nil || st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
		return
	}
	if text, err := raw.Readlink(path); err == nil {
		r.linkRead(path, st, text, proc)
	}
}

// appendsInPart notes that a part adds to a segment that there was before it.
func (r *recorder) appendsInPart(path string, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.parts(proc) {
		var st syscall.Stat_t
		exists := raw.Lstat(path, &st) == nil
		p.change(path, appends, exists, &st, -1)
		p.appends(path, -1)
	}
}

// peek tells what the action would find at a path now, as far as the flags ask for it.
func (v *view) peek(path string, flags tracefs.LookFlags) tracefs.Look {
	l := tracefs.Look{Path: path, Proc: -1}
	var st syscall.Stat_t
	if raw.Lstat(path, &st) != nil || v.hidesOnWay(path) {
		l.Flags = tracefs.LookAbsent
		return l
	}
	st.Size = v.size(path, st.Size)
	l.Flags, l.Stat = tracefs.LookExists, statOf(&st)
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		l.Flags |= flags & tracefs.LookContent
	case syscall.S_IFLNK:
		if text, err := raw.Readlink(path); err == nil && flags&tracefs.LookLink != 0 {
			l.Flags |= tracefs.LookLink
			l.Link = text
		}
	case syscall.S_IFDIR:
		if names, err := v.namesIn(path); err == nil && flags&tracefs.LookListing != 0 {
			l.Flags |= tracefs.LookListing
			l.Names = names
		}
	}
	return l
}

// hidesOnWay tells whether a path or a directory that leads to it is hidden.
func (v *view) hidesOnWay(path string) bool {
	if !v.hiding.Load() {
		return false
	}
	for p := path; p != ""; p = parentOf(p) {
		if v.hides(p) {
			return true
		}
	}
	return false
}

// namesIn lists a directory as the action sees it.
func (v *view) namesIn(path string) ([]string, error) {
	fd, err := syscall.Open(rootIfEmpty(path), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	entries, err := readEntries(fd)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name != "." && e.Name != ".." && !v.hides(path+"/"+e.Name) {
			names = append(names, e.Name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names, nil
}

// look makes a look that was peeked at one of the action.
func (v *view) look(l *tracefs.Look) {
	if v.engine.isNative(l.Path) {
		return
	}
	rec := v.lookRecorder(l.Path)
	if l.Flags&tracefs.LookAbsent != 0 {
		rec.look(l.Path, tracefs.LookAbsent, nil, -1)
		return
	}
	st := l.Stat.System()
	if l.Flags&tracefs.LookContent != 0 {
		v.opened(l.Path, &st, tracefs.LookContent|tracefs.LookExists|v.systemFlag(l.Path), 0)
		return
	}
	rec.look(l.Path, tracefs.LookExists, &st, -1)
	if l.Flags&tracefs.LookLink != 0 {
		rec.linkRead(l.Path, &st, l.Link, -1)
	}
	if l.Flags&tracefs.LookListing != 0 {
		v.rec.listed(l.Path, &st, l.Names, v.systemFlag(l.Path), -1)
	}
}

func (c *client) beginPart(r *wire.Request) error {
	var m wire.BeginPart
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	switch {
	case err != nil:
	case m.Pid != 0:
		err = v.beginFamily(int(m.Pid), m.Files)
	default:
		err = v.beginPart(m.Check)
	}
	if err != nil {
		return err
	}
	r.Reply(nil)
	return nil
}

func (c *client) endPart(r *wire.Request) error {
	var m wire.EndPart
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	var rec *tracefs.Record
	if m.Pid != 0 {
		rec, err = v.endFamily(int(m.Pid))
	} else {
		rec, err = v.endPart()
	}
	if err != nil {
		return err
	}
	r.Reply(rec)
	return nil
}

func (c *client) looks(r *wire.Request) error {
	var m wire.Looks
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	rec := &tracefs.Record{Looks: make([]tracefs.Look, len(m.Paths))}
	for i, p := range m.Paths {
		rec.Looks[i] = v.peek(p, tracefs.LookFlags(m.Flags[i]))
		if m.Record {
			v.look(&rec.Looks[i])
		}
	}
	r.Reply(rec)
	return nil
}
