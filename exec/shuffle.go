package exec

import (
	"os"
	"strconv"
	"time"

	"fmake/makefile"
)

// shuffler reorders prerequisites, so that makefiles with missing ones are
// found out. Only the order of the walk changes, not $^ and the like.
type shuffler struct {
	mode  shuffleMode
	seed  uint32
	state uint32
	order map[*makefile.File][]*makefile.Dep
}

type shuffleMode uint8

const (
	shuffleNone shuffleMode = iota
	shuffleRandom
	shuffleReverse
	shuffleIdentity
)

// set reads the argument of --shuffle.
func (s *shuffler) set(text string) (ok bool) {
	switch text {
	case "", "none":
		s.mode = shuffleNone
		return true
	case "reverse":
		s.mode = shuffleReverse
		return true
	case "identity":
		s.mode = shuffleIdentity
		return true
	case "random":
		if s.mode != shuffleRandom {
			s.mode = shuffleRandom
			s.seed = uint32(time.Now().UnixNano()) ^ uint32(os.Getpid())
		}
		return true
	}
	seed, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return false
	}
	s.mode, s.seed = shuffleRandom, uint32(seed)
	return true
}

// text is the mode as sub-makes get it.
func (s *shuffler) text() string {
	switch s.mode {
	case shuffleRandom:
		return strconv.FormatUint(uint64(s.seed), 10)
	case shuffleReverse:
		return "reverse"
	case shuffleIdentity:
		return "identity"
	}
	return ""
}

// note is what error messages say about the mode, so that a failure can be
// repeated.
func (s *shuffler) note() string {
	if s.mode == shuffleNone {
		return ""
	}
	return " shuffle=" + s.text()
}

// next is a xorshift generator. Its sequence is part of what a seed means.
func (s *shuffler) next() uint32 {
	s.state ^= s.state << 13
	s.state ^= s.state >> 17
	s.state ^= s.state << 5
	return s.state
}

func shuffleSlice[T any](s *shuffler, list []T) {
	switch s.mode {
	case shuffleReverse:
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	case shuffleRandom:
		for i := range list {
			j := int(s.next() % uint32(len(list)))
			list[i], list[j] = list[j], list[i]
		}
	}
}

// reset starts the sequence of random numbers anew.
func (s *shuffler) reset() {
	s.state = s.seed
	if s.state == 0 {
		s.state = 1
	}
}

// depOrder gives the prerequisites in the order in which they are to be made.
// The caller must not change the slice.
func (w *Walk) depOrder(f *makefile.File) []*makefile.Dep {
	if order := w.shuffle.order[f]; order != nil && len(order) == len(f.Deps) {
		return order
	}
	return f.Deps
}

// shuffleGoals reorders goals and everything below them.
func (w *Walk) shuffleGoals(goals []*makefile.GoalDep) {
	if w.shuffle.mode == shuffleNone || w.db.NotParallel {
		return
	}
	w.shuffle.reset()
	for _, g := range goals {
		if g.WaitBefore {
			goals = nil
		}
	}
	original := append([]*makefile.GoalDep(nil), goals...)
	shuffleSlice(&w.shuffle, goals)
	for _, g := range original {
		w.shuffleBelow(g.File)
	}
}

// shuffleFound reorders what an implicit rule has brought beside the prerequisites
// that the makefile names, of which there are so many. If that is nothing, they stay
// in the order that they have.
func (w *Walk) shuffleFound(f *makefile.File, named int) {
	if len(f.Deps) != named {
		f.Run.Shuffled = false
	}
	if !f.Run.Shuffled {
		w.shuffleRule(f)
	}
}

// shuffleRule reorders the prerequisites of a target anew, and what is below them.
func (w *Walk) shuffleRule(f *makefile.File) {
	if w.shuffle.mode == shuffleNone || w.db.NotParallel {
		return
	}
	w.shuffle.reset()
	w.shuffleOne(f)
	for _, d := range f.Deps {
		w.shuffleBelow(d.File)
	}
}

// expandDeps does the second expansion of prerequisites, which may bring new
// ones.
func (w *Walk) expandDeps(f *makefile.File) {
	before := f.Deps
	w.db.ExpandDeps(f)
	if !sameSlice(before, f.Deps) {
		w.shuffleRule(f)
		w.foundDeps(f)
	}
}

func (w *Walk) shuffleBelow(f *makefile.File) {
	if f == nil || f.Run.Shuffled {
		return
	}
	f.Run.Shuffled = true
	w.shuffleOne(f)
	for _, d := range f.Deps {
		w.shuffleBelow(d.File)
	}
}

func (w *Walk) shuffleOne(f *makefile.File) {
	delete(w.shuffle.order, f) // it may hold what the second expansion has replaced
	for _, d := range f.Deps {
		if d.WaitBefore {
			return
		}
	}
	if len(f.Deps) == 0 {
		return
	}
	order := append([]*makefile.Dep(nil), f.Deps...)
	shuffleSlice(&w.shuffle, order) // for a single one, too, a random number is used up
	if w.shuffle.order == nil {
		w.shuffle.order = make(map[*makefile.File][]*makefile.Dep)
	}
	w.shuffle.order[f] = order
}

func itoa(n int) string { return strconv.Itoa(n) }
