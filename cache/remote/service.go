package remote

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"fmake/cache"
	"fmake/cache/endpoint"
	"fmake/cache/internal/crew"
	"fmake/cache/internal/proto"
)

// keptWorkers is how many goroutines with the stacks that calls need are kept.
const keptWorkers = 64

// Service answers the calls of one store about one remote cache, and about what is sent to be
// run elsewhere.
type Service struct {
	local    *cache.Client
	contents *cache.Contents

	farm    *farm              // nil if nothing can be sent
	place   *endpoint.Endpoint // nil before it is set up, and if there is no cache
	server  *server
	breaker *breaker
	uploads *uploads

	asking chan struct{} // holds one while the server is asked about itself
	known  atomic.Pointer[limits]
}

// NewService returns a service that puts what it gets into a store, and takes from there
// what it gives.
func NewService(local *cache.Client, blobs *cache.Blobs) *Service {
	return &Service{local: local, contents: cache.NewContents(blobs, local), asking: make(chan struct{}, 1)}
}

// Serve answers calls until the other side closes the connection.
func (s *Service) Serve(c net.Conn) error {
	defer c.Close()
	r := bufio.NewReader(c)
	workers := crew.New(keptWorkers)
	defer workers.Dismiss()
	var write sync.Mutex
	send := func(id uint32, st proto.Status, payload []byte) {
		b, err := proto.Frame{ID: id, Code: byte(st), Payload: payload}.Append(nil)
		if err != nil {
			b, _ = proto.Frame{ID: id, Code: byte(proto.NotFound)}.Append(nil)
		}
		write.Lock()
		defer write.Unlock()
		_, _ = c.Write(b) // who is gone is noticed by reading
	}
	for {
		f, err := proto.Read(r)
		if err != nil {
			s.farm.close()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch proto.Op(f.Code) {
		case proto.Hello, proto.FarSetUp, proto.FarPut: // in the order in which they come
			st, answer := s.answer(f)
			send(f.ID, st, answer)
		default:
			workers.Go(func() {
				st, answer := s.answer(f)
				send(f.ID, st, answer)
			})
		}
	}
}

// answer answers one call.
func (s *Service) answer(f proto.Frame) (proto.Status, []byte) {
	op := proto.Op(f.Code)
	if op == proto.Hello {
		if string(f.Payload) != proto.Greeting {
			return proto.Unavailable, []byte("another release of fmake asks")
		}
		return proto.OK, nil
	}
	if op == proto.FarSetUp {
		if err := s.setUp(f.Payload); err != nil {
			return proto.Refused, []byte(err.Error())
		}
		return proto.OK, nil
	}
	switch {
	case op == proto.FarRun && s.farm != nil:
		arrival, say := s.farm.run(f.Payload)
		if say != "" {
			return proto.Unavailable, []byte(s.farm.place.Address + ": " + say)
		}
		return proto.OK, cache.EncodeArrival(arrival)
	case op == proto.FarRecall && s.farm != nil:
		s.farm.recall(cache.RecallID(f.Payload))
		return proto.OK, nil
	}
	if s.server == nil {
		return proto.Refused, nil
	}
	var answer []byte
	switch op {
	case proto.FarSets:
		answer = s.sets(f.Payload)
	case proto.FarResult:
		answer = s.result(f.Payload)
	case proto.FarPut:
		s.put(f.Payload)
		return proto.OK, nil
	case proto.FarFlush:
		s.flush()
	default:
		return proto.Refused, nil
	}
	if why := s.breaker.message(); why != "" && answer == nil {
		return proto.Unavailable, []byte(s.place.Address + ": " + why)
	}
	if answer == nil {
		return proto.NotFound, nil
	}
	return proto.OK, answer
}

// setUp reads where the remote cache is, and where actions are sent.
func (s *Service) setUp(payload []byte) error {
	var settings []string
	for len(payload) > 0 {
		word, rest, ok := proto.CutBytes(payload)
		if !ok {
			return errors.New("malformed settings")
		}
		settings, payload = append(settings, string(word)), rest
	}
	place, err := endpoint.Parse(settings)
	if err != nil {
		return err
	}
	runs, err := endpoint.ParseExec(settings)
	if err != nil {
		return err
	}
	if runs != nil {
		if s.farm, err = newFarm(s.local, s.contents, runs); err != nil {
			return err
		}
	}
	if place == nil && runs == nil {
		return errors.New("no place is named")
	}
	if place == nil {
		return nil
	}
	s.place, s.breaker = place, newBreaker(place)
	if s.server, err = dial(place); err != nil {
		return err
	}
	s.uploads = newUploads(s)
	return nil
}

// limits is what the server has said of itself; it is asked once.
func (s *Service) limits(ctx context.Context) (limits, error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return limits{}, ctx.Err()
	}
	if l := s.known.Load(); l != nil {
		return *l, nil
	}
	l, err := s.server.limits(ctx, false)
	if err == nil {
		s.known.Store(&l)
	}
	return l, err
}

// entry asks for the entry of a key. nil is no entry, for whatever reason.
func (s *Service) entry(k kind, payload []byte) (e *entry, l limits) {
	var key cache.Hash
	if !s.place.Read || len(payload) != len(key) {
		return nil, l
	}
	copy(key[:], payload)
	err := s.breaker.ask(context.Background(), func(ctx context.Context) (err error) {
		if l, err = s.limits(ctx); err != nil {
			return err
		}
		e, err = s.server.get(ctx, l, k, key)
		return err
	})
	if err != nil {
		return nil, l
	}
	return e, l
}

// sets answers FarSets.
func (s *Service) sets(payload []byte) []byte {
	e, _ := s.entry(setsKind, payload)
	if e == nil {
		return nil
	}
	sets, err := decodeSets(e.record.body)
	if err != nil {
		s.breaker.failed(err)
		return nil
	}
	var answer []byte
	for _, set := range sets {
		answer = proto.AppendBytes(answer, set)
	}
	return answer
}

// result answers FarResult: the trace and its contents are in the store then.
func (s *Service) result(payload []byte) []byte {
	e, l := s.entry(resultKind, payload)
	if e == nil {
		return nil
	}
	t, err := cache.DecodeTrace(e.record.body)
	if err == nil {
		err = cache.CheckPortable(t)
	}
	if err == nil && string(t.Strong[:]) != string(payload) {
		err = errGarbage
	}
	if err != nil {
		s.breaker.failed(garbage("a result: %v", err))
		return nil
	}
	if !s.fetch(l, e, t) {
		return nil
	}
	if err := s.local.PutTrace(t.FullKey, t.Strong, t); err != nil {
		return nil // what cannot be kept here cannot be put back
	}
	_ = s.local.Tally(1)
	return cache.EncodeTrace(t)
}

// flush waits for what is on its way, but not for long.
func (s *Service) flush() {
	dropped := s.uploads.finish(s.place.Wait)
	if dropped == 0 {
		return
	}
	results := "1 result"
	if dropped > 1 {
		results = strconv.Itoa(dropped) + " results"
	}
	s.breaker.mu.Lock()
	defer s.breaker.mu.Unlock()
	s.breaker.say(results + " did not get there in time")
}
