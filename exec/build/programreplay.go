package build

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/proc"
	"fmake/tracefs"
)

// match is a result of an earlier run that holds.
type match struct {
	t      *cache.Trace
	looked []tracefs.Look // what it looked at, as it is now
	data   [][]byte       // of its outputs
}

// match looks for a result of the program that holds in the view as it is now, or says
// why there is none.
func (ps *programs) match(p *programRun, c *proc.Command) (*match, string) {
	if !ps.replays {
		return nil, "nothing is to come from the cache"
	}
	ps.mu.Lock()
	t := ps.graph.Target(p.name)
	ps.mu.Unlock()
	if t == nil {
		if why := ps.lost[p.name]; why != "" {
			return nil, "its last run cannot be repeated, because " + why
		}
		return nil, "nothing is known of an earlier run"
	}
	if why := ps.envDiffers(p, t); why != "" {
		return nil, why
	}
	asked := asLooks(ps.b.sp, t)
	inputs := len(asked)
	for i := range t.Outputs {
		asked = append(asked, tracefs.Look{Path: ps.b.sp.abs(t.Outputs[i].Path)})
	}
	now, err := ps.view.Looks(asked, false)
	if err != nil {
		return nil, err.Error()
	}
	if why := ps.differs(t, now[:inputs]); why != "" {
		return nil, why
	}
	if why := ps.envGrew(p, t); why != "" {
		return nil, why
	}
	if why := ps.inTheWay(t, now[inputs:]); why != "" {
		return nil, why
	}
	m := &match{t: t, looked: now[:inputs]}
	for i := range t.Outputs {
		data, err := ps.b.contents.Get(t.Outputs[i].Hash) // which verifies it
		if err != nil {
			return nil, "what it left is not in the cache any more"
		}
		m.data = append(m.data, data)
	}
	// From here on the action has looked at what the program would have looked at. If
	// somebody was faster, that it has is no harm.
	if m.looked, err = ps.view.Looks(asked[:inputs], true); err != nil {
		return nil, err.Error()
	}
	if !slices.EqualFunc(m.looked, now[:inputs], sameLooks) {
		return nil, "something changed meanwhile"
	}
	return m, ""
}

// asLooks asks for all that a trace has looked at, once for each path.
func asLooks(sp *space, t *cache.Trace) []tracefs.Look {
	flags := [...]tracefs.LookFlags{cache.InputContent: tracefs.LookContent, cache.InputListing: tracefs.LookListing, cache.InputLink: tracefs.LookLink}
	var asked []tracefs.Look
	last := ""
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if len(asked) == 0 || in.Path != last {
			asked = append(asked, tracefs.Look{Path: sp.abs(in.Path)})
		}
		last = in.Path
		asked[len(asked)-1].Flags |= flags[in.Kind]
	}
	return asked
}

// sameLooks compares two looks at a path. The times of a directory are nobody's input: beside
// this program another one may have put something there.
func sameLooks(x, y tracefs.Look) bool {
	if x.Stat.Mode&unix.S_IFMT == unix.S_IFDIR && x.Stat.Mode == y.Stat.Mode {
		x.Stat = y.Stat
	}
	return x.Flags == y.Flags && x.Stat == y.Stat && x.Link == y.Link && slices.Equal(x.Names, y.Names)
}

// differs names an input of a trace that is not as it was. now has what is there, once for
// each path.
func (ps *programs) differs(t *cache.Trace, now []tracefs.Look) string {
	at := -1
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if i == 0 || in.Path != t.Inputs[i-1].Path {
			at++
		}
		if !ps.same(in, &now[at]) {
			return ps.b.display(in.Path) + " is not as it was"
		}
	}
	return ""
}

// same reports whether a look finds what an input was.
func (ps *programs) same(in *cache.Input, l *tracefs.Look) bool {
	absent := l.Flags&tracefs.LookAbsent != 0
	if absent || in.Kind == cache.InputAbsent {
		return absent && in.Kind == cache.InputAbsent
	}
	typ := l.Stat.Mode & unix.S_IFMT
	switch in.Kind {
	case cache.InputExists:
		switch typ {
		case unix.S_IFLNK:
			return in.Mode == unix.S_IFLNK
		case unix.S_IFREG:
			return in.Mode == l.Stat.Mode && in.Size == l.Stat.Size
		}
		return in.Mode == l.Stat.Mode
	case cache.InputListing:
		return l.Flags&tracefs.LookListing != 0 && cache.HashNames(withoutEditors(l.Names)) == in.Hash
	case cache.InputLink:
		return l.Flags&tracefs.LookLink != 0 && cache.HashString(l.Link) == in.Hash
	}
	return typ == unix.S_IFREG && in.Mode == l.Stat.Mode && ps.hasContent(in, l)
}

// hasContent reports whether a file that was looked at has the content of an input.
func (ps *programs) hasContent(in *cache.Input, l *tracefs.Look) bool {
	st := fileStat(&l.Stat)
	if in.Stat.Ino != 0 && in.Stat.Same(st) {
		return true
	}
	got, err := ps.b.hasher.HashFile(l.Path)
	return err == nil && got.Hash == in.Hash && got.Stat.Same(st)
}

func withoutEditors(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), isEditorName)
}

// inTheWay names an output in the place of which something stands where nothing did, or
// nothing where something did.
func (ps *programs) inTheWay(t *cache.Trace, now []tracefs.Look) string {
	for i := range t.Outputs {
		o, l := &t.Outputs[i], &now[i]
		was := findOutput(t.Befores, o.Path) != nil
		is := l.Flags&tracefs.LookAbsent == 0
		if was != is || is && (l.Stat.Mode&unix.S_IFMT != typeRegular || l.Stat.Nlink != 1) {
			return ps.b.display(o.Path) + " is not what was there when it last ran"
		}
	}
	return ""
}

// replayed is the process of a program that need not run.
type replayed struct {
	ps  *programs
	p   *programRun
	m   *match
	c   *proc.Command
	s   *streams
	run runner
}

// Pid implements proc.Process.
func (*replayed) Pid() int { return os.Getpid() }

// Signal implements proc.Process: it is over in no time.
func (*replayed) Signal(unix.Signal) error { return nil }

// Wait implements proc.Process: here it happens. If something is in the way, the program
// runs after all.
func (x *replayed) Wait() (unix.WaitStatus, unix.Rusage, error) {
	if err := x.replay(); err != nil {
		x.p.why = err.Error()
		process, err := x.ps.untold(x.c, x.run)
		if err != nil {
			return unix.WaitStatus(126 << 8), unix.Rusage{}, nil
		}
		return process.Wait()
	}
	x.p.took = time.Since(x.p.started)
	x.ps.leave()
	return statusOf(x.m.t), unix.Rusage{}, nil
}

// statusOf is what waiting for a program returned.
func statusOf(t *cache.Trace) unix.WaitStatus { return unix.WaitStatus(t.Status << 8) }

// replay leaves and prints what the program would.
func (x *replayed) replay() error {
	for i := range x.m.t.Outputs {
		o := &x.m.t.Outputs[i]
		if err := x.ps.putFile(o, x.m.data[i]); err != nil {
			return fmt.Errorf("%s cannot be written: %w", x.ps.b.display(o.Path), err)
		}
	}
	x.m.data = nil
	x.s.moveTo(movedBy(x.m.t))
	x.p.was = x.m.t
	// Where nobody reads it, the next one that prints learns of that.
	_ = x.s.print(x.c, x.m.t.Chunks)
	return nil
}
