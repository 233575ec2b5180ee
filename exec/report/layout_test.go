package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLayout(t *testing.T) {
	tests := []struct {
		name  string
		n     int
		edges [][2]int
		want  [][]int // by rank
	}{
		{name: "nothing", want: [][]int{nil}},
		{name: "alone", n: 2, want: [][]int{{1, 0}}},
		{name: "the longest path counts", n: 3, edges: [][2]int{{0, 1}, {0, 2}, {1, 2}}, want: [][]int{{0}, {1}, {2}}},
		{name: "a circle", n: 2, edges: [][2]int{{0, 1}, {1, 0}}, want: [][]int{{0}, {1}}},
		{name: "no crossing", n: 5, edges: [][2]int{{0, 1}, {0, 2}, {1, 4}, {2, 3}}, want: [][]int{{0}, {2, 1}, {3, 4}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLayout(tt.n, tt.edges)
			if !slices.EqualFunc(l.ranks, tt.want, slices.Equal) {
				t.Errorf("got %v, want %v", l.ranks, tt.want)
			}
		})
	}
}

// A project of ten thousand targets: objects of which each needs two generated headers
// of two hundred, in libraries.
func largeBuild() *Build {
	const objects, headers, libraries = 9600, 200, 199
	b := &Build{}
	add := func(key string) string {
		b.Targets = append(b.Targets, Target{Key: key, Name: key, Outcome: Ran, Why: "it does not exist"})
		return key
	}
	prog := add("./prog")
	for i := range libraries {
		b.Edges = append(b.Edges, Edge{Declared, prog, add(fmt.Sprintf("./lib%d.a", i))})
	}
	for i := range headers {
		add(fmt.Sprintf("./gen%d.h", i))
	}
	for i := range objects {
		o := add(fmt.Sprintf("./dir%d/object%d.o", i%97, i))
		b.Edges = append(b.Edges,
			Edge{Declared, fmt.Sprintf("./lib%d.a", i*7%libraries), o},
			Edge{Declared, o, fmt.Sprintf("./gen%d.h", i*13%headers)}, Edge{Read, o, fmt.Sprintf("./gen%d.h", i*31%headers)})
	}
	return b
}

func TestSvgOfLargeBuild(t *testing.T) {
	b := largeBuild()
	start := time.Now()
	text := b.Svg("/project")
	// A second is the bar on a quiet machine; what grows with the square takes minutes.
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%d targets took %v", len(b.Targets), took)
	}
	if n := strings.Count(string(text), "<g class=\"ran\">"); n != len(b.Targets) {
		t.Errorf("%d of %d targets are drawn", n, len(b.Targets))
	}
}

func BenchmarkSvg(b *testing.B) {
	build := largeBuild()
	for b.Loop() {
		build.Svg("/project")
	}
}

func TestSvgIsXML(t *testing.T) {
	b := &Build{
		Targets: []Target{
			{Key: "./<a>&\"b\"", Outcome: Failed, Why: "\x01\xff]]>"},
			{Key: "./" + strings.Repeat("ä", 100), Outcome: Group},
			{Key: "./x", Outcome: Kept},
			{Key: "./x", Outcome: Ran},
		},
		Edges: []Edge{
			{Learned, "./x", "./<a>&\"b\""}, {Declared, "./<a>&\"b\"", "./x"}, {Declared, "./x", "./x"}, {Declared, "./x", "./nowhere"},
		},
	}
	text := string(b.Svg("/<&>"))
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
	}
	for part, want := range map[string]int{"<g class=": 4, "<title>x: ran": 1, "<title>x waits for ": 1, "3 targets and 2 edges": 1} {
		if got := strings.Count(text, part); got != want {
			t.Errorf("%q is there %d times, want %d, in:\n%s", part, got, want, text)
		}
	}
}
