package makefile

import (
	"io/fs"
	"slices"
	"strings"
)

// vpathState holds the search paths for files that are not where their name
// says.
type vpathState struct {
	selective []*searchPath // of vpath directives, in order of definition
	general   *searchPath   // of the variable VPATH, nil if none
	keep      []string      // of the variable GPATH
}

// searchPath is a list of directories for the names that match a pattern.
type searchPath struct {
	pattern pattern
	dirs    []string
}

// VPathHit is what a search found.
type VPathHit struct {
	Name string      // the name found
	Info fs.FileInfo // of the file; nil if the makefile only mentions the name
	File *File       // the node of that name, nil if there is none

	// List and Dir tell which search path and which directory in it had the
	// file: the smaller, the earlier.
	List, Dir int
}

// SetVPath executes a vpath directive, whose words are expanded already. Without
// a path it removes the paths of the pattern, without a pattern all of them.
func (db *Database) SetVPath(pat string, hasPattern bool, path string, hasPath bool) {
	v := &db.state.vpath
	if !hasPattern {
		v.selective = nil
		return
	}
	p := newPattern(pat)
	if !hasPath {
		v.selective = slices.DeleteFunc(v.selective, func(s *searchPath) bool {
			return s.pattern == p
		})
		return
	}
	if dirs := splitSearchPath(path); dirs != nil {
		v.selective = append(v.selective, &searchPath{pattern: p, dirs: dirs})
	}
}

// splitSearchPath splits at colons and blanks. The current directory needs no
// search and is left out.
func splitSearchPath(path string) []string {
	var dirs []string
	for _, d := range strings.FieldsFunc(path, func(r rune) bool {
		return r == ':' || r == ' ' || r == '\t'
	}) {
		if len(d) > 1 {
			d = strings.TrimSuffix(d, "/")
		}
		if d != "." {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// buildVPath takes the variables VPATH and GPATH in when all is read.
func (db *Database) buildVPath() {
	v := &db.state.vpath
	if dirs := splitSearchPath(db.searchVariable("VPATH")); dirs != nil {
		v.general = &searchPath{pattern: newPattern("%"), dirs: dirs}
	}
	v.keep = splitSearchPath(db.searchVariable("GPATH"))
}

func (db *Database) searchVariable(name string) string {
	if db.Var(name) == nil {
		return ""
	}
	return db.Expand("$(strip $(" + name + "))")
}

func (db *Database) hasSearchPath() bool {
	v := &db.state.vpath
	return v.general != nil || len(v.selective) > 0
}

// VPathSearch looks for a file in the directories of the search paths. A name
// that starts at the root is never searched for.
func (db *Database) VPathSearch(name string) (VPathHit, bool) {
	if !db.hasSearchPath() || strings.HasPrefix(name, "/") {
		return VPathHit{}, false
	}
	v := &db.state.vpath
	for i, s := range v.selective {
		if _, ok := s.pattern.stem(name); !ok {
			continue
		}
		if hit, ok := db.searchIn(s, name); ok {
			hit.List = i
			return hit, true
		}
	}
	if v.general == nil {
		return VPathHit{}, false
	}
	hit, ok := db.searchIn(v.general, name)
	hit.List = len(v.selective)
	return hit, ok
}

// searchIn looks for a name in the directories of one search path.
func (db *Database) searchIn(s *searchPath, name string) (VPathHit, bool) {
	f := db.Lookup(name)
	isTarget := f != nil && f.IsTarget
	for i, dir := range s.dirs {
		at := joinSearchPath(dir, name)
		mentioned := db.Lookup(at)
		hit := VPathHit{Name: at, File: mentioned, Dir: i}
		if mentioned != nil && (!isTarget || mentioned.IsTarget) {
			// It ought to exist. A target is found only where a target is
			// meant.
			return hit, true
		}
		if !db.Dirs().Exists(at) {
			continue
		}
		// The cache may be out of date, or know only a dangling link.
		info, err := db.host.Stat(at)
		if err != nil {
			continue
		}
		hit.Info = info
		return hit, true
	}
	return VPathHit{}, false
}

func joinSearchPath(dir, name string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// GPathHas reports whether GPATH lists a directory: a target found there keeps
// the name it was found by when it is remade.
func (db *Database) GPathHas(dir string) bool {
	return slices.Contains(db.state.vpath.keep, dir)
}

// libraryDirs are searched for -lNAME prerequisites after the search paths.
var libraryDirs = [...]string{"/lib", "/usr/lib", "/usr/local/lib"}

// LibrarySearch finds the file that a prerequisite -lNAME means: the earliest
// in the order current directory, search paths, system directories that one of
// .LIBPATTERNS yields.
func (db *Database) LibrarySearch(name string) (VPathHit, bool) {
	var best VPathHit
	found := false
	consider := func(hit VPathHit) {
		earlier := hit.List < best.List || hit.List == best.List && hit.Dir < best.Dir
		if !found || earlier {
			best, found = hit, true
		}
	}
	system := len(db.state.vpath.selective) + 1
	for _, word := range strings.Fields(db.Expand("$(.LIBPATTERNS)")) {
		p := newPattern(word)
		if !p.hasPercent {
			db.host.Message(MessageError, Pos{}, ".LIBPATTERNS element '"+word+"' is not a pattern")
			continue
		}
		file := p.prefix + name[len("-l"):] + p.suffix
		if hit, ok := db.statHit(file); ok {
			return hit, true
		}
		if hit, ok := db.VPathSearch(file); ok {
			consider(hit)
		}
		for i, dir := range libraryDirs {
			if hit, ok := db.statHit(dir + "/" + file); ok {
				hit.List, hit.Dir = system, i
				consider(hit)
			}
		}
	}
	return best, found
}

func (db *Database) statHit(name string) (VPathHit, bool) {
	info, err := db.host.Stat(name)
	if err != nil {
		return VPathHit{}, false
	}
	return VPathHit{Name: name, Info: info, File: db.Lookup(name)}, true
}
