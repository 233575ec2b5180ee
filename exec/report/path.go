package report

import (
	"cmp"
	"slices"
)

// Chain is the longest chain of targets each of which needs the one before it, by the
// time that their recipes took in this build: no number of jobs makes it shorter.
type Chain struct {
	Keys []string
	Time int64
}

// Critical finds the chain. Recipes that start makes do not count themselves, because
// what the makes below did is counted.
func (b *Build) Critical() Chain {
	took := make(map[string]int64)
	for i := range b.Spans {
		if s := &b.Spans[i]; s.Kind == Recipe || s.Kind == Restore {
			took[s.Key] += s.End - s.Start
		}
	}
	w := &chainWalk{took: took, needs: make(map[string][]string), best: make(map[string]int64), next: make(map[string]string)}
	for _, e := range b.Edges {
		w.needs[e.From] = append(w.needs[e.From], e.To)
	}
	var last string
	var most int64
	for i := range b.Targets {
		key := b.Targets[i].Key
		if t := w.longest(key); t > most || t == most && t > 0 && key < last {
			last, most = key, t
		}
	}
	chain := Chain{Time: most}
	for key := last; key != ""; key = w.next[key] {
		if took[key] > 0 {
			chain.Keys = append(chain.Keys, key)
		}
	}
	slices.Reverse(chain.Keys)
	return chain
}

type chainWalk struct {
	took  map[string]int64
	needs map[string][]string
	best  map[string]int64 // -1 while the walk is inside
	next  map[string]string
}

// longest is the time of the longest chain that ends with a target. Where targets need
// each other in a circle, it is cut.
func (w *chainWalk) longest(key string) int64 {
	if t, known := w.best[key]; known {
		return max(t, 0)
	}
	w.best[key] = -1
	var below int64
	for _, need := range w.needs[key] {
		if t := w.longest(need); t > below {
			below, w.next[key] = t, need
		}
	}
	w.best[key] = below + w.took[key]
	return w.best[key]
}

// Totals are sums over a build.
type Totals struct {
	Wall, Recipes int64 // nanoseconds; of all recipes, one after the other
	Counts        map[Outcome]int
}

// Total sums up.
func (b *Build) Total() Totals {
	t := Totals{Counts: make(map[Outcome]int)}
	var first, last int64
	for i := range b.Spans {
		s := &b.Spans[i]
		if first == 0 || s.Start < first {
			first = s.Start
		}
		last = max(last, s.End)
		if s.Kind == Recipe {
			t.Recipes += s.End - s.Start
		}
	}
	t.Wall = last - first
	for i := range b.Targets {
		t.Counts[b.Targets[i].Outcome]++
	}
	return t
}

// byStart gives the spans in the order in which they began, longer ones first.
func (b *Build) byStart() []Span {
	spans := slices.Clone(b.Spans)
	slices.SortStableFunc(spans, func(x, y Span) int {
		return cmp.Or(cmp.Compare(x.Start, y.Start), cmp.Compare(y.End, x.End))
	})
	return spans
}

// lanes gives each span a lane in which nothing else goes on at that time.
func lanes(spans []Span) []int {
	out := make([]int, len(spans))
	var free []int64 // by lane: when it is free
	for i := range spans {
		lane := slices.IndexFunc(free, func(end int64) bool { return end <= spans[i].Start })
		if lane < 0 {
			lane = len(free)
			free = append(free, 0)
		}
		free[lane] = spans[i].End
		out[i] = lane
	}
	return out
}
