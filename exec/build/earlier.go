package build

import (
	"encoding/binary"

	"fmake/cache"
	"fmake/makefile"
)

// Who goes back and forth between two states of his files need not wait for the store: the
// graph of a command holds the results that were in force before the present one.

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

// earlierResult returns one of them that holds now, nil if none does.
func (b *Build) earlierResult(f *makefile.File, n *node) *cache.Trace {
	if b.single == nil {
		return nil
	}
	for _, t := range b.pastResults() {
		if strong, ok := b.strongNow(f, n, cache.SetOf(t)); ok && strong == t.Strong && b.mayPutBack(f, t) {
			return t
		}
	}
	return nil
}
