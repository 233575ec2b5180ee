package main

import (
	"bufio"
	"fmt"
	"html"
	"math"
	"os"
)

// The measures of the chart, in its own units.
const (
	chartWidth = 860
	labelWidth = 430
	barHeight  = 14
	rowHeight  = 22
	topMargin  = 44
	decades    = 2.0 // from 1/100 to 100 times
)

// writeChart draws the ratios of the wall times as bars on a logarithmic scale: to the
// left fmake is faster, to the right the other one is.
func (r *report) writeChart(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	r.draw(w)
	err = w.Flush()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// x is where a ratio stands.
func x(ratio float64) float64 {
	at := math.Log10(min(max(ratio, math.Pow(10, -decades)), math.Pow(10, decades)))
	const half = (chartWidth - labelWidth - 60) / 2
	return labelWidth + half + at/decades*half
}

func (r *report) draw(w *bufio.Writer) {
	height := topMargin + rowHeight*len(r.rows) + 10
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, height)
	fmt.Fprintln(w, `<title id="t">Wall time of fmake divided by that of others</title>`)
	fmt.Fprintln(w, `<desc id="d">One bar for each thing that was measured, on a logarithmic scale. Bars to the left of the line at 1 mean that fmake is faster.</desc>`)
	fmt.Fprintln(w, `<style>text{fill:#222}.line{stroke:#888}.less{fill:#2a7f62}.more{fill:#c06a1d}@media(prefers-color-scheme:dark){text{fill:#ddd}.less{fill:#5fbf9a}.more{fill:#e59b55}}</style>`)
	for _, ratio := range []float64{0.01, 0.1, 1, 10, 100} {
		fmt.Fprintf(w, `<line class="line" x1="%.1f" x2="%.1f" y1="%d" y2="%d"%s/>`, x(ratio), x(ratio), topMargin-14, height-8, dashed(ratio))
		fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", x(ratio), topMargin-20, ratio)
	}
	for i := range r.rows {
		c := &r.rows[i]
		ratio, top := c.ratio(wall), topMargin+rowHeight*i
		class := "less"
		if ratio > 1 {
			class = "more"
		}
		from, to := min(x(1), x(ratio)), max(x(1), x(ratio))
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-10, top+barHeight-2, html.EscapeString(c.work+" / "+c.rival))
		fmt.Fprintf(w, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`, class, from, top, max(to-from, 1), barHeight)
		fmt.Fprintf(w, `<text x="%d" y="%d">%.2f</text>`+"\n", chartWidth-45, top+barHeight-2, ratio)
	}
	fmt.Fprintln(w, `</svg>`)
}

func dashed(ratio float64) string {
	if ratio == 1 {
		return ""
	}
	return ` stroke-dasharray="2 4"`
}
