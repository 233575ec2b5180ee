package server

import (
	"slices"
	"sync"
	"syscall"

	"fmake/tracefs"
)

// change says what kind of change a path is about to see.
type change uint8

const (
	creates    change = iota // the path was absent, or is taken to be
	createsLog               // the same, and bytes are only added to it
	truncates                // the old content is discarded, the file stays
	replaces                 // another file takes the name
	removes                  // the name goes
	appends                  // bytes are added at the end, whatever is there
	edits                    // the content may be changed in place
	meta                     // mode, owner, times, attributes
)

// discards tells whether nothing of the old content survives the change.
func (c change) discards() bool { return c <= removes }

// commutes tells whether two actions may make such changes at the same time.
func (c change) commutes() bool { return c == createsLog || c == appends || c == meta }

// mark is what one action did with one path.
type mark struct {
	missed bool // a look-up found nothing where a file was to be made
	linked bool // the action has made one more name of it
	flags  tracefs.LookFlags
	proc   int32
	stat   tracefs.Stat
	link   string
	names  []string
	write  *written
	within []string // of a directory that the action has made and listed: what others had put there
	lists  bool     // it has
}

// written is the change that an action made at a path.
type written struct {
	before     tracefs.Before
	proc       int32
	fresh      bool // all content is the action's own
	appendOnly bool
	truncated  bool
	metaOnly   bool
	entered    bool // among the writers of the path
	segment    bool // what was appended is not in the file yet
	removed    bool // the name was removed by the action and may come back by another hand
	meddled    bool // the action had read it, and another changed it before this one did
}

// recorder collects the marks of one action, or of the build for system trees.
type recorder struct {
	mu      sync.Mutex
	off     bool
	marks   map[string]*mark
	sockets []string
	setuid  []string
	system  tracefs.LookFlags          // LookSystem for the build's recorder
	part    *recorder                  // of the part that goes on, nil if none does
	family  func(proc int32) *recorder // of the family that a process belongs to, nil for none; see families
}

func newRecorder() *recorder { return &recorder{marks: map[string]*mark{}} }

// parts are the recorders of parts that see what a process does, too. The lock is held.
func (r *recorder) parts(proc int32) (list []*recorder) {
	if r.part != nil {
		list = append(list, r.part)
	}
	if r.family != nil {
		if f := r.family(proc); f != nil {
			list = append(list, f)
		}
	}
	return list
}

// at returns the mark of a path. The lock is held.
func (r *recorder) at(path string) *mark {
	m := r.marks[path]
	if m == nil {
		m = &mark{proc: -1}
		r.marks[path] = m
	}
	return m
}

// look adds flags to what is known of path, unless what is there is the
// action's own doing. content says that the look depends on the bytes.
func (r *recorder) look(path string, flags tracefs.LookFlags, st *syscall.Stat_t, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	for _, p := range r.parts(proc) {
		p.lookPart(path, flags, st, proc)
	}
	m := r.at(path)
	r.see(m, flags, st, proc)
}

// see is look with the lock held. It reports whether the look counts.
func (r *recorder) see(m *mark, flags tracefs.LookFlags, st *syscall.Stat_t, proc int32) bool {
	const content = tracefs.LookContent | tracefs.LookExec | tracefs.LookListing | tracefs.LookLink
	if w := m.write; w != nil {
		if w.fresh || flags&content == 0 {
			return false
		}
		w.appendOnly = false
	}
	// What was first seen stays: absence and existence do not add up. Nor does what another
	// has made since this action missed it on the way to making something there.
	if m.missed && m.write == nil && flags&tracefs.LookExists != 0 && m.flags&(tracefs.LookAbsent|tracefs.LookExists) == 0 {
		flags = flags&^tracefs.LookExists | tracefs.LookAbsent
	}
	if flags&(tracefs.LookAbsent|tracefs.LookExists) != 0 && m.flags&(tracefs.LookAbsent|tracefs.LookExists) != 0 {
		flags &^= tracefs.LookAbsent | tracefs.LookExists
	}
	m.flags |= flags | r.system
	if m.proc < 0 {
		m.proc = proc
	}
	if st != nil && m.stat.Mode == 0 {
		m.stat = statOf(st)
	}
	return true
}

// linked notes that the action makes one more name of what is at path.
func (r *recorder) linked(path string, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	r.at(path).linked = true
	for _, p := range r.parts(proc) {
		p.linked(path, proc)
	}
}

// toldAbsent tells whether the action has looked at path, found nothing, and left it at
// that, or has removed what was there.
func (r *recorder) toldAbsent(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.marks[path]
	if m != nil && m.write != nil {
		return m.write.removed
	}
	return m != nil && (m.missed || m.flags&tracefs.LookAbsent != 0) && m.flags&tracefs.LookExists == 0
}

// missed notes that a look-up on the way to making something found nothing. If that was
// the thing itself, it is made next; else it was a directory of its path, and missing
// it was a look.
func (r *recorder) missed(path string, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	r.at(path).missed = true
	for _, p := range r.parts(proc) {
		p.missed(path, proc)
	}
}

// listed records the names in a directory, less what the action put there and
// with what it removed.
func (r *recorder) listed(path string, st *syscall.Stat_t, names []string, flags tracefs.LookFlags, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	for _, p := range r.parts(proc) {
		p.listed(path, st, names, flags, proc)
	}
	m := r.at(path)
	if w := m.write; w != nil && w.fresh && !w.before.Exists {
		m.lists = true
		m.within = append(m.within, r.ofOthers(path, names)...)
		return
	}
	if m.flags&tracefs.LookListing != 0 || !r.see(m, tracefs.LookListing|tracefs.LookExists|flags, st, proc) {
		return
	}
	m.names = append(r.ofOthers(path, names), r.removedFrom(path, names)...)
	slices.Sort(m.names)
}

// ofOthers returns those names in dir that the action has not put there. The lock is held.
func (r *recorder) ofOthers(dir string, names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if c := r.marks[dir+"/"+n]; c != nil && c.write != nil && !c.write.before.Exists {
			continue
		}
		out = append(out, n)
	}
	return out
}

// removedFrom returns the names in dir that the action has removed. The lock is
// held.
func (r *recorder) removedFrom(dir string, present []string) []string {
	var out []string
	for p, c := range r.marks {
		if c.write == nil || !c.write.before.Exists || !c.write.removed || parentOf(p) != dir {
			continue
		}
		if name := p[len(dir)+1:]; !slices.Contains(present, name) {
			out = append(out, name)
		}
	}
	return out
}

// linkRead records the text of a symbolic link.
func (r *recorder) linkRead(path string, st *syscall.Stat_t, text string, proc int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	for _, p := range r.parts(proc) {
		p.linkRead(path, st, text, proc)
	}
	m := r.at(path)
	if r.see(m, tracefs.LookLink|tracefs.LookExists, st, proc) && m.link == "" {
		m.link = text
	}
}

// socket records that a socket was looked up.
func (r *recorder) socket(path string, proc int32) {
	r.note(path, proc, func(r *recorder) *[]string { return &r.sockets })
}

// privileged records that a program with other rights was executed.
func (r *recorder) privileged(path string, proc int32) {
	r.note(path, proc, func(r *recorder) *[]string { return &r.setuid })
}

func (r *recorder) note(path string, proc int32, list func(*recorder) *[]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	if l := list(r); !slices.Contains(*l, path) {
		*l = append(*l, path)
	}
	for _, p := range r.parts(proc) {
		p.note(path, proc, list)
	}
}

// ownRemoval tells whether the action itself removed path. Whoever makes it
// again is not the action, so its absence must not be cached.
func (r *recorder) ownRemoval(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.marks[path]
	return m != nil && m.write != nil && m.write.removed
}

func statOf(st *syscall.Stat_t) tracefs.Stat {
	return tracefs.Stat{
		Dev: st.Dev, Ino: st.Ino, Mode: st.Mode, UID: st.Uid, GID: st.Gid, Nlink: uint32(st.Nlink),
		Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(),
	}
}

// parentOf returns the directory of an absolute path; "" for one in the root.
func parentOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return ""
}
