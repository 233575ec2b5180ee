package build

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fmake/makefile"
)

// places is what all builds of a tree know of places, by name.
type places map[int]uint64

func (w places) compare(x, y int) int { return cmp.Compare(w[x], w[y]) }

func (w places) placer(order []int, r ruler) *placer {
	p := &placer{ruler: r}
	for _, name := range order {
		p.spots = append(p.spots, spot{actor: &makefile.File{}, was: w[name]})
	}
	p.known = func() (all []uint64) {
		for _, at := range w {
			all = append(all, at)
		}
		return all
	}
	p.moved = func(m move) {
		for name, at := range w {
			w[name] = m.of(at)
		}
	}
	return p
}

// build gives places to what is in an order, and keeps them.
func (w places) build(t *rapid.T, order []int, needs func(s int) []int) {
	p := w.placer(order, ruler{to: 1 << 62, step: 1 << 40, fine: 1 << 20})
	if needs != nil {
		p.needs = func(s *spot) []int {
			return needs(slices.IndexFunc(p.spots, func(x spot) bool { return x.actor == s.actor }))
		}
	}
	if !p.place() {
		t.Fatal("no room")
	}
	for i, name := range order {
		w[name] = p.spots[i].at
	}
	seen := make(map[uint64]int)
	for name, at := range w {
		if other, twice := seen[at]; twice {
			t.Fatalf("%d and %d have one place", name, other)
		}
		seen[at] = name
	}
}

// TestPlacer builds parts of a makefile that changes. With the default goal all is in
// the order of the makefile. With other goals what is needed is before what needs it, and
// all else stays in the order in which it was.
func TestPlacer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := make(places)
		for range rapid.IntRange(1, 30).Draw(t, "builds") {
			order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(t, "order")
			order = order[:rapid.IntRange(1, len(order)).Draw(t, "n")]
			var before []int
			for name := range w {
				before = append(before, name)
			}
			slices.SortFunc(before, w.compare)
			if rapid.Bool().Draw(t, "default goal") {
				w.build(t, order, nil)
				if !slices.IsSortedFunc(order, w.compare) {
					t.Fatalf("%v has places %v", order, w)
				}
				before = slices.DeleteFunc(before, func(name int) bool { return slices.Contains(order, name) })
			} else {
				w.build(t, order, func(int) []int { return nil })
			}
			if !slices.IsSortedFunc(before, w.compare) {
				t.Fatalf("what was in the order %v has places %v", before, w)
			}
		}
	})
}

// TestPlacerNeeds moves what needs something behind it.
func TestPlacerNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := places{0: 1 << 40, 1: 2 << 40, 2: 3 << 40, 3: 4 << 40}
		order := rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order")
		w.build(t, order, func(s int) []int { return []int{0, 1, 2, 3}[:s] })
		if !slices.IsSortedFunc(order, w.compare) {
			t.Fatalf("%v has places %v", order, w)
		}
	})
}

// TestPlacerStart puts a makefile that nothing is known of after everything else, and a
// new first target before those that are known.
func TestPlacerStart(t *testing.T) {
	w := places{0: 8 << 40, 1: 16 << 40, 100: 8<<40 - 8<<20, 101: 16<<40 - 8<<20} // each with a make below
	for _, c := range []struct {
		order []int
		after uint64
		upTo  uint64
	}{
		{[]int{2, 0}, 0, 7 << 40},
		{[]int{3, 1}, 8 << 40, 15 << 40},
		{[]int{4}, 16 << 40, 64 << 40},
	} {
		p := w.placer(c.order, ruler{to: 1 << 62, step: 1 << 40, fine: 1 << 20})
		p.spots = append([]spot{{}}, p.spots...) // a source, which all of them need
		p.needs = func(s *spot) []int {
			if s.actor == nil {
				return nil
			}
			return []int{0}
		}
		if !p.place() || p.spots[1].at <= c.after || p.spots[1].at > c.upTo {
			t.Errorf("%v: at %d", c.order, p.spots[1].at>>40)
		}
	}
}

// TestPlacerFull has no room, and says so.
func TestPlacerFull(t *testing.T) {
	w := places{0: 1, 1: 2}
	p := w.placer([]int{0, 2, 1}, ruler{to: 3, step: 1, fine: 1})
	if p.place() {
		t.Errorf("places %v", p.spots)
	}
	if p.pack(); p.spots[0].at != 2 || p.spots[2].at != 2 {
		t.Errorf("packed into places %v", p.spots)
	}
}

// TestPlacerPacked finds room for what has come to stand side by side.
func TestPlacerPacked(t *testing.T) {
	w := places{0: 1, 1: 2, 2: 99}
	p := w.placer([]int{0, 3, 1, 2}, ruler{to: 100, step: 1, fine: 1})
	if p.place() {
		t.Errorf("places %v", p.spots)
	}
	p.pack()
	last := uint64(0)
	for i := range p.spots {
		if at := p.spots[i].at; at <= last || at >= 100 {
			t.Errorf("packed into places %v", p.spots)
		}
		last = p.spots[i].at
	}
}

// TestPlacerSmall makes little room where there is little.
func TestPlacerSmall(t *testing.T) {
	w := places{0: 1, 1: 2}
	p := w.placer([]int{0, 2, 1}, ruler{to: 100, step: 1, fine: 1})
	if !p.place() || p.spots[1].at <= 1 || p.spots[2].at <= p.spots[1].at {
		t.Errorf("places %v", p.spots)
	}
}

// TestPlacerFloor puts what one recipe makes later after what it has made before, but for
// what another make of it has made already.
func TestPlacerFloor(t *testing.T) {
	w := places{0: 8, 1: 16, 2: 24, 3: 40}
	p := w.placer([]int{0, 1, 2}, ruler{from: 4, to: 1 << 20, step: 1, fine: 1})
	p.floor = 40
	p.spots[0].fixed = true
	if !p.place() || p.spots[0].at != 8 || p.spots[1].at <= 40 || p.spots[2].at <= p.spots[1].at {
		t.Errorf("places %v", p.spots)
	}
}

// TestFirst has makefiles made before all else, also when there is no place free before it.
func TestFirst(t *testing.T) {
	for _, known := range [][]uint64{nil, {8, 16}, {1, 2}} {
		lowest := uint64(math.MaxUint64)
		p := placer{
			ruler: ruler{to: math.MaxUint64, step: 1, fine: 1}, first: true,
			spots: []spot{{actor: &makefile.File{Name: "list.mk"}}},
			known: func() []uint64 { return slices.Clone(known) },
			moved: func(m move) {
				for i := range known {
					known[i] = m.of(known[i])
				}
			},
		}
		if !p.place() {
			t.Fatalf("no room before %v", known)
		}
		for _, at := range known {
			lowest = min(lowest, at)
		}
		if at := p.spots[0].at; at == 0 || at >= lowest {
			t.Errorf("it is at %d, not before %v", at, known)
		}
	}
}

// TestPlacerStill finds places while nothing may move.
func TestPlacerStill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := make(places)
		for name := range 4 {
			w[name] = uint64(name+1) << 40
		}
		old := maps.Clone(w)
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6}).Draw(t, "order")
		order = slices.DeleteFunc(order, func(name int) bool { return name < 4 })
		at := rapid.IntRange(0, 4).Draw(t, "at")
		all := slices.Concat([]int{0, 1, 2, 3}[:at], order, []int{0, 1, 2, 3}[at:])
		p := w.placer(all, ruler{to: 1 << 62, step: 1 << 40, fine: 1 << 20})
		p.moved = nil
		if !p.place() || !slices.IsSortedFunc(p.spots, func(x, y spot) int { return cmp.Compare(x.at, y.at) }) {
			t.Fatalf("%v has places %v", all, p.spots)
		}
		for i, name := range all {
			if was, known := old[name]; known && p.spots[i].at != was {
				t.Fatalf("%d has moved from %d to %d", name, was, p.spots[i].at)
			}
		}
	})
}
