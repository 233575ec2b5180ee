package makefile

import (
	"io/fs"
	"slices"
	"syscall"
)

// DirCache answers whether a name exists from directory listings, so that the
// search for implicit rules, which asks about dozens of names for each file,
// costs one ReadDir for each directory instead of one system call for each
// name. A name counts as existing if its directory lists it: a dangling
// symbolic link exists, as it does for GNU make.
//
// What a command has created is seen by the next look: Invalidate marks all
// listings as old, and an old one is read again before it answers.
type DirCache struct {
	host       Host
	generation uint32
	dirs       map[string]*dirListing
	byID       map[dirID][]*dirListing // what was ever listed of a directory, by whatever name
	impossible map[string]uint32       // name -> generation in which it was found impossible

	// Clock tells the time in nanoseconds since 1970. With it, an old listing
	// whose directory has not changed since is kept. Without it (nil) every old
	// listing is read again.
	Clock func() int64

	// The directory of the latest look: looks come in runs for one directory.
	lastName string
	last     *dirListing
}

// dirID tells directories apart.
type dirID struct{ dev, ino uint64 }

// dirListing is what one directory held.
type dirListing struct {
	id         dirID               // zero if unknown
	names      map[string]struct{} // nil: no such directory, or not readable
	generation uint32
	mtime      int64
	// settled says that the directory was last changed so long before it was
	// read that a later change must show in its mtime.
	settled bool
	// held has a bit for each shape of name that the directory may hold, asked
	// one for each that this is known of: checked tells for how many of the names
	// that came after the directory was read.
	asked, held uint64
	came        []string
	checked     [maxShapes]uint32
}

// settleTime is more than the coarsest unit in which a file system keeps times,
// the two seconds of FAT.
const settleTime = 3_000_000_000

// lstater is implemented by hosts that can look at a symbolic link itself.
type lstater interface {
	Lstat(name string) (fs.FileInfo, error)
}

// NewDirCache returns an empty cache over host.
func NewDirCache(host Host) *DirCache {
	return &DirCache{
		host:       host,
		generation: 1,
		dirs:       make(map[string]*dirListing),
		byID:       make(map[dirID][]*dirListing),
		impossible: make(map[string]uint32),
	}
}

// Invalidate makes every listing old. The walk calls it when a command has
// ended, since the command may have created or removed anything.
func (c *DirCache) Invalidate() { c.generation++ }

// Appeared enters files that have come into directories, by names with a directory part,
// and nothing else has changed: what is listed need not be read again.
func (c *DirCache) Appeared(names []string) {
	for _, name := range names {
		dir, base := splitDir(name)
		info, err := c.host.Stat(dir)
		id := idOf(info)
		if err != nil || id == (dirID{}) {
			c.Invalidate()
			return
		}
		for _, l := range c.byID[id] {
			if l.id == id && l.names != nil {
				l.names[base] = struct{}{}
				l.came = append(l.came, base)
			}
		}
	}
	clear(c.impossible)
}

// idOf returns the identity of a directory, zero if the host does not tell.
func idOf(info fs.FileInfo) dirID {
	if info == nil {
		return dirID{}
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return dirID{st.Dev, st.Ino}
	}
	return dirID{}
}

// Exists reports whether name's directory lists it. A name that ends in a slash
// exists if it is a directory that can be read.
func (c *DirCache) Exists(name string) bool {
	dir, base := splitDir(name)
	return c.find(dir).has(base)
}

// existsBytes is Exists for a name that is still being built. It allocates only
// when it meets a directory for the first time.
func (c *DirCache) existsBytes(name []byte) bool {
	i := len(name) - 1
	for i >= 0 && name[i] != '/' {
		i--
	}
	switch {
	case i < 0:
		return c.find(".").hasBytes(name)
	case i == 0:
		return c.find("/").hasBytes(name[1:])
	}
	dir, base := name[:i], name[i+1:]
	if c.lastName == string(dir) && c.last.generation == c.generation {
		return c.last.hasBytes(base)
	}
	if l := c.dirs[string(dir)]; l != nil && l.generation == c.generation {
		c.last = l
		c.lastName = string(dir)
		return l.hasBytes(base)
	}
	return c.find(string(dir)).hasBytes(base)
}

// MarkImpossible remembers that name neither exists nor can be made, until the
// next command ends. In a directory that does not exist it is not worth it, and
// GNU make forgets it there too.
func (c *DirCache) MarkImpossible(name string) {
	if dir, _ := splitDir(name); c.find(dir).names != nil {
		c.impossible[name] = c.generation
	}
}

// Impossible reports whether MarkImpossible was called for name since the last
// command ended.
func (c *DirCache) Impossible(name string) bool {
	g, ok := c.impossible[name]
	return ok && g == c.generation
}

func (c *DirCache) impossibleBytes(name []byte) bool {
	if len(c.impossible) == 0 {
		return false
	}
	g, ok := c.impossible[string(name)]
	return ok && g == c.generation
}

// find returns the up-to-date listing of a directory.
func (c *DirCache) find(dir string) *dirListing {
	if c.last != nil && c.lastName == dir && c.last.generation == c.generation {
		return c.last
	}
	l := c.dirs[dir]
	if l == nil {
		l = new(dirListing)
		c.dirs[dir] = l
	}
	if l.generation != c.generation {
		c.refresh(dir, l)
	}
	c.lastName, c.last = dir, l
	return l
}

// refresh brings a listing into the present generation.
func (c *DirCache) refresh(dir string, l *dirListing) {
	l.generation = c.generation
	var info fs.FileInfo
	if !c.parentDenies(dir) {
		var err error
		if info, err = c.host.Stat(dir); err != nil || !info.IsDir() {
			info = nil
		}
	}
	if info == nil {
		*l = dirListing{generation: c.generation}
		return
	}
	mtime := info.ModTime().UnixNano()
	if l.names != nil && l.settled && l.mtime == mtime {
		return
	}
	// The time is taken before the names are read: a change in between makes
	// the next look read again.
	l.settled = c.Clock != nil && c.Clock()-mtime > settleTime
	l.mtime = mtime
	l.names, l.asked, l.held, l.came = nil, 0, 0, nil
	c.identify(l, idOf(info))
	names, err := c.host.ReadDir(dir)
	if err != nil {
		return
	}
	l.names = make(map[string]struct{}, len(names)+2)
	l.names["."] = struct{}{}
	l.names[".."] = struct{}{}
	for _, n := range names {
		l.names[n] = struct{}{}
	}
}

// identify notes which directory a listing is of.
func (c *DirCache) identify(l *dirListing, id dirID) {
	l.id = id
	if id != (dirID{}) && !slices.Contains(c.byID[id], l) {
		c.byID[id] = append(c.byID[id], l)
	}
}

// parentDenies reports whether the listing of dir's parent is at hand and shows
// that dir does not exist. It saves the system calls for the RCS and SCCS
// folders that the built-in rules ask for in every directory.
func (c *DirCache) parentDenies(dir string) bool {
	parent, base := splitDir(dir)
	if base == "" || dir == "." {
		return false
	}
	p := c.dirs[parent]
	return p != nil && p.generation == c.generation && p.names != nil && !p.has(base)
}

func (l *dirListing) has(base string) bool {
	if base == "" {
		return l.names != nil
	}
	_, ok := l.names[base]
	return ok
}

func (l *dirListing) hasBytes(base []byte) bool {
	if len(base) == 0 {
		return l.names != nil
	}
	_, ok := l.names[string(base)]
	return ok
}

// splitDir splits a name at its last slash as look-ups need it: the directory
// of a bare name is ".", the one of "/x" is "/".
func splitDir(name string) (dir, base string) {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] != '/' {
			continue
		}
		if i == 0 {
			return "/", name[1:]
		}
		return name[:i], name[i+1:]
	}
	return ".", name
}
