package idle

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// The kinds of look: what of a path a make has gone by.
const (
	// state: all that tells one state of a file from another, links not followed.
	state uint32 = iota
	// stateBehind: the same, links followed.
	stateBehind
	// presence: what is there is of the same type and, if it is a directory, the same
	// one with the same mode, links followed.
	presence
	// presenceItself: the same, links not followed.
	presenceItself
	// listing: the names in a directory.
	listing
	// realPath: the name without links.
	realPath
)

// follows tells whether links are followed for a look.
func follows(kind uint32) bool { return kind == stateBehind || kind == presence || kind == listing }

// look is one look at the world.
type look struct {
	dir, name string     // name is relative to dir, if that is not empty
	seen      cache.Look // of a kind of this package
}

// path is the name of what was looked at.
func (l *look) path() string {
	name := strings.TrimPrefix(l.name, "./")
	if l.dir == "" || name == "" || name[0] == '/' {
		return name
	}
	return l.dir + "/" + name
}

// seenStat is what a stat has found, as far as a look of this kind goes by it.
func seenStat(kind uint32, st *cache.FileStat, err error) cache.Look {
	if err != nil {
		return cache.Look{Kind: kind, Errno: errno(err)}
	}
	s := cache.Look{
		Kind: kind, Mode: st.Mode, Dev: st.Dev, Ino: st.Ino,
		Size: uint64(st.Size), Mtime: uint64(st.Mtime), Ctime: uint64(st.Ctime),
	}
	if kind == presence || kind == presenceItself {
		s.Size, s.Mtime, s.Ctime = 0, 0, 0
		if s.Mode&unix.S_IFMT != unix.S_IFDIR {
			s.Mode &= unix.S_IFMT
			s.Dev, s.Ino = 0, 0
		}
	}
	return s
}

// errno is the number of a system call's error, wrapped or not.
func errno(err error) uint32 {
	var n unix.Errno
	if errors.As(err, &n) {
		return uint32(n)
	}
	return ^uint32(0)
}

// hashNames is a hash of the names in a directory, in whatever order they come.
func hashNames(names []string) uint64 {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return hashStrings(sorted)
}

// distinct puts looks in the order of their paths, each once. ok is false if one path was
// found in two states: something has changed while make ran.
func distinct(looks []look) (paths []string, out []cache.Look, ok bool) {
	type entry struct {
		path string
		look *look
	}
	all := make([]entry, len(looks))
	for i := range looks {
		all[i] = entry{looks[i].path(), &looks[i]}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.look.seen.Kind, b.look.seen.Kind))
	})
	for _, e := range all {
		if last := len(out) - 1; last >= 0 && paths[last] == e.path {
			if out[last].Kind == e.look.seen.Kind {
				if !sameAs(out[last], e.look.seen) {
					return nil, nil, false
				}
				out[last] = e.look.seen
				continue
			}
			if says(&out[last], &e.look.seen) {
				continue
			}
		}
		paths, out = append(paths, e.path), append(out, e.look.seen)
	}
	return paths, out, true
}

// sameAs tells whether two looks of one kind at one path have found the same. A directory
// in which a command has made and removed something lists what it did.
func sameAs(a, b cache.Look) bool {
	if a.Kind == listing {
		a.Mtime, a.Ctime, a.Size = b.Mtime, b.Ctime, b.Size
	}
	return a.SameStat(&b) && a.Extra == b.Extra
}

// says tells whether a look at the file itself leaves nothing to ask for another look
// at the same path: there is no link to follow, and both have found the same.
func says(a, b *cache.Look) bool {
	if a.Kind != state || a.Mode&unix.S_IFMT == unix.S_IFLNK {
		return false
	}
	switch {
	case a.Errno != 0:
		return b.Errno == a.Errno && b.Kind != realPath
	case b.Kind == stateBehind:
		return a.SameStat(b)
	case b.Kind == presence || b.Kind == presenceItself:
		return b.Errno == 0 && a.Mode&unix.S_IFMT == b.Mode // no directory, of which the mode counts
	}
	return false
}

// hashStrings is a hash of a list of texts.
func hashStrings(list []string) uint64 {
	sum := cache.NewDigest("look").Strings(list).Sum()
	return binary.LittleEndian.Uint64(sum[:8])
}
