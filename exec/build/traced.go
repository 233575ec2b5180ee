package build

import (
	"fmt"
	"slices"
	"sync"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// traced decides by the trace of the target's last run.
func (b *Build) traced(f *makefile.File, n *node, e cache.Entry, outs []cache.Output, must bool) decision {
	whole := sync.OnceValue(e.Trace)
	run := func(why, on string, differs *cache.Input) decision {
		return b.orCached(f, n, decision{verdict: exec.Run, why: why, old: whole(), differs: differs, on: on})
	}
	if e.Flags()&cache.Provisional == 0 {
		if key := b.recipeKey(f, n); key.key != e.Key() {
			if why := b.recipeDiffers(f, n, e.Trace()); why != "" {
				return run(why, "", nil)
			}
		}
	}
	if b.opts.DryRun {
		if why, by := b.pretendedInput(f, e.Trace()); why != "" {
			return decision{verdict: exec.Run, why: why, old: e.Trace(), on: by}
		}
	}
	if p := b.inputPutBack(whole); p != "" {
		return decision{verdict: b.afterRunning(), why: b.display(p) + " is put back for a recipe that runs now"}
	}
	if in, by := b.makingInput(n, whole, false); by != nil {
		return decision{verdict: exec.AfterRunning, why: b.display(in.Path) + " is made anew now by the recipe of " + by.Name, on: by.Name}
	}
	in := b.checker.Holds(&e, func(in *cache.Input) bool {
		return b.seesAsWas(n.name, e.Serial(), e.Flags(), in)
	})
	if in != nil {
		if by := b.makingAnew(n, in); by != nil {
			return decision{verdict: exec.AfterRunning, why: b.describeIn(whole().Inputs, in) + ", which the recipe of " + by.Name + " makes anew now", on: by.Name}
		}
		return run(b.describeIn(whole().Inputs, in), "", in)
	}
	if why, variable := b.envDiffers(f, e); why != "" {
		return run(why, variable, nil)
	}
	if b.pathChanged() {
		if why := b.commandsMoved(whole()); why != "" {
			return run(why, "", nil)
		}
	}
	if why, on := b.tokensDiffer(f, e, must, whole); why != "" {
		return run(why, on, nil)
	}
	if out := b.missingOutput(outs); out != nil {
		old, gone := whole(), b.display(out.Path)
		if e.Flags()&(cache.NoStore|cache.Stateful) != 0 && e.Flags()&cache.Provisional == 0 {
			return decision{verdict: exec.Run, why: gone + " is gone", old: old}
		}
		if b.printsTheSame(f, n, old) && b.opts.Cache != CacheOff && b.haveContents(old) {
			return decision{verdict: exec.Restored, why: gone + " was gone", old: old, hit: old, again: sameAgain(old)}
		}
		return run(gone+" is gone", "", nil)
	}
	if p := b.overwritten(n, outs); p != "" {
		why, old := p+" was written again by an action before it", whole()
		if e.Flags()&cache.NoStore == 0 && b.printsTheSame(f, n, old) && b.opts.Cache != CacheOff && b.haveContents(old) {
			return decision{verdict: exec.Restored, why: why, old: old, hit: old}
		}
		return decision{verdict: exec.Run, why: why, old: old}
	}
	if in, by := b.makingInput(n, whole, true); by != nil {
		return decision{verdict: exec.AfterRunning, why: "the recipe of " + by.Name + " leaves anew now what is in " + b.display(in.Path), on: by.Name}
	}
	return decision{verdict: exec.UpToDate, why: "everything that its recipe looked at is as it was", run: e.Run(), outs: outs, fresh: must}
}

// seesAsWas reports whether an input that the tree does not have as it was is so all the same
// for an action of which position and flags are known. Of what is the user's only contents
// are told.
func (b *Build) seesAsWas(name string, serial uint64, flags cache.TraceFlags, in *cache.Input) bool {
	return b.chain.agrees(name, serial, flags, in) || b.sameIntermediate(in) ||
		flags&cache.Provisional != 0 && b.w.hasHash(b.sp.abs(in.Path), in.Hash)
}

// makingAnew returns the recipe that runs now or waits to, comes before a target, and left
// last time what the target has looked at: the target cannot be judged by what it has been
// taken back for the run. nil if there is none.
func (b *Build) makingAnew(n *node, in *cache.Input) *makefile.File {
	by := b.makerBefore(n, in.Path)
	if by == nil && in.Kind == cache.InputListing {
		by = b.makerBefore(n, in.Path+"/")
	}
	return by
}

// makingInput finds such a recipe and what of it the target has read, whether that is still
// as it was or not. It may change any moment, and what depends on the target may be a
// command, which runs but once. Of names in a directory it is asked by itself, and only for
// what would not be made: recipes that list one directory and leave something there may
// run at the same time.
func (b *Build) makingInput(n *node, t func() *cache.Trace, names bool) (*cache.Input, *makefile.File) {
	if !b.hasMakers(n) {
		return nil, nil // what it has read need not be decoded
	}
	inputs := t().Inputs
	for i := range inputs {
		in, path := &inputs[i], inputs[i].Path
		switch {
		case names && in.Kind == cache.InputListing:
			path += "/"
		case !names && (in.Kind == cache.InputContent || in.Kind == cache.InputLink):
		default:
			continue
		}
		if by := b.makerBefore(n, path); by != nil {
			return in, by
		}
	}
	return nil, nil
}

// hasMakers reports whether there may be such recipes for a target at all.
func (b *Build) hasMakers(n *node) bool {
	return len(b.running) > 0 && len(b.waiting.left) > 0 ||
		slices.ContainsFunc(b.running, func(a *action) bool { return a.n != n && a.n.before(n) && len(a.leftBefore()) > 0 })
}

// makerBefore returns the recipe before a target that left a path last time, or something in
// a directory with a slash behind, and that runs now or waits for one which does.
func (b *Build) makerBefore(n *node, path string) *makefile.File {
	for _, a := range b.running {
		if a.n != n && a.leftBefore()[path] && a.n.before(n) {
			return a.f
		}
	}
	if len(b.running) > 0 {
		for w, f := range b.waiting.makers[path] {
			if w != n && w.before(n) {
				return f
			}
		}
	}
	return nil
}

// waiting are the targets that were last found to have to wait for a recipe which runs.
type waiting struct {
	left   map[*node]map[string]bool           // see leftPaths
	makers map[string]map[*node]*makefile.File // the same by path
}

func newWaiting() waiting {
	return waiting{make(map[*node]map[string]bool), make(map[string]map[*node]*makefile.File)}
}

func (w *waiting) has(n *node) bool { _, yes := w.left[n]; return yes }

// add enters a target and what it left last time.
func (w *waiting) add(f *makefile.File, n *node, left map[string]bool) {
	w.left[n] = left
	for path := range left {
		if w.makers[path] == nil {
			w.makers[path] = make(map[*node]*makefile.File)
		}
		w.makers[path][n] = f
	}
}

func (w *waiting) remove(n *node) {
	for path := range w.left[n] {
		delete(w.makers[path], n)
	}
	delete(w.left, n)
}

// waits notes whether a target waits for a recipe that runs now.
func (b *Build) waits(f *makefile.File, n *node, yes bool) {
	switch {
	case b.waiting.has(n) == yes:
	case yes:
		var left map[string]bool
		if e, known := b.graph.Entry(n.name); known {
			left = leftPaths(e.Outputs())
		}
		b.waiting.add(f, n, left)
	default:
		b.waiting.remove(n)
	}
}

// leftBefore returns the paths of what an action's last run has left, see leftPaths.
func (a *action) leftBefore() map[string]bool {
	if a.left == nil && a.old != nil {
		a.left = leftPaths(a.old.Outputs)
	}
	return a.left
}

// leftPaths returns the paths of outputs, and with a slash behind the directories in which
// they are, or which they are: something may be put there.
func leftPaths(outs []cache.Output) map[string]bool {
	left := make(map[string]bool, 2*len(outs))
	for i := range outs {
		dir, _ := splitPath(outs[i].Path)
		left[outs[i].Path], left[dir+"/"] = true, true
		if outs[i].Type == typeDir {
			left[outs[i].Path+"/"] = true
		}
	}
	return left
}

// printsTheSame reports whether a recipe, which does what it did when a trace was
// made, also says what it said then: what is restored is replayed.
func (b *Build) printsTheSame(f *makefile.File, n *node, t *cache.Trace) bool {
	return b.recipeKey(f, n).full == t.FullKey
}

// differs checks every input as the action sees it, chain of versions included,
// and returns the first that is not as it was.
func (b *Build) differs(name string, t *cache.Trace) *cache.Input {
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if !b.w.same(in) && !b.chain.sameAsSeen(name, t, in) && !b.sameIntermediate(in) {
			return in
		}
	}
	return nil
}

// sameIntermediate reports whether an input that is gone is an intermediate file
// that would be made as it was: GNU make deleted it, so it is missing by right.
func (b *Build) sameIntermediate(in *cache.Input) bool {
	p := b.sp.abs(in.Path)
	if b.exists(p) {
		return false
	}
	f := b.db.Lookup(b.display(in.Path))
	if f == nil || f.Recipe == nil || !f.Intermediate && !f.Secondary {
		return false
	}
	t := b.graph.Target(b.node(f).name)
	if t == nil || t.Flags&(cache.Failed|cache.Provisional) != 0 {
		return false
	}
	out := findOutput(t.Outputs, in.Path)
	return out != nil && sameVersion(out, in) && b.recipeKey(f, b.node(f)).key == t.Key && b.differs(b.node(f).name, t) == nil
}

// goneByRight reports whether a path is absent because the action that wrote it
// last removed it: it was made and used up.
func (b *Build) goneByRight(key string) bool {
	chain := b.chain.of(key)
	if len(chain) < 2 || chain[len(chain)-1].out.Type != 0 {
		return false
	}
	by := chain[len(chain)-1].target
	if f := b.db.Lookup(b.display(by)); f != nil && f.Recipe != nil {
		_, here := b.serials[by]
		return here // else who removes it is no part of this build
	}
	return true
}

// describeIn is describe for one of the inputs of a trace. A file that appeared may come
// before one that was found farther on along a path.
func (b *Build) describeIn(inputs []cache.Input, in *cache.Input) string {
	text := b.describe(in)
	if in.Kind != cache.InputAbsent || !b.exists(b.sp.abs(in.Path)) {
		return text
	}
	if found := foundInstead(inputs, in.Path); found != "" {
		return b.display(in.Path) + " now exists and comes before " + b.display(found)
	}
	return text
}

// foundInstead names the file that an action read after it had looked for another in
// vain: the one whose path ends most like the other's, "" if none has its name.
func foundInstead(inputs []cache.Input, missed string) string {
	best, most := "", 0
	_, name := splitPath(missed)
	for i := range inputs {
		in := &inputs[i]
		if _, other := splitPath(in.Path); other != name || in.Kind != cache.InputContent {
			continue
		}
		if n := commonEnd(in.Path, missed); n > most {
			best, most = in.Path, n
		}
	}
	return best
}

func commonEnd(x, y string) int {
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

// describe says in words how an input differs from what a trace saw.
func (b *Build) describe(in *cache.Input) string {
	now, err := b.w.asInput(b.sp.abs(in.Path), in.Kind, nil)
	name := b.display(in.Path)
	switch {
	case err != nil:
		return fmt.Sprintf("%s cannot be read: %v", name, err)
	case in.Kind == cache.InputAbsent:
		return name + " appeared"
	case now.Kind == cache.InputAbsent:
		return name + " vanished"
	case in.Kind == cache.InputListing && now.Kind == in.Kind:
		return "the names in " + name + " changed"
	case in.Kind == cache.InputLink && now.Kind == in.Kind:
		return "the link " + name + " points elsewhere"
	case in.Kind == cache.InputContent && now.Kind == in.Kind && now.Hash != in.Hash:
		return fmt.Sprintf("%s changed (%s -> %s)", name, in.Hash.Short(), now.Hash.Short())
	case in.Mode != now.Mode:
		return fmt.Sprintf("the mode of %s changed (%04o -> %04o)", name, in.Mode&0o7777, now.Mode&0o7777)
	case in.Size != now.Size:
		return fmt.Sprintf("the size of %s changed (%d -> %d)", name, in.Size, now.Size)
	}
	return name + " changed"
}

// display is how a path of a trace is called in messages: relative to where
// make runs.
func (b *Build) display(key string) string {
	p := b.sp.abs(key)
	if p == b.sp.cwd {
		return "."
	}
	if within(p, b.sp.cwd) && b.sp.cwd != "/" {
		return p[len(b.sp.cwd)+1:]
	}
	return p
}
