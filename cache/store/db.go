package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"fmake/cache"
	"fmake/cache/internal/crew"
)

// The kinds of records: the first byte of a key.
const (
	kindSets  = 'k' // key -> hashes of the sets of looked-at paths, most recent first
	kindSet   = 's' // hash -> encoded set
	kindTrace = 'r' // strong key -> encoded trace
	kindSmall = 'b' // hash -> content
	kindStat  = 'f' // stat -> hash of content
	kindAlias = 'a' // hash -> hash of the same content by another function
	kindUsed  = 'u' // key of another record -> time of its last use
	kindCount = 'n' // -> counters
)

// db is the open database.
type db struct {
	cacheDir string
	pebble   *pebble.DB
	shield   *shield
	readOnly bool
	now      func() time.Time
	crew     *crew.Crew

	mu      sync.Mutex
	used    map[string]int64 // when the last use of a record was dated, seconds since 1970
	counts  counters
	damaged bool
}

// errBroken is returned after a failed write.
var errBroken = errors.New("the database is frozen")

const (
	memTable   = 4 << 20
	blockCache = 8 << 20
	// keptWorkers is how many goroutines with the stacks that pebble needs are kept.
	keptWorkers = 8
)

// openDB opens the database at dir. The caller holds the lock.
func openDB(base vfs.FS, cacheDir, dir string, readOnly bool, warn func(error)) (*db, error) {
	d := &db{
		cacheDir: cacheDir,
		shield:   newShield(base, warn),
		readOnly: readOnly,
		now:      time.Now,
		crew:     crew.New(keptWorkers),
		used:     map[string]int64{},
	}
	blocks := pebble.NewCache(blockCache)
	opts := &pebble.Options{
		FS:                          d.shield,
		Cache:                       blocks,
		Logger:                      silent{d},
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                256,
		ReadOnly:                    readOnly,
		FormatMajorVersion:          pebble.FormatNewest,
		EventListener:               &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) { d.condemn() }},
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
	}
	err := d.guard(func() (err error) {
		defer blocks.Unref() // pebble has its own reference, and may outlive the wait
		if d.pebble, err = pebble.Open(dir, opts); err == nil {
			d.counts.load(d)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return d, nil
}

// guard runs what uses pebble. When the database freezes, pebble may never
// return (see silent), so nobody waits for it any more, and what it did may not
// have happened.
func (d *db) guard(use func() error) error {
	done := make(chan error, 1)
	if d.shield.failure() == nil {
		d.crew.Go(func() { done <- use() })
	}
	var err error
	select {
	case err = <-done:
	case <-d.shield.frozen:
	}
	if cause := d.shield.failure(); cause != nil {
		return fmt.Errorf("%w: %w", errBroken, cause)
	}
	return err
}

// close ends the use of the database. A frozen one is given up as it is.
func (d *db) close() {
	d.guard(func() error {
		d.counts.save(d)
		return d.pebble.Close()
	})
	d.crew.Dismiss()
}

// silent is pebble's logger.
type silent struct{ db *db }

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// Fatalf must not return, and must not end the process either: whoever serves
// views may not die of a broken cache. So it keeps the goroutine for good (ending
// it would run deferred calls that panic in a state like this); nobody waits for
// it, see guard.
func (s silent) Fatalf(format string, args ...any) {
	s.db.condemn()
	s.db.shield.freeze(fatalError(fmt.Sprintf(format, args...)))
	select {}
}

// fatalError is what pebble would have ended the process for. Failed writes do
// not reach pebble, so it speaks of what was read.
type fatalError string

func (e fatalError) Error() string { return string(e) }

// seal returns value with the checksum that get demands.
func seal(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value[:len(value):len(value)], sumOf(key, value))
}

func sumOf(key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, table), table, value)
}

// unseal returns the value that seal was given, if it is sound.
func unseal(key, sealed []byte) ([]byte, bool) {
	n := len(sealed) - 4
	if n < 0 || binary.LittleEndian.Uint32(sealed[n:]) != sumOf(key, sealed[:n]) {
		return nil, false
	}
	return sealed[:n], true
}

// key makes the key of a record.
func key(kind byte, name []byte) []byte {
	return append([]byte{kind}, name...)
}

// get returns a copy of a record's value, nil and no error if there is none. A
// damaged record is dropped and a *cache.CorruptError.
func (d *db) get(key []byte) ([]byte, error) {
	sealed, closer, err := d.pebble.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, d.readError(key, err)
	}
	defer closer.Close()
	value, ok := unseal(key, sealed)
	if !ok {
		return nil, d.drop(key)
	}
	return append(make([]byte, 0, len(value)), value...), nil
}

// readError judges an error of pebble. What pebble itself finds damaged cannot
// be mended record by record: the next holder begins anew.
func (d *db) readError(key []byte, err error) error {
	if errors.Is(err, pebble.ErrCorruption) {
		d.condemn()
		return d.drop(key)
	}
	return fmt.Errorf("read the database: %w", err)
}

// drop removes a damaged record and returns the error that says so.
func (d *db) drop(key []byte) error {
	d.count(func(c *counters) { c.dropped++ })
	if !d.readOnly {
		d.pebble.Delete(key, pebble.NoSync)
	}
	return &cache.CorruptError{What: "record", Name: string(key[:1])}
}

// condemn marks the database to be begun anew by the next holder.
func (d *db) condemn() {
	d.mu.Lock()
	first := !d.damaged
	d.damaged = true
	d.mu.Unlock()
	if first && !d.readOnly {
		os.WriteFile(filepath.Join(d.cacheDir, damagedName), nil, 0o600)
	}
}

// writable returns nil if records can be written.
func (d *db) writable() error {
	if d.readOnly {
		return cache.ErrReadOnly
	}
	return nil
}

// set writes a record in batch.
func set(batch *pebble.Batch, key, value []byte) error {
	return batch.Set(key, seal(key, value), nil)
}

// put writes one record.
func (d *db) put(key, value []byte) error {
	return d.pebble.Set(key, seal(key, value), pebble.NoSync)
}

// isDamage reports whether an error of opening speaks of a damaged database
// rather than of its surroundings.
func isDamage(err error) bool {
	var fatal fatalError
	if errors.As(err, &fatal) || errors.Is(err, pebble.ErrCorruption) || errors.Is(err, os.ErrNotExist) {
		return true
	}
	// Pebble has no error value for some inconsistencies.
	for _, part := range []string{"corrupt", "invalid", "malformed", "inconsistent", "unexpected EOF", "checksum"} {
		if strings.Contains(err.Error(), part) {
			return true
		}
	}
	return false
}
