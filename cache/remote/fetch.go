package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fmake/cache"
)

const (
	// batched is the largest content that is taken in a batch: of a batch nobody sees how
	// far it is.
	batched = 256 << 10
	// batchRead bounds a batch that is taken, for the same reason.
	batchRead = 1 << 20
	// streams is how many contents are taken at a time.
	streams = 4
	// look is how often it is looked how far they are.
	look = 100 * time.Millisecond
	// stall is how long nothing may come.
	stall = 2 * time.Second
)

// fetch takes what a trace left from the server, unless it is here already, and reports
// whether all of it is here then. It is given up when running the action again is sooner
// done.
func (s *Service) fetch(l limits, e *entry, t *cache.Trace) bool {
	wanted, bytes, err := s.wanted(e, t)
	if err != nil {
		s.breaker.failed(err)
		return false
	}
	if len(wanted) == 0 {
		return true
	}
	left := s.breaker.left()
	if left <= 0 {
		return false
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var came atomic.Int64
	begun := time.Now()
	go watch(ctx, cancel, &came, bytes, left, time.Duration(t.Duration))
	err = s.take(ctx, l, wanted, &came)
	took := time.Since(begun)
	switch {
	case err == nil:
		s.breaker.lose(took - time.Duration(t.Duration))
		return true
	case errors.Is(context.Cause(ctx), errSlow), isGone(err):
		s.breaker.lose(took)
	default:
		s.breaker.lose(took)
		s.breaker.failed(err)
	}
	return false
}

// errSlow says that to take contents takes longer than to make them.
var errSlow = errors.New("it is too slow")

// watch ends what takes too long: half of what may be lost passes in any case; then the
// contents must come in less time than it took to make them.
func watch(ctx context.Context, cancel context.CancelCauseFunc, came *atomic.Int64, bytes int64, left, made time.Duration) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	begun, last, moved := time.Now(), int64(0), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, took := came.Load(), time.Since(begun)
		if n != last {
			last, moved = n, time.Now()
		}
		if took < left/2 {
			continue
		}
		whole := time.Duration(float64(took) * float64(bytes) / float64(max(n, 1)))
		if time.Since(moved) > stall || whole > made+left/2 {
			cancel(errSlow)
			return
		}
	}
}

// want is a content that is to be taken.
type want struct {
	hash   cache.Hash
	digest *repb.Digest
}

// isGone tells whether an error says that a content is not there.
func isGone(err error) bool { return status.Code(err) == codes.NotFound }

// wanted lists the contents of a trace that are not here. Each must be among those of the
// entry.
func (s *Service) wanted(e *entry, t *cache.Trace) (list []want, bytes int64, err error) {
	seen := make(map[cache.Hash]bool)
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if !hasContent(o) || seen[o.Hash] {
			continue
		}
		seen[o.Hash] = true
		d := e.contents[o.Hash]
		if d == nil && o.SameAs != "" || s.contents.Has(o.Hash) {
			continue
		}
		if d == nil || d.GetSizeBytes() != o.Size {
			return nil, 0, garbage("a content of a result is not named")
		}
		list = append(list, want{o.Hash, d})
		bytes += o.Size
	}
	return list, bytes, nil
}

// hasContent is true for an output with a content of its own.
func hasContent(o *cache.Output) bool {
	return o.Type == unix.S_IFREG || o.Type == cache.TypeSegment && o.Size > 0
}

// take takes contents: small ones many at a time, large ones as streams.
func (s *Service) take(ctx context.Context, l limits, wanted []want, came *atomic.Int64) error {
	var small, large []want
	for _, w := range wanted {
		if w.digest.GetSizeBytes() <= min(batched, l.batch-overhead) {
			small = append(small, w)
		} else {
			large = append(large, w)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(streams)
	for _, part := range batches(small, min(batchRead, l.batch), func(w want) int64 { return w.digest.GetSizeBytes() }) {
		g.Go(func() error { return s.takeBatch(ctx, l, part, came) })
	}
	for _, w := range large {
		g.Go(func() error { return s.takeStream(ctx, l, w, came) })
	}
	return g.Wait()
}

func (s *Service) takeBatch(ctx context.Context, l limits, part []want, came *atomic.Int64) error {
	digests := make([]*repb.Digest, 0, len(part))
	for _, w := range part {
		digests = append(digests, w.digest)
	}
	got, err := s.server.read(ctx, l.function, digests)
	if err != nil {
		return err
	}
	for _, w := range part {
		data, ok := got[w.digest.GetHash()]
		if !ok {
			return status.Error(codes.NotFound, "a content is gone")
		}
		came.Add(int64(len(data)))
		if err := s.keep(bytes.NewReader(data), w); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) takeStream(ctx context.Context, l limits, w want, came *atomic.Int64) error {
	d := s.server.download(ctx, l, w.digest)
	defer d.Close()
	return s.keep(&counted{d, came}, w)
}

// keep puts a content into the store, if it is the right one.
func (s *Service) keep(r io.Reader, w want) error {
	err := s.contents.PutFrom(r, w.digest.GetSizeBytes(), w.hash)
	var corrupt *cache.CorruptError
	if errors.As(err, &corrupt) {
		return garbage("a content is not what the result says")
	}
	return err
}

// counted counts what is read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
