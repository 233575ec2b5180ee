package build

import (
	"slices"
	"time"

	"fmake/cache"
)

// Every command has a graph of its own, so that the one of a new command knows nothing of
// the compiler that a hundred others have read. For large files the store tells what was
// in them.

// worthAsking is the size from which to ask the store is sooner done than to hash.
const worthAsking = 256 << 10

// surelyWritten is how long ago a file was changed that a power loss cannot change any more.
const surelyWritten = time.Hour

// askForStats lets the store tell the contents of large files.
func (b *Build) askForStats() {
	c := b.client()
	if c == nil {
		return
	}
	ask := c.StatSource()
	b.hasher.AddSource(func(st cache.FileStat) (cache.Hash, bool) {
		if st.Size < worthAsking {
			return cache.Hash{}, false
		}
		return ask(st)
	})
}

// shareStats tells the store what was found in large files.
func (b *Build) shareStats(entries []cache.StatEntry) {
	if b.single == nil || b.store == nil || b.opts.Cache != CacheOn {
		return
	}
	before := time.Now().Add(-surelyWritten).UnixNano()
	large := slices.DeleteFunc(slices.Clone(entries), func(e cache.StatEntry) bool {
		return e.Stat.Size < worthAsking || e.Stat.Ctime > before
	})
	if len(large) > 0 {
		_ = b.store.PutStats(large) // else the next command hashes them, too
	}
}
