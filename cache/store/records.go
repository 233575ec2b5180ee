package store

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// errRefused is returned for a request that makes no sense.
var errRefused = errors.New("malformed request")

// errMissing is the answer of a call whose record does not exist.
var errMissing = errors.New("not found")

// operation is what the server does for one Op.
type operation func(d *db, payload []byte) ([]byte, error)

// operations is the table of all calls.
func operations() map[proto.Op]operation {
	return map[proto.Op]operation{
		proto.PathSets: (*db).pathSets,
		proto.Result:   (*db).result,
		proto.PutTrace: (*db).putTrace,
		proto.GetSmall: (*db).getSmall,
		proto.PutSmall: (*db).putSmall,
		proto.HasSmall: (*db).hasSmall,
		proto.GetStats: (*db).getStats,
		proto.PutStats: (*db).putStats,
		proto.Sync:     (*db).sync,
		proto.Stats:    (*db).stats,
		proto.Verify:   (*db).verify,
		proto.Collect:  (*db).collect,
		proto.Similar:  (*db).similar,
		proto.Tally:    (*db).tally,
		proto.GetAlias: (*db).getAlias,
		proto.PutAlias: (*db).putAlias,
	}
}

// changes tells the operations that a read-only user may not use.
func changes(op proto.Op, payload []byte) bool {
	switch op {
	case proto.PutTrace, proto.PutSmall, proto.PutStats, proto.PutAlias, proto.Collect:
		return true
	case proto.Verify:
		return len(payload) > 0 && payload[0] != 0
	}
	return false
}

func (d *db) pathSets(name []byte) ([]byte, error) {
	if len(name) != proto.HashLen {
		return nil, errRefused
	}
	names, err := d.get(key(kindSets, name))
	if err != nil {
		return nil, err
	}
	var answer []byte
	for ; len(names) >= proto.HashLen; names = names[proto.HashLen:] {
		set, err := d.get(key(kindSet, names[:proto.HashLen]))
		if err != nil || set == nil {
			continue // one set less costs a run at most
		}
		answer = proto.AppendBytes(answer, set)
	}
	if answer == nil {
		d.count(func(c *counters) { c.misses++ })
		return nil, errMissing
	}
	return answer, nil
}

func (d *db) result(name []byte) ([]byte, error) {
	if len(name) != proto.HashLen {
		return nil, errRefused
	}
	k := key(kindTrace, name)
	trace, err := d.get(k)
	if err == nil && trace == nil {
		err = errMissing
	}
	if err != nil {
		d.count(func(c *counters) { c.misses++ })
		return nil, err
	}
	d.use(k)
	duration, _ := cache.TraceDuration(trace)
	d.count(func(c *counters) { c.hits++; c.saved += duration })
	return trace, nil
}

// putTrace writes the list of sets, the set and the trace, all or none.
func (d *db) putTrace(payload []byte) ([]byte, error) {
	if err := d.writable(); err != nil {
		return nil, err
	}
	if len(payload) < 3*proto.HashLen {
		return nil, errRefused
	}
	name, strong, setName := payload[:proto.HashLen], payload[proto.HashLen:2*proto.HashLen], payload[2*proto.HashLen:3*proto.HashLen]
	content, trace, ok := proto.CutBytes(payload[3*proto.HashLen:])
	if !ok {
		return nil, errRefused
	}
	batch := d.pebble.NewBatch()
	defer batch.Close()
	if err := d.putSet(batch, name, setName, content); err != nil {
		return nil, err
	}
	k := key(kindTrace, strong)
	if err := set(batch, k, trace); err != nil {
		return nil, err
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return nil, err
	}
	d.use(k)
	return nil, nil
}

// putSet makes a set the most recent one of a key.
func (d *db) putSet(batch *pebble.Batch, name, setName, content []byte) error {
	setKey := key(kindSet, setName)
	if old, err := d.get(setKey); err != nil || old == nil {
		if err := set(batch, setKey, content); err != nil {
			return err
		}
	}
	// Two writers at once may lose one of the names, which costs a run at most.
	listKey := key(kindSets, name)
	old, err := d.get(listKey)
	var corrupt *cache.CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		return err
	}
	if len(old) >= proto.HashLen && string(old[:proto.HashLen]) == string(setName) {
		return nil
	}
	list := append([]byte(nil), setName...)
	for ; len(old) >= proto.HashLen && len(list) < cache.MaxPathSets*proto.HashLen; old = old[proto.HashLen:] {
		if string(old[:proto.HashLen]) != string(setName) {
			list = append(list, old[:proto.HashLen]...)
		}
	}
	return set(batch, listKey, list)
}

func (d *db) getSmall(name []byte) ([]byte, error) {
	if len(name) != proto.HashLen {
		return nil, errRefused
	}
	k := key(kindSmall, name)
	content, err := d.get(k)
	if err != nil {
		return nil, err
	}
	if content == nil {
		return nil, errMissing
	}
	d.use(k)
	return content, nil
}

func (d *db) hasSmall(name []byte) ([]byte, error) {
	_, err := d.getSmall(name)
	return nil, err
}

// putSmall refuses what does not hash to its name, so that nobody can be
// given another content by it.
func (d *db) putSmall(payload []byte) ([]byte, error) {
	if err := d.writable(); err != nil {
		return nil, err
	}
	if len(payload) < proto.HashLen {
		return nil, errRefused
	}
	name, content := payload[:proto.HashLen], payload[proto.HashLen:]
	if h := cache.HashBytes(content); string(h[:]) != string(name) {
		return nil, errRefused
	}
	k := key(kindSmall, name)
	if err := d.put(k, content); err != nil {
		return nil, err
	}
	d.use(k)
	return nil, nil
}

func (d *db) getStats(payload []byte) ([]byte, error) {
	answer := make([]byte, 0, len(payload)/proto.StatKeyLen*proto.HashLen)
	for ; len(payload) >= proto.StatKeyLen; payload = payload[proto.StatKeyLen:] {
		var h [proto.HashLen]byte
		value, err := d.get(key(kindStat, payload[:proto.StatKeyLen]))
		if err == nil {
			copy(h[:], value)
		}
		answer = append(answer, h[:]...)
	}
	return answer, nil
}

func (d *db) putStats(payload []byte) ([]byte, error) {
	if err := d.writable(); err != nil {
		return nil, err
	}
	const entry = proto.StatKeyLen + proto.HashLen
	batch := d.pebble.NewBatch()
	defer batch.Close()
	for ; len(payload) >= entry; payload = payload[entry:] {
		// The day of the last write is kept with the hash: entries of files
		// that are gone are found by it.
		value := binary.LittleEndian.AppendUint32(append([]byte(nil), payload[proto.StatKeyLen:entry]...), d.today())
		if err := set(batch, key(kindStat, payload[:proto.StatKeyLen]), value); err != nil {
			return nil, err
		}
	}
	return nil, batch.Commit(pebble.NoSync)
}

func (d *db) getAlias(name []byte) ([]byte, error) {
	value, err := d.get(key(kindAlias, name))
	if err == nil && len(value) < proto.HashLen {
		err = errMissing
	}
	if err != nil {
		return nil, err
	}
	return value[:proto.HashLen], nil
}

// putAlias keeps the day of the last write with the hash, by which the collector goes.
func (d *db) putAlias(payload []byte) ([]byte, error) {
	if len(payload) != 2*proto.HashLen {
		return nil, errRefused
	}
	if err := d.writable(); err != nil {
		return nil, err
	}
	name, alias := payload[:proto.HashLen], payload[proto.HashLen:]
	return nil, d.put(key(kindAlias, name), binary.LittleEndian.AppendUint32(append([]byte(nil), alias...), d.today()))
}

func (d *db) sync([]byte) ([]byte, error) {
	if d.readOnly {
		return nil, nil
	}
	return nil, d.pebble.LogData(nil, pebble.Sync)
}

// today is the number of the day, which is how finely uses are dated.
func (d *db) today() uint32 { return uint32(d.now().Unix() / 86400) }

// useGrain is how finely uses are dated: finely enough for the collector's
// grace, and rarely enough to cost nothing.
const useGrain = grace / 4

// use dates the last use of a record.
func (d *db) use(k []byte) {
	now := d.now().Unix()
	d.mu.Lock()
	fresh := now-d.used[string(k)] < int64(useGrain.Seconds())
	d.used[string(k)] = now
	d.mu.Unlock()
	if fresh || d.readOnly {
		return
	}
	d.put(key(kindUsed, k), binary.LittleEndian.AppendUint64(nil, uint64(now)))
}
