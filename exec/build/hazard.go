package build

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// Hazards are what optimistic runs got wrong: an action looked at a path that an
// action before it in serial order wrote only later, or saw what an action after
// it had written. The first is repaired by running it again after the other, the
// second by running it again without the later version in view. Both teach an
// edge, so that the next build orders the two from the start.

// done is one target that this build has settled: its recipe ran, its files were
// put back, or its trace was found to hold. All three are readers; the first two
// are writers.
type done struct {
	f            *makefile.File
	n            *node
	t            *cache.Trace // nil for a run that nobody watched, and until it is asked for
	started, end time.Time    // both when it was judged, if nothing ran
	ran          bool
	missed       []string      // paths that were not there at its first look, and then were
	within       []cache.Input // listings of directories that it has made itself
	left         bool          // it ran or was put back: what is known of it is of this build
	acted        bool          // in the real tree: a line did more than print
}

// maxReruns bounds how often hazards repeat one action in a build: the walk goes serial
// after a few rounds, and each round after that leaves right at least one action more, so
// that only what never comes to rest meets the bound. maxDemands bounds how often
// failures do: each of those makes something that was not there.
const (
	maxReruns  = 20
	maxDemands = 500
)

// number gives f its position in serial order; targets that are in nobody's
// order come before all others.
func (b *Build) number(f *makefile.File, n *node) {
	if b.opts.SerialOrder == nil {
		n.serial = b.nextSerial()
		return
	}
	b.reorder()
	if _, known := b.order[f]; !known {
		b.renumber()
	}
	if _, known := b.order[f]; !known {
		n.serial = b.nextSerial()
	}
}

// reorder takes the serial order anew if it may have changed, and reports whether
// it did: prerequisites are found as the build goes on.
func (b *Build) reorder() bool {
	if b.opts.SerialOrder == nil || b.opts.Shape == nil || b.order != nil && b.shape == b.opts.Shape() {
		return false
	}
	b.renumber()
	return true
}

// renumber takes the serial order as it is now, all prerequisites that were
// learned included.
func (b *Build) renumber() {
	b.order = b.opts.SerialOrder()
	if b.opts.Shape != nil {
		b.shape = b.opts.Shape()
	}
	b.serials = make(map[string]uint64, len(b.nodes))
	b.givePlaces()
	b.chain = &versions{b: b}
}

// ended notes an action that has ended well, and finds the hazards between it
// and those that ended before.
func (b *Build) ended(a *action, t *cache.Trace) {
	d := b.settle(done{f: a.f, n: a.n, t: t, started: a.started, ran: true, missed: a.missed, within: a.within})
	for _, path := range a.missed {
		if w := b.overtaker(d, &cache.Input{Path: path, Kind: cache.InputAbsent}, a.started); w != nil {
			b.hazard(a.f, w.f, path)
		}
		b.looked[path] = append(b.looked[path], d)
	}
	for in := range d.looks() {
		if in.Path[0] != '.' {
			continue
		}
		if w := b.overtaker(d, in, a.started); w != nil && !b.asSeen(d, in) {
			b.hazard(a.f, w.f, in.Path)
		}
		if !slices.Contains(d.missed, in.Path) {
			b.looked[in.Path] = append(b.looked[in.Path], d)
		}
	}
	b.left(d, a.old)
	b.shareMade(t)
	b.sawLater(d)
}

// sawIt reports whether what an action saw at a path is what is there now.
func (b *Build) sawIt(d *done, path string) bool {
	if slices.Contains(d.missed, path) {
		return false
	}
	for i := range d.t.Inputs {
		if in := &d.t.Inputs[i]; in.Path == path && in.Kind != cache.InputListing && !b.asSeen(d, in) {
			return false
		}
	}
	return true
}

// asSeen reports whether an input is what an action saw, before what was done to the
// file after it.
func (b *Build) asSeen(d *done, in *cache.Input) bool {
	switch in.Kind {
	case cache.InputContent:
		return b.w.same(in) || b.chain.sameAsSeen(d.n.name, d.t, in)
	case cache.InputListing:
		return b.chain.listedSame(d.n.name, in, nil) || b.chain.sameAsSeen(d.n.name, d.t, in)
	}
	return b.w.same(in)
}

// sawNames reports whether a listing still has the names that an action saw.
func (b *Build) sawNames(d *done, dir string) bool {
	for in := range d.looks() {
		if in.Path == dir && in.Kind == cache.InputListing && !b.chain.sameAsSeen(d.n.name, d.t, in) {
			return false
		}
	}
	return true
}

// looks gives all that a target that ran has looked at, also where it made the directory.
func (d *done) looks() iter.Seq[*cache.Input] {
	return func(yield func(*cache.Input) bool) {
		for _, list := range [][]cache.Input{d.t.Inputs, d.within} {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// later is what an action has seen of actions that come after it.
type later struct {
	hide  []string // paths to hide from its next run
	lower []string // in the graph: files to put back for it
}

// sawLater finds versions of later actions that an action has seen; its next run
// has them hidden, or put back.
func (b *Build) sawLater(d *done) {
	n, seen := d.n, b.laterSeen(d)
	if len(seen.hide)+len(seen.lower) > 0 && b.reorder() {
		seen = b.laterSeen(d)
	}
	n.hide = append(n.hide, seen.hide...)
	for _, path := range seen.lower {
		if !slices.Contains(n.lowered, path) {
			n.lowered = append(n.lowered, path)
		}
	}
	if len(n.hide) > n.hid {
		n.hid = len(n.hide)
		b.again(d.f, nil, b.display(b.sp.key(n.hide[len(n.hide)-1]))+" comes after it")
	}
	if len(seen.lower) > 0 { // also if it was to be put back before: another had it then
		b.again(d.f, nil, "what was written to "+b.display(seen.lower[0])+" comes after it")
	}
	if missed := b.missedEarlier(n, d.t); missed != "" {
		b.again(d.f, nil, b.display(missed)+" comes before it")
	}
	b.markEarlier(d.f, seen)
}

// markEarlier notes of a recipe that is to run again whether all that it has seen of
// later ones is of an earlier build.
func (b *Build) markEarlier(f *makefile.File, seen later) {
	i := slices.IndexFunc(b.reruns, func(r exec.Rerun) bool { return r.File == f })
	if i < 0 {
		return
	}
	now := func(key string) bool { return len(b.wrote[key]) > 0 }
	b.reruns[i].Earlier = !slices.ContainsFunc(seen.lower, now) &&
		!slices.ContainsFunc(seen.hide, func(path string) bool { return now(b.sp.key(path)) })
}

// laterSeen finds what later actions have left, and an action has seen. A recipe
// that is run every time may see what earlier builds have left.
func (b *Build) laterSeen(d *done) (seen later) {
	n, t := d.n, d.t
	for in := range d.looks() {
		if in.Path[0] != '.' {
			continue
		}
		if in.Kind == cache.InputListing {
			seen.hide = append(seen.hide, b.laterNames(n, t, in)...)
			continue
		}
		out, differs := b.chain.seen(n.name, n.serial, in.Path, true)
		if differs && out.Type == 0 && in.Kind != cache.InputAbsent && !n.foundDir(in, t) && b.mustNotSee(n, in.Path) {
			seen.hide = append(seen.hide, b.sp.abs(in.Path))
		}
		if in.Kind == cache.InputContent && b.sawLaterContent(n, t, in, differs) {
			seen.lower = append(seen.lower, in.Path) // see lower and lowerFiles, and putUnder if it has edited it
		}
	}
	return seen
}

// sawLaterContent reports whether what an action read in a file was written after it;
// differs tells that the file as it is now is not what the action is to see.
func (b *Build) sawLaterContent(n *node, t *cache.Trace, in *cache.Input, differs bool) bool {
	if b.log(in.Path) != nil {
		out, ok := b.chain.seen(n.name, n.serial, in.Path, false)
		return differs && ok && out.Type == typeRegular && !sameVersion(&out, in)
	}
	later := b.chain.isLater(n, in) && !b.chain.sameAsSeen(n.name, t, in)
	return (later || b.sawHalf(n, t, in) || b.foundLater(n, t, in.Path)) && b.mustNotSee(n, in.Path)
}

// foundLater reports whether what an action has found in a file that it changed is what one
// after it had left there in this build, good or not. Of that its own version tells nothing:
// it says that it has replaced what it found.
func (b *Build) foundLater(n *node, t *cache.Trace, path string) bool {
	found := findOutput(t.Befores, path)
	if found == nil || found.Type != typeRegular {
		return false
	}
	if s, known := b.stateAt(path, found.Stat.Ctime); known {
		return b.laterState(n, &s)
	}
	return slices.ContainsFunc(b.chain.of(path), func(x version) bool {
		if x.target == n.name || x.serial < n.serial || b.chain.isStranger(&x, n.serial) {
			return false
		}
		now := slices.ContainsFunc(b.wrote[path], func(w *done) bool { return w.n.name == x.target })
		return now && x.out.Stat.Ctime == found.Stat.Ctime
	})
}

// sawHalf reports whether what an action read at a path is no version at all: one after
// it was writing the file meanwhile.
func (b *Build) sawHalf(n *node, t *cache.Trace, in *cache.Input) bool {
	writing := func(w *done) bool { return w.n != n && w.end.UnixNano() > t.Started && b.earlier(n, w.n) }
	return slices.ContainsFunc(b.wrote[in.Path], writing) && !b.w.same(in) && !b.chain.sameAsSeen(n.name, t, in)
}

// laterNames lists what later actions have put into a directory that an action
// listed with those names in it.
func (b *Build) laterNames(n *node, t *cache.Trace, in *cache.Input) []string {
	drop := b.chain.hidden(n.name, n.serial, in.Path, true)
	if drop == nil {
		return nil
	}
	if b.chain.listedSame(n.name, in, drop) || b.chain.sameAsSeen(n.name, t, in) {
		return nil // they were not there yet
	}
	names, _ := b.w.names(b.sp.abs(in.Path))
	return b.toHide(n, in.Path, names, drop)
}

// toHide lists those names of a directory that are to be dropped and not hidden yet.
func (b *Build) toHide(n *node, dir string, names []string, drop func(string) bool) (paths []string) {
	for _, name := range names {
		key := joinPath(dir, name)
		if p := b.sp.abs(key); drop(name) && b.mustNotSee(n, key) && !slices.Contains(n.hide, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

// hideLater hides from an action that is about to run what actions after it have left
// where it looked last time.
func (b *Build) hideLater(n *node, old *cache.Trace) {
	if old == nil || b.seesAll(n) {
		return
	}
	later := b.laterKnown(n, old)
	if len(later) > 0 && b.reorder() {
		later = b.laterKnown(n, old)
	}
	n.hide = append(n.hide, later...)
	n.hid = len(n.hide)
}

func (b *Build) laterKnown(n *node, t *cache.Trace) (paths []string) {
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if in.Path[0] != '.' {
			continue
		}
		p := b.sp.abs(in.Path)
		if in.Kind == cache.InputListing {
			if drop := b.chain.hidden(n.name, n.serial, in.Path, true); drop != nil {
				names, _ := b.w.names(p)
				paths = append(paths, b.toHide(n, in.Path, names, drop)...)
			}
			paths = append(paths, b.toCome(n, in.Path)...)
			continue
		}
		out, differs := b.chain.seen(n.name, n.serial, in.Path, true)
		if differs && out.Type == 0 && b.exists(p) && !n.foundDir(in, t) && b.mustNotSee(n, in.Path) && !slices.Contains(n.hide, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

// toCome lists what is not in a directory yet and only actions after another have put there
// in an earlier build. With several jobs they may do so while that one runs.
func (b *Build) toCome(n *node, dir string) (paths []string) {
	if n.always {
		return nil // nobody has written it in this build
	}
	for _, name := range b.chain.dirs[dir] {
		key := joinPath(dir, name)
		if p := b.sp.abs(key); b.chain.onlyLater(n, key) && !b.exists(p) && !slices.Contains(n.hide, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

// mustNotSee tells whether a version that comes after an action in serial order is
// none of its business: it is, for a command, only if it was left in this build.
func (b *Build) mustNotSee(n *node, path string) bool {
	return !n.always || len(b.wrote[path]) > 0
}

// seesAll tells that nothing is to be hidden from a command, which spares it the index
// of all versions.
func (b *Build) seesAll(n *node) bool { return n.always && len(b.wrote) == 0 }

// hazard notes that f has to run again after need, which wrote path.
func (b *Build) hazard(f, need *makefile.File, path string) {
	b.again(f, need, b.tooEarly(path, need))
}

func (b *Build) tooEarly(path string, need *makefile.File) string {
	return fmt.Sprintf("it looked at %s before %s had written it", b.display(path), need.Name)
}

// again notes a target that has to run once more.
func (b *Build) again(f, need *makefile.File, why string) {
	if !b.repeat(f, need, why) {
		return
	}
	n := b.node(f)
	n.stale = why
	b.tree.mu.Lock()
	defer b.tree.mu.Unlock()
	if b.tree.again[n.name] == 0 {
		b.tree.again[n.name] = b.begin(n, b.passing(f))
	}
}

// ranAgain crosses out that a target has to run once more: it has run, or come from the
// cache, perhaps in another visit of its make than the one that found out.
func (b *Build) ranAgain(n *node) {
	b.tree.mu.Lock()
	id := b.tree.again[n.name]
	delete(b.tree.again, n.name)
	b.tree.mu.Unlock()
	b.cross(id)
}

// repeat lets a target be made once more, after what it needs.
func (b *Build) repeat(f, need *makefile.File, why string) bool {
	n := b.node(f)
	b.debug("hazard: %s: %s", f.Name, why)
	if need != nil && !hasDep(f, need) && !slices.Contains(f.AlsoMake, need) {
		b.learn(f, need)
	}
	if (f.Phony || b.isCommand(n)) && !f.Recipe.AnyRecurse {
		return false
	}
	i := slices.IndexFunc(b.reruns, func(r exec.Rerun) bool { return r.File == f })
	if i < 0 && n.reruns >= maxReruns {
		b.warn("%s was made %d times and is still not as it should be: %s", f.Name, maxReruns+1, why)
		return false
	}
	b.repeated = true
	if i < 0 {
		b.reruns = append(b.reruns, exec.Rerun{File: f})
		i = len(b.reruns) - 1
		n.reruns++
	}
	if need != nil && !slices.Contains(b.reruns[i].Needs, need) {
		b.reruns[i].Needs = append(b.reruns[i].Needs, need)
	}
	return true
}

// hasDep reports whether a target has another as a prerequisite, declared or learned.
func hasDep(f, need *makefile.File) bool {
	return slices.ContainsFunc(f.Deps, func(d *makefile.Dep) bool { return d.File == need })
}

// debug prints one line for --debug=hazards.
func (b *Build) debug(format string, args ...any) {
	if b.opts.Hazards != nil {
		b.opts.Hazards(fmt.Sprintf(format, args...))
	}
}

// isCommand reports whether a recipe has left no file of its target's name: it
// has run, like a phony one, and is not repeated.
func (b *Build) isCommand(n *node) bool {
	e, ok := b.graph.Entry(n.name)
	return ok && e.Flags()&cache.Always != 0
}

// learn keeps an edge for later builds.
func (b *Build) learn(f, need *makefile.File) {
	b.graph.AddEdges(cache.Edge{Target: b.node(f).name, Needs: b.node(need).name})
	b.order = nil // the edge moves them
}

// Learned gives the edges of earlier builds between targets of this makefile.
func (b *Build) Learned() []exec.Rerun {
	edges := b.graph.Edges()
	if len(edges) == 0 {
		return nil
	}
	below := b.graph.Below()
	var out []exec.Rerun
	for _, e := range edges {
		if b.db.Lookup(b.display(e.Needs)) == nil && slices.Contains(below, e) {
			continue // both have that name in the make below
		}
		f, need := b.target(e.Target), b.target(e.Needs)
		if f != nil && need != nil {
			out = append(out, exec.Rerun{File: f, Needs: []*makefile.File{need}})
		}
	}
	return out
}

// target returns the target of a name in the graph, nil if this makefile has none. It
// need not be mentioned in the makefile: a pattern rule may have made what a recipe
// missed once. Such a file that is gone was an intermediate one: it is made when
// somebody misses it again.
func (b *Build) target(name string) *makefile.File {
	f := b.db.Lookup(b.display(name))
	if _, made := b.graph.Entry(name); f != nil || !made || b.opts.Makeable == nil || !b.exists(b.sp.abs(name)) {
		return f
	}
	return b.opts.Makeable(b.display(name))
}

// Hazards implements exec.Referee.
func (b *Build) Hazards() []exec.Rerun {
	b.findOvertaken()
	out := b.reruns
	b.reruns = nil
	slices.SortFunc(out, func(x, y exec.Rerun) int {
		return b.node(x.File).place().compare(b.node(y.File).place())
	})
	return out
}

// Waiting implements exec.Referee.
func (b *Build) Waiting() bool { return len(b.reruns) > 0 }
