package build

import (
	"slices"

	"fmake/cache"
)

// One recipe may start several makes, one after the other: what the second makes comes after
// what the first has made, whatever they know of each other. A make notes in memory up to
// where it has places, and at its end in the journal, for those that are processes of their
// own: a shell has started them. It does so only if something was made, by it or below it:
// else all that is known of it is in the graph already, and a build that has nothing to do
// leaves nothing behind.

// belowMake is one of the makes that a recipe has started.
type belowMake struct {
	id    string // see identity
	last  uint64 // its last place
	ended bool
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

// makes notes up to where a make has places.
func (t *tree) makes(from uint64, id string, last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.startedMake(from, id)
	m.last = max(m.last, last)
}

// ended notes that a make has come to its end.
func (t *tree) ended(from uint64, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.startedMake(from, id)
	m.ended = true
	if from == 0 || t.journal == nil || !t.made && !t.journal.Changed() {
		return nil
	}
	return t.journal.MakeEnded(cache.MakeRecord{Build: t.build, From: from, ID: id, Last: m.last})
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

// tell takes over what makes of this build in other processes have written.
func (t *tree) tell(makes []cache.MakeRecord) {
	for i := range makes {
		r := &makes[i]
		if r.Build == t.build {
			m := t.startedMake(r.From, r.ID)
			m.last, m.ended = max(m.last, r.Last), true
			t.made = true
		}
	}
}
