package server

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// A family is a part, too: what one process and all that descend from it do, while others
// run in the view. It begins when the process has nothing below it yet, and the process
// adopts what its descendants leave, so that nobody gets out of it. Since the kernel keeps
// nothing that it was told of files while shells run (see superblock.valid), each look of
// each process comes here.

// families are those that live now.
type families struct {
	any  atomic.Bool // whether there are some
	mu   sync.Mutex
	live []*family
}

// family is one of them.
type family struct {
	pid     int // of the process that it began with
	rec     *recorder
	files   []string        // that it writes to, and has not opened
	foreign map[string]bool // paths that others have changed since it began
	unknown bool            // somebody unknown has done something
}

// begin makes a family of a process. It is EBUSY for one that belongs to another.
func (v *view) beginFamily(pid int, files []string) error {
	if !v.parts.Load() {
		return unix.ENOTSUP
	}
	f := &family{pid: pid, rec: newRecorder(), foreign: map[string]bool{}}
	for _, file := range files {
		f.files = append(f.files, strings.TrimPrefix(file, v.root))
	}
	if err := v.procs.join(pid, f, v.root); err != nil {
		return err
	}
	fs := &v.families
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.live = append(fs.live, f)
	fs.any.Store(true)
	return nil
}

// endFamily ends the recording of the family of a process, and returns what was recorded.
func (v *view) endFamily(pid int) (*tracefs.Record, error) {
	fs := &v.families
	fs.mu.Lock()
	i := slices.IndexFunc(fs.live, func(f *family) bool { return f.pid == pid })
	if i < 0 {
		fs.mu.Unlock()
		return nil, unix.ESTALE
	}
	f := fs.live[i]
	fs.live = slices.Delete(fs.live, i, i+1)
	fs.any.Store(len(fs.live) > 0)
	fs.mu.Unlock()
	contended := f.disturbed()
	rec := f.rec.close()
	rec.Contended = contended
	rec.Procs = v.procs.ofFamily(f)
	return rec, nil
}

// disturbed lists what others changed while the family lived and it looked at or wrote.
func (f *family) disturbed() (list []tracefs.Contention) {
	if f.unknown {
		list = append(list, tracefs.Contention{Path: "/"})
	}
	f.rec.mu.Lock()
	defer f.rec.mu.Unlock()
	for path := range f.foreign {
		met := f.rec.marks[path] != nil || slices.Contains(f.files, path)
		if dir := f.rec.marks[parentOf(path)]; dir != nil && dir.flags&tracefs.LookListing != 0 {
			met = true
		}
		if met {
			list = append(list, tracefs.Contention{Path: path})
		}
	}
	return list
}

// changed notes that a path is changed, by one of a family or, if that is nil, by others.
func (fs *families) changed(path string, by *family) {
	if !fs.any.Load() {
		return
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.live {
		if f != by {
			f.foreign[path] = true
		}
	}
}

// unknownActs notes that it is not known who does something.
func (fs *families) unknownActs() {
	if !fs.any.Load() {
		return
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.live {
		f.unknown = true
	}
}

// join makes a process the first one of a family.
func (ps *procs) join(pid int, f *family, root string) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	i := ps.enter(pid, root)
	switch {
	case i < 0:
		return unix.ESRCH
	case ps.list[i].family != nil:
		return unix.EBUSY
	}
	ps.list[i].family = f
	return nil
}

// familyOf returns the family of a process, nil for none.
func (ps *procs) familyOf(i int32) *family {
	if i < 0 {
		return nil
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.list[i].family
}

// ofFamily returns the processes of a family but for the first, which only stands for it.
// What comes after it is in none.
func (ps *procs) ofFamily(f *family) []tracefs.Proc {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var out []tracefs.Proc
	at := map[int32]int32{}
	for i, p := range ps.list {
		switch {
		case p.family != f:
			continue
		case int(p.Pid) == f.pid:
			p.family = nil
			continue
		}
		q := p.Proc
		parent, inside := at[p.Parent]
		q.Env, q.Unseen = p.env, p.stale
		if q.Parent = -1; inside {
			q.Parent = parent
			q.Env = tracefs.EnvDelta(ps.list[p.Parent].env, p.env)
		}
		at[int32(i)] = int32(len(out))
		out = append(out, q)
	}
	return out
}
