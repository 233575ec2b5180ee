package report

import (
	"fmt"
	"slices"
	"time"

	"fmake/exec/jsonout"
)

// Profile writes the build in the trace format of Chrome, which chrome://tracing and
// Perfetto read: each make is a process, and within it what went on at a time is on
// lanes of its own.
func (b *Build) Profile(w *jsonout.Writer) {
	w.Object(func() {
		w.Field("displayTimeUnit", "ms")
		w.Key("otherData").Object(func() { w.Field("hint", b.Hint()) })
		w.Key("traceEvents").Array(func() { b.events(w) })
	})
	w.End()
}

// Hint says in a sentence or two how far more jobs would help.
func (b *Build) Hint() string {
	total, chain := b.Total(), b.Critical()
	if total.Recipes == 0 {
		return "No recipe ran."
	}
	text := fmt.Sprintf("The recipes took %s in all, the build %s. ", seconds(total.Recipes), seconds(total.Wall))
	if chain.Time == 0 {
		return text
	}
	useful := (total.Recipes + chain.Time - 1) / chain.Time
	text += fmt.Sprintf("The longest chain of recipes that need each other takes %s; no -j makes the build shorter than that", seconds(chain.Time))
	if useful > 1 {
		return text + fmt.Sprintf(", and more than -j%d helps little.", useful)
	}
	return text + ", and -j2 helps little."
}

func seconds(ns int64) string {
	d := time.Duration(ns)
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func (b *Build) events(w *jsonout.Writer) {
	spans := b.byStart()
	if len(spans) == 0 {
		return
	}
	zero := spans[0].Start
	outcomes := make(map[string]*Target, len(b.Targets))
	for i := range b.Targets {
		outcomes[b.Targets[i].Key] = &b.Targets[i]
	}
	for pid, dir := range makes(spans) {
		event(w, func() {
			w.Field("ph", "M")
			w.Field("name", "process_name")
			w.Key("pid").Int(int64(pid + 1))
			w.Key("args").Object(func() { w.Field("name", "make in "+dir) })
		})
		own := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Dir != dir })
		for i, lane := range lanes(own) {
			s := &own[i]
			event(w, func() {
				w.Field("ph", "X")
				w.Field("name", s.Name)
				w.Field("cat", string(s.Kind))
				w.Key("pid").Int(int64(pid + 1))
				w.Key("tid").Int(int64(lane + 1))
				w.Key("ts").Micros(s.Start - zero)
				w.Key("dur").Micros(s.End - s.Start)
				w.Key("args").Object(func() { s.args(w, outcomes[s.Key]) })
			})
		}
	}
}

func event(w *jsonout.Writer, fields func()) {
	w.Newline()
	w.Object(fields)
}

// args are what a person reads who clicks on a span.
func (s *Span) args(w *jsonout.Writer, t *Target) {
	if s.Failed {
		w.Field("result", "failed")
	}
	if t == nil {
		return
	}
	w.Field("target", t.Key)
	w.Given("why", t.Why)
	if t.Runs > 1 {
		w.Key("runs").Int(int64(t.Runs))
	}
}

// makes lists where makes ran, in the order in which they began.
func makes(spans []Span) []string {
	var dirs []string
	seen := make(map[string]bool)
	for i := range spans {
		if d := spans[i].Dir; !seen[d] {
			seen[d] = true
			dirs = append(dirs, d)
		}
	}
	return dirs
}
