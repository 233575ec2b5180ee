package build

import (
	"encoding/binary"
	"iter"
	"slices"

	"fmake/cache"
	"fmake/makefile"
)

// Who goes back and forth between two states of his files need not wait for the store: the
// graph of a command holds the results that were in force before the present one, and the
// tree of targets has theirs near.

// earlierSection holds them, newest first, each after its length.
const earlierSection = "earlier"

// maxEarlier is how many there are.
const maxEarlier = 4

// keepEarlier adds a result that is about to be replaced.
func (b *Build) keepEarlier(t *cache.Trace) {
	if t == nil || t.Flags&(cache.Failed|cache.NoStore) != 0 {
		return
	}
	var data []byte
	kept := 0
	for _, e := range append([]*cache.Trace{t}, b.pastResults()...) {
		if kept == maxEarlier || kept > 0 && e.Strong == t.Strong {
			continue
		}
		text := cache.EncodeTrace(e)
		data = append(binary.AppendUvarint(data, uint64(len(text))), text...)
		kept++
	}
	b.graph.SetSection(earlierSection, data)
}

// pastResults returns the results that were in force before. What is damaged is left out.
func (b *Build) pastResults() []*cache.Trace {
	var all []*cache.Trace
	for data := b.graph.Section(earlierSection); len(data) > 0; {
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			break
		}
		if t, err := cache.DecodeTrace(data[n : n+int(size)]); err == nil {
			all = append(all, t)
		}
		data = data[n+int(size):]
	}
	return all
}

// earlierResult returns one of them that holds now, nil if none does. For a target they are
// those that its tree has near.
func (b *Build) earlierResult(f *makefile.File, n *node) *cache.Trace {
	var past iter.Seq[*cache.Trace]
	if b.single != nil {
		past = slices.Values(b.pastResults())
	} else {
		past = b.tree.near.Results(n.name, b.recipeKey(f, n).full, b.inForce(n))
	}
	for t := range past {
		if b.seesAgain(n, t.Inputs) && b.strongOf(f, n, t.Inputs, envNames(t)) == t.Strong && b.mayPutBack(f, t) {
			return t
		}
	}
	return nil
}

// seesAgain reports whether a target's action would see what it saw.
func (b *Build) seesAgain(n *node, inputs []cache.Input) bool {
	for i := range inputs {
		in := &inputs[i]
		if now, err := b.seenInput(n, cache.PathRef{Path: in.Path, Kind: in.Kind}); err != nil || !now.Means(in) {
			return false
		}
	}
	return true
}

func envNames(t *cache.Trace) []string {
	names := make([]string, len(t.Env))
	for i := range t.Env {
		names[i] = t.Env[i].Name
	}
	return names
}

// inForce is the strong key of the result that a target has, if it has one.
func (b *Build) inForce(n *node) cache.Hash {
	if e, ok := b.graph.Entry(n.name); ok && e.Flags()&(cache.Failed|cache.Provisional) == 0 {
		return e.Strong()
	}
	return cache.Hash{}
}

// keepNear notes what was found in the store for who comes back to this state.
func (b *Build) keepNear(n *node, t *cache.Trace) {
	if b.single == nil && b.opts.Cache == CacheOn && !b.opts.DryRun {
		b.tree.near.PutResult(n.name, t, cache.EncodeTrace(t))
	}
}
