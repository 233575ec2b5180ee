package exec

import (
	"cmp"
	"maps"
	"slices"

	"fmake/makefile"
)

// serialOutput shows what parallel jobs print in the order in which make -j1 would
// have run them. Each job's output is collected as a whole, that of makes below
// included. It is shown as soon as nothing that comes before can print any more.
type serialOutput struct {
	ready map[*makefile.File]*collector // ended, and not yet shown
	notes map[*makefile.File]string     // messages that follow what a goal printed
	order []*makefile.File              // as known at shape
	at    map[*makefile.File]int        // their places in it
	shape int
	next  int // all before it in order were shown
	over  bool
}

func newSerialOutput() *serialOutput {
	return &serialOutput{ready: make(map[*makefile.File]*collector), notes: make(map[*makefile.File]string)}
}

// show shows what a job has printed, now or when its turn comes.
func (w *Walk) show(j *job) {
	j.out.release(w.con)
	if w.serial == nil {
		j.out.dump(w.con)
		return
	}
	if j.out.out == nil {
		return
	}
	mine := &collector{out: j.out.out, err: j.out.err}
	j.out.out, j.out.err = nil, nil
	if earlier := w.serial.ready[j.file]; earlier != nil {
		earlier.close() // it ran too early and was repeated
	}
	w.serial.ready[j.file] = mine
	w.showSerial()
}

// note prints a message about a goal after what its recipe has printed.
func (w *Walk) note(f *makefile.File, text string) {
	if w.serial == nil {
		w.con.message(text)
		return
	}
	w.serial.notes[f] = text
}

// showSerial shows everything up to the first target that may still print.
func (w *Walk) showSerial() {
	s := w.serial
	if s.at == nil || s.shape != w.shape {
		s.at, s.shape, s.next = w.serialOrder(), w.shape, 0
		s.order = slices.SortedFunc(maps.Keys(s.at), func(x, y *makefile.File) int { return cmp.Compare(s.at[x], s.at[y]) })
	}
	for f := range s.ready {
		if at, known := s.at[f]; !known || at < s.next {
			w.showOne(f) // a makefile, or one that was repeated after its turn
		}
	}
	for s.next < len(s.order) {
		f := s.order[s.next]
		if s.ready[f] == nil && f.Recipe != nil && !f.Run.Updated {
			return
		}
		w.showOne(f)
		s.next++
	}
}

// showOne shows what is there of one target.
func (w *Walk) showOne(f *makefile.File) {
	s := w.serial
	if c := s.ready[f]; c != nil {
		delete(s.ready, f)
		if !s.over {
			c.dump(w.con)
		}
		c.close()
		// make -j1 would not have gone on.
		s.over = s.over || f.Run.Status > StatusSuccess && !w.keepGoing() && !f.DontCare
	}
	if text, ok := s.notes[f]; ok {
		delete(s.notes, f)
		w.con.message(text)
	}
}

// showRest shows all that is left, in order. Nothing runs any more.
func (w *Walk) showRest() {
	if w.serial == nil {
		return
	}
	w.showSerial()
	s := w.serial
	left := slices.Collect(maps.Keys(s.ready))
	for f := range s.notes {
		if s.ready[f] == nil {
			left = append(left, f)
		}
	}
	slices.SortFunc(left, func(x, y *makefile.File) int { return cmp.Compare(s.at[x], s.at[y]) })
	for _, f := range left {
		w.showOne(f)
	}
}
