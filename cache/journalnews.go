package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
)

// News is what other processes have written into the journal since it was last read.
type News struct {
	// Ended are actions that have ended, in the order in which they did; what they
	// Left is not in the graph's file yet.
	Ended []JournalRecord
	// Saved are targets of which the graph's file says what was told of them before.
	Saved []string
	// Makes are what makes of other processes have said at their ends, in that order.
	Makes []MakeRecord
	// Cut are actions whose process is gone and that have not ended. They are told
	// again until somebody has put them right.
	Cut []JournalRecord
	// More tells that there is more than that: the graph's file says it.
	More bool
}

// newsReader reads a journal that others write.
type newsReader struct {
	mu    sync.Mutex
	ino   uint64 // of the file that was read, 0 before
	own   uint64 // of the file that this process writes, 0 before
	read  int64  // up to where
	state *journalState
	told  map[uint64]bool // of whose end this process knows
	first []JournalRecord // what the next News begins with
}

// begin goes on from what was read when the journal was opened: known are the actions that
// have ended and of which the caller was told.
func (n *newsReader) begin(ino uint64, s *journalState, end int, known []JournalRecord) {
	n.ino, n.read, n.state, n.told = ino, int64(end), s, make(map[uint64]bool)
	for i := range known {
		n.told[known[i].ID] = true
	}
	for _, id := range s.order {
		left, ended := s.left[id]
		rec := s.records[id]
		if !ended || rec == nil || n.told[id] || !rec.decodeLeft(left) {
			continue
		}
		n.told[id] = true
		n.first = append(n.first, *rec)
		rec.Left = nil
	}
	s.forgetEnded()
	s.makes = nil // a Recovery has told of them
}

// made notes which file this process writes, and that it is the one to read, if it has
// made it.
func (n *newsReader) made(f *os.File) error {
	st, err := statFile(f)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.own = st.Ino
	if n.ino == 0 && st.Size == 0 {
		n.ino = st.Ino
	}
	return nil
}

// wrote notes that this process has written an entry. If all before it was read, and it is
// about nothing that another process has begun, there is nothing in it to read.
func (n *newsReader) wrote(entry []byte, at int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ino != n.own || n.read != at {
		return
	}
	entries(entry, func(kind byte, body reader) {
		if n.state.records[entryID(kind, body)] == nil {
			n.read += int64(len(entry))
		}
	})
}

// rewritten notes that this process has replaced the file, which nobody else had open: no
// other build was under way.
func (n *newsReader) rewritten(f *os.File) error {
	st, err := statFile(f)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ino, n.own, n.read, n.state = st.Ino, st.Ino, 0, newJournalState()
	return nil
}

// know notes an action of whose end this process knows.
func (n *newsReader) know(id uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told[id] = true
}

// News returns what has happened since the last call. The first call tells of all that is
// not in the graph's file.
func (j *Journal) News() (News, error) {
	n := &j.news
	n.mu.Lock()
	defer n.mu.Unlock()
	out := News{Ended: n.first}
	n.first = nil
	st, err := Lstat(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if st.Ino != n.ino {
		out.More = true // what was crossed out is not there any more
		n.ino, n.read, n.state = st.Ino, 0, newJournalState()
	}
	if st.Size > n.read {
		if err := n.readOn(j, &out); err != nil {
			return out, err
		}
	}
	gone := n.state.gone(j.alive)
	if len(n.state.cutOff(gone.lives)) == 0 {
		return out, nil
	}
	// What they have written at last may have come after what was read.
	if err := n.readOn(j, &out); err != nil {
		return out, err
	}
	out.Cut = n.state.cutOff(gone.lives)
	return out, nil
}

// readOn reads what is new in the file.
func (n *newsReader) readOn(j *Journal, out *News) error {
	f, err := os.Open(j.path)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, n.read, 1<<62))
	if err != nil {
		return err
	}
	n.read += int64(entries(data, func(kind byte, body reader) {
		id := entryID(kind, body)
		if rec := n.state.records[id]; rec != nil && kind == entryDone {
			out.Saved = append(out.Saved, rec.Target)
			out.More = out.More || !n.told[id]
		}
		n.state.apply(kind, body)
		rec := n.state.records[id]
		switch {
		case rec == nil:
		case rec.Process == j.process:
			delete(n.state.records, id)
		case kind == entryLeft && !n.told[id] && rec.decodeLeft(n.state.left[id]):
			n.told[id] = true
			out.Ended = append(out.Ended, *rec)
			rec.Left = nil
		}
	}))
	n.state.forgetEnded()
	for i := range n.state.makes {
		if m := &n.state.makes[i]; m.process != j.process {
			out.Makes = append(out.Makes, m.MakeRecord)
		}
	}
	n.state.makes = nil
	return nil
}

// entryID returns the number of the action that an entry is about, 0 if it is about none.
func entryID(kind byte, body reader) uint64 {
	switch kind {
	case entryBegin, entryLeft, entryMeans, entryDone, entryDrop:
		return body.uint()
	}
	return 0
}

// deadProcesses are the numbers of processes that are known to be dead.
type deadProcesses map[uint64]bool

func (d deadProcesses) lives(r *JournalRecord) bool { return !d[r.Process] }

// gone tells which processes are dead of whose actions the graph's file does not say all. To
// be sure which of those have not ended, read on: the dead write no more.
func (s *journalState) gone(alive func(*JournalRecord) bool) deadProcesses {
	dead, asked := make(deadProcesses), make(map[uint64]bool)
	for _, id := range s.order {
		rec := s.records[id]
		if _, done := s.done[id]; done || rec == nil || asked[rec.Process] {
			continue
		}
		asked[rec.Process] = true
		if !alive(rec) {
			dead[rec.Process] = true
		}
	}
	return dead
}

// cutOff lists the actions that have begun and not ended, and whose process is gone.
func (s *journalState) cutOff(alive func(*JournalRecord) bool) (cut []JournalRecord) {
	for _, id := range s.order {
		rec := s.records[id]
		if _, ended := s.left[id]; ended || rec == nil || alive(rec) {
			continue
		}
		cut = append(cut, s.unfinished(rec))
	}
	return cut
}

// forgetEnded keeps only what the graph's file does not say: a build may be long.
func (s *journalState) forgetEnded() {
	order := s.order[:0]
	for _, id := range s.order {
		_, done := s.done[id]
		if s.records[id] != nil && !done {
			order = append(order, id)
			if _, ended := s.left[id]; ended {
				s.left[id] = "" // who wants to know has read it
			}
			continue
		}
		delete(s.records, id)
		delete(s.done, id)
		delete(s.left, id)
		delete(s.means, id)
	}
	s.order = order
}
