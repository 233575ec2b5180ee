package build

import (
	"cmp"
	"errors"
	"math"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// logsChanged puts together what an action has appended to, or was the last to append
// to, or has written whole though others append to it.
func (b *Build) logsChanged(n *node, old, t *cache.Trace) {
	var changed []string
	b.tree.logs.mu.Lock()
	all := b.tree.logs.all(b.graph)
	for _, trace := range []*cache.Trace{old, t} {
		for i := 0; trace != nil && len(all) > 0 && i < len(trace.Outputs); i++ {
			o := &trace.Outputs[i]
			l := all[o.Path]
			if l == nil || slices.Contains(changed, o.Path) {
				continue
			}
			if l.writers != nil {
				l.writers[n.name] = true
			}
			if !sameSegment(old, t, o.Path) || !b.isWhole(l) {
				changed = append(changed, o.Path)
			}
		}
	}
	b.tree.logs.mu.Unlock()
	for _, path := range changed {
		b.putTogether(path, n.serial, nil)
	}
}

// isWhole reports whether a log is as it is after all of its versions. The lock is held.
func (b *Build) isWhole(l *log) bool {
	want, exists, ok := b.content(l, b.links(l))
	return ok && exists && b.w.hasHash(b.sp.abs(l.Path), cache.HashBytes(want))
}

// showSegments lets everybody read in its logs what an action that failed has said.
func (a *action) showSegments(left []cache.Output) {
	for i := range left {
		if o := &left[i]; o.Type == cache.TypeSegment {
			a.b.putTogether(o.Path, a.n.serial, &version{serial: a.n.serial, target: a.n.name, out: *o})
		}
	}
}

// sameSegment reports whether two runs of an action have appended the same to a file.
func sameSegment(old, t *cache.Trace, path string) bool {
	if old == nil || t == nil || old.Flags&cache.Failed != 0 {
		return false
	}
	x, y := findOutput(old.Outputs, path), findOutput(t.Outputs, path)
	return x != nil && y != nil && x.Type == cache.TypeSegment && y.Type == x.Type && x.Hash == y.Hash
}

// putTogether makes a log what it is after all versions in serial order up to the first
// whole one after a place: whoever left that has to look at it again. extra is a segment
// that is in no trace, nil if there is none.
func (b *Build) putTogether(path string, after uint64, extra *version) {
	all := &b.tree.logs
	all.mu.Lock()
	defer all.mu.Unlock()
	l := all.all(b.graph)[path]
	if l == nil || l.lowered > 0 {
		return // whoever reads it has to end first
	}
	chain := b.links(l)
	if extra != nil {
		at, _ := slices.BinarySearchFunc(chain, extra.serial, func(v version, s uint64) int { return cmp.Compare(v.serial, s) })
		chain = slices.Insert(chain, at, *extra)
	}
	end := slices.IndexFunc(chain, func(v version) bool { return v.serial > after && v.out.Type != cache.TypeSegment })
	if end < 0 {
		end = len(chain)
	}
	b.setLog(l, chain[:end])
	if !slices.ContainsFunc(chain, func(v version) bool { return v.out.Type == cache.TypeSegment }) {
		delete(all.known, path)
		_ = b.graph.DropLog(path) // it would only be looked at in vain
	}
}

// setLog makes a log what it is after some of its versions, if it is not the user's.
// The lock is held.
func (b *Build) setLog(l *log, upTo []version) {
	p := b.sp.abs(l.Path)
	now, err := os.ReadFile(p)
	stands, h := err == nil, cache.HashBytes(now)
	if err != nil && !errors.Is(err, unix.ENOENT) || !b.isOurs(l, now, h) {
		return
	}
	if b.leftWhole(l, h) {
		// A version that is to be had again when what comes before it changes.
		if _, err := b.keepBytes(now); err != nil {
			b.leaveUndone(l, h)
			return
		}
	}
	want, exists, ok := b.content(l, upTo)
	if !ok {
		b.leaveUndone(l, h)
		return
	}
	left := cache.HashBytes(want)
	if exists && stands && h == left && l.Left == left {
		return
	}
	l.Before, l.Left = h, left
	if !b.putLog(l) {
		return
	}
	switch {
	case !exists && stands:
		b.remove(l.Path, typeRegular)
	case exists && (!stands || h != left):
		b.replaceTail(p, modeIn(upTo), now, want)
	}
	b.lookAgain(p)
}

// leaveUndone notes that a log, of which now stands, is not as it should be: its parts
// cannot be had, because the engine has gone. No content has the hash that it is said
// to have been left with, so the next build puts it together.
func (b *Build) leaveUndone(l *log, now cache.Hash) {
	l.Before, l.Left = now, cache.Hash{}
	b.putLog(l)
}

// putLog keeps what is known of a log, and reports whether that could be done.
func (b *Build) putLog(l *log) bool {
	b.opts.Idle.Void()
	err := b.graph.PutLog(&l.Log)
	if err != nil {
		b.trouble("keeping what is known of "+b.display(l.Path), err)
	}
	return err == nil
}

// finishLogs puts together what an earlier make could not any more because its engine
// had gone: what stands is still what stood before. It does so once, when it is called
// first, which is to be when the serial order is known.
func (b *Build) finishLogs() {
	if b.journal == nil || b.level != 0 {
		return // this build changes nothing, or the others may be at work
	}
	all := &b.tree.logs
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.finished {
		return
	}
	all.finished = true
	for path, l := range all.all(b.graph) {
		b.w.lstat(b.sp.abs(path))
		now, err := b.w.hash(b.sp.abs(path))
		if errors.Is(err, unix.ENOENT) {
			now.Hash, err = cache.HashBytes(nil), nil
		}
		if err == nil && now.Hash != l.Left && now.Hash == l.Before {
			b.finishLog(l, now.Hash)
		}
	}
}

// finishLog puts one log together up to what it was to be, or up to the first whole version
// after what stands. The lock is held.
func (b *Build) finishLog(l *log, now cache.Hash) {
	chain := b.links(l)
	for n := len(chain); n >= 0; n-- {
		data, _, ok := b.content(l, chain[:n])
		if h := cache.HashBytes(data); !ok || h != now && h != l.Left {
			continue
		}
		for n < len(chain) && chain[n].out.Type == cache.TypeSegment {
			n++
		}
		b.setLog(l, chain[:n])
		return
	}
}

// modeIn returns the mode of the file that versions leave.
func modeIn(chain []version) uint32 {
	if len(chain) == 0 {
		return 0o644
	}
	return chain[len(chain)-1].out.Mode
}

// replaceTail writes what is not yet as it should be. While an action is writing the
// file it is left alone: the log is put together when that has ended.
func (b *Build) replaceTail(p string, mode uint32, now, want []byte) {
	same := 0
	for same < len(now) && same < len(want) && now[same] == want[same] {
		same++
	}
	eng, err := b.startEngine()
	if err == nil {
		err = eng.ReplaceTail(p, mode, want[same:], int64(same))
	}
	if err != nil && !errors.Is(err, unix.EBUSY) {
		b.warn("%s: cannot be put together from what recipes appended: %v", b.display(b.sp.key(p)), err)
	}
}

// withdraw takes what an action appended last time out of a log, before it runs again:
// it may read it.
func (b *Build) withdraw(path string, n *node) {
	all := &b.tree.logs
	all.mu.Lock()
	defer all.mu.Unlock()
	l := all.all(b.graph)[path]
	if l == nil || l.lowered > 0 {
		return
	}
	var others []version
	for _, v := range b.links(l) {
		if v.serial > n.serial && v.out.Type != cache.TypeSegment {
			break
		}
		if v.target != n.name {
			others = append(others, v)
		}
	}
	b.setLog(l, others)
}

// lower puts the logs that an action reads, and that actions after it have changed,
// back to what it is to see, and returns a function that undoes it.
func (b *Build) lower(n *node, old *cache.Trace) (raise func()) {
	all := &b.tree.logs
	all.mu.Lock()
	defer all.mu.Unlock()
	known := all.all(b.graph)
	if len(known) == 0 {
		return func() {}
	}
	paths := slices.Clone(n.lowered)
	for i := 0; old != nil && i < len(old.Inputs); i++ {
		if in := &old.Inputs[i]; in.Kind == cache.InputContent && known[in.Path] != nil && !slices.Contains(paths, in.Path) {
			paths = append(paths, in.Path)
		}
	}
	for i := 0; old != nil && old.Flags&cache.Failed != 0 && i < len(old.Outputs); i++ {
		// Of what it has changed, a run that failed does not say whether it had read it.
		if o := &old.Outputs[i]; o.Type == typeRegular && known[o.Path] != nil && !slices.Contains(paths, o.Path) {
			paths = append(paths, o.Path)
		}
	}
	var done []string
	for _, path := range paths {
		l := known[path]
		if l == nil || l.lowered > 0 {
			continue
		}
		chain := b.links(l)
		end := slices.IndexFunc(chain, func(v version) bool { return v.target == n.name || v.serial > n.serial })
		own := end >= 0 && chain[end].target == n.name
		if end < 0 {
			failed := b.chain.failedAfter(n.name, n.serial, path, false)
			if failed == nil {
				continue
			}
			end, own = len(chain), failed.target == n.name
		}
		if _, exists, _ := b.content(l, chain[:end]); !exists {
			continue // what comes before it is yet to be made again
		}
		b.setLog(l, chain[:end])
		if !own { // else it is about to write it
			l.lowered++
			done = append(done, path)
		}
	}
	return func() { b.raise(done) }
}

func (b *Build) raise(paths []string) {
	for _, path := range paths {
		b.tree.logs.mu.Lock()
		if l := b.tree.logs.known[path]; l != nil {
			l.lowered--
		}
		b.tree.logs.mu.Unlock()
		b.putTogether(path, math.MaxUint64, nil)
		b.wasLowered(path)
	}
}
