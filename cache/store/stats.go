package store

import (
	"errors"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// counters count since the store was made. They are written when the database
// is closed, and at each Stats.
type counters struct {
	hits, misses, saved, dropped, far int64
}

func (c *counters) places() []*int64 {
	return []*int64{&c.hits, &c.misses, &c.saved, &c.dropped, &c.far}
}

// count changes the counters.
func (d *db) count(change func(*counters)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.counts)
}

func (c *counters) load(d *db) {
	if value, err := d.get(key(kindCount, nil)); err == nil {
		proto.Numbers(value, c.places()...)
	}
}

func (c *counters) save(d *db) {
	if d.readOnly {
		return
	}
	d.mu.Lock()
	value := proto.AppendNumbers(nil, c.hits, c.misses, c.saved, c.dropped, c.far)
	d.mu.Unlock()
	d.put(key(kindCount, nil), value)
}

// tally adds to what is counted for others.
func (d *db) tally(payload []byte) ([]byte, error) {
	var far int64
	proto.Numbers(payload, &far)
	d.count(func(c *counters) { c.far += far })
	return nil, nil
}

// records yields all records of a kind by their key, kind included. Key and
// value are valid until the next. Damaged records are dropped and not yielded.
func (d *db) records(kind byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, value []byte) bool) {
		it, err := d.pebble.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
		if err != nil {
			d.readError([]byte{kind}, err)
			return
		}
		defer it.Close()
		for it.First(); it.Valid(); it.Next() {
			value, ok := unseal(it.Key(), it.Value())
			if !ok {
				d.drop(append([]byte(nil), it.Key()...))
				continue
			}
			if !yield(it.Key(), value) {
				return
			}
		}
		if err := it.Error(); err != nil {
			d.readError([]byte{kind}, err)
		}
	}
}

// blob is one file of the content-addressed store.
type blob struct {
	hash cache.Hash
	path string
	info fs.FileInfo
}

// blobs yields all blobs below the cache's folder.
func (d *db) blobs() iter.Seq[blob] {
	return func(yield func(blob) bool) {
		filepath.WalkDir(filepath.Join(d.cacheDir, "blobs"), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil // gone in between, or not ours
			}
			h, err := cache.ParseHash(filepath.Base(filepath.Dir(path)) + e.Name())
			if err != nil {
				return nil
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			if !yield(blob{h, path, info}) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

func (d *db) stats([]byte) ([]byte, error) {
	var traces, sets, small, stats, blobs, blobBytes int64
	for _, k := range []struct {
		kind byte
		n    *int64
	}{{kindTrace, &traces}, {kindSet, &sets}, {kindSmall, &small}, {kindStat, &stats}} {
		for range d.records(k.kind) {
			*k.n++
		}
	}
	for b := range d.blobs() {
		blobs++
		blobBytes += b.info.Size()
	}
	var near, nearBytes int64
	for _, f := range cache.NearFiles(d.cacheDir) {
		near++
		nearBytes += f.Size
	}
	d.counts.save(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts
	return proto.AppendNumbers(nil, traces, sets, small, stats, int64(d.pebble.Metrics().DiskSpaceUsage()),
		blobs, blobBytes, c.hits, c.misses, c.saved, c.dropped, c.far, near, nearBytes), nil
}

// verify reads everything. Damaged records are dropped in any case: they are of
// no use to anybody.
func (d *db) verify(payload []byte) ([]byte, error) {
	fix := len(payload) > 0 && payload[0] != 0 && !d.readOnly
	var records, badRecords, blobs, badBlobs, lost int64
	d.count(func(c *counters) { badRecords = -c.dropped })
	store := cache.OpenBlobs(d.cacheDir, cache.BlobOptions{ReadOnly: !fix})
	for b := range d.blobs() {
		blobs++
		var corrupt *cache.CorruptError
		if err := store.Check(b.hash); errors.As(err, &corrupt) {
			badBlobs++
		}
	}
	for _, kind := range []byte{kindSets, kindSet, kindSmall, kindStat, kindAlias, kindUsed, kindCount} {
		for range d.records(kind) {
			records++
		}
	}
	for k, value := range d.records(kindTrace) {
		records++
		t, err := cache.DecodeTrace(value)
		if err != nil {
			d.drop(append([]byte(nil), k...))
			continue
		}
		for h := range contents(t) {
			if !store.Has(h) && !d.has(h) {
				lost++
			}
		}
	}
	d.count(func(c *counters) { badRecords += c.dropped })
	return proto.AppendNumbers(nil, records, blobs, badRecords, badBlobs, lost), nil
}

// has reports whether a small content is there.
func (d *db) has(h cache.Hash) bool {
	value, err := d.get(key(kindSmall, h[:]))
	return err == nil && value != nil
}

// contents yields the contents that restoring a trace needs.
func contents(t *cache.Trace) iter.Seq[cache.Hash] {
	return func(yield func(cache.Hash) bool) {
		for i := range t.Outputs {
			o := &t.Outputs[i]
			if !o.Hash.IsZero() && o.SameAs == "" && !yield(o.Hash) {
				return
			}
		}
	}
}
