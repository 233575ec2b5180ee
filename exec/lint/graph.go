package lint

import (
	"fmake/cache"
	"fmake/makefile"
)

// subject is one target with its trace.
type subject struct {
	f     *makefile.File
	key   string
	trace *cache.Trace
	own   map[string]bool // keys of all targets that its recipe declares to make
}

// linter is one pass over one make.
type linter struct {
	*Make
	subjects []subject
	byKey    map[string]*makefile.File // everything that the makefile mentions
	writers  map[string][]*subject     // by key of what was written, in serial order
	reached  map[*makefile.File]reach  // of targets that others may need
	tracked  bool                      // recipes write dependency files that makefiles include
	main     string                    // the makefile that additions go to
	found    []Finding
}

func newLinter(m *Make) *linter {
	l := &linter{Make: m, byKey: make(map[string]*makefile.File), writers: make(map[string][]*subject), reached: make(map[*makefile.File]reach)}
	for _, head := range m.DB.Files() {
		for f := head; f != nil; f = f.Prev {
			key := m.Known.Key(f)
			if old := l.byKey[key]; old == nil || old.Recipe == nil {
				l.byKey[key] = f
			}
		}
	}
	for _, f := range m.Targets {
		t := m.Known.Trace(f)
		if t == nil || t.Flags&(cache.Failed|cache.Provisional) != 0 {
			continue
		}
		s := subject{f: f, key: m.Known.Key(f), trace: t, own: make(map[string]bool)}
		for _, g := range f.Together() {
			s.own[m.Known.Key(g)] = true
		}
		l.subjects = append(l.subjects, s)
	}
	for i := range l.subjects {
		l.enterWrites(&l.subjects[i])
	}
	l.main = mainMakefile(m)
	l.tracked = includesByVariable(m)
	return l
}

// enterWrites notes what a recipe has left. Removals and directories are nobody's
// files.
func (l *linter) enterWrites(s *subject) {
	for i := range s.trace.Outputs {
		o := &s.trace.Outputs[i]
		if inProject(o.Path) && (o.Type == typeRegular || o.Type == typeLink) {
			l.writers[o.Path] = append(l.writers[o.Path], s)
		}
	}
}

// reach is what a target reaches over its prerequisites.
type reach struct {
	newer   map[string]bool // by key: what makes the target be made again when it is newer
	ordered map[string]bool // by key: what comes before the target
}

func (r *reach) mark(key string, newer bool) {
	r.ordered[key] = true
	if newer {
		r.newer[key] = true
	}
}

// reachOf follows all prerequisites of a target. Over an order-only one nothing gets
// newer.
func (l *linter) reachOf(f *makefile.File) reach {
	r := reach{newer: make(map[string]bool), ordered: make(map[string]bool)}
	var walk func(f *makefile.File, newer bool)
	walk = func(f *makefile.File, newer bool) {
		for ; f != nil; f = f.Prev {
			for _, d := range f.Deps {
				if d.File == nil {
					continue
				}
				g := d.File.Current()
				key, counts := l.Known.Key(g), newer && !d.OrderOnly
				if r.ordered[key] && (r.newer[key] || !counts) {
					continue
				}
				r.mark(key, counts)
				r.mark(l.Known.KeyOf(g.Name), counts) // where its links lead
				if g.DoubleColon != nil {
					g = g.DoubleColon
				}
				walk(g, counts)
				for _, h := range g.AlsoMake {
					walk(h, counts)
				}
			}
		}
	}
	walk(f, true)
	for _, g := range f.AlsoMake {
		walk(g, true)
	}
	return r
}

// writer is the recipe of this make, other than the reader's own, that wrote last what
// a target read; nil if none did.
func (l *linter) writer(s *subject, key string) *subject {
	var last *subject
	for _, w := range l.writers[key] {
		if w.f != s.f && w.trace.Serial < s.trace.Serial {
			last = w
		}
	}
	return last
}
