package build

import (
	"slices"

	"fmake/makefile"
)

// gap is how many places are left free after a new one, at most, and room how many more are
// made where there is none.
const (
	gap  = 8
	room = 64
)

// spot is what one run of a recipe makes, or a file that nothing makes, in the order of a
// make.
type spot struct {
	files []*makefile.File
	actor *makefile.File // that of them that has a recipe, or may be found to; nil if none
	was   uint64         // the place that it has had, 0 if none
	stays uint64         // that place if it may stay there, else 0
	fixed bool           // it has to stay there, which may be before all places: another make has made it
	at    uint64         // the place that it gets
	after uint64         // that of the last recipe that it needs, its own included
}

// ruler says which places a make has: those between from and to that are a multiple of
// step after from. Between each and the one before it is room for the makes below. A
// place that is given need only be a multiple of fine.
type ruler struct{ from, to, step, fine uint64 }

func (r ruler) fits(at uint64) bool { return at > r.from && at < r.to && (at-r.from)%r.fine == 0 }

// move is what happens to all that has a place from one to before another.
type move struct{ from, to, by uint64 }

// of returns the place that something has after it.
func (m move) of(at uint64) uint64 {
	if at >= m.from && at < m.to {
		return at + m.by
	}
	return at
}

// placer gives places to what is in the order of a make.
type placer struct {
	ruler
	spots []spot
	known func() []uint64 // lists what has a place, of any make
	moved func(m move)    // moves what has one; if it is nil, nothing may move that has its place
	floor uint64          // what all places have to come after, 0 for anything

	// first: what is new comes before all else if no spot after it has a place.
	first bool

	// needs lists, by their index, the spots before one that have to be before it. If it
	// is nil, all have to.
	needs func(s *spot) []int

	gap    uint64   // how many places are left free after a new one
	rising []bool   // if needs is nil: which spots keep their places
	taken  []uint64 // what known lists and what was given, sorted; nil until it is needed
}

// place gives each spot its place, and reports whether there was room.
func (p *placer) place() bool {
	seen := make(map[uint64]bool)
	for i := range p.spots {
		if s := &p.spots[i]; s.was > p.floor && !s.fixed && !seen[s.was] {
			s.stays = s.was
			seen[s.was] = true
		}
	}
	if p.needs == nil {
		p.rising = rising(p.spots)
	}
	p.gap = max(1, min(gap, (p.to-p.from)/p.step/uint64(2*len(p.spots)+1)))
	last, bare := uint64(0), uint64(0) // the place of the last actor, and how many that are none came since
	for i := range p.spots {
		s := &p.spots[i]
		low := last
		if p.needs != nil {
			low = p.latest(s)
		}
		if s.actor == nil {
			// A recipe may yet be found for it, and run before places are given again.
			s.at, s.after = p.from, low
			if low = max(low, last); low > p.from {
				bare++
				s.at = low + min(bare, p.step-1)
			}
			continue
		}
		if s.fixed {
			s.at, s.after = s.was, max(s.was, p.from)
			continue
		}
		if p.keeps(i, low) {
			s.at = s.was
		} else if !p.insert(i, max(low, last)) {
			return false
		}
		last, bare, s.after = s.at, 0, s.at
	}
	return true
}

// latest returns the last place of what a spot needs.
func (p *placer) latest(s *spot) (at uint64) {
	for _, i := range p.needs(s) {
		at = max(at, p.spots[i].after)
	}
	return at
}

// keeps reports whether a spot keeps the place that it has had, if it has to be after
// another.
func (p *placer) keeps(i int, low uint64) bool {
	if p.needs == nil {
		return p.rising[i]
	}
	return p.spots[i].stays > low
}

// rising finds the largest set of spots whose places are in order.
func rising(spots []spot) []bool {
	var tails []int // by length of a rising row: where the one with the lowest end ends
	before := make([]int, len(spots))
	for i := range spots {
		if spots[i].stays == 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(tails, spots[i].stays, func(j int, at uint64) int {
			if spots[j].stays < at {
				return -1
			}
			return 1
		})
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		tails = append(tails[:n], append([]int{i}, tails[min(n+1, len(tails)):]...)...)
	}
	keep := make([]bool, len(spots))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			keep[i] = true
		}
	}
	return keep
}

// insert gives a spot a new place after low, at most from if nothing is before it.
func (p *placer) insert(i int, low uint64) bool {
	if p.taken == nil {
		p.taken = p.known()
		slices.Sort(p.taken)
	}
	if low <= max(p.from, p.floor) {
		low = max(p.floor, p.start(i))
	}
	at, ok := p.free(low)
	if !ok {
		return false
	}
	p.spots[i].at = at
	n, _ := slices.BinarySearch(p.taken, at)
	p.taken = slices.Insert(p.taken, n, at)
	return true
}

// start returns what a spot that nothing is before comes after: what is before the first
// that has a place, or everything.
func (p *placer) start(i int) uint64 {
	end := p.to
	for j := i + 1; j < len(p.spots); j++ {
		if p.keeps(j, 0) {
			end = p.spots[j].stays
			if (end-p.from)%p.step == 0 {
				end -= p.step - 1 // and what a make below it does
			}
			break
		}
	}
	if p.first && end == p.to {
		return p.from
	}
	n, _ := slices.BinarySearch(p.taken, end)
	if n == 0 {
		return p.from
	}
	return max(p.from, p.taken[n-1])
}

// free finds a place after low and before all that is after that; it makes room if there
// is none.
func (p *placer) free(low uint64) (at uint64, ok bool) {
	step, end := p.step, p.to
	if d := low - p.from; d%step != 0 && d%p.fine == 0 {
		step, end = p.fine, low+step-d%step // among the places of a make below
	}
	base := low
	if over := (low - p.from) % step; over != 0 {
		base += step - over
	}
	n, _ := slices.BinarySearch(p.taken, low+1)
	next := end
	if n < len(p.taken) {
		next = min(end, p.taken[n])
	}
	free := uint64(0)
	if next > base {
		free = (next - base - 1) / step
	}
	if free == 0 && p.moved == nil {
		return min(low+1, p.to-1), true // until the next build, which makes room
	}
	if free == 0 && next < end {
		last, _ := slices.BinarySearch(p.taken, end)
		free = min(room, (end-p.taken[last-1]-1)/step/2)
		if free > 0 && !p.makeRoom(move{next, end, free * step}) {
			free = 0
		}
	}
	if free == 0 {
		return 0, false
	}
	if next == end {
		return base + min(p.gap, free)*step, true
	}
	return base + min(p.gap, (free+1)/2)*step, true
}

// pack gives all spots that may move new places, as far apart as there is room for; if there
// is none at all, the last place, which they share.
func (p *placer) pack() {
	actors := uint64(0)
	for i := range p.spots {
		if p.spots[i].actor != nil {
			actors++
		}
	}
	last := max(p.from, p.floor)
	apart := uint64(0)
	if p.to > last {
		apart = (p.to - last) / (actors + 1)
	}
	if apart == 0 {
		last = max(p.to-1, p.from+1, p.floor)
	}
	for i := range p.spots {
		s := &p.spots[i]
		if s.fixed {
			s.at = s.was
			continue
		}
		if s.actor != nil {
			last += apart
		}
		s.at = last
	}
}

// makeRoom makes a move, if there is room for it.
func (p *placer) makeRoom(m move) bool {
	end, _ := slices.BinarySearch(p.taken, m.to)
	if m.to-p.taken[end-1] <= m.by {
		return false
	}
	p.moved(m)
	for i, at := range p.taken {
		p.taken[i] = m.of(at)
	}
	for i := range p.spots {
		s := &p.spots[i]
		for _, at := range []*uint64{&s.was, &s.stays, &s.at, &s.after} {
			*at = m.of(*at)
		}
	}
	return true
}
