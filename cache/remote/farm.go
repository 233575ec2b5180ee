package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/zeebo/blake3"
	"golang.org/x/sync/singleflight"

	"fmake/cache"
	"fmake/cache/endpoint"
)

// farm is where actions are sent to be run. It has a breaker of its own: as long as it is
// of use it may take its time, but when nothing comes from it for too long, for none of the
// actions, it is not used any more and all that are on their way are run here.
type farm struct {
	local    *cache.Client
	contents *cache.Contents
	place    *endpoint.Endpoint
	server   *server
	breaker  *breaker
	ctx      context.Context // of all that is on its way
	stop     context.CancelCauseFunc

	asking chan struct{} // holds one while the server is asked about itself
	known  atomic.Pointer[limits]
	moved  atomic.Int64 // when something came last, in nanoseconds since 1970

	mu    sync.Mutex
	there map[string]*gift                   // contents that the server has, by hash
	names map[cache.Hash]*repb.Digest        // what the server calls files
	sums  singleflight.Group                 // of large files that are being named
	going map[uint64]context.CancelCauseFunc // actions on their way
}

func newFarm(local *cache.Client, contents *cache.Contents, place *endpoint.Endpoint) (*farm, error) {
	server, err := dial(place)
	if err != nil {
		return nil, err
	}
	f := &farm{
		local: local, contents: contents, place: place, server: server, breaker: newBreaker(place), asking: make(chan struct{}, 1),
		there: make(map[string]*gift), names: make(map[cache.Hash]*repb.Digest), going: make(map[uint64]context.CancelCauseFunc),
	}
	f.ctx, f.stop = context.WithCancelCause(context.Background())
	return f, nil
}

// errRecalled says that nobody waits for an action any more.
var errRecalled = errors.New("it was called back")

// run answers FarRun: what has come back, and what a person should be told, "" for nothing.
func (f *farm) run(payload []byte) (a *cache.Arrival, say string) {
	away, err := cache.DecodeAway(payload)
	if err != nil {
		return &cache.Arrival{Why: err.Error()}, ""
	}
	if f.breaker.left() <= 0 {
		return &cache.Arrival{Why: "the server is not used any more"}, ""
	}
	ctx, cancel := context.WithCancelCause(f.ctx)
	f.mu.Lock()
	f.going[away.ID] = cancel
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.going, away.ID)
		f.mu.Unlock()
		cancel(nil)
	}()
	a, err = f.send(ctx, away)
	if err == nil {
		return a, ""
	}
	return &cache.Arrival{Why: f.judge(err)}, f.breaker.message()
}

// judge says what is wrong, and counts it if it is the server's fault.
func (f *farm) judge(err error) string {
	switch {
	case errors.Is(err, errNotSent), errors.Is(err, errRecalled), errors.Is(err, errOpen):
		return f.breaker.clean(err)
	}
	if errors.Is(err, errNoExec) {
		f.breaker.end(err)
	}
	f.breaker.failed(err)
	if f.breaker.left() <= 0 {
		f.stop(errOpen)
	}
	return f.breaker.clean(err)
}

// recall answers FarRecall.
func (f *farm) recall(id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if cancel := f.going[id]; cancel != nil {
		cancel(errRecalled)
	}
}

// close calls back all that is on its way.
func (f *farm) close() {
	if f != nil {
		f.stop(errRecalled)
	}
}

// limits is what the server has said of itself; it is asked once.
func (f *farm) limits(ctx context.Context) (limits, error) {
	select {
	case f.asking <- struct{}{}:
		defer func() { <-f.asking }()
	case <-ctx.Done():
		return limits{}, ctx.Err()
	}
	if l := f.known.Load(); l != nil {
		return *l, nil
	}
	l, err := f.server.limits(ctx, true)
	if err == nil {
		f.known.Store(&l)
	}
	return l, err
}

// stalled is how long nothing may come from a server that is asked something.
const stalled = 2 * time.Second

// errStalled says that nothing has come for too long.
var errStalled = context.DeadlineExceeded

// pulse ends a context when nothing has come from the server for too long.
type pulse struct {
	farm   *farm
	cancel context.CancelCauseFunc
	begun  time.Time
	limit  atomic.Int64
	timer  *time.Timer
}

// feel returns a context for one action. It must be stopped.
func (f *farm) feel(ctx context.Context) (context.Context, *pulse) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pulse{farm: f, cancel: cancel, begun: time.Now()}
	p.limit.Store(int64(stalled))
	p.timer = time.AfterFunc(stalled, p.look)
	return ctx, p
}

// look is called when it may have been too long.
func (p *pulse) look() {
	last := max(p.begun.UnixNano(), p.farm.moved.Load())
	if left := p.limit.Load() - (time.Now().UnixNano() - last); left > 0 {
		p.timer.Reset(time.Duration(left))
		return
	}
	p.cancel(errStalled)
}

// beat notes that something has come.
func (p *pulse) beat() { p.farm.moved.Store(time.Now().UnixNano()) }

// expect says how long nothing may come from now on.
func (p *pulse) expect(limit time.Duration) {
	p.beat()
	p.limit.Store(int64(limit))
	p.timer.Reset(limit)
}

func (p *pulse) stop() {
	p.timer.Stop()
	p.cancel(nil)
}

// beating notes that something has come whenever something is read: what is sent is read
// here first, as fast as the other side takes it.
type beating struct {
	io.ReadCloser
	p *pulse
}

func (b beating) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	if n > 0 {
		b.p.beat()
	}
	return n, err
}

// quicklyHashed is the size up to which a file is sooner hashed than its hash looked up.
const quicklyHashed = 64 << 10

// file makes a content of a file of the tree, reading it if it was never named as the server
// does: it has to be what the action says.
func (f *farm) file(fn function, a *cache.AwayFile) (*blob, error) {
	b := &blob{open: func() (io.ReadCloser, error) { return os.Open(a.From) }}
	if fn == blake3Function {
		b.digest = named(a.Hash, a.Size)
		return b, nil
	}
	f.mu.Lock()
	b.digest = f.names[a.Hash]
	f.mu.Unlock()
	if b.digest != nil {
		return b, nil
	}
	sum, err := f.sum(a, b)
	if err != nil {
		return nil, err
	}
	b.digest = named(sum, a.Size)
	f.mu.Lock()
	f.names[a.Hash] = b.digest
	f.mu.Unlock()
	return b, nil
}

// sum returns the SHA256 of a file. A small one is read for good.
func (f *farm) sum(a *cache.AwayFile, b *blob) (sum cache.Hash, err error) {
	if a.Size < quicklyHashed {
		if b.data, err = readSmall(a); err != nil {
			return sum, err
		}
		b.open = nil
		return sha256Function.sum(b.data), nil
	}
	got, err, _ := f.sums.Do(a.Hash.String(), func() (any, error) {
		if sum, _ := f.local.GetAlias(a.Hash); !sum.IsZero() { // else it is computed again
			return sum, nil
		}
		sum, err := bothSums(a)
		if err == nil {
			_ = f.local.PutAlias(a.Hash, sum)
		}
		return sum, err
	})
	return got.(cache.Hash), err
}

// readSmall reads a file, and makes sure that it is the one that is meant.
func readSmall(a *cache.AwayFile) ([]byte, error) {
	f, err := os.Open(a.From)
	if err != nil {
		return nil, notSent("%s is not there any more", a.Path)
	}
	defer f.Close()
	data := make([]byte, a.Size+1)
	n, err := io.ReadFull(f, data)
	if err != io.EOF && err != io.ErrUnexpectedEOF || cache.HashBytes(data[:n]) != a.Hash {
		return nil, notSent("%s is not as it was", a.Path)
	}
	return data[:n], nil
}

// gift is a content that is given to the server: once, whoever needs it.
type gift struct {
	done chan struct{} // closed when it was given, or could not be
	ok   bool          // it was
}

// bothSums hashes a file with SHA256, and makes sure that it is the one that is meant.
func bothSums(a *cache.AwayFile) (sum cache.Hash, err error) {
	f, err := os.Open(a.From)
	if err != nil {
		return sum, notSent("%s is not there any more", a.Path)
	}
	defer f.Close()
	b := blake3.New()
	sum, _, err = sumOf(io.TeeReader(f, b))
	if err != nil || cache.Hash(b.Sum(nil)) != a.Hash {
		return sum, notSent("%s is not as it was", a.Path)
	}
	return sum, nil
}

// give gives those contents that the server is not known to have, and waits for those that
// somebody else gives.
func (f *farm) give(ctx context.Context, l limits, p *pulse, blobs []*blob) error {
	for {
		mine, others := f.share(blobs)
		err := f.giveAll(ctx, l, p, mine)
		again := false
		for _, g := range others {
			select {
			case <-g.done:
				again = again || !g.ok
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil || !again {
			return err
		}
	}
}

// share takes those contents that nobody has given yet, and names those that are on their
// way.
func (f *farm) share(blobs []*blob) (mine []*blob, others []*gift) {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := make(map[string]bool)
	for _, b := range blobs {
		hash := b.digest.GetHash()
		switch g := f.there[hash]; {
		case g == nil:
			f.there[hash] = &gift{done: make(chan struct{})}
			taken[hash] = true
			mine = append(mine, b)
		case !g.ok && !taken[hash]:
			others = append(others, g)
		}
	}
	return mine, others
}

// giveAll gives contents that were taken for that.
func (f *farm) giveAll(ctx context.Context, l limits, p *pulse, blobs []*blob) (err error) {
	if len(blobs) == 0 {
		return nil
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, b := range blobs {
			g := f.there[b.digest.GetHash()]
			if g == nil {
				continue // it was forgotten meanwhile
			}
			if g.ok = err == nil; !g.ok {
				delete(f.there, b.digest.GetHash())
			}
			close(g.done)
		}
	}()
	for _, b := range blobs {
		if l.largest > 0 && b.digest.GetSizeBytes() > l.largest {
			return notSent("it needs a file that is too large for the server")
		}
		if open := b.open; open != nil {
			b.open = func() (io.ReadCloser, error) {
				r, err := open()
				if err != nil {
					return nil, notSent("a file is not there any more")
				}
				return beating{r, p}, nil
			}
		}
	}
	return f.server.give(ctx, l, blobs, min(l.batch, batched), p.beat)
}

// forget has contents given once more: the server says that it lacks some.
func (f *farm) forget(blobs []*blob) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range blobs {
		if g := f.there[b.digest.GetHash()]; g != nil && g.ok {
			delete(f.there, b.digest.GetHash())
		}
	}
}
