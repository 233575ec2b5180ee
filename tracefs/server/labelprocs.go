package server

import (
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tracefs/procfs"
)

// labelProcs knows which processes of a view have which labels.
//
// A process is met when it first asks for anything that matters here, and inherits then
// what its parent has. The parent may have ended before that; then it has left traces:
// the process groups and sessions that it led, and in the process itself the files that it
// executes, names in its command line and has open.
type labelProcs struct {
	all     *labelled
	root    string // of the view, in the names of files that processes execute
	spawner int    // above which nothing is of interest

	mu      sync.Mutex
	threads map[uint32]labelThread
	known   map[int]*labelProc // also of some that have ended
}

// labelThread is what is known of a thread; see trusted.
type labelThread struct {
	proc *labelProc
	at   time.Time
}

// labelProc is one process, or one that was.
type labelProc struct {
	start   uint64 // clock ticks since boot
	has     []taken
	guessed bool // it or one above it was met when its parent was gone; while a process ends it leaves no traces
}

// taken is a label that a process has, and since when: children that it had before do not
// inherit it.
type taken struct {
	label *label
	since uint64 // clock ticks since boot
}

func newLabelProcs(l *labelled, root string, spawner int) labelProcs {
	return labelProcs{all: l, root: root, spawner: spawner, threads: map[uint32]labelThread{}, known: map[int]*labelProc{}}
}

// labelsOf returns the labels of the process that a thread belongs to, in the order in
// which they were taken. The thread waits for our answer, so it cannot end meanwhile.
func (ps *labelProcs) labelsOf(tid uint32) []*label {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.of(tid)
	if p == nil || len(p.has) == 0 {
		return nil
	}
	list := make([]*label, len(p.has))
	for i, t := range p.has {
		list[i] = t.label
	}
	return list
}

// meet gets to know the process of a thread while its parent is likely to be there.
func (ps *labelProcs) meet(tid uint32) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.of(tid)
}

// take gives a process a label. It returns false if it must not have it.
func (ps *labelProcs) take(tid uint32, b *label) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.of(tid)
	if p == nil {
		return true // it was killed
	}
	var has []*label
	for _, t := range p.has {
		if t.label == b {
			return true
		}
		has = append(has, t.label)
	}
	if why := disagreement(has, b); why != "" {
		if ps.all.strict {
			ps.all.tell(why + ": refused")
			return false
		}
		ps.all.tell(why + ": the first one counts")
	}
	p.has = append(p.has, taken{b, bootTicks()})
	return true
}

// bootTicks is the time as processes' starts are told.
func bootTicks() uint64 {
	const perSecond = 100 // USER_HZ, the same on all machines that we run on
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // every kernel that has FUSE has it
	return uint64(t.Sec)*perSecond + uint64(t.Nsec)/(1e9/perSecond)
}

// of returns the process of a thread, nil if it has ended. The lock is held.
func (ps *labelProcs) of(tid uint32) *labelProc {
	if tid == 0 {
		return nil // the kernel itself
	}
	now := time.Now()
	if t, ok := ps.threads[tid]; ok && now.Sub(t.at) < trusted {
		return t.proc
	}
	pid, err := procfs.Group(int(tid))
	if err != nil {
		return nil
	}
	p := ps.process(pid, 0)
	if len(ps.threads) > 4096 {
		clear(ps.threads)
	}
	ps.threads[tid] = labelThread{p, now}
	return p
}

// deepest is how many parents are asked: there are no more, but they are read one by one.
const deepest = 1000

// process returns what is known of a process, which may be new. The lock is held.
func (ps *labelProcs) process(pid, depth int) *labelProc {
	st, err := procfs.ReadStat(pid)
	if err != nil {
		return nil
	}
	if p := ps.known[pid]; p != nil && p.start == st.Start {
		return p
	}
	p := &labelProc{start: st.Start}
	if st.Parent <= 1 || st.Parent == ps.spawner || depth > deepest {
		p.inherit(ps.known[st.Group])
		p.inherit(ps.known[st.Session])
		p.guessed = len(ps.known) > 0 // the first one is the command itself
	} else {
		parent := ps.process(st.Parent, depth+1)
		p.inherit(parent)
		p.guessed = parent == nil || parent.guessed
	}
	if p.guessed {
		ps.traces(pid, p)
	}
	ps.prune()
	ps.known[pid] = p
	return p
}

// inherit gives a process what another one, of which it descends, had when it began.
func (p *labelProc) inherit(from *labelProc) {
	if from == nil || from.start > p.start {
		return
	}
	for _, t := range from.has {
		if t.since <= p.start {
			p.has = with(p.has, t.label, p.start)
		}
	}
}

// with adds a label to those that a process has, unless it is among them.
func with(has []taken, b *label, since uint64) []taken {
	if slices.ContainsFunc(has, func(t taken) bool { return t.label == b }) {
		return has
	}
	return append(has, taken{b, since})
}

// traces finds the labels of a process whose parent is gone by the files that it executes,
// names and has open: a script is open in its shell.
func (ps *labelProcs) traces(pid int, p *labelProc) {
	inView := func(name string) string {
		link, _ := procfs.Link(pid, name) // "" if it has ended
		return strings.TrimPrefix(link, ps.root)
	}
	paths := []string{inView("exe")}
	dir := inView("cwd")
	words, _ := procfs.Cmdline(pid) // without them there is the program
	for _, w := range words {
		if !path.IsAbs(w) {
			w = path.Join(dir, w)
		}
		paths = append(paths, w)
	}
	for _, fd := range procfs.Descriptors(pid) {
		paths = append(paths, inView("fd/"+fd))
	}
	for _, file := range paths {
		for _, b := range ps.all.labelsFor(file) {
			p.has = with(p.has, b, p.start)
		}
	}
}

// maxKnown is how many processes are remembered before those that have ended are dropped.
const maxKnown = 1 << 15

// prune drops what has ended. The lock is held.
func (ps *labelProcs) prune() {
	if len(ps.known) < maxKnown {
		return
	}
	for pid, p := range ps.known {
		if st, err := procfs.ReadStat(pid); err != nil || st.Start != p.start {
			delete(ps.known, pid)
		}
	}
}
