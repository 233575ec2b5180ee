package build

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// A log is a file that actions append to without reading it: "2>>warnings.log" in every
// compile. What each of them appends is a segment, a version of its own kind, and the
// file is what stood there before, with the segments in serial order. Appends commute:
// whoever ends first, the file is put together anew, and only those that read it are in
// hazard.
//
// Full versions and segments may follow one another in one chain: a recipe that edits
// the file in place has read all that comes before it.

// logs are the logs of one tree. The lock is held while one of them is put together:
// all makes of the process append to the same files.
type logs struct {
	mu       sync.Mutex
	known    map[string]*log // by path in the graph; nil until it is asked for
	finished bool            // what an earlier make has left undone; see finishLogs
}

// log is one of them.
type log struct {
	cache.Log
	writers map[string]bool // the targets of which a trace may have a version of it; nil until asked for
	lowered int             // how many readers run for which the file was put back
}

// all returns the logs of the tree. The lock is held.
func (l *logs) all(g *cache.Graph) map[string]*log {
	if l.known == nil {
		l.known = make(map[string]*log)
		for _, x := range g.Logs() {
			l.known[x.Path] = &log{Log: x}
		}
	}
	return l.known
}

// log returns what is known of a path as a log, nil if it is none.
func (b *Build) log(path string) *log {
	b.tree.logs.mu.Lock()
	defer b.tree.logs.mu.Unlock()
	return b.tree.logs.all(b.graph)[path]
}

// writersOf lists the targets whose recipes have left something at a log's path, good or
// not. The lock is held.
func (b *Build) writersOf(l *log) map[string]bool {
	if l.writers == nil {
		l.writers = make(map[string]bool)
		for _, name := range b.graph.Names() {
			if e, ok := b.graph.Entry(name); ok && findOutput(e.Outputs(), l.Path) != nil {
				l.writers[name] = true
			}
		}
	}
	return l.writers
}

// links returns the versions of a log that actions of this tree have left, in serial
// order. The lock is held.
func (b *Build) links(l *log) []version {
	var chain []version
	for name := range b.writersOf(l) {
		e, ok := b.graph.Entry(name)
		if !ok || e.Flags()&(cache.Failed|cache.Provisional) != 0 {
			continue
		}
		if o := findOutput(e.Outputs(), l.Path); o != nil {
			chain = append(chain, version{serial: b.chain.serial(name, e.Serial()), target: name, out: *o})
		}
	}
	slices.SortFunc(chain, func(x, y version) int { return cmp.Compare(x.serial, y.serial) })
	return chain
}

// leftWhole reports whether an action has left a content as the whole of a log, good or
// not. The lock is held.
func (b *Build) leftWhole(l *log, h cache.Hash) bool {
	for name := range b.writersOf(l) {
		e, ok := b.graph.Entry(name)
		if !ok || e.Flags()&cache.Provisional != 0 {
			continue
		}
		if o := findOutput(e.Outputs(), l.Path); o != nil && o.Type == typeRegular && o.Hash == h {
			return true
		}
	}
	return false
}

// content returns what a log holds after the given versions. ok is false if some of it
// cannot be had any more.
func (b *Build) content(l *log, chain []version) (data []byte, exists, ok bool) {
	data, exists = l.Base, l.Exists
	from := 0 // after the last whole version
	for i := range chain {
		if chain[i].out.Type != cache.TypeSegment {
			from = i + 1
		}
	}
	if from > 0 {
		o := &chain[from-1].out
		data, exists = nil, o.Type != 0
		if o.Type == typeRegular {
			var err error
			if data, err = b.bytesOf(o.Hash, o.Size); err != nil {
				return nil, false, false
			}
		}
	}
	for i := range chain[from:] {
		o := &chain[from+i].out
		piece, err := b.bytesOf(o.Hash, o.Size)
		if err != nil {
			return nil, false, false
		}
		data, exists = append(slices.Clip(data), piece...), true
	}
	return data, exists, true
}

func (b *Build) bytesOf(h cache.Hash, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	if b.client() != nil {
		return b.contents.Get(h)
	}
	return b.blobs.Get(h)
}

// whole is the version of a log that an action sees after the given ones; ok is false if
// it cannot be told.
func (b *Build) whole(path string, chain []version) (out cache.Output, ok bool) {
	l := b.log(path)
	if l == nil {
		return out, false
	}
	data, exists, ok := b.content(l, chain)
	if !ok || !exists {
		return cache.Output{Path: path}, ok
	}
	out = cache.Output{Path: path, Type: typeRegular, Hash: cache.HashBytes(data), Size: int64(len(data))}
	if st, found := b.w.lstat(b.sp.abs(path)); found {
		out.Mode = st.Mode & 0o7777
	}
	return out, true
}

// logStands reports whether a log is as it was put together last.
func (b *Build) logStands(path string) bool {
	l := b.log(path)
	if l == nil {
		return false
	}
	p := b.sp.abs(path)
	return b.w.hasHash(p, l.Left) || b.opts.DryRun && b.w.hasHash(p, l.Before) // see finishLogs
}

// isOurs reports whether what stands at a log's path, with its hash, was put there by
// actions of this tree. What is the user's is left alone. The lock is held.
func (b *Build) isOurs(l *log, now []byte, h cache.Hash) bool {
	return len(now) == 0 || h == l.Left || h == l.Before || b.leftWhole(l, h)
}

// beingWritten names the action that has not ended and is writing a file whole: what
// is there now is nobody's version yet. It is to be asked after the file was read.
func (b *Build) beingWritten(p string) string {
	eng, err := b.startEngine()
	if err != nil {
		return ""
	}
	name, err := eng.Writing(p)
	if err != nil {
		return ""
	}
	return name
}

// segment is what an action has appended to a file, as a version. ok is false if the
// file is the user's, or raw is set: the bytes are added to it then, as they would be
// without fmake, and it is nobody's version.
func (a *action) segment(w *tracefs.Write, raw bool) (o cache.Output, ok bool) {
	p, known := a.pieces[w.Path]
	if !known {
		p.out, p.kept = a.takeSegment(w, raw)
		if a.pieces == nil {
			a.pieces = make(map[string]piece)
		}
		a.pieces[w.Path] = p
	}
	return p.out, p.kept
}

// piece is a segment that was taken over from the record.
type piece struct {
	out  cache.Output
	kept bool // as a version
}

func (a *action) takeSegment(w *tracefs.Write, raw bool) (o cache.Output, ok bool) {
	b := a.b
	data, err := os.ReadFile(w.Segment)
	if err != nil {
		b.warn("what %s appended to %s is lost: %v", a.f.Name, b.display(b.sp.key(w.Path)), err)
		return o, false
	}
	_ = os.Remove(w.Segment) // else it goes with the engine
	o = cache.Output{Path: b.sp.key(w.Path), Type: cache.TypeSegment, Mode: w.After.Mode & 0o7777, Size: int64(len(data))}
	if !raw && b.opts.Cache != CacheReadOnly && b.beginLog(o.Path, w.Path) {
		if o.Hash, err = b.keepBytes(data); err == nil {
			return o, true
		}
		b.trouble("keeping what was appended", err)
	}
	b.appendRaw(w.Path, data)
	return o, false
}

// keepBytes keeps a part of a log, in a file of its own: what small contents the store
// took shortly before its engine is killed may be lost with it.
func (b *Build) keepBytes(data []byte) (cache.Hash, error) {
	if len(data) == 0 {
		return cache.HashBytes(nil), nil
	}
	return b.blobs.PutBytes(data)
}

// appendRaw adds bytes to a file that is no log.
func (b *Build) appendRaw(p string, data []byte) {
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err == nil {
		_, err = f.Write(data)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		b.warn("%s: %v", b.display(b.sp.key(p)), err)
	}
	b.lookAgain(p)
}

// maxLog bounds what is put together again and again.
const maxLog = 64 << 20

// beginLog makes a path a log if it is none yet, and reports whether it may be one: what
// stands there is known.
func (b *Build) beginLog(path, p string) bool {
	all := &b.tree.logs
	all.mu.Lock()
	defer all.mu.Unlock()
	now, err := os.ReadFile(p)
	if len(now) > maxLog || err != nil && !errors.Is(err, unix.ENOENT) {
		return false
	}
	h := cache.HashBytes(now)
	l := all.all(b.graph)[path]
	if l != nil {
		return b.isOurs(l, now, h) || b.beingWritten(p) != ""
	}
	l = &log{Log: cache.Log{Path: path}}
	switch {
	case b.beingWritten(p) != "":
	case len(b.links(l)) == 0:
		l.Exists, l.Base = len(now) > 0, now
	case !b.isOurs(l, now, h):
		return false
	default: // what is appended follows a version that may not be in the store yet
		if _, err := b.keepBytes(now); err != nil {
			return false
		}
	}
	l.Left = h
	if !b.putLog(l) {
		return false
	}
	all.known[path] = l
	return true
}

// isOlderLog is true for a file to which an action has appended and that was there
// before.
func isOlderLog(o *cache.Output, w *tracefs.Write) bool {
	return o.Type == cache.TypeSegment && w != nil && w.Before.Exists
}

// hasBefore reports whether actions before one have left something in a log that it has
// changed.
func (b *Build) hasBefore(path string, n *node) bool {
	b.tree.logs.mu.Lock()
	defer b.tree.logs.mu.Unlock()
	l := b.tree.logs.all(b.graph)[path]
	if l == nil {
		return false
	}
	chain := b.links(l)
	return len(chain) > 0 && chain[0].serial < n.serial && chain[0].target != n.name
}
