package build

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
)

// missingOutput returns the first output inside the project that is gone, nil if
// none is.
func (b *Build) missingOutput(outs []cache.Output) *cache.Output {
	for i := range outs {
		o := &outs[i]
		if o.Type == 0 || o.Path[0] == '/' {
			continue
		}
		if _, ok := b.w.lstat(b.sp.abs(o.Path)); ok {
			continue
		}
		if b.goneByRight(o.Path) {
			continue
		}
		return o
	}
	return nil
}

// overwritten names an output at which an earlier version stands, so that the later one
// has to be put back: an action before it in serial order has written it in this build,
// or in one that made that action's target only.
func (b *Build) overwritten(n *node, outs []cache.Output) string {
	for i := range outs {
		o := &outs[i]
		if o.Type == typeDir || o.Path[0] == '/' || b.leftAsIs(o) {
			continue
		}
		before := func(w *done) bool { return w.n != n && w.n.before(n) }
		if slices.ContainsFunc(b.wrote[o.Path], before) || b.chain.standsBefore(n, o.Path) {
			return b.display(o.Path)
		}
	}
	return ""
}

// ownVersion reports whether the target's file is what its action, or another
// action that changed the file, left there.
func (b *Build) ownVersion(e *cache.Entry, outs []cache.Output, n *node) bool {
	for i := range outs {
		o := &outs[i]
		if o.Path == n.name || b.sp.abs(o.Path) == n.path {
			if b.leftAsIs(o) {
				return true
			}
			chain := b.chain.of(o.Path)
			return len(chain) > 0 && b.chain.stands(chain)
		}
	}
	return e.Flags()&cache.Always != 0
}

// leftAsIs reports whether what is at an output's path is exactly what the
// action left.
func (b *Build) leftAsIs(o *cache.Output) bool {
	p := b.sp.abs(o.Path)
	st, ok := b.w.lstat(p)
	if o.Type == 0 || !ok {
		return o.Type == 0 && !ok
	}
	if o.Type == cache.TypeSegment {
		return true // of what stands there it is a part
	}
	if st.Mode&unix.S_IFMT != o.Type {
		return false
	}
	switch o.Type {
	case typeRegular:
		if st.Mode&0o7777 != o.Mode || st.Size != o.Size {
			return false
		}
		if o.Stat.Ino != 0 && st.Same(o.Stat) && !b.graph.Suspect(st) {
			return true
		}
		return b.w.hasHash(p, o.Hash)
	case typeLink:
		text, err := os.Readlink(p)
		return err == nil && text == o.Link
	case typeDir:
		return true // its names are other versions' business
	}
	return true
}

// own makes f the owner of everything its action left.
func (b *Build) own(f *makefile.File, outs []cache.Output) {
	for i := range outs {
		if o := &outs[i]; o.Type == typeRegular || o.Type == typeLink {
			b.owned[b.sp.abs(o.Path)] = f
		}
	}
}

// freshen gives the targets of a trace that holds a new mtime, because GNU make, an
// IDE or test -nt would otherwise think them stale. Other files that the recipe left
// are as it would have left them.
func (b *Build) freshen(f *makefile.File, n *node) {
	t := b.graph.Target(n.name)
	if t == nil {
		return
	}
	for _, g := range f.Together() {
		g.Run.Mtime = exec.MtimeUnknown // those above have to see the new one
		if st, ok := b.w.lstat(b.node(g).path); ok {
			b.freshened[g] = st.Mtime
		}
	}
	nt := *t
	nt.Outputs = append([]cache.Output(nil), t.Outputs...)
	for i := range nt.Outputs {
		o := &nt.Outputs[i]
		if o.Type != typeRegular || o.Path[0] == '/' || o.SameAs != "" || !b.isTarget(n, o.Path) || !b.leftAsIs(o) {
			continue
		}
		b.touch(o)
	}
	b.graph.Put(n.name, &nt)
	n.old = &nt
}

// touch sets the mtime of an output to now and takes over its new stat.
func (b *Build) touch(o *cache.Output) { b.setTime(o, time.Now()) }

// setTime sets the mtime of a file or link that an action left.
func (b *Build) setTime(o *cache.Output, mtime time.Time) {
	p := b.sp.abs(o.Path)
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(mtime.UnixNano())}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, p, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return // not ours to touch: only the next GNU make would care
	}
	b.w.forget(p)
	if st, ok := b.w.lstat(p); ok && o.Type == typeRegular {
		o.Stat = st
		b.hasher.Learn(st, o.Hash)
	}
}
