package cache

import (
	"iter"
	"sync"

	"golang.org/x/sys/unix"
)

// statLine is a line of the stat cache section: what was read under which boot.
type statLine struct {
	StatEntry
	boot string
}

// maxStatLines bounds the stat cache section. Beyond it, older lines go first.
const maxStatLines = 200_000

// PutStats notes contents that were read from files (Hasher.Fresh). One line is
// kept for each path.
func (g *Graph) PutStats(entries []StatEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stats == nil && len(entries) > 0 {
		g.stats = map[string]statLine{}
	}
	for _, e := range entries {
		g.stats[e.Path] = statLine{e, g.boot}
	}
}

// StatSource returns a stat cache that knows every content of which the graph
// knows the stat: inputs, outputs and the lines of PutStats. It is indexed when
// it is first asked, and does not follow later changes of the graph.
func (g *Graph) StatSource() func(FileStat) (Hash, bool) {
	index := sync.OnceValue(func() map[statKey]Hash {
		g.mu.Lock()
		img := g.img
		g.mu.Unlock()
		return img.statIndex(g.boot)
	})
	return func(st FileStat) (Hash, bool) {
		h, ok := index()[keyOf(st)]
		return h, ok
	}
}

func (img *image) statIndex(boot string) map[statKey]Hash {
	index := make(map[statKey]Hash, img.states.base)
	add := func(st FileStat, h Hash) {
		if st.Ino != 0 && !h.IsZero() && !lost(img.boots, st, "", boot) {
			index[keyOf(st)] = h
		}
	}
	for id := range img.states.base {
		var in Input
		if img.state(id, &in) && in.Kind == InputContent {
			add(in.Stat, in.Hash)
		}
	}
	for _, rec := range img.all() {
		for _, o := range img.outputs(rec) {
			if o.Type == unix.S_IFREG {
				add(o.Stat, o.Hash)
			}
		}
	}
	for line := range img.statLines() {
		if !lost(img.boots, line.Stat, line.boot, boot) {
			index[keyOf(line.Stat)] = line.Hash
		}
	}
	return index
}

// outputs reads only the outputs of a record.
func (img *image) outputs(rec string) []Output {
	r := reader{s: rec}
	var t Trace
	parts := readRecord(&r, &t)
	return readOutputs(&parts.outputs, img.strs)
}

// statLines yields the lines of the file's section.
func (img *image) statLines() iter.Seq[statLine] {
	return func(yield func(statLine) bool) {
		for r := (reader{s: img.stats}); r.s != ""; {
			var line statLine
			line.Path = r.str()
			line.Stat = r.stat()
			line.Hash = r.hash()
			line.boot = r.str()
			if r.bad || !yield(line) {
				return
			}
		}
	}
}

// writeStats returns img's section with the new lines in place of older ones
// for the same path, the new ones first.
func (img *image) writeStats(fresh map[string]statLine) string {
	if len(fresh) == 0 {
		return img.stats
	}
	var w writer
	n := 0
	add := func(line statLine) {
		w.str(line.Path)
		w.stat(line.Stat)
		w.hash(line.Hash)
		w.str(line.boot)
		n++
	}
	for _, line := range fresh {
		add(line)
	}
	for line := range img.statLines() {
		if n >= maxStatLines {
			break
		}
		if _, ok := fresh[line.Path]; !ok {
			add(line)
		}
	}
	return string(w.b)
}
