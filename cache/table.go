package cache

import "sync"

// table is a list of byte strings, each known by its number: those read from a
// graph file, which are parts of its text, and those added since. Numbers never
// change while the table lives. A table that interns gives equal strings equal
// numbers; what a string holds (a path, an encoded input, a run of input numbers)
// is the owner's affair.
//
// Reading what the file held needs no lock, so that many goroutines can decode.
type table struct {
	offs string // 32-bit offsets into text, one more than there are strings
	text string
	base uint32 // how many strings offs describes

	mu    sync.RWMutex
	added []string
	index map[string]uint32 // built at the first intern
}

// get returns the string with this number.
func (t *table) get(id uint32) (string, bool) {
	if id < t.base {
		return t.text[u32(t.offs, int(id)):u32(t.offs, int(id)+1)], true
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := int64(id) - int64(t.base)
	if i >= int64(len(t.added)) {
		return "", false
	}
	return t.added[i], true
}

func (t *table) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return int(t.base) + len(t.added)
}

// intern returns the number of s, which it adds if it is new.
func (t *table) intern(s string) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeIndex()
	if id, ok := t.index[s]; ok {
		return id
	}
	return t.add(s)
}

// internBytes is intern of what b holds now.
func (t *table) internBytes(b []byte) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeIndex()
	if id, ok := t.index[string(b)]; ok {
		return id
	}
	return t.add(string(b))
}

// makeIndex and add are for who holds the lock.
func (t *table) makeIndex() {
	if t.index == nil {
		t.index = make(map[string]uint32, t.base+16)
		for id := range t.base {
			if old, ok := t.get(id); ok {
				t.index[old] = id
			}
		}
	}
}

func (t *table) add(s string) uint32 {
	id := t.base + uint32(len(t.added))
	t.added = append(t.added, s)
	t.index[s] = id
	return id
}

// lookup makes a table of names a lookuper.
func (t *table) lookup(id uint32) (string, bool) { return t.get(id) }

// size is how many bytes write appends, about.
func (t *table) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := len(t.offs) + len(t.text) + 4*len(t.added)
	for _, s := range t.added {
		n += len(s)
	}
	return n
}

// write appends the table to a graph file: count, offsets, text.
func (t *table) write(w *writer) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	text := t.text
	if t.offs != "" {
		text = text[:u32(t.offs, int(t.base))]
	}
	w.u32(t.base + uint32(len(t.added)))
	end := uint32(len(text))
	if t.offs == "" {
		w.u32(0)
	}
	w.b = append(w.b, t.offs...)
	for _, s := range t.added {
		end += uint32(len(s))
		w.u32(end)
	}
	w.b = append(w.b, text...)
	for _, s := range t.added {
		w.b = append(w.b, s...)
	}
}

// readTable finds the parts of a table in section. The strings must follow each
// other, so that a damaged file is never more work than it is long.
func readTable(section string) (*table, bool) {
	if len(section) < 8 {
		return nil, false
	}
	n := u32(section, 0)
	offsEnd := 4 + 4*(uint64(n)+1)
	if offsEnd > uint64(len(section)) {
		return nil, false
	}
	t := &table{offs: section[4:offsEnd], text: section[offsEnd:], base: n}
	last := uint32(0)
	for i := range int(n) + 1 {
		off := u32(t.offs, i)
		if off < last {
			return nil, false
		}
		last = off
	}
	return t, uint64(last) <= uint64(len(t.text))
}
