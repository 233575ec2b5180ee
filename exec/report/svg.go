package report

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

//go:embed graph.css
var graphLooks string

// Svg draws the graph: what a target needs is to the right of it. Declared edges are in
// full strokes, order-only ones dotted, what was read or waited for without being
// declared dashed; colours tell what became of a target. title is the project's folder.
func (b *Build) Svg(title string) []byte {
	d := newDrawing(b)
	d.begin(title, b.summary())
	d.legend()
	d.drawEdges()
	d.drawTargets()
	d.out.WriteString("</svg>\n")
	return []byte(d.out.String())
}

// Sizes, in pixels. A letter is as wide as in the usual monospaced fonts of that size.
const (
	letter    = 7.3
	boxHeight = 20
	rowHeight = 28
	padding   = 8
	gap       = 90 // between ranks, for the edges
	margin    = 20
	headroom  = 56 // for the legend
	longest   = 36 // letters of a name that are shown
	leastWide = 640
)

// drawing is one picture in the making.
type drawing struct {
	targets []Target // each once
	edges   []Edge
	index   map[string]int // by key
	*layout
	left  []float64 // by rank: where its boxes begin
	width []float64 // by rank: of its boxes
	wide  float64   // of the whole picture
	tall  float64
	out   strings.Builder

	escapes *strings.Replacer
}

func newDrawing(b *Build) *drawing {
	d := &drawing{index: make(map[string]int, len(b.Targets)), escapes: strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")}
	for _, t := range b.Targets {
		if i, known := d.index[t.Key]; known {
			d.targets[i] = t // another make has met it, too
			continue
		}
		d.index[t.Key] = len(d.targets)
		d.targets = append(d.targets, t)
	}
	var pairs [][2]int
	for _, e := range b.edges() {
		from, known := d.index[e.From]
		to, toKnown := d.index[e.To]
		if !known || !toKnown || from == to {
			continue
		}
		d.edges = append(d.edges, e)
		pairs = append(pairs, [2]int{from, to})
	}
	d.layout = newLayout(len(d.targets), pairs)
	d.measure()
	return d
}

// measure finds out where ranks begin and how large all is.
func (d *drawing) measure() {
	at, most := float64(margin), 0
	for _, rank := range d.ranks {
		letters := 0
		for _, i := range rank {
			letters = max(letters, utf8.RuneCountInString(label(&d.targets[i])))
		}
		width := float64(letters)*letter + 2*padding
		d.left, d.width = append(d.left, at), append(d.width, width)
		at += width + gap
		most = max(most, len(rank))
	}
	d.wide = max(at-gap+margin, leastWide)
	d.tall = headroom + float64(most)*rowHeight + margin
}

// label is what is written in a target's box: its name, cut in the middle if it is long.
func label(t *Target) string {
	name := []rune(clean(strings.TrimPrefix(t.Key, "./")))
	if len(name) <= longest {
		return string(name)
	}
	return string(name[:longest/2-1]) + "…" + string(name[len(name)-longest/2:])
}

// middle is the height at which a target stands.
func (d *drawing) middle(i int) float64 {
	return headroom + (d.tall-headroom-margin)/2 + d.height[i]*rowHeight
}

func (d *drawing) begin(title, summary string) {
	wide, tall := pixels(d.wide), pixels(d.tall)
	d.out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="` + wide + `" height="` + tall + `" viewBox="0 0 ` + wide + " " + tall + "\">\n")
	d.out.WriteString(`<title id="title">What was built in ` + d.escape(title) + "</title>\n")
	d.out.WriteString(`<desc id="desc">` + strconv.Itoa(len(d.targets)) + " targets and " + strconv.Itoa(len(d.edges)) +
		" edges. What a target needs is to the right of it. " + d.escape(summary) + "</desc>\n")
	d.out.WriteString("<style>\n" + graphLooks + "</style>\n")
	d.out.WriteString(`<rect class="ground" width="100%" height="100%"/>` + "\n")
}

// legend explains colours and strokes.
func (d *drawing) legend() {
	d.out.WriteString("<g class=\"legend\">\n")
	x := float64(margin)
	for _, o := range []struct {
		outcome Outcome
		text    string
	}{{Ran, "ran"}, {Restored, "restored"}, {Kept, "up to date"}, {Cut, "up to date by content"}, {Failed, "failed"}} {
		d.out.WriteString(`<rect class="` + string(o.outcome) + `" x="` + pixels(x) + `" y="10" width="14" height="12" rx="3"/>`)
		x = d.legendText(x+20, 20, o.text)
	}
	x = margin
	for _, e := range []struct {
		kind EdgeKind
		text string
	}{{Declared, "declared"}, {OrderOnly, "order-only"}, {Read, "read, not declared"}, {Learned, "waited for, not declared"}} {
		d.out.WriteString(`<path class="` + string(e.kind) + `" d="M` + pixels(x) + ` 38h30"/>`)
		x = d.legendText(x+36, 42, e.text)
	}
	d.out.WriteString("</g>\n")
}

// legendText writes one word of the legend and returns where the next may begin.
func (d *drawing) legendText(x, y float64, text string) float64 {
	d.out.WriteString(`<text x="` + pixels(x) + `" y="` + pixels(y) + `">` + text + "</text>\n")
	return x + float64(len(text))*letter + 16
}

// drawEdges draws the lines. Those that the makefiles declare are one path for each kind,
// as there may be very many; the others have a text of their own.
func (d *drawing) drawEdges() {
	lines := map[EdgeKind]*strings.Builder{Declared: {}, OrderOnly: {}}
	for _, e := range d.edges {
		line := d.line(d.index[e.From], d.index[e.To])
		if all := lines[e.Kind]; all != nil {
			all.WriteString(line)
			continue
		}
		d.out.WriteString(`<path class="` + string(e.Kind) + `" d="` + line + `"><title>` + d.escape(edgeText(e)) + "</title></path>\n")
	}
	for _, kind := range []EdgeKind{Declared, OrderOnly} {
		if all := lines[kind]; all.Len() > 0 {
			d.out.WriteString(`<path class="` + string(kind) + `" d="` + all.String() + "\"/>\n")
		}
	}
}

func edgeText(e Edge) string {
	from, to := strings.TrimPrefix(e.From, "./"), strings.TrimPrefix(e.To, "./")
	if e.Kind == Learned {
		return from + " waits for " + to + ", which is not declared"
	}
	return from + " reads what " + to + " makes, which is not declared"
}

// line goes from the right side of one box to the left side of another; where a circle
// leads back, the other way round.
func (d *drawing) line(from, to int) string {
	x := d.left[d.rank[from]] + d.width[d.rank[from]]
	end := d.left[d.rank[to]]
	if d.rank[to] <= d.rank[from] {
		x, end = d.left[d.rank[from]], d.left[d.rank[to]]+d.width[d.rank[to]]
	}
	return "M" + pixels(x) + " " + pixels(d.middle(from)) + "L" + pixels(end) + " " + pixels(d.middle(to))
}

func (d *drawing) drawTargets() {
	words := map[Outcome]string{
		Ran: "ran", Restored: "restored from the cache", Kept: "up to date", Cut: "up to date by its content", Failed: "failed", Group: "has no recipe",
	}
	for r, rank := range d.ranks {
		for _, i := range rank {
			t := &d.targets[i]
			text := strings.TrimPrefix(t.Key, "./") + ": " + words[t.Outcome]
			if t.Why != "" {
				text += "; " + t.Why
			}
			y := d.middle(i)
			d.out.WriteString(`<g class="` + string(t.Outcome) + `"><title>` + d.escape(text) + `</title><rect x="` + pixels(d.left[r]) + `" y="` + pixels(y-boxHeight/2) +
				`" width="` + pixels(d.width[r]) + `" height="20" rx="4"/><text x="` + pixels(d.left[r]+padding) + `" y="` + pixels(y+4) + `">` + d.escape(label(t)) + "</text></g>\n")
		}
	}
}

// pixels writes a number as short as the eye can tell.
func pixels(x float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

// clean replaces what no XML may hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && !slices.Contains([]rune{'\t', '\n', '\r'}, r) || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// escape makes a text one that may stand between tags and in quotes.
func (d *drawing) escape(s string) string { return d.escapes.Replace(clean(s)) }
