package exec

import (
	"time"

	"fmake/makefile"
)

// Watcher is told what one make does, while it does it. Nobody watches a normal build,
// and then nothing is measured. All calls come from the goroutine of the walk and have
// to return soon.
type Watcher interface {
	// Began is called before a recipe's first command is started.
	Began(f *makefile.File)
	// Ended is called when that run is over; f.Run.Status tells how it went.
	Ended(f *makefile.File)
	// Judged is called when it was decided about a target with a recipe; v may be
	// Restored, which has taken its time.
	Judged(f *makefile.File, v Verdict, took time.Duration)
	// Expanded is called when a $(shell) or $(wildcard) is over.
	Expanded(function, text string, took time.Duration)
}

// watched asks the Judge, and tells whoever watches.
func (w *Walk) watched(f *makefile.File, must bool) Verdict {
	if w.watch == nil {
		return w.opt.Judge.Judge(f, must)
	}
	start := time.Now()
	v := w.opt.Judge.Judge(f, must)
	w.watch.Judged(f, v, time.Since(start))
	return v
}

// began tells that a job starts its first command.
func (w *Walk) began(j *job) {
	if w.watch != nil {
		j.told = true
		w.watch.Began(j.file)
	}
}

// over tells that a job of which was told has ended.
func (w *Walk) over(j *job) {
	if j.told {
		j.told = false
		w.watch.Ended(j.file)
	}
}

// timed runs what expands a function that may take long.
func (w *Walk) timed(function, text string, fn func()) {
	if w.watch == nil {
		fn()
		return
	}
	start := time.Now()
	fn()
	w.watch.Expanded(function, text, time.Since(start))
}
