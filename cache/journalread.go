package cache

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"time"
)

// The kinds of journal entries.
const (
	entryOpen  = 'o' // a process begins to change the tree
	entryClose = 'c' // it has ended
	entryBegin = 'b'
	entryLeft  = 'l'
	entryMeans = 'm'
	entryBack  = 'p' // what the graph says is put back
	entryDone  = 'd'
	entryDrop  = 'x'
	entryMake  = 'k' // a make has come to its end
)

// journalMark begins an entry: mark, length of the rest, kind, body, checksum.
const journalMark = "\xf1jrn"

// frameHead is how many bytes come before the kind.
const frameHead = len(journalMark) + 4

func frameEntry(kind byte, body func(*writer)) []byte {
	var w writer
	w.frame(kind, body)
	return w.b
}

// frame appends one entry.
func (w *writer) frame(kind byte, body func(*writer)) {
	start := len(w.b)
	w.b = append(w.b, journalMark...)
	w.u32(0)
	w.byte(kind)
	body(w)
	w.putU32(start+len(journalMark), uint32(len(w.b)-start-frameHead+4))
	w.u32(checksum(w.b[start:]))
}

// entries yields the whole entries of a journal, passing over what is torn, and returns
// where the last of them ends. What is yielded are parts of data, which nobody may change.
func entries(data []byte, yield func(kind byte, body reader)) (end int) {
	return frames(data, func(entry []byte) { yield(entry[0], reader{s: textOf(entry[1:])}) })
}

// frames yields what frameEntry has framed, as parts of data: the kind and the body.
func frames(data []byte, yield func(entry []byte)) (end int) {
	return wholeFrames(data, func(frame []byte) { yield(frame[frameHead : len(frame)-4]) })
}

// wholeFrames yields the frames that are whole.
func wholeFrames(data []byte, yield func(frame []byte)) (end int) {
	size := len(data)
	for {
		at := bytes.Index(data, []byte(journalMark))
		if at < 0 || len(data)-at < frameHead {
			return end
		}
		data = data[at:]
		n := uint64(binary.LittleEndian.Uint32(data[len(journalMark):]))
		if n <= uint64(len(data)-frameHead) {
			frame := data[:frameHead+int(n)]
			if sealed, ok := unseal(frame); ok && len(sealed) > frameHead {
				yield(frame)
				data = data[frameHead+int(n):]
				end = size - len(data)
				continue
			}
		}
		data = data[1:]
	}
}

// frameAt returns the frame that data begins with, if another one follows it. Whether it is
// whole its checksum has yet to tell.
func frameAt(data []byte) (frame []byte, ok bool) {
	if len(data) < frameHead || string(data[:len(journalMark)]) != journalMark {
		return nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(data[len(journalMark):]))
	if n < 5 || n > uint64(len(data)-frameHead) {
		return nil, false
	}
	frame, rest := data[:frameHead+int(n)], data[frameHead+int(n):]
	return frame, bytes.HasPrefix(rest, []byte(journalMark))
}

// journalState is what the entries of a journal add up to.
type journalState struct {
	records map[uint64]*JournalRecord
	left    map[uint64]string // encoded traces of those that ended and are not done
	means   map[uint64]string // and of those whose result was about to be put back
	done    map[uint64]int64  // when it succeeded
	order   []uint64          // in the order of beginning
	builds  []buildMark
	makes   []ownedMake
}

// ownedMake is what a make of a process says at its end.
type ownedMake struct {
	MakeRecord
	process uint64
}

// buildMark is one process that changed the tree.
type buildMark struct {
	JournalRecord       // Pid, Process, Boot, Time
	last          int64 // time of its last entry
	closed        bool
}

func readJournal(f *os.File) (*journalState, error) {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return nil, err
	}
	s, _ := parseJournal(data)
	return s, nil
}

// parseJournal reads a journal, and returns where its last whole entry ends.
func parseJournal(data []byte) (s *journalState, end int) {
	s = newJournalState()
	end = entries(data, s.apply)
	return s, end
}

func newJournalState() *journalState {
	return &journalState{records: map[uint64]*JournalRecord{}, left: map[uint64]string{}, means: map[uint64]string{}, done: map[uint64]int64{}}
}

// apply adds one entry. What makes no sense is passed over.
func (s *journalState) apply(kind byte, r reader) {
	switch kind {
	case entryOpen, entryBegin, entryBack:
		rec := readJournalRecord(&r)
		if !r.done() {
			return
		}
		if kind == entryOpen {
			s.builds = append(s.builds, buildMark{JournalRecord: rec, last: rec.Time})
			return
		}
		if kind == entryBack {
			s.done[rec.ID] = rec.Time
		}
		s.records[rec.ID] = &rec
		s.order = append(s.order, rec.ID)
		s.seen(rec.Pid, rec.Process, rec.Time)
	case entryLeft:
		if id, ok := s.applyTrace(s.left, &r); ok && s.left[id] == "" {
			s.left[id] = s.means[id]
		}
	case entryMeans:
		s.applyTrace(s.means, &r)
	case entryDone:
		s.applyDone(&r)
	case entryDrop:
		delete(s.records, r.uint())
	case entryMake:
		if m := readMake(&r); r.done() {
			s.makes = append(s.makes, m)
		}
	case entryClose:
		pid, process, at := int(r.small()), r.uint(), r.int()
		if b := s.seen(pid, process, at); b != nil {
			b.closed = true
		}
	}
}

func (s *journalState) applyTrace(to map[uint64]string, r *reader) (id uint64, ok bool) {
	id = r.uint()
	trace := r.str()
	if s.records[id] == nil || !r.done() {
		return id, false
	}
	to[id] = trace
	return id, true
}

func (s *journalState) applyDone(r *reader) {
	id, ok, at := r.uint(), r.byte() != 0, r.int()
	rec := s.records[id]
	if rec == nil || !r.done() {
		return
	}
	s.seen(rec.Pid, rec.Process, at)
	if !ok {
		rec.Failed = true
		return
	}
	s.done[id] = at
	delete(s.left, id)
	delete(s.means, id)
}

// seen notes that a process lived at a time.
func (s *journalState) seen(pid int, process uint64, at int64) *buildMark {
	for i := len(s.builds) - 1; i >= 0; i-- {
		if b := &s.builds[i]; b.Pid == pid && b.Process == process {
			b.last = max(b.last, at)
			return b
		}
	}
	return nil
}

// recovery sorts out what is to be put right under this boot; alive tells whether the
// process that made a record still runs.
func (s *journalState) recovery(boot string, alive func(*JournalRecord) bool) Recovery {
	var out Recovery
	for _, id := range s.order {
		rec := s.records[id]
		if rec == nil {
			continue
		}
		at, ok := s.done[id]
		left, ended := s.left[id]
		switch {
		case !ok && alive(rec): // also one that failed: its process may be about to repeat it
			out.Running = true
		case !ok && ended && rec.decodeLeft(left):
			out.Ended = append(out.Ended, *rec)
		case !ok:
			out.Unfinished = append(out.Unfinished, s.unfinished(rec))
		case ok && rec.Boot != boot && s.lastOf(rec.Boot)-at < int64(writeback):
			out.Lost = append(out.Lost, *rec)
		}
	}
	for i := range s.makes {
		out.Makes = append(out.Makes, s.makes[i].MakeRecord)
	}
	for _, b := range s.builds {
		if b.Boot != boot && !b.closed {
			out.Dark = append(out.Dark, Interval{b.Time, b.last + int64(writeback)})
		}
	}
	return out
}

// unfinished completes the record of an action without an end by what it was about to put
// back. If that cannot be read, it is as a run of which nothing is known.
func (s *journalState) unfinished(rec *JournalRecord) JournalRecord {
	r := *rec
	if means, ok := s.means[r.ID]; ok {
		if t, err := DecodeTrace([]byte(means)); err == nil {
			r.Means = t
		}
	}
	return r
}

// decodeLeft reads what an action has left, and reports whether it can be read.
func (r *JournalRecord) decodeLeft(trace string) bool {
	t, err := DecodeTrace([]byte(trace))
	r.Left = t
	return err == nil
}

// lastOf returns when a boot was last heard of.
func (s *journalState) lastOf(boot string) int64 {
	var last int64
	for _, b := range s.builds {
		if b.Boot == boot {
			last = max(last, b.last)
		}
	}
	return last
}

// needed returns a journal with what may still be asked for: actions that did
// not succeed, those whose data may not be on disk, their processes, and what makes of
// builds have said that may be under way.
func (s *journalState) needed(boot string, now time.Time) []byte {
	var builds, records writer
	kept := map[[2]uint64]bool{}
	for _, id := range s.order {
		rec := s.records[id]
		at, ok := s.done[id]
		if !s.isNeeded(id, boot, now) {
			continue
		}
		kept[[2]uint64{uint64(rec.Pid), rec.Process}] = true
		records.frame(entryBegin, func(w *writer) { writeJournalRecord(w, rec) })
		if means, ok := s.means[id]; ok {
			records.frame(entryMeans, func(w *writer) { writeLeft(w, id, means) })
		}
		if left, ended := s.left[id]; ended {
			if left == s.means[id] {
				left = "" // see LeftAsMeant
			}
			records.frame(entryLeft, func(w *writer) { writeLeft(w, id, left) })
		}
		if ok || rec.Failed {
			records.frame(entryDone, func(w *writer) { writeDone(w, id, ok, at) })
		}
	}
	for i := range s.builds {
		b := &s.builds[i]
		if !kept[[2]uint64{uint64(b.Pid), b.Process}] && (b.closed || b.Boot == boot) {
			continue
		}
		builds.frame(entryOpen, func(w *writer) { writeJournalRecord(w, &b.JournalRecord) })
		if b.closed {
			builds.frame(entryClose, func(w *writer) { writeClose(w, b.Pid, b.Process, b.last) })
		}
	}
	for _, m := range s.lastMakes() {
		records.frame(entryMake, func(w *writer) { writeMake(w, m.process, &m.MakeRecord) })
	}
	return append(builds.b, records.b...)
}

// isNeeded reports whether an action is among those.
func (s *journalState) isNeeded(id uint64, boot string, now time.Time) bool {
	rec := s.records[id]
	at, ok := s.done[id]
	return rec != nil && !(ok && rec.Boot == boot && now.UnixNano()-at > int64(writeback))
}

// lastMakes lists what makes of the last few builds have said. Nothing tells which builds
// are under way: the make at the top may have nothing to write itself.
func (s *journalState) lastMakes() []ownedMake {
	const builds = 8
	last := make(map[uint64]bool)
	for i := len(s.makes) - 1; i >= 0 && len(last) < builds; i-- {
		last[s.makes[i].Build] = true
	}
	return slices.DeleteFunc(slices.Clone(s.makes), func(m ownedMake) bool { return !last[m.Build] })
}

func writeLeft(w *writer, id uint64, trace string) {
	w.uint(id)
	w.str(trace)
}

func writeDone(w *writer, id uint64, ok bool, at int64) {
	w.uint(id)
	w.byte(byte(bit(ok)))
	w.int(at)
}

func writeMake(w *writer, process uint64, r *MakeRecord) {
	w.uint(process)
	w.uint(r.Build)
	w.uint(r.From)
	w.str(r.ID)
	w.uint(r.Last)
}

func readMake(r *reader) ownedMake {
	return ownedMake{process: r.uint(), MakeRecord: MakeRecord{Build: r.uint(), From: r.uint(), ID: r.str(), Last: r.uint()}}
}

func writeClose(w *writer, pid int, process uint64, at int64) {
	w.uint(uint64(pid))
	w.uint(process)
	w.int(at)
}

func writeJournalRecord(w *writer, r *JournalRecord) {
	w.uint(r.ID)
	w.str(r.Target)
	w.str(r.Dir)
	w.uint(r.Serial)
	w.uint(uint64(r.Pid))
	w.uint(r.Process)
	w.str(r.Boot)
	w.int(r.Time)
	if r.Flags != 0 {
		w.uint(uint64(r.Flags))
	}
}

func readJournalRecord(r *reader) JournalRecord {
	rec := JournalRecord{
		ID:      r.uint(),
		Target:  r.str(),
		Dir:     r.str(),
		Serial:  r.uint(),
		Pid:     int(r.small()),
		Process: r.uint(),
		Boot:    r.str(),
		Time:    r.int(),
	}
	if !r.done() {
		rec.Flags = TraceFlags(r.small())
	}
	return rec
}
