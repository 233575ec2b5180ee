package report

import (
	"strconv"

	"fmake/exec/story"
)

// The first words of records.
const (
	recordSpan    = "span"
	recordTarget  = "target"
	recordEdge    = "edge"
	recordCompile = "compile"
)

// Records gives everything to the make at the top.
func (b *Build) Records() []story.Record {
	var out []story.Record
	for i := range b.Spans {
		s := &b.Spans[i]
		out = append(out, story.Record{recordSpan, string(s.Kind), s.Name, s.Key, s.Dir, decimal(s.Start), decimal(s.End), strconv.FormatBool(s.Failed)})
	}
	for i := range b.Targets {
		out = append(out, b.Targets[i].record())
	}
	for _, e := range b.Edges {
		out = append(out, story.Record{recordEdge, string(e.Kind), e.From, e.To})
	}
	for _, c := range b.Compiles {
		out = append(out, append(story.Record{recordCompile, c.Dir, c.File, c.Output}, c.Args...))
	}
	return out
}

// record has two lists at its end, the first with its length before it.
func (t *Target) record() story.Record {
	r := story.Record{
		recordTarget, t.Key, t.Name, t.Dir, string(t.Outcome), t.Why, strconv.Itoa(t.Runs), decimal(t.Duration),
		strconv.Itoa(t.Reads), strconv.Itoa(t.Writes), strconv.Itoa(len(t.Undeclared)),
	}
	r = append(r, t.Undeclared...)
	for _, p := range t.Procs {
		r = append(r, strconv.Itoa(p.Depth), p.Text)
	}
	return r
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// FromRecords takes out of what all makes have told what belongs here. A target that
// several makes speak of is told by who did most with it.
func FromRecords(records []story.Record) *Build {
	b := &Build{}
	place := make(map[string]int)
	for _, r := range records {
		switch {
		case r[0] == recordSpan && len(r) == 8:
			b.Spans = append(b.Spans, Span{SpanKind(r[1]), r[2], r[3], r[4], number(r[5]), number(r[6]), r[7] == "true"})
		case r[0] == recordTarget && len(r) >= 11:
			t := targetOf(r)
			i, known := place[t.Key]
			switch {
			case !known:
				place[t.Key] = len(b.Targets)
				b.Targets = append(b.Targets, t)
			case weight(t.Outcome) > weight(b.Targets[i].Outcome):
				b.Targets[i] = t
			}
		case r[0] == recordEdge && len(r) == 4:
			b.Edges = append(b.Edges, Edge{EdgeKind(r[1]), r[2], r[3]})
		case r[0] == recordCompile && len(r) > 4:
			b.Compiles = append(b.Compiles, Compile{Dir: r[1], File: r[2], Output: r[3], Args: r[4:]})
		}
	}
	return b
}

// weight orders outcomes by how much happened.
func weight(o Outcome) int {
	order := map[Outcome]int{Kept: 1, Cut: 2, Restored: 3, Ran: 4, Failed: 5}
	return order[o]
}

func targetOf(r story.Record) Target {
	t := Target{
		Key: r[1], Name: r[2], Dir: r[3], Outcome: Outcome(r[4]), Why: r[5],
		Runs: int(number(r[6])), Duration: number(r[7]), Reads: int(number(r[8])), Writes: int(number(r[9])),
	}
	rest := r[11:]
	if n := int(number(r[10])); n > 0 && n <= len(rest) {
		t.Undeclared, rest = rest[:n], rest[n:]
	}
	for ; len(rest) >= 2; rest = rest[2:] {
		t.Procs = append(t.Procs, Proc{int(number(rest[0])), rest[1]})
	}
	return t
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
