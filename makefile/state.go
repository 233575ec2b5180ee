package makefile

// state is what a Database keeps for everything but reading and expanding: the
// cache of directories, the search paths and the index of implicit rules.
type state struct {
	dirs     *DirCache
	vpath    vpathState
	index    *ruleIndex
	searches []*search // one for each depth of recursion, reused
	describe func(*File) []string
}

// SetDescribe says how PrintDatabase learns what the walk did with a file: lines
// such as "File has been updated.".
func (db *Database) SetDescribe(lines func(*File) []string) { db.state.describe = lines }

// UseDirs sets another cache of directory listings and returns the one so far.
func (db *Database) UseDirs(c *DirCache) *DirCache {
	was := db.Dirs()
	db.state.dirs = c
	return was
}

// Dirs is the cache of directory listings that existence is answered from.
func (db *Database) Dirs() *DirCache {
	if db.state.dirs == nil {
		db.state.dirs = NewDirCache(db.host)
	}
	return db.state.dirs
}
