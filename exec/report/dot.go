package report

import (
	"slices"
	"strings"
)

// Dot writes the graph for Graphviz: what is declared in full strokes, order-only
// prerequisites dotted, what was read or waited for without being declared dashed.
func (b *Build) Dot() []byte {
	colors := map[Outcome]string{Ran: "#f6d186", Restored: "#b7d7f0", Kept: "#e4e4e4", Cut: "#cfe8c6", Failed: "#f0a9a0", Group: "#ffffff"}
	styles := map[EdgeKind]string{
		Declared: "", OrderOnly: " [style=dotted]",
		Read: " [style=dashed, color=\"#b03a2e\", label=\"read\"]", Learned: " [style=dashed, color=\"#7d3c98\", label=\"learned\"]",
	}
	var out strings.Builder
	out.WriteString("digraph build {\n\trankdir=LR;\n\tnode [shape=box, style=filled, fillcolor=\"#ffffff\"];\n")
	targets := slices.Clone(b.Targets)
	slices.SortFunc(targets, func(x, y Target) int { return strings.Compare(x.Key, y.Key) })
	for i := range targets {
		t := &targets[i]
		out.WriteString("\t" + dotQuote(t.Key) + " [label=" + dotQuote(strings.TrimPrefix(t.Key, "./")) + ", fillcolor=\"" + colors[t.Outcome] + "\", tooltip=" + dotQuote(t.Why) + "];\n")
	}
	for _, e := range b.edges() {
		out.WriteString("\t" + dotQuote(e.From) + " -> " + dotQuote(e.To) + styles[e.Kind] + ";\n")
	}
	out.WriteString("}\n")
	return []byte(out.String())
}

// edges are the edges, each once, sorted.
func (b *Build) edges() []Edge {
	edges := slices.Clone(b.Edges)
	slices.SortFunc(edges, func(x, y Edge) int {
		if c := strings.Compare(x.From, y.From); c != 0 {
			return c
		}
		if c := strings.Compare(x.To, y.To); c != 0 {
			return c
		}
		return strings.Compare(string(x.Kind), string(y.Kind))
	})
	edges = slices.Compact(edges)
	var declared Edge // the last one: it comes before others between the same two
	return slices.DeleteFunc(edges, func(e Edge) bool {
		if e.Kind == Declared {
			declared = e
			return false
		}
		return e.Kind != OrderOnly && e.From == declared.From && e.To == declared.To
	})
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
