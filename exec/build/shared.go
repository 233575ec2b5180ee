package build

import (
	"context"
	"errors"
	"sync"

	"fmake/cache"
	"fmake/tracefs"
)

// Shared is what all makes inside one process have in common: one engine, what is
// known of contents, and for each tree its graph and its journal, because what a
// journal says of a process holds for all of them. It is safe for concurrent use.
type Shared struct {
	hasher *cache.Hasher

	mu     sync.Mutex
	engine *tracefs.Engine
	err    error            // why there is no engine, nil before the attempt
	fifo   func() string    // of the make at the top
	trees  map[string]*tree // by path of the graph
}

// tree is what is known of one project.
type tree struct {
	graph   *cache.Graph
	journal *cache.Journal // nil until somebody may change the tree
}

// NewShared returns what a process starts with. fifo tells the jobserver's file of
// the make at the top, "" if it has none.
func NewShared(fifo func() string) *Shared {
	return &Shared{hasher: cache.NewHasher(), fifo: fifo, trees: make(map[string]*tree)}
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

// graph returns what earlier builds have learned of the tree whose graph is at
// path. With an error there is a graph too, that knows nothing.
func (s *Shared) graph(path string) (*cache.Graph, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trees[path]; t != nil {
		return t.graph, t.graph.Refresh()
	}
	g, err := cache.Load(path)
	g.OnMerge(func(theirs *cache.Graph) { g.AddEdges(theirs.Edges()...) })
	s.hasher.AddSource(g.StatSource())
	s.trees[path] = &tree{graph: g}
	return g, err
}

// journal returns the journal of a tree, and what processes that are gone have
// left.
func (s *Shared) journal(path string) (*cache.Journal, cache.Recovery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trees[path]
	j, rec, err := t.graph.OpenJournal()
	if err != nil {
		return nil, rec, err
	}
	if t.journal == nil {
		t.journal = j
	}
	return t.journal, rec, nil
}

// Close ends what is shared, when no make of the process needs it any more.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.trees {
		if t.journal != nil {
			errs = append(errs, t.journal.Close())
		}
	}
	clear(s.trees)
	if s.engine != nil {
		_ = s.engine.Close() // it goes by itself when nobody uses it
		s.engine = nil
	}
	return errors.Join(errs...)
}
