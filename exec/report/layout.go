package report

import (
	"cmp"
	"slices"
)

// layout places targets for a drawing: in ranks, so that what a target needs is in a
// later one, and within a rank so that few edges cross. That a graph is large must not
// make it slow: each step takes time in proportion to targets and edges, but for sorting.
type layout struct {
	needs  [][]int // by target: what it needs, without what would close a circle
	users  [][]int
	rank   []int     // by target
	ranks  [][]int   // the targets of each, in their order
	height []float64 // by target: its place in its rank, with 0 in the middle
}

// sweeps is how often ranks are put in order by their neighbours: more is hardly seen.
const sweeps = 4

// newLayout places n targets. An edge says that its first target needs its second.
func newLayout(n int, edges [][2]int) *layout {
	l := &layout{needs: make([][]int, n), users: make([][]int, n), rank: make([]int, n), height: make([]float64, n)}
	for _, e := range edges {
		l.needs[e[0]] = append(l.needs[e[0]], e[1])
	}
	l.assign(l.cutCircles())
	for i := range sweeps {
		l.sweep(i%2 == 0)
	}
	return l
}

// cutCircles drops the edges that close a circle, and lists the targets so that each
// comes before what it needs.
func (l *layout) cutCircles() (order []int) {
	const (
		fresh = iota
		open
		closed
	)
	state := make([]int, len(l.needs))
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		l.needs[i] = slices.DeleteFunc(l.needs[i], func(need int) bool {
			if state[need] == fresh {
				visit(need)
			}
			return state[need] == open
		})
		state[i] = closed
		order = append(order, i)
	}
	for i := range l.needs {
		if state[i] == fresh {
			visit(i)
		}
	}
	slices.Reverse(order)
	return order
}

// assign gives each target the rank behind the last of those that need it.
func (l *layout) assign(order []int) {
	last := 0
	for _, i := range order {
		for _, need := range l.needs[i] {
			l.rank[need] = max(l.rank[need], l.rank[i]+1)
			l.users[need] = append(l.users[need], i)
		}
		last = max(last, l.rank[i])
	}
	l.ranks = make([][]int, last+1)
	for _, i := range order {
		l.ranks[l.rank[i]] = append(l.ranks[l.rank[i]], i)
	}
	for r := range l.ranks {
		l.settle(r)
	}
}

// settle notes the places of a rank's targets.
func (l *layout) settle(r int) {
	for at, i := range l.ranks[r] {
		l.height[i] = float64(at) - float64(len(l.ranks[r])-1)/2
	}
}

// sweep goes over all ranks, from the first to the last or back, and orders each by
// where its neighbours on that side are in the mean.
func (l *layout) sweep(down bool) {
	mean := make([]float64, len(l.rank))
	for step := range l.ranks {
		r, near := step, l.users
		if !down {
			r, near = len(l.ranks)-1-step, l.needs
		}
		for _, i := range l.ranks[r] {
			mean[i] = l.mean(i, near[i])
		}
		slices.SortStableFunc(l.ranks[r], func(x, y int) int { return cmp.Compare(mean[x], mean[y]) })
		l.settle(r)
	}
}

// mean is where the neighbours of a target are; one without any stays where it is.
func (l *layout) mean(i int, near []int) float64 {
	if len(near) == 0 {
		return l.height[i]
	}
	sum := 0.0
	for _, j := range near {
		sum += l.height[j]
	}
	return sum / float64(len(near))
}
