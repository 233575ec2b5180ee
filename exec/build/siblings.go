package build

import (
	"slices"

	"fmake/cache"
)

// One recipe may start several makes, one after the other: what the second makes comes after
// what the first has made, whatever they know of each other. Makes of one process note in
// memory up to where they have places, and in the journal for those that a shell has
// started.

// belowMake is one of the makes that a recipe has started.
type belowMake struct {
	id    string // see identity
	last  uint64 // its last place
	ended bool
	told  bool // the journal says so
}

// madeBefore returns the last place of the makes that a recipe started before another one,
// and that had ended when it began; 0 if there are none. from is where the places of all
// of them begin.
func (t *tree) madeBefore(from uint64, id string) (last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.started[from] {
		if m.id == id {
			break
		}
		if m.ended {
			last = max(last, m.last)
		}
	}
	return last
}

// makes notes up to where a make has places. What it has not changed every other make
// finds in the graph.
func (t *tree) makes(from uint64, id string, last uint64, changed bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.startedMake(from, id)
	if m.last >= last {
		return nil
	}
	m.last = last
	m.told = m.told || changed
	return t.write(from, m)
}

// ended notes that a make has come to its end.
func (t *tree) ended(from uint64, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.startedMake(from, id)
	m.ended = true
	return t.write(from, m)
}

// startedMake returns what is known of a make that the recipe with a place has started.
func (t *tree) startedMake(from uint64, id string) *belowMake {
	i := slices.IndexFunc(t.started[from], func(m belowMake) bool { return m.id == id })
	if i < 0 {
		i = len(t.started[from])
		t.started[from] = append(t.started[from], belowMake{id: id})
	}
	return &t.started[from][i]
}

// write tells other processes of a make.
func (t *tree) write(from uint64, m *belowMake) error {
	if t.journal == nil || !m.told {
		return nil
	}
	return t.journal.Makes(cache.MakeRecord{Build: t.build, From: from, ID: m.id, Last: m.last, Ended: m.ended})
}

// tell takes over what other processes have written of makes of this build.
func (t *tree) tell(makes []cache.MakeRecord) {
	for i := range makes {
		r := &makes[i]
		if r.Build == t.build {
			m := t.startedMake(r.From, r.ID)
			m.last, m.ended = max(m.last, r.Last), r.Ended
		}
	}
}
