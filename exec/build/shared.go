package build

import (
	"context"
	"errors"
	"sync"

	"fmake/cache"
	"fmake/tracefs"
)

// Shared is what all makes inside one process have in common: one engine, and one
// journal for each tree, because what a journal says of a process holds for all of
// them. It is safe for concurrent use.
type Shared struct {
	mu       sync.Mutex
	engine   *tracefs.Engine
	err      error         // why there is no engine, nil before the attempt
	fifo     func() string // of the make at the top
	journals map[string]*cache.Journal
}

// NewShared returns what a process starts with. fifo tells the jobserver's file of
// the make at the top, "" if it has none.
func NewShared(fifo func() string) *Shared {
	return &Shared{fifo: fifo, journals: make(map[string]*cache.Journal)}
}

// start finds the engine of the make above or starts one. There is one attempt a
// process; failed tells that this was it, and failed.
func (s *Shared) start(above string, c tracefs.Config) (e *tracefs.Engine, failed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != nil || s.err != nil {
		return s.engine, false, s.err
	}
	if above != "" {
		if e, err := tracefs.Connect(above); err == nil {
			s.engine = e
			return e, false, nil
		} // else it belongs to a make that is gone
	}
	c.Fifo = s.fifo()
	if e, err = tracefs.Start(context.Background(), c); err != nil {
		s.err = err
		return nil, true, err
	}
	s.engine = e
	return e, false, nil
}

// engineName is how a make in another process finds the engine, "" if none runs.
func (s *Shared) engineName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return ""
	}
	return s.engine.Name()
}

// journal returns the journal of the tree that g is the graph of, and what
// processes that are gone have left.
func (s *Shared) journal(path string, g *cache.Graph) (*cache.Journal, cache.Recovery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, rec, err := g.OpenJournal()
	if err != nil {
		return nil, rec, err
	}
	if have := s.journals[path]; have != nil {
		return have, rec, nil
	}
	s.journals[path] = j
	return j, rec, nil
}

// Close ends what is shared, when no make of the process needs it any more.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, j := range s.journals {
		errs = append(errs, j.Close())
	}
	clear(s.journals)
	if s.engine != nil {
		_ = s.engine.Close() // it goes by itself when nobody uses it
		s.engine = nil
	}
	return errors.Join(errs...)
}
