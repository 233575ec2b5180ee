package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

const (
	// givers is how many results are given at a time.
	givers = 4
	// queueLimit bounds the bytes of results that wait to be given. What does not fit is
	// dropped.
	queueLimit = 64 << 20
	// giveTime bounds the small calls by which a result is given, and slowest is how many
	// bytes a second a content has to get there at.
	giveTime = 20 * time.Second
	slowest  = 64 << 10
)

// uploads gives results to the server in the background.
type uploads struct {
	service *Service
	ctx     context.Context
	cancel  context.CancelFunc
	waiting chan result
	idle    *sync.Cond // of mu

	mu     sync.Mutex
	bytes  int64
	undone int // results that wait or are on their way
	missed int // results that were dropped
}

// result is a result that is to be given.
type result struct {
	key, strong cache.Hash
	set         []byte
	trace       *cache.Trace
	record      []byte
}

func newUploads(s *Service) *uploads {
	const mostWaiting = 1 << 16
	u := &uploads{service: s, waiting: make(chan result, mostWaiting)}
	u.idle = sync.NewCond(&u.mu)
	u.ctx, u.cancel = context.WithCancel(context.Background())
	for range givers {
		go u.work()
	}
	return u
}

// put answers FarPut: it enters a result that was put into the store.
func (s *Service) put(payload []byte) {
	const hashes = 3 * proto.HashLen
	if !s.place.Write || len(payload) < hashes || !s.breaker.gives() {
		return
	}
	var r result
	copy(r.key[:], payload)
	copy(r.strong[:], payload[proto.HashLen:])
	set, text, ok := proto.CutBytes(payload[hashes:])
	if !ok {
		return
	}
	t, err := cache.DecodeTrace(text)
	if err != nil {
		return
	}
	if r.trace, ok = cache.Portable(t); !ok {
		return
	}
	r.set = slices.Clone(set)
	r.record = (&record{resultKind, r.strong, cache.EncodeTrace(r.trace)}).encode()
	s.uploads.enter(r)
}

// size is about what a result takes while it waits: records are compressed to a quarter.
func (r *result) size() int64 { return int64(len(r.record)+len(r.set)) * 4 }

// enter adds a result to those that wait.
func (u *uploads) enter(r result) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bytes+r.size() > queueLimit {
		u.missed++
		return
	}
	select {
	case u.waiting <- r:
		u.bytes += r.size()
		u.undone++
	default:
		u.missed++
	}
}

// work gives one result after the other.
func (u *uploads) work() {
	for r := range u.waiting {
		if u.ctx.Err() == nil && u.service.breaker.gives() {
			if err := u.service.give(u.ctx, &r); err != nil && u.ctx.Err() == nil && !errors.Is(err, errNotHere) {
				u.service.breaker.refused(err)
			}
		}
		u.mu.Lock()
		u.bytes -= r.size()
		if u.undone--; u.undone == 0 {
			u.idle.Broadcast()
		}
		u.mu.Unlock()
	}
}

// finish waits until nothing is on its way any more, or for some time, and returns how
// many results have not got there because there was no more time.
func (u *uploads) finish(wait time.Duration) (dropped int) {
	timer := time.AfterFunc(wait, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.missed += u.undone
		u.cancel()
		u.idle.Broadcast()
	})
	defer timer.Stop()
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.undone > 0 && u.ctx.Err() == nil && u.service.breaker.gives() {
		u.idle.Wait()
	}
	if !u.service.breaker.gives() {
		return 0 // that is what a person is told
	}
	return u.missed
}

// errNotHere says that a content of a result is not in the store any more.
var errNotHere = errors.New("a content is gone")

// give gives one result: first all that it names, then its entry, then that of its key.
func (s *Service) give(ctx context.Context, r *result) error {
	small, cancel := context.WithTimeout(ctx, giveTime)
	defer cancel()
	l, err := s.limits(small)
	if err != nil {
		return err
	}
	if !l.update {
		return errors.New("it cannot be written")
	}
	n, err := nameOf(l.function, resultKind, r.strong)
	if err != nil {
		return err
	}
	named, contents, err := s.blobs(l, r.trace)
	if err != nil {
		return err
	}
	rec := &blob{digest: l.function.digest(r.record), data: r.record}
	if err := s.giveBlobs(ctx, l, append(append(contents, rec), n.blobs...)); err != nil {
		return err
	}
	small, cancel = context.WithTimeout(ctx, giveTime)
	defer cancel()
	if err := s.server.put(small, l, n, rec.digest, named); err != nil {
		return err
	}
	return s.giveSet(ctx, l, r)
}

// giveSet makes the set of a result the first one of its key. Who does so at the same time
// may lose one, which costs a run.
func (s *Service) giveSet(ctx context.Context, l limits, r *result) error {
	ctx, cancel := context.WithTimeout(ctx, giveTime)
	defer cancel()
	sets := [][]byte{r.set}
	old, err := s.server.get(ctx, l, setsKind, r.key)
	if err != nil && !errors.Is(err, errGarbage) {
		return err
	}
	if old != nil {
		others, _ := decodeSets(old.record.body) // one that is damaged is replaced
		if len(others) > 0 && bytes.Equal(others[0], r.set) {
			return nil
		}
		for _, o := range others {
			if len(sets) < cache.MaxPathSets && !bytes.Equal(o, r.set) {
				sets = append(sets, o)
			}
		}
	}
	n, err := nameOf(l.function, setsKind, r.key)
	if err != nil {
		return err
	}
	data := (&record{setsKind, r.key, encodeSets(sets)}).encode()
	rec := &blob{digest: l.function.digest(data), data: data}
	if err := s.giveBlobs(ctx, l, append(n.blobs, rec)); err != nil {
		return err
	}
	return s.server.put(ctx, l, n, rec.digest, nil)
}

// giveBlobs gives those contents that the server does not have.
func (s *Service) giveBlobs(ctx context.Context, l limits, blobs []*blob) error {
	bytes := int64(0)
	for _, b := range blobs {
		bytes += b.digest.GetSizeBytes()
	}
	ctx, cancel := context.WithTimeout(ctx, giveTime+time.Duration(bytes/slowest)*time.Second)
	defer cancel()
	return s.server.give(ctx, l, blobs, l.batch, func() {})
}

// give gives those contents that the server does not have, in messages of a size, and calls
// taken whenever it has taken one.
func (s *server) give(ctx context.Context, l limits, blobs []*blob, batch int64, taken func()) error {
	lacks, err := s.lacking(ctx, l, blobs)
	if err != nil {
		return err
	}
	taken()
	var small []*blob
	for _, b := range blobs {
		switch {
		case !lacks[b.digest.GetHash()]:
			continue
		case b.digest.GetSizeBytes() <= batch-overhead:
			small = append(small, b)
		default:
			if err := s.upload(ctx, l, b); err != nil {
				return err
			}
			taken()
		}
		delete(lacks, b.digest.GetHash()) // what is there twice is given once
	}
	for _, part := range batches(small, batch, func(b *blob) int64 { return b.digest.GetSizeBytes() }) {
		if err := s.update(ctx, l.function, part); err != nil {
			return err
		}
		taken()
	}
	return nil
}

// unasked is up to how many bytes contents are sooner given than asked for.
const unasked = 32 << 10

// lacking tells which of some contents have to be given.
func (s *server) lacking(ctx context.Context, l limits, blobs []*blob) (map[string]bool, error) {
	digests := make([]*repb.Digest, 0, len(blobs))
	all, bytes := make(map[string]bool), int64(0)
	for _, b := range blobs {
		digests = append(digests, b.digest)
		all[b.digest.GetHash()] = true
		bytes += b.digest.GetSizeBytes() + overhead
	}
	if bytes <= unasked {
		return all, nil
	}
	return s.missing(ctx, l.function, digests)
}

// blobs lists what a trace left, as the server will call it.
func (s *Service) blobs(l limits, t *cache.Trace) (named map[cache.Hash]*repb.Digest, list []*blob, err error) {
	named = make(map[cache.Hash]*repb.Digest)
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if !hasContent(o) || named[o.Hash] != nil {
			continue
		}
		if l.largest > 0 && o.Size > l.largest {
			return nil, nil, errNotHere
		}
		d, err := s.digest(l.function, o.Hash, o.Size)
		if err != nil {
			if o.SameAs != "" {
				continue // its content is that of another path
			}
			return nil, nil, err
		}
		named[o.Hash] = d
		list = append(list, &blob{digest: d, open: func() (io.ReadCloser, error) {
			r, _, err := s.contents.Open(o.Hash)
			return r, err
		}})
	}
	return named, list, nil
}

// digest names a content of the store. Its other hash is computed once.
func (s *Service) digest(f function, h cache.Hash, size int64) (*repb.Digest, error) {
	if !s.contents.Has(h) {
		return nil, errNotHere
	}
	if f == blake3Function {
		return named(h, size), nil
	}
	if alias, err := s.local.GetAlias(h); err == nil && !alias.IsZero() {
		return named(alias, size), nil
	}
	r, _, err := s.contents.Open(h)
	if err != nil {
		return nil, errNotHere
	}
	defer r.Close()
	sum, n, err := sumOf(r)
	if err != nil || n != size {
		return nil, errNotHere
	}
	_ = s.local.PutAlias(h, sum) // else it is computed again
	return named(sum, size), nil
}
