package store

import (
	"encoding/binary"
	"os"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"fmake/cache"
	"fmake/cache/internal/proto"
	"fmake/cache/labels"
)

// grace protects what was used so recently that a build may be about to name it, unless the
// caller knows better.
const grace = time.Hour

// nullBuilds is the part of the limit that the files of null builds may take: one in so
// many bytes.
const nullBuilds = 32

// statLife is how long an entry of the stat cache lives after it was written.
const statLife = 60 * 24 * time.Hour

// collect removes traces, and what trees have near, in the order of their last use until
// the limits are kept, and with traces the contents that no other trace names.
//
// Mark: contents are counted by the traces that name them; what graphs name is
// pinned, traces and contents. Sweep: a trace record goes before its contents, so
// that a collection that is cut short leaves contents without a trace (found by
// the next one), never a trace that looks whole and is not.
func (d *db) collect(payload []byte) ([]byte, error) {
	if err := d.writable(); err != nil {
		return nil, err
	}
	var limitBytes, limitAge int64
	spare := int64(grace)
	proto.Numbers(payload, &limitBytes, &limitAge, &spare)
	if spare == 0 {
		spare = int64(grace)
	}
	g := &collection{
		db: d, now: d.now(), limitBytes: limitBytes, limitAge: time.Duration(limitAge), spare: time.Duration(spare),
		items: map[cache.Hash]*item{}, pinned: map[cache.Hash]bool{},
	}
	if err := g.pin(); err != nil {
		return nil, err
	}
	g.mark()
	if limitBytes > 0 {
		cache.SweepNullBuilds(d.cacheDir, limitBytes/nullBuilds)
	}
	before := g.total
	if err := g.sweep(); err != nil {
		return nil, err
	}
	return proto.AppendNumbers(nil, before, g.total, g.traces, g.blobs, g.small, g.sets, g.near), nil
}

// item is one content.
type item struct {
	size  int64
	file  string    // of a blob; "" for a small content
	used  time.Time // of a blob; traces date small contents
	names int       // how many traces name it
}

// collectable is one trace, or what one tree has near.
type collectable struct {
	near     string // its file, "" for a trace
	key      []byte
	used     time.Time
	size     int64
	contents []cache.Hash
}

// collection is one run of the collector.
type collection struct {
	db         *db
	now        time.Time
	limitBytes int64
	limitAge   time.Duration
	spare      time.Duration

	pinned map[cache.Hash]bool // strong keys and contents that graphs name
	items  map[cache.Hash]*item
	list   []collectable
	total  int64

	traces, blobs, small, sets, near int64 // removed
}

// pin notes what the graphs of all trees name, and labels. A graph or a label that
// cannot be read may name anything: then nothing is collected.
func (g *collection) pin() error {
	trees, commands, err := cache.GraphFiles(g.db.cacheDir)
	if err != nil {
		return err
	}
	for _, path := range trees {
		if err := g.pinGraph(path, true); err != nil {
			return err
		}
	}
	for _, path := range commands {
		if gone, err := forgetCommand(path, g.now); err != nil || gone {
			continue
		}
		if err := g.pinGraph(path, false); err != nil {
			return err
		}
	}
	saved, err := cache.SavedPreimages(g.db.cacheDir)
	if err != nil {
		return err
	}
	labelled, err := labels.Kept(g.db.cacheDir)
	for _, h := range append(saved, labelled...) {
		g.pinned[h] = true
	}
	return err
}

// pinGraph notes what one graph names: what was replaced, of which there may be no other
// copy, and with results what was left.
func (g *collection) pinGraph(path string, results bool) error {
	graph, err := cache.Load(path)
	if err != nil {
		return err
	}
	for _, name := range graph.Names() {
		e, ok := graph.Entry(name)
		if !ok {
			continue
		}
		for _, o := range e.Befores() {
			g.pinned[o.Hash] = true
		}
		if !results {
			continue
		}
		g.pinned[e.Strong()] = true
		for _, o := range e.Outputs() {
			g.pinned[o.Hash] = true
		}
	}
	return nil
}

// mark finds all contents and traces, and which names which.
func (g *collection) mark() {
	for b := range g.db.blobs() {
		g.items[b.hash] = &item{size: b.info.Size(), file: b.path, used: b.info.ModTime()}
		g.total += b.info.Size()
	}
	for k, value := range g.db.records(kindSmall) {
		g.items[cache.Hash(k[1:])] = &item{size: int64(len(value)), used: g.db.lastUse(k)}
		g.total += int64(len(value))
	}
	for k, value := range g.db.records(kindTrace) {
		t, err := cache.DecodeTrace(value)
		if err != nil {
			continue
		}
		c := collectable{key: append([]byte(nil), k...), used: g.db.lastUse(k), size: int64(len(value))}
		for h := range contents(t) {
			c.contents = append(c.contents, h)
			if it := g.items[h]; it != nil {
				it.names++
			}
		}
		g.list = append(g.list, c)
		g.total += c.size
	}
	for _, f := range cache.NearFiles(g.db.cacheDir) {
		g.list = append(g.list, collectable{near: f.Path, used: f.Used, size: f.Size})
		g.total += f.Size
	}
}

// lastUse returns when a record was last used.
func (d *db) lastUse(k []byte) time.Time {
	var at int64
	if value, err := d.get(key(kindUsed, k)); err == nil {
		proto.Numbers(value, &at)
	}
	return time.Unix(at, 0)
}

func (g *collection) sweep() error {
	slices.SortFunc(g.list, func(a, b collectable) int { return a.used.Compare(b.used) })
	for i := range g.list {
		c := &g.list[i]
		if !g.excess(c.used) {
			break // the rest was used later
		}
		drop := g.dropTrace
		switch {
		case c.near != "":
			drop = g.dropNear
		case g.pinned[cache.Hash(c.key[1:])]:
			continue
		}
		if err := drop(c); err != nil {
			return err
		}
	}
	for h, it := range g.items {
		if it.names > 0 {
			continue
		}
		if err := g.dropItem(h, it); err != nil {
			return err
		}
	}
	return g.sweepSets()
}

// excess reports whether something that was last used then is to go.
func (g *collection) excess(used time.Time) bool {
	age := g.now.Sub(used)
	if age < g.spare {
		return false
	}
	return g.limitAge > 0 && age > g.limitAge || g.limitBytes > 0 && g.total > g.limitBytes
}

// dropNear removes what a tree has near, if it can be: the store has it, too.
func (g *collection) dropNear(c *collectable) error {
	if os.Remove(c.near) == nil {
		g.near++
		g.total -= c.size
	}
	return nil
}

func (g *collection) dropTrace(c *collectable) error {
	if err := g.db.remove(c.key); err != nil {
		return err
	}
	g.traces++
	g.total -= c.size
	for _, h := range c.contents {
		it := g.items[h]
		if it == nil {
			continue
		}
		if it.names--; it.names == 0 {
			if err := g.dropItem(h, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropItem removes a content that no trace names, unless it is pinned or may
// be about to be named.
func (g *collection) dropItem(h cache.Hash, it *item) error {
	if g.pinned[h] || g.now.Sub(it.used) < g.spare {
		return nil
	}
	delete(g.items, h)
	g.total -= it.size
	if it.file == "" {
		g.small++
		return g.db.remove(key(kindSmall, h[:]))
	}
	g.blobs++
	if err := os.Remove(it.file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// sweepSets removes sets that no key lists, and old entries of the stat cache.
// Lists themselves are small and go with their last set.
func (g *collection) sweepSets() error {
	// Sets first: one that is written after this is not looked at.
	var sets [][]byte
	for k := range g.db.records(kindSet) {
		sets = append(sets, append([]byte(nil), k...))
	}
	listed := map[cache.Hash]bool{}
	for _, names := range g.db.records(kindSets) {
		for ; len(names) >= proto.HashLen; names = names[proto.HashLen:] {
			listed[cache.Hash(names[:proto.HashLen])] = true
		}
	}
	for _, k := range sets {
		if listed[cache.Hash(k[1:])] {
			continue
		}
		if err := g.db.remove(k); err != nil {
			return err
		}
		g.sets++
	}
	oldest := uint32(g.now.Add(-statLife).Unix() / 86400)
	for _, kind := range []byte{kindStat, kindAlias} {
		for k, value := range g.db.records(kind) {
			if len(value) == proto.HashLen+4 && binary.LittleEndian.Uint32(value[proto.HashLen:]) >= oldest {
				continue
			}
			if err := g.db.remove(append([]byte(nil), k...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a record and the date of its use.
func (d *db) remove(k []byte) error {
	d.mu.Lock()
	delete(d.used, string(k))
	d.mu.Unlock()
	batch := d.pebble.NewBatch()
	defer batch.Close()
	if err := batch.Delete(k, nil); err != nil {
		return err
	}
	if err := batch.Delete(key(kindUsed, k), nil); err != nil {
		return err
	}
	return batch.Commit(pebble.NoSync)
}
