package makefile

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// A shape is what is fixed in a prerequisite such as RCS/%,v: most names that a
// search tries do not exist, and that shows from the shape alone when neither
// the directory nor the database holds any name of it. So a name need not even
// be put together, which is what makes searching a big tree cheap.
type shape struct {
	dir    string // up to the last slash in front of the %: "RCS/"
	prefix string // between it and the %
	suffix string // behind the %
}

// maxShapes is how many shapes fit a listing's mask. Prerequisites beyond are
// always looked up by name.
const maxShapes = 64

// matchesBase reports whether a name without directory has the shape.
func (s *shape) matchesBase(base string) bool {
	return len(base) >= len(s.prefix)+len(s.suffix) &&
		strings.HasPrefix(base, s.prefix) && strings.HasSuffix(base, s.suffix)
}

// matches reports whether a whole name may have the shape. A stem is empty only
// behind a directory, so a bare .y, which .SUFFIXES mentions, is not of the shape
// %.y: every makefile holds that one.
func (s *shape) matches(name string) bool {
	slash := strings.LastIndexByte(name, '/') + 1
	if slash == 0 && len(name) == len(s.prefix)+len(s.suffix) {
		return false
	}
	return s.matchesBase(name[slash:]) && strings.HasSuffix(name[:slash], s.dir)
}

// shapes are those of one index of rules, with what the database holds of them.
type shapes struct {
	list []shape
	// known is how many of the database's files were looked at; mentioned has
	// a bit for each shape that one of them has.
	known     int
	mentioned uint64
}

// id gives the number of a prerequisite's shape, -1 if it has none.
func (x *shapes) id(d *ruleDep) int {
	if !d.hasPercent || !d.plain || d.NeedExpansion2 || strings.Contains(d.suffix, "/") {
		return -1
	}
	slash := strings.LastIndexByte(d.prefix, '/') + 1
	s := shape{dir: d.prefix[:slash], prefix: d.prefix[slash:], suffix: d.suffix}
	for i := range x.list {
		if x.list[i] == s {
			return i
		}
	}
	if len(x.list) == maxShapes {
		return -1
	}
	x.list = append(x.list, s)
	return len(x.list) - 1
}

// isMentioned reports whether the database holds a name of the shape.
func (x *shapes) isMentioned(id int, files []*File) bool {
	for ; x.known < len(files); x.known++ {
		name := files[x.known].HName
		for i := range x.list {
			if x.mentioned&(1<<i) == 0 && x.list[i].matches(name) {
				x.mentioned |= 1 << i
			}
		}
	}
	return x.mentioned&(1<<id) != 0
}

// mayHold reports whether a directory holds a name of the shape, or the folder
// that such names are in.
func (l *dirListing) mayHold(id int, x *shapes) bool {
	bit, s := uint64(1)<<id, &x.list[id]
	holds := l.held&bit != 0
	switch {
	case l.asked&bit == 0:
		holds = l.holds(s, maps.Keys(l.names))
	case !holds && int(l.checked[id]) < len(l.came):
		holds = l.holds(s, slices.Values(l.came[l.checked[id]:]))
	}
	l.asked, l.checked[id] = l.asked|bit, uint32(len(l.came))
	if holds {
		l.held |= bit
	}
	return holds
}

// holds reports whether one of these names of a directory, or the folder that names of the
// shape are in, is there.
func (l *dirListing) holds(s *shape, names iter.Seq[string]) bool {
	if s.dir != "" {
		folder, _, _ := strings.Cut(s.dir, "/")
		return folder == "" || l.has(folder)
	}
	for name := range names {
		if s.matchesBase(name) {
			return true
		}
	}
	return false
}
