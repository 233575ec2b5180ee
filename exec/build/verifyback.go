package build

import (
	"slices"
	"time"

	"fmake/tracefs"
)

// putFirst makes the tree what it was after the first run.
func (s *second) putFirst(rec *tracefs.Record) error {
	b := s.b
	for i := range slices.Backward(rec.Writes) { // contents before their directories
		w := &rec.Writes[i]
		if w.Segment == "" && !s.noVersion(rec, w.Path) && findOutput(s.old.Outputs, b.sp.key(w.Path)) == nil {
			s.undo(w)
		}
	}
	t := *s.old
	t.Outputs = slices.Clone(s.old.Outputs)
	if err := b.restoreAll(t.Outputs); err != nil {
		return err // the journal tells the next build
	}
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if mtime := s.times[o.Path]; mtime != 0 && (o.Type == typeRegular || o.Type == typeLink) {
			b.setTime(o, time.Unix(0, mtime))
		}
	}
	b.graph.Put(s.n.name, &t) // the same, but for what tells its files from others
	b.cross(s.journal)
	return nil
}

// undo makes one path that only the second run has written what it was.
func (s *second) undo(w *tracefs.Write) {
	b := s.b
	if !w.Before.Exists {
		if now, ok := b.outputAt(w.Path); ok {
			b.remove(now.Path, now.Type)
		}
		return
	}
	if w.Before.Lost {
		b.warn("%s was too large to be saved before the recipe of %s changed it the second time", b.display(b.sp.key(w.Path)), s.f.Name)
		return
	}
	was := s.replaced(w)
	if now, ok := b.outputAt(w.Path); ok && sameOutput(&was, &now) {
		return
	}
	b.putBack(&was, w.Path)
	if was.Type != typeDir {
		b.setTime(&was, time.Unix(0, w.Before.Stat.Mtime))
	}
}
