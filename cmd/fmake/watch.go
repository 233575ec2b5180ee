package main

import (
	"time"

	"fmake/exec"
	"fmake/exec/report"
	"fmake/makefile"
)

// stopwatch notes what takes time in one make. It implements exec.Watcher.
type stopwatch struct {
	dir   func() string
	key   func(f *makefile.File) string
	since time.Time
	runs  map[*makefile.File]time.Time
	spans []report.Span
}

func newStopwatch(p *program) *stopwatch {
	return &stopwatch{dir: func() string { return p.session.Dir() }, key: p.key, since: time.Now(), runs: make(map[*makefile.File]time.Time)}
}

// key is how traces call a target; without traces, its name has to do.
func (p *program) key(f *makefile.File) string {
	if p.build == nil {
		return f.Name
	}
	return p.build.Key(f)
}

// Began implements exec.Watcher.
func (s *stopwatch) Began(f *makefile.File) { s.runs[f] = time.Now() }

// Ended implements exec.Watcher.
func (s *stopwatch) Ended(f *makefile.File) {
	kind := report.Recipe
	if f.Recipe.AnyRecurse {
		kind = report.Recurse
	}
	s.add(report.Span{Kind: kind, Name: f.Name, Key: s.key(f), Failed: f.Run.Status > exec.StatusSuccess}, s.runs[f])
	delete(s.runs, f)
}

// Judged implements exec.Watcher. Only what was put back is worth mentioning.
func (s *stopwatch) Judged(f *makefile.File, v exec.Verdict, took time.Duration) {
	if v == exec.Restored {
		s.add(report.Span{Kind: report.Restore, Name: f.Name, Key: s.key(f)}, time.Now().Add(-took))
	}
}

// Expanded implements exec.Watcher.
func (s *stopwatch) Expanded(function, text string, took time.Duration) {
	s.add(report.Span{Kind: report.SpanKind(function), Name: "$(" + function + " " + text + ")"}, time.Now().Add(-took))
}

func (s *stopwatch) add(span report.Span, start time.Time) {
	span.Start, span.End = start.UnixNano(), time.Now().UnixNano()
	s.spans = append(s.spans, span)
}

// all are the spans, that of the whole make among them.
func (s *stopwatch) all() []report.Span {
	s.add(report.Span{Kind: report.Whole, Name: "make"}, s.since)
	for i := range s.spans {
		s.spans[i].Dir = s.dir() // while makefiles are read, -C may still change it
	}
	return s.spans
}
