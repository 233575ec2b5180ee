package cache

import (
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"strconv"
)

// # The graph file
//
// All numbers are little-endian; a section is a run of bytes:
//
//	"fmkgraph" version section-count section-lengths sections checksum
//
//	strings  table: every path and name, once
//	states   table: every distinct input (path, what was seen, stat), encoded, once
//	chunks   table: runs of state numbers that traces share
//	records  table: one record for each target, see codec.go
//	names    the string number of each record's target
//	slots    open hash table from a target's name to its record
//	meta     boots, and the size at the last clean-up
//	stats    the stat cache
//	named    sections of others
//
// The inputs of a trace are a list of chunks. The inputs are cut where the
// number of a path says so (see chunkEnds), so that two compiles that read nearly
// the same headers share nearly all chunks, whichever headers they are, and a
// null build looks at a shared chunk once.
//
// Loading is one read, one checksum, and a look at the lengths. All strings that
// are handed out are parts of that one text.

const (
	graphMagic   = "fmkgraph"
	graphVersion = 3
)

const (
	secStrings = iota
	secStates
	secChunks
	secRecords
	secNames
	secSlots
	secMeta
	secStats
	secNamed
	secCount
)

// image is what a graph file holds, and what was added to its tables since. An
// image only grows; entries stay valid as long as somebody holds them.
type image struct {
	strs, states, chunks *table
	records              *table
	names, slots         string
	clean                uint32 // number of states when everything was last in use
	boots                []boot
	stats                string
	named                map[string]string
}

func newImage() *image {
	return &image{strs: &table{}, states: &table{}, chunks: &table{}, records: &table{}}
}

// parseImage reads a graph file. The error lacks the name of the file.
func parseImage(data string, sealed []byte) (*image, error) {
	r := reader{s: data}
	if r.take(uint64(len(graphMagic))) != graphMagic {
		return nil, &CorruptError{What: "graph", Err: errors.New("not a graph file")}
	}
	version := r.take(4)
	if version == "" {
		return nil, &CorruptError{What: "graph", Err: errors.New("too short")}
	}
	if v := u32(version, 0); v != graphVersion {
		return nil, &VersionError{"graph", "", strconv.Itoa(int(v)), strconv.Itoa(graphVersion)}
	}
	body, ok := unseal(sealed)
	if !ok {
		return nil, &CorruptError{What: "graph", Err: errors.New("wrong checksum")}
	}
	r.s = r.s[:len(body)-(len(data)-len(r.s))]
	img := &image{}
	if !img.parse(r) {
		return nil, &CorruptError{What: "graph", Err: errors.New("malformed")}
	}
	return img, nil
}

// parse finds the sections in what follows the version.
func (img *image) parse(r reader) bool {
	count := r.take(4)
	if count == "" || u32(count, 0) != secCount {
		return false
	}
	lengths := r.take(4 * secCount)
	if lengths == "" {
		return false
	}
	var sec [secCount]string
	for i := range sec {
		sec[i] = r.take(uint64(u32(lengths, i)))
	}
	if !r.done() {
		return false
	}
	for _, t := range []struct {
		to   **table
		from int
	}{{&img.strs, secStrings}, {&img.states, secStates}, {&img.chunks, secChunks}, {&img.records, secRecords}} {
		var ok bool
		if *t.to, ok = readTable(sec[t.from]); !ok {
			return false
		}
	}
	img.names, img.slots, img.stats = sec[secNames], sec[secSlots], sec[secStats]
	slots := len(img.slots) / 4
	if len(img.names) != 4*int(img.records.base) || 4*slots != len(img.slots) || slots&(slots-1) != 0 ||
		slots <= int(img.records.base) {
		return false
	}
	return img.parseMeta(sec[secMeta]) && img.parseNamed(sec[secNamed])
}

func (img *image) parseMeta(s string) bool {
	r := reader{s: s}
	img.clean = r.small()
	img.boots = readBoots(&r)
	return r.done()
}

func (img *image) parseNamed(s string) bool {
	r := reader{s: s}
	n := r.count()
	img.named = make(map[string]string, n)
	for range n {
		name := r.str()
		img.named[name] = r.str()
	}
	return r.done()
}

// find returns the record of a target of the file.
func (img *image) find(name string) (rec string, ok bool) {
	mask := len(img.slots)/4 - 1
	for i, probes := int(nameHash(name))&mask, 0; probes <= mask; i, probes = (i+1)&mask, probes+1 {
		slot := u32(img.slots, i)
		if slot == 0 || slot > img.records.base {
			return "", false
		}
		if s, ok := img.strs.get(u32(img.names, int(slot-1))); ok && s == name {
			return img.records.get(slot - 1)
		}
	}
	return "", false
}

// all yields the targets of the file in the order in which they were written.
func (img *image) all() iter.Seq2[string, string] {
	return func(yield func(name, rec string) bool) {
		for id := range img.records.base {
			name, ok1 := img.strs.get(u32(img.names, int(id)))
			rec, ok2 := img.records.get(id)
			if ok1 && ok2 && !yield(name, rec) {
				return
			}
		}
	}
}

// nameHash is FNV-1a with a last mixing step.
func nameHash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h ^ h>>15
}

// encode writes t as a record whose strings and inputs are in img's tables.
func (img *image) encode(t *Trace) string {
	w := writer{b: make([]byte, 0, recordSize(t))}
	writeRecord(&w, t, img.strs, func(w *writer) { img.writeInputs(w, t.Inputs) })
	return string(w.b)
}

// decode reads a record that encode wrote for img.
func (img *image) decode(rec string) (*Trace, bool) {
	r := reader{s: rec}
	t := &Trace{}
	parts := readRecord(&r, t)
	inputs, ok := img.readInputs(&parts.inputs)
	t.Inputs = inputs
	return t, ok && r.done() && parts.rest(t, img.strs)
}

// maxChunk bounds the length of a chunk in bytes; a chunk ends with the number
// that reaches it.
const maxChunk = 64

// chunkEnds reports whether a chunk ends after the path with this number: after
// one in sixteen, always the same ones.
func chunkEnds(path uint32) bool { return (path*2654435761)>>28 == 0 }

func (img *image) writeInputs(w *writer, inputs []Input) {
	var ids []uint64
	var chunk, state writer
	last := int64(0)
	for i := range inputs {
		state.b = state.b[:0]
		path := writeInput(&state, &inputs[i], img.strs)
		id := int64(img.states.internBytes(state.b))
		chunk.int(id - last)
		last = id
		if chunkEnds(path) || len(chunk.b) >= maxChunk || i == len(inputs)-1 {
			ids = append(ids, uint64(img.chunks.internBytes(chunk.b)))
			chunk.b, last = chunk.b[:0], 0
		}
	}
	w.uint(uint64(len(ids)))
	for _, id := range ids {
		w.uint(id)
	}
}

// chunkIDs yields the chunks of a record's inputs.
func chunkIDs(inputs *reader) []uint32 {
	return list(inputs, func(id *uint32) { *id = inputs.small() })
}

// stateIDs yields the states of one chunk. It stops at what is malformed; a
// chunk that is too long has none, since many traces may name it.
func (img *image) stateIDs(chunk uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		s, _ := img.chunks.get(chunk)
		if len(s) > maxChunk+binary.MaxVarintLen64 {
			return
		}
		r := reader{s: s}
		for last := int64(0); r.s != ""; {
			last += r.int()
			if r.bad || last < 0 || last > 1<<32-1 || !yield(uint32(last)) {
				return
			}
		}
	}
}

// countStates tells how many states some chunks have, each of which is a number whose last
// byte alone is below 128.
func (img *image) countStates(chunks []uint32) (n int) {
	for _, chunk := range chunks {
		s, _ := img.chunks.get(chunk)
		for i := range len(s) {
			if s[i] < 0x80 {
				n++
			}
		}
	}
	return n
}

func (img *image) state(id uint32, in *Input) bool {
	s, ok := img.states.get(id)
	r := reader{s: s}
	readInput(&r, in, img.strs)
	return ok && r.done()
}

func (img *image) readInputs(r *reader) ([]Input, bool) {
	const most = 1 << 16 // to begin with: a damaged file may say anything
	chunks := chunkIDs(r)
	var inputs []Input
	if n := img.countStates(chunks); n > 0 {
		inputs = make([]Input, 0, min(n, most))
	}
	for _, chunk := range chunks {
		n := len(inputs)
		for id := range img.stateIDs(chunk) {
			var in Input
			if !img.state(id, &in) {
				return nil, false
			}
			inputs = append(inputs, in)
		}
		if len(inputs) == n {
			return nil, false // no chunk is empty
		}
	}
	return inputs, r.done()
}

// bytes writes the file: img's tables with the given records.
func (img *image) bytes(names []string, records []string) []byte {
	recs := &table{added: records}
	ids := make([]uint32, len(names))
	for i, name := range names {
		ids[i] = img.strs.intern(name)
	}
	sections := [secCount]func(*writer){
		secStrings: img.strs.write,
		secStates:  img.states.write,
		secChunks:  img.chunks.write,
		secRecords: recs.write,
		secNames:   func(w *writer) { w.u32s(ids) },
		secSlots:   func(w *writer) { w.u32s(slotsOf(names)) },
		secMeta:    func(w *writer) { w.uint(uint64(img.clean)); writeBoots(w, img.boots) },
		secStats:   func(w *writer) { w.b = append(w.b, img.stats...) },
		secNamed:   img.writeNamed,
	}
	const perName = 24 // bytes of numbers and slots, about
	size := 4096 + perName*len(names) + len(img.stats)
	for _, t := range []*table{img.strs, img.states, img.chunks, recs} {
		size += t.size()
	}
	w := writer{b: make([]byte, 0, size)}
	w.b = append(w.b, graphMagic...)
	w.u32(graphVersion)
	w.u32(secCount)
	head := len(w.b)
	w.u32s(make([]uint32, secCount))
	for i, write := range sections {
		start := len(w.b)
		write(&w)
		w.putU32(head+4*i, uint32(len(w.b)-start))
	}
	return w.seal()
}

func (img *image) writeNamed(w *writer) {
	names := make([]string, 0, len(img.named))
	for name := range img.named {
		names = append(names, name)
	}
	slices.Sort(names)
	w.uint(uint64(len(names)))
	for _, name := range names {
		w.str(name)
		w.str(img.named[name])
	}
}

// slotsOf builds the hash table of the names, at most half full.
func slotsOf(names []string) []uint32 {
	size := 2
	for size < 2*len(names) {
		size *= 2
	}
	slots := make([]uint32, size)
	for i, name := range names {
		at := int(nameHash(name)) & (size - 1)
		for slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		slots[at] = uint32(i + 1)
	}
	return slots
}
