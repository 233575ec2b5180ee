package server

import (
	"strings"
	"sync"
	"time"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
)

// maxPaths bounds the lists of paths kept per process.
const maxPaths = 4096

// procs is the tree of processes that an action consists of, as far as they
// were trapped.
type procs struct {
	mu     sync.Mutex
	list   []*proc
	byPid  map[int]int32
	byTid  map[uint32]thread
	parent int // the spawner, above which nothing is of interest
}

// thread is what is known of a thread; see trusted.
type thread struct {
	proc int32
	at   time.Time
}

// proc is one process.
type proc struct {
	tracefs.Proc // its Env is filled in at the end
	env          []string
	stale        bool    // it was about to execute something when last seen
	family       *family // that it belongs to, nil if to none
}

func newProcs(spawner int) *procs {
	return &procs{byPid: map[int]int32{}, byTid: map[uint32]thread{}, parent: spawner}
}

// What of and enter return for a process that is none of the action's, as a client is, which
// uses a descriptor that it was sent; and for one that is not to be found out.
const (
	outside int32 = -1
	lost    int32 = -2
)

// of returns the index of the process that a thread belongs to, or one of those. What is
// known of the process is read while it waits for our answer, so it cannot have
// gone; but never while a page of its memory is being asked for, because its
// command line is read from there. execs says that the thread is about to execute
// something: what it was until then is of no interest, and what it becomes is
// read when it is next seen.
func (ps *procs) of(tid uint32, execs bool, root string) int32 {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	now := time.Now()
	t, ok := ps.byTid[tid]
	if !ok || now.Sub(t.at) >= trusted {
		pid, err := procfs.Group(int(tid))
		if err != nil {
			return lost
		}
		t = thread{ps.enter(pid, root), now}
		ps.byTid[tid] = t
	}
	i := t.proc
	if i < 0 {
		return i
	}
	p := ps.list[i]
	if !execs && p.stale {
		p.describe(root)
	}
	p.stale = execs
	return i
}

// enter returns the index of a process, which may be new, with its parents.
func (ps *procs) enter(pid int, root string) int32 {
	st, err := procfs.ReadStat(pid)
	if err != nil {
		return lost
	}
	if i, ok := ps.byPid[pid]; ok && ps.list[i].Start == st.Start {
		return i
	}
	parent := int32(-1)
	var in *family
	switch {
	case st.Parent == ps.parent:
	case st.Parent <= 1:
		return outside // what an action starts descends from the spawner
	default:
		parent = ps.enter(st.Parent, root)
		if parent == outside {
			return outside
		}
		if now, err := procfs.ReadStat(pid); err != nil || now.Parent != st.Parent {
			if err != nil {
				return lost
			}
			return ps.enter(pid, root) // its parent has ended meanwhile, and somebody has adopted it
		}
		if parent >= 0 {
			if ps.list[parent].stale {
				ps.list[parent].describe(root)
			}
			in = ps.list[parent].family
		}
	}
	i := int32(len(ps.list))
	ps.byPid[pid] = i
	ps.list = append(ps.list, &proc{Proc: tracefs.Proc{Pid: int32(pid), Start: st.Start, Parent: max(parent, -1)}, stale: true, family: in})
	return i
}

// describe reads what the process is now.
func (p *proc) describe(root string) {
	p.stale = false
	pid := int(p.Pid)
	if argv, err := procfs.Cmdline(pid); err == nil && len(argv) > 0 {
		p.Argv = argv
	}
	if env, err := procfs.Environ(pid); err == nil {
		p.env = env
	}
	if exe, err := procfs.Link(pid, "exe"); err == nil {
		p.Exe = strings.TrimPrefix(exe, root)
	}
	if in, err := procfs.Link(pid, "fd/0"); err == nil {
		p.Stdin = in
	}
	if dir, err := procfs.Link(pid, "cwd"); err == nil {
		p.Dir = strings.TrimPrefix(dir, root)
	}
}

// reads and writes note the paths that a process was the first of its action to
// open.
func (ps *procs) reads(i int32, path string) {
	ps.mu.Lock()
	if i >= 0 && len(ps.list[i].Reads) < maxPaths {
		ps.list[i].Reads = append(ps.list[i].Reads, path)
	}
	ps.mu.Unlock()
}

func (ps *procs) writes(i int32, path string) {
	ps.mu.Lock()
	if i >= 0 && len(ps.list[i].Writes) < maxPaths {
		ps.list[i].Writes = append(ps.list[i].Writes, path)
	}
	ps.mu.Unlock()
}

func (ps *procs) count() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return len(ps.list)
}

func (ps *procs) result() []tracefs.Proc { return ps.since(0) }

// since returns the processes from a number on. Those before it are nobody's parents then.
func (ps *procs) since(from int) []tracefs.Proc {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]tracefs.Proc, len(ps.list)-from)
	for i, p := range ps.list[from:] {
		out[i] = p.Proc
		out[i].Parent = max(p.Parent-int32(from), -1)
		out[i].Env, out[i].Unseen = p.env, p.stale
		if out[i].Parent >= 0 {
			out[i].Env = tracefs.EnvDelta(ps.list[p.Parent].env, p.env)
		}
	}
	return out
}

// trusted is how long the view of a thread is remembered. Thread numbers are
// given out in a circle, and no machine gets once around it in this time.
const trusted = time.Second

// callers finds the view of a thread that uses the shared system mount.
type callers struct {
	mu    sync.Mutex
	known map[uint32]caller
	views map[uint64]*view // by the device number of their root
}

type caller struct {
	view *view
	at   time.Time
}

func newCallers() *callers {
	return &callers{known: map[uint32]caller{}, views: map[uint64]*view{}}
}

// viewOf returns the view that the thread lives in, nil for none.
func (c *callers) viewOf(tid uint32) *view {
	now := time.Now()
	c.mu.Lock()
	k, ok := c.known[tid]
	c.mu.Unlock()
	if ok && now.Sub(k.at) < trusted {
		return k.view
	}
	dev, err := procfs.RootDevice(int(tid))
	c.mu.Lock()
	defer c.mu.Unlock()
	k = caller{at: now}
	if err == nil {
		k.view = c.views[dev]
	}
	if len(c.known) > 4096 {
		clear(c.known)
	}
	c.known[tid] = k
	return k.view
}

func (c *callers) add(dev uint64, v *view) {
	c.mu.Lock()
	c.views[dev] = v
	c.mu.Unlock()
}

// remove forgets a view that had a device number. The kernel may have given that to
// another view already.
func (c *callers) remove(dev uint64, v *view) {
	c.mu.Lock()
	if c.views[dev] == v {
		delete(c.views, dev)
	}
	for tid, k := range c.known {
		if k.view == v {
			delete(c.known, tid)
		}
	}
	c.mu.Unlock()
}
