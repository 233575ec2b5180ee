package cache

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"time"

	"fmake/cache/internal/proto"
)

// PathSets returns the sets of paths that earlier runs of an action with this
// key looked at, the most recent one first.
func (c *Client) PathSets(key Hash) ([]PathSet, error) {
	answer, found, err := c.call(proto.PathSets, key[:])
	if err != nil || !found {
		return nil, err
	}
	return decodeSets(answer), nil
}

// decodeSets reads a list of sets. One that is malformed is left out.
func decodeSets(answer []byte) []PathSet {
	var sets []PathSet
	for len(answer) > 0 {
		s, rest, ok := proto.CutBytes(answer)
		if !ok {
			break
		}
		answer = rest
		if set, err := decodeSet(s); err == nil {
			sets = append(sets, set)
		}
	}
	return sets
}

// Result returns the trace that was recorded under a strong key, nil if there
// is none.
func (c *Client) Result(strong Hash) (*Trace, error) {
	answer, found, err := c.call(proto.Result, strong[:])
	if err != nil || !found {
		return nil, err
	}
	return DecodeTrace(answer)
}

// Similar returns stored traces of actions with this key; if there are none, those of
// the target with this name in this directory, whatever its recipe was. It reads all
// traces, so it is for people who ask why there was no result.
func (c *Client) Similar(key Hash, target, dir string) ([]*Trace, error) {
	payload := proto.AppendBytes(key[:len(key):len(key)], []byte(target))
	answer, found, err := c.call(proto.Similar, proto.AppendBytes(payload, []byte(dir)))
	if err != nil || !found {
		return nil, err
	}
	var traces []*Trace
	for len(answer) > 0 {
		text, rest, ok := proto.CutBytes(answer)
		if !ok {
			break
		}
		answer = rest
		if t, err := DecodeTrace(text); err == nil {
			traces = append(traces, t)
		}
	}
	return traces, nil
}

// PutTrace records what a run did: under key the set of paths it looked at,
// under the strong key the trace. The contents of its outputs must be kept
// before. The record survives the end of every process once PutTrace has
// returned and the server had a moment, a power loss after Sync; losing it costs
// a run, never a wrong result.
func (c *Client) PutTrace(key, strong Hash, t *Trace) error {
	return c.PutEncoded(key, strong, t, EncodeTrace(t))
}

// PutEncoded is PutTrace of a trace that EncodeTrace has written.
func (c *Client) PutEncoded(key, strong Hash, t *Trace, encoded []byte) error {
	set := encodeSet(SetOf(t))
	name := HashBytes(set)
	b := make([]byte, 0, 3*proto.HashLen+len(set)+len(encoded)+8)
	b = append(b, key[:]...)
	b = append(b, strong[:]...)
	b = append(b, name[:]...)
	b = proto.AppendBytes(b, set)
	b = append(b, encoded...)
	_, _, err := c.call(proto.PutTrace, b)
	return err
}

// GetSmall returns a content that PutSmall kept; if there is none the error is
// fs.ErrNotExist.
func (c *Client) GetSmall(h Hash) ([]byte, error) {
	answer, found, err := c.call(proto.GetSmall, h[:])
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fs.ErrNotExist
	case HashBytes(answer) != h:
		return nil, &CorruptError{What: "blob", Name: h.String()}
	}
	return answer, nil
}

// PutSmall keeps a small content in the store itself.
func (c *Client) PutSmall(data []byte) (Hash, error) {
	h := HashBytes(data)
	_, _, err := c.call(proto.PutSmall, append(h[:len(h):len(h)], data...))
	return h, err
}

// HasSmall reports whether GetSmall would find a content.
func (c *Client) HasSmall(h Hash) (bool, error) {
	_, found, err := c.call(proto.HasSmall, h[:])
	return found, err
}

func appendStatKey(b []byte, st FileStat) []byte {
	b = binary.LittleEndian.AppendUint64(b, st.Dev)
	b = binary.LittleEndian.AppendUint64(b, st.Ino)
	return proto.AppendNumbers(b, st.Size, st.Mtime, st.Ctime)
}

// GetStats returns the contents of files by their stats, zero where unknown.
func (c *Client) GetStats(stats []FileStat) ([]Hash, error) {
	b := make([]byte, 0, proto.StatKeyLen*len(stats))
	for _, st := range stats {
		b = appendStatKey(b, st)
	}
	answer, _, err := c.call(proto.GetStats, b)
	if err != nil {
		return nil, err
	}
	hashes := make([]Hash, len(stats))
	for i := range hashes {
		if len(answer) < proto.HashLen {
			break
		}
		copy(hashes[i][:], answer)
		answer = answer[proto.HashLen:]
	}
	return hashes, nil
}

// PutStats keeps contents of files by their stats.
func (c *Client) PutStats(entries []StatEntry) error {
	b := make([]byte, 0, (proto.StatKeyLen+proto.HashLen)*len(entries))
	for _, e := range entries {
		b = appendStatKey(b, e.Stat)
		b = append(b, e.Hash[:]...)
	}
	_, _, err := c.call(proto.PutStats, b)
	return err
}

// StatSource returns the store's stat cache for Hasher.AddSource. It knows
// nothing once the store is unavailable.
func (c *Client) StatSource() func(FileStat) (Hash, bool) {
	return func(st FileStat) (Hash, bool) {
		hashes, err := c.GetStats([]FileStat{st})
		if err != nil || hashes[0].IsZero() {
			return Hash{}, false
		}
		return hashes[0], true
	}
}

// Sync returns when everything that was put before is on disk.
func (c *Client) Sync() error {
	_, _, err := c.call(proto.Sync, nil)
	return err
}

// StoreStats is what is in the cache, and what it was good for since it was made.
type StoreStats struct {
	Traces, Sets, Small, Stats int64 // numbers of records
	RecordBytes                int64 // on disk, records of all kinds
	Blobs, BlobBytes           int64
	Hits, Misses               int64 // of Result; no known set of paths is a miss
	Saved                      int64 // nanoseconds that the hits' runs once took
	Dropped                    int64 // damaged records
	Far                        int64 // results that came from other machines
	Near, NearBytes            int64 // files with what trees have near
}

func (s *StoreStats) places() []*int64 {
	return []*int64{
		&s.Traces, &s.Sets, &s.Small, &s.Stats, &s.RecordBytes, &s.Blobs, &s.BlobBytes,
		&s.Hits, &s.Misses, &s.Saved, &s.Dropped, &s.Far, &s.Near, &s.NearBytes,
	}
}

// Stats counts what is in the cache.
func (c *Client) Stats() (StoreStats, error) {
	var s StoreStats
	err := c.report(proto.Stats, nil, s.places())
	return s, err
}

// VerifyReport says what Verify found.
type VerifyReport struct {
	Records, Blobs       int64 // looked at
	BadRecords, BadBlobs int64
	Missing              int64 // contents of traces that are not there
}

func (r *VerifyReport) places() []*int64 {
	return []*int64{&r.Records, &r.Blobs, &r.BadRecords, &r.BadBlobs, &r.Missing}
}

// Verify reads everything and checks it. With fix, what is damaged is dropped.
func (c *Client) Verify(fix bool) (VerifyReport, error) {
	var r VerifyReport
	err := c.report(proto.Verify, []byte{byte(bit(fix))}, r.places())
	return r, err
}

// GCLimits bounds what stays in the cache. Zero means no bound.
type GCLimits struct {
	Bytes int64
	Age   time.Duration // since the last use
	// Spare is how long what was used stays whatever the bounds, an hour if it is zero. Less
	// costs a build that goes on results which it is about to name, and never a right tree.
	Spare time.Duration
}

// GCReport says what a collection did.
type GCReport struct {
	Before, After                    int64 // bytes
	Traces, Blobs, Small, Sets, Near int64 // removed; Near are what so many trees had near
}

func (r *GCReport) places() []*int64 {
	return []*int64{&r.Before, &r.After, &r.Traces, &r.Blobs, &r.Small, &r.Sets, &r.Near}
}

// GC removes what was used least recently, until the limits are kept. What the
// graph of any tree names, or was used so recently that it is spared, stays.
func (c *Client) GC(l GCLimits) (GCReport, error) {
	var r GCReport
	err := c.report(proto.Collect, proto.AppendNumbers(nil, l.Bytes, int64(l.Age), int64(l.Spare)), r.places())
	return r, err
}

func (c *Client) report(op proto.Op, payload []byte, places []*int64) error {
	answer, _, err := c.call(op, payload)
	if err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	proto.Numbers(answer, places...)
	return nil
}
