package build

import (
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// Where recipes that nothing orders change one file, it has states that no chain of
// versions knows: what a run has left that was not good or has been repeated since, and
// what was put back for one. Whoever has found such a state tells by the time of its
// change whose it was, and what was there before: two states may have the same content.

// state is what stood at a path for some time of this build.
type state struct {
	target string        // who has left it, in the graph; "" if no recipe of this build
	serial uint64        // of that one, as it was then
	before *cache.Output // what was there before that run, nil for nothing
}

// states are such states by the time of their change, by path.
type states map[string]map[int64]state

// put is when a file was last put back.
type put struct {
	ctime int64 // of the file
	at    time.Time
}

func (s states) add(path string, ctime int64, st state) {
	if s[path] == nil {
		s[path] = make(map[int64]state)
	}
	s[path][ctime] = st
}

// stateAt returns the state that a file had when it was changed last at a time of this build. One
// that nobody knows is what a recipe had there on its way to what it has left.
func (b *Build) stateAt(path string, ctime int64) (state, bool) {
	all := b.states[path]
	if s, known := all[ctime]; known || ctime < b.began {
		return s, known
	}
	var next int64
	for end, s := range all {
		if end > ctime && s.target != "" && (s.before == nil || s.before.Stat.Ctime < ctime) && (next == 0 || end < next) {
			next = end
		}
	}
	return all[next], next != 0
}

// ofRun notes what the last run of an action of this build has left, before it runs again.
func (b *Build) ofRun(a *action) {
	if a.n.run == (cache.Hash{}) || a.old.Flags&cache.Failed != 0 {
		return
	}
	for i := range a.old.Outputs {
		if o := &a.old.Outputs[i]; o.Type == typeRegular && o.Path[0] == '.' {
			b.states.add(o.Path, o.Stat.Ctime, state{target: a.n.name, serial: a.n.serial, before: findOutput(a.old.Befores, o.Path)})
		}
	}
}

// putAgain notes that a version which was left before stands at its path again.
func (b *Build) putAgain(o *cache.Output, p string) {
	st, ok := b.w.lstat(p)
	if !ok || st.Mode&unix.S_IFMT != typeRegular {
		return
	}
	was, known := b.states[o.Path][o.Stat.Ctime]
	if !known {
		was = b.stateOf(o)
	}
	b.states.add(o.Path, st.Ctime, was)
	b.moved = time.Now()
	b.puts[o.Path] = put{ctime: st.Ctime, at: b.moved}
}

// putOver returns a path that was put back for another recipe after this action had changed
// it: what it has left is gone, and would be taken for what was put there. It is "" if there
// is none.
func (a *action) putOver(rec *tracefs.Record) string {
	if len(a.b.puts) == 0 {
		return ""
	}
	for i := range rec.Writes {
		w := &rec.Writes[i]
		if p, ok := a.b.puts[a.b.sp.key(w.Path)]; ok && w.Segment == "" && p.at.After(a.started) && p.ctime > w.Before.Stat.Ctime {
			return w.Path
		}
	}
	return ""
}

// stateOf tells whose version a file was: by its content where the time of its change is not
// known, as of what came from elsewhere.
func (b *Build) stateOf(o *cache.Output) state {
	for _, x := range b.chain.of(o.Path) {
		if x.out.Stat.Ctime == o.Stat.Ctime && (o.Stat.Ctime != 0 || sameContent(&x.out, o)) {
			return state{target: x.target, serial: x.serial, before: x.before}
		}
	}
	return state{}
}

// laterState reports whether a state is what an action after another has left.
func (b *Build) laterState(n *node, s *state) bool {
	x := version{target: s.target, serial: b.chain.serial(s.target, s.serial)}
	return s.target != "" && b.chain.isAfter(&x, n)
}

// standsLater reports whether what stands at a path is a state that an action after
// another has left.
func (b *Build) standsLater(n *node, path, p string) bool {
	st, ok := b.w.lstat(p)
	if !ok {
		return false
	}
	s, known := b.states[path][st.Ctime]
	return known && b.laterState(n, &s)
}
