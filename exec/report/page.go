package report

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"fmake/exec/jsonout"
)

// The page: its frame, its looks and what makes it move. Everything is in one file that
// needs no network.
var (
	//go:embed page.html
	pageFrame string
	//go:embed page.css
	pageLooks string
	//go:embed page.js
	pageScript string
)

// Page shows the build to people; title is the project's folder.
func (b *Build) Page(title string) []byte {
	var w jsonout.Writer
	b.pageData(&w, title)
	return []byte(strings.NewReplacer("{{css}}", pageLooks, "{{script}}", pageScript, "{{data}}", string(w.Bytes())).Replace(pageFrame))
}

// pageData writes what the script shows. Targets, spans and edges are rows without
// names, because there may be ten thousand of them.
func (b *Build) pageData(w *jsonout.Writer, title string) {
	index := make(map[string]int, len(b.Targets))
	for i := range b.Targets {
		index[b.Targets[i].Key] = i
	}
	spans := b.byStart()
	chain := b.Critical()
	w.Object(func() {
		w.Field("title", title)
		w.Field("summary", b.summary())
		w.Field("hint", b.Hint())
		w.Key("targets").Array(func() { b.pageTargets(w) })
		w.Key("edges").Array(func() { b.pageEdges(w, index) })
		w.Key("spans").Array(func() { pageSpans(w, spans, index) })
		w.Key("ends").Array(func() {
			for _, s := range lastOf(spans) {
				w.Int((s.End - spans[0].Start) / 1000)
			}
		})
		w.Key("chain").Array(func() {
			for _, key := range chain.Keys {
				w.Int(int64(index[key]))
			}
		})
	})
}

// lastOf gives the span that ends last, if there is any.
func lastOf(spans []Span) []Span {
	if len(spans) == 0 {
		return nil
	}
	return []Span{slices.MaxFunc(spans, func(x, y Span) int { return int(x.End - y.End) })}
}

// summary says in a sentence what the build did.
func (b *Build) summary() string {
	t := b.Total()
	var saved int64
	for i := range b.Targets {
		if b.Targets[i].Outcome == Restored {
			saved += b.Targets[i].Duration
		}
	}
	text := fmt.Sprintf("In %s: recipes run %d, results from the cache %d, targets up to date %d", seconds(t.Wall), t.Counts[Ran]+t.Counts[Failed], t.Counts[Restored], t.Counts[Kept]+t.Counts[Cut])
	if t.Counts[Cut] > 0 {
		text += fmt.Sprintf(" (%d of them by content alone)", t.Counts[Cut])
	}
	if t.Counts[Failed] > 0 {
		text += fmt.Sprintf(", failed %d", t.Counts[Failed])
	}
	if saved > 0 {
		text += fmt.Sprintf("; what came from the cache had taken %s", seconds(saved))
	}
	return text + "."
}

// What of processes is in the page: they are most of it, and of most targets nobody
// looks at them. The targets that took longest have theirs.
const (
	longestProc = 160     // its words; so much of a name, too
	mostProcs   = 24      // of a target
	procBytes   = 3 << 20 // of all
)

func (b *Build) pageTargets(w *jsonout.Writer) {
	procs := b.procsShown()
	for i := range b.Targets {
		t := &b.Targets[i]
		w.Newline()
		w.Array(func() {
			w.String(t.Key)
			w.String(t.Name)
			w.String(t.Dir)
			w.String(string(t.Outcome))
			w.String(t.Why)
			w.Int(int64(t.Runs))
			w.Int(t.Duration / 1000)
			w.Int(int64(t.Reads))
			w.Int(int64(t.Writes))
			w.Array(func() {
				for _, u := range t.Undeclared {
					w.String(u)
				}
			})
			w.Array(func() { pageProcs(w, procs[i]) })
		})
	}
}

// procsShown chooses the processes that are in the page, by target.
func (b *Build) procsShown() map[int][]Proc {
	order := make([]int, len(b.Targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return int(b.Targets[y].Duration - b.Targets[x].Duration) })
	shown := make(map[int][]Proc)
	room := procBytes
	for _, i := range order {
		procs := b.Targets[i].Procs
		procs = procs[:min(len(procs), mostProcs)]
		for _, p := range procs {
			room -= min(len(p.Text), longestProc) + 8
		}
		if room < 0 {
			break
		}
		shown[i] = procs
	}
	return shown
}

func clip(text string) string {
	if len(text) > longestProc {
		return text[:longestProc] + "..."
	}
	return text
}

func pageProcs(w *jsonout.Writer, procs []Proc) {
	for _, p := range procs {
		w.Array(func() {
			w.Int(int64(p.Depth))
			w.String(clip(p.Text))
		})
	}
}

// pageEdges writes the edges between targets that are told of.
func (b *Build) pageEdges(w *jsonout.Writer, index map[string]int) {
	kinds := []EdgeKind{Declared, OrderOnly, Read, Learned}
	for _, e := range b.edges() {
		from, ok := index[e.From]
		to, ok2 := index[e.To]
		if !ok || !ok2 || from == to {
			continue
		}
		w.Array(func() {
			w.Int(int64(from))
			w.Int(int64(to))
			w.Int(int64(slices.Index(kinds, e.Kind)))
		})
	}
}

// mostSpans is how many looks around are in the page. There may be many thousands of them,
// for which nothing was started, and which nobody can see in the timeline.
const mostSpans = 2000

// pageSpans writes the spans in lanes of all makes together. Those of whole makes, and of
// recipes that start makes, take no lane: what is in them does.
func pageSpans(w *jsonout.Writer, spans []Span, index map[string]int) {
	shortest := shortestLook(spans)
	work := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool {
		return s.Kind == Whole || s.Kind == Recurse || s.Kind == Wildcard && s.End-s.Start < shortest
	})
	for i, lane := range lanes(work) {
		s := &work[i]
		target, ok := index[s.Key]
		if !ok {
			target = -1
		}
		w.Newline()
		w.Array(func() {
			w.String(string(s.Kind))
			w.String(clip(s.Name))
			w.Int(int64(target))
			w.String(s.Dir)
			w.Int(int64(lane))
			w.Int((s.Start - spans[0].Start) / 1000)
			w.Int((s.End - s.Start) / 1000)
			w.Bool(s.Failed)
		})
	}
}

// shortestLook is how long a $(wildcard) has to have taken to be among the longest.
func shortestLook(spans []Span) int64 {
	var took []int64
	for i := range spans {
		if s := &spans[i]; s.Kind == Wildcard {
			took = append(took, s.End-s.Start)
		}
	}
	if len(took) <= mostSpans {
		return 0
	}
	slices.Sort(took)
	return took[len(took)-mostSpans]
}
