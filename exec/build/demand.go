package build

import (
	"os"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
	"fmake/tracefs"
)

// A demand is what a failed recipe turns out to need: a target that makes, or is
// making, what the recipe looked for in vain or saw before it was whole.

// Failed implements exec.Referee.
func (b *Build) Failed(f *makefile.File) (exec.Ruling, []*makefile.File) {
	n := b.node(f)
	if f.Recipe.AnyRecurse {
		return b.failedBelow(f, n)
	}
	if c := n.clash; len(c) > 0 {
		if n.clash = nil; n.reruns < maxReruns {
			b.separateAll(f, n, c)
			return exec.Hold, nil // it runs again, see again
		}
	}
	if b.missedOwn(n) {
		n.stale = "it needs what has stood in its place"
		return exec.Again, nil
	}
	if n.demands >= maxDemands || len(n.missed)+len(n.saw)+len(n.listed) == 0 && !n.recipe.lists {
		return exec.Final, nil
	}
	if needs := b.demand(f, n); len(needs) > 0 {
		n.demands++
		n.stale = "it needs " + needs[0].Name
		b.repeated = true
		return exec.Again, needs
	}
	if b.unfinishedBefore(f, n) {
		return exec.Hold, nil
	}
	return exec.Final, nil
}

// missedOwn reports whether a failed recipe has looked in vain for what the user has put
// where it makes a file, which it is to see from now on: a recipe may need the file that it
// makes anew ("config.status: configure; ./config.status --recheck").
func (b *Build) missedOwn(n *node) bool {
	found := false
	for _, p := range n.adopted {
		if slices.Contains(n.missed, b.sp.key(p)) {
			n.shown = append(n.shown, p)
			found = true
		}
	}
	n.adopted = nil
	return found
}

// demand finds the targets that a failed action looked for in vain: made by now,
// or makeable by the makefile.
func (b *Build) demand(f *makefile.File, n *node) []*makefile.File {
	var needs []*makefile.File
	add := func(need *makefile.File, path string) {
		if n.always && !b.node(need).before(n) {
			return // serial make would not have made that before it
		}
		if slices.Contains(f.Together(), need) || slices.Contains(needs, need) || !n.demandOnce(need) {
			return
		}
		b.dropAgainst(f, need)
		b.learn(f, need)
		b.debug("demand: %s needs %s of %s", f.Name, b.display(path), need.Name)
		needs = append(needs, need)
		b.unhide(n, need, path)
	}
	if by, changed := b.listedAnew(f, n); changed && by != nil {
		b.learn(f, by.f)
		needs = append(needs, by.f)
	}
	for _, dir := range n.listed { // a pattern may have matched too little
		if w := b.lastBefore(n, b.filled[dir], n.tried); w != nil {
			add(w.f, dir)
		}
	}
	for _, path := range n.missed {
		if w := b.wroteFor(n, path); w != nil {
			add(w.f, path)
			continue
		}
		if w := b.unwatched(n, n.tried); w != nil && b.exists(b.sp.abs(path)) {
			add(w.f, path)
			continue
		}
		if n.always {
			continue // nothing is made for it that serial make would not have made
		}
		if need := b.makeable(path); need != nil {
			add(need, path)
			continue
		}
		for _, need := range b.makeableBelow(f, n, path) {
			add(need, path)
		}
	}
	for i := range n.saw {
		in := &n.saw[i]
		for _, w := range b.wrote[in.Path] {
			if !b.w.asBefore(in) {
				add(w.f, in.Path)
			}
		}
		if w := b.unwatched(n, n.tried); w != nil && !b.w.asBefore(in) {
			add(w.f, in.Path)
		}
		if w := b.writer(in.Path); w != nil {
			add(w, in.Path)
		}
	}
	return needs
}

// dropAgainst takes back the learned edges that stand against one that a failure has taught:
// they only keep the order in which recipes would run, which that one changes.
func (b *Build) dropAgainst(f, need *makefile.File) {
	for {
		way := wayTo(need.Current(), f, make(map[*makefile.File]bool))
		i := slices.IndexFunc(way, func(l link) bool { return l.dep.Learned && !b.node(l.from).demanded[l.dep.File] })
		if i < 0 {
			return // there is no way, or it is the makefile's own, whose circle serial make reports
		}
		l := way[i]
		l.from.Deps = slices.DeleteFunc(l.from.Deps, func(d *makefile.Dep) bool { return d == l.dep })
		b.graph.DropEdge(cache.Edge{Target: b.node(l.from).name, Needs: b.node(l.dep.File).name})
	}
}

// link is a prerequisite of a file.
type link struct {
	from *makefile.File
	dep  *makefile.Dep
}

// wayTo returns one way from a file over its prerequisites to another, nil if there is none.
func wayTo(from, to *makefile.File, seen map[*makefile.File]bool) []link {
	seen[from] = true
	for _, d := range from.Deps {
		switch next := d.File; {
		case next == nil || seen[next.Current()]:
		case next.Current() == to:
			return []link{{from, d}}
		default:
			if way := wayTo(next.Current(), to, seen); way != nil {
				return append([]link{{from, d}}, way...)
			}
		}
	}
	return nil
}

// wroteFor returns the action of this build that has made what another looked for in vain:
// the last one before it in serial order; else the last one of all, if it is there and
// serial make would make it for it.
func (b *Build) wroteFor(n *node, path string) *done {
	all := b.wrote[path]
	for _, w := range slices.Backward(all) {
		if w.n.before(n) {
			return w
		}
	}
	if len(all) > 0 && !n.always && b.exists(b.sp.abs(path)) {
		return all[len(all)-1]
	}
	return nil
}

// writer returns the target whose recipe is writing a file now, nil if there is none.
func (b *Build) writer(path string) *makefile.File {
	name := b.beingWritten(b.sp.abs(path))
	if name == "" {
		return nil
	}
	return b.db.Lookup(b.display(name))
}

// unhide lets an action see what a target has left that is to come before it from
// now on.
func (b *Build) unhide(n *node, need *makefile.File, path string) {
	n.hide = slices.DeleteFunc(n.hide, func(p string) bool {
		key := b.sp.key(p)
		if key == path {
			return true
		}
		last := b.node(need).last
		return last != nil && last.t != nil && findOutput(last.t.Outputs, key) != nil
	})
	n.hid = len(n.hide)
}

// unhideEarlier lets an action see what was hidden as a later action's and what, by
// now, one before it has left there too.
func (b *Build) unhideEarlier(n *node) {
	n.hide = slices.DeleteFunc(n.hide, func(p string) bool { return b.leftEarlier(n, b.sp.key(p)) })
	n.hid = len(n.hide)
}

// leftEarlier tells whether an action before a target has left something at a path.
func (b *Build) leftEarlier(n *node, key string) bool {
	return slices.ContainsFunc(b.chain.of(key), func(v version) bool {
		return v.serial < n.serial && v.target != n.name && v.out.Type != 0
	})
}

// missedEarlier returns a path that was hidden from an action because what stands there came
// after it, where one before it has left something by the order as it is now; "" if there is
// none that it has missed.
func (b *Build) missedEarlier(n *node, t *cache.Trace) string {
	for _, p := range n.hide {
		key := b.sp.key(p)
		missed := func(in cache.Input) bool { return in.Path == key && in.Kind == cache.InputAbsent }
		if b.leftEarlier(n, key) && slices.ContainsFunc(t.Inputs, missed) && b.exists(p) {
			return key
		}
	}
	return ""
}

// makeable returns the target that makes a missing path, unless it is one that
// leaves no file.
func (b *Build) makeable(path string) *makefile.File {
	if b.opts.Makeable == nil {
		return nil
	}
	need := b.opts.Makeable(b.display(path))
	if need == nil || need.Phony || need.Run.Updated && !b.exists(b.sp.abs(path)) {
		return nil // what is there was made too late, or comes later and was hidden
	}
	if e, ok := b.graph.Entry(b.node(need).name); ok && e.Flags()&cache.Always != 0 {
		return nil
	}
	return need
}

// makeableBelow returns the targets below a missing directory whose last name
// element is a word of the recipe or of a file that it read: the kernel stops
// looking at the first directory that is not there, so the whole path was never
// asked for, and it may have been put together from a search path.
func (b *Build) makeableBelow(f *makefile.File, n *node, dir string) []*makefile.File {
	prefix := b.display(dir) + "/"
	var words map[string]bool
	var out []*makefile.File
	for _, t := range b.db.Files() {
		if t == f || !t.IsTarget || !strings.HasPrefix(t.Name, prefix) {
			continue
		}
		if words == nil {
			words = b.wordsOf(n)
		}
		if _, base := splitPath(t.Name); !words[base] {
			continue
		}
		if need := b.makeable(b.node(t).name); need != nil {
			out = append(out, need)
		}
	}
	return out
}

// maxWords is how large a file may be whose words are looked at.
const maxWords = 1 << 20

// wordsOf returns the file names that a failed action's recipe, or a file that it
// read, may mean: without their directories.
func (b *Build) wordsOf(n *node) map[string]bool {
	words := make(map[string]bool)
	add := func(text string) {
		for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return !isNameRune(r) }) {
			words[strings.TrimRight(w, ".")] = true
		}
	}
	add(n.recipe.text)
	for _, in := range n.saw {
		if in.Kind != cache.InputContent || in.Size > maxWords {
			continue
		}
		if data, err := os.ReadFile(b.sp.abs(in.Path)); err == nil {
			add(string(data))
		}
	}
	return words
}

func isNameRune(r rune) bool {
	return r > unicode.MaxASCII || unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._+-@%~", r)
}

// unfinishedBefore reports whether a target before f in serial order is not made
// yet, or has to be made once more.
func (b *Build) unfinishedBefore(f *makefile.File, n *node) bool {
	if b.opts.Serial == nil {
		return false
	}
	b.number(f, n)
	parallel := !b.opts.Serial()
	for g := range b.order {
		if b.node(g).before(n) && g.Recipe != nil && (parallel && !g.Run.Updated || b.node(g).stale != "") {
			return true
		}
	}
	return false
}

// remember keeps what a failed action looked at, for the ruling.
func (a *action) remember(rec *tracefs.Record) {
	n, sp := a.n, a.b.sp
	n.missed, n.saw, n.listed, n.tried = nil, nil, nil, a.started
	for i := range rec.Looks {
		l := &rec.Looks[i]
		if !sp.inProject(l.Path) || a.passOver(l.Path) {
			continue
		}
		if findWrite(rec.Writes, l.Path) != nil {
			continue // what it makes itself it needs from nobody
		}
		if l.Flags&tracefs.LookAbsent != 0 {
			n.missed = append(n.missed, sp.key(l.Path))
			if l.Stat.Ino == 0 {
				continue
			} // else another has made it since
		}
		if l.Flags&tracefs.LookListing != 0 {
			n.listed = append(n.listed, sp.key(l.Path))
		}
		if l.Stat.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		x := cache.Input{Path: sp.key(l.Path), Kind: cache.InputExists, Mode: l.Stat.Mode, Size: l.Stat.Size}
		if l.Flags&tracefs.LookContent != 0 {
			x.Kind, x.Stat = cache.InputContent, fileStat(&l.Stat)
		}
		n.saw = append(n.saw, x)
	}
}

func fileStat(s *tracefs.Stat) cache.FileStat {
	return cache.FileStat{Dev: s.Dev, Ino: s.Ino, Size: s.Size, Mtime: s.Mtime, Ctime: s.Ctime, Mode: s.Mode}
}

// looksOfFailed are the looks of a failed action in the terms of a trace.
func (n *node) looksOfFailed() []cache.Input {
	in := slices.Clone(n.saw)
	for _, p := range n.missed {
		in = append(in, cache.Input{Path: p, Kind: cache.InputAbsent})
	}
	slices.SortStableFunc(in, func(x, y cache.Input) int { return strings.Compare(x.Path, y.Path) })
	return in
}
