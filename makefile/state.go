package makefile

// state is what a Database keeps for everything but reading and expanding: the
// cache of directories, the search paths and the index of implicit rules.
type state struct {
	dirs     *DirCache
	vpath    vpathState
	index    *ruleIndex
	searches []*search // one for each depth of recursion, reused
	ruleKeys map[string]*PatternRule
}

// Dirs is the cache of directory listings that existence is answered from.
func (db *Database) Dirs() *DirCache {
	if db.state.dirs == nil {
		db.state.dirs = NewDirCache(db.host)
	}
	return db.state.dirs
}
