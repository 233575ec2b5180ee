package build

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fmake/cache"
	"fmake/tracefs"
)

// Shared is what all makes inside one process have in common: one engine, what is
// known of contents, and for each tree its graph and its journal, because what a
// journal says of a process holds for all of them. It is safe for concurrent use.
type Shared struct {
	hasher *cache.Hasher
	ahead  *ahead

	mu     sync.Mutex
	engine *tracefs.Engine
	err    error            // why there is no engine, nil before the attempt
	fifo   func() string    // of the make at the top
	trees  map[string]*tree // by path of the graph
	sends  *sending         // see sending

	register register
}

// tree is what the makes of a process know of one project. It is safe for
// concurrent use.
type tree struct {
	path  string // of the graph's file
	graph *cache.Graph
	near  *cache.Near
	logs  logs

	mu      sync.Mutex
	journal *cache.Journal         // nil until somebody may change the tree
	rec     cache.Recovery         // what was last read of it
	visits  map[string]visit       // by name in the graph
	heard   int64                  // up to where the build's register was read
	started map[uint64][]belowMake // by place of a recipe: the makes that it has started
	again   map[string]uint64      // by name in the graph: the journal's numbers of targets that have to run once more
	claims  *cache.Claims
	news    []newsItem    // what other processes have left since this one began
	away    *awayNotes    // see notes; nil before it is needed
	kept    bool          // it is that of the first make of the process, which saves it in the end
	build   uint64        // the number of the build, see Above
	made    bool          // makes of it in other processes have made something
	pending []uint64      // journal entries whose traces wait for the graph to be saved
	saved   time.Time     // when the graph file was last written
	saving  time.Duration // how long that took
}

// NewShared returns what a process starts with. fifo tells the jobserver's file of
// the make at the top, "" if it has none.
func NewShared(fifo func() string) *Shared {
	h := cache.NewHasher()
	return &Shared{hasher: h, ahead: newAhead(h), fifo: fifo, trees: make(map[string]*tree)}
}

// start finds the engine of the make above or starts one. There is one attempt a
// process; failed tells that this was it, and failed.
func (s *Shared) start(above string, c tracefs.Config, names nameFiles) (e *tracefs.Engine, failed bool, err error) {
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
	s.ahead.files = names
	c.Fifo, c.Large = s.fifo(), s.ahead.begin
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

// tree returns what is known of the tree whose graph is at path. With an error
// there is a tree too, of which nothing is known.
func (s *Shared) tree(path string) (*tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trees[path]; t != nil {
		return t, t.graph.Refresh()
	}
	g, err := cache.Load(path)
	g.OnMerge(func(theirs *cache.Graph) { g.AddEdges(theirs.Edges()...) })
	s.hasher.AddSource(g.StatSource())
	t := &tree{path: path, graph: g, near: g.Near(), saved: time.Now(), claims: g.Claims(), visits: make(map[string]visit), started: make(map[uint64][]belowMake), again: make(map[string]uint64)}
	s.trees[path] = t
	return t, err
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
		errs = append(errs, t.near.Close())
	}
	errs = append(errs, s.register.close())
	clear(s.trees)
	if s.engine != nil {
		_ = s.engine.Close() // it goes by itself when nobody uses it
		s.engine = nil
	}
	return errors.Join(errs...)
}

// join notes that a make of a build has the tree open. The first one of a process ends
// after all others of it.
func (t *tree) join(build uint64, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.build = build
	t.kept = t.kept || first
}

// isKept reports whether there is one.
func (t *tree) isKept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// unsaved takes the journal entries whose traces are in the graph but not in its file.
func (t *tree) unsaved() (ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids, t.pending = t.pending, nil
	return ids
}

// waits notes a journal entry whose trace the graph's file has yet to get.
func (t *tree) waits(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, id)
}

// wrote notes when writing the graph's file began, now that it has ended.
func (t *tree) wrote(start time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saved = time.Now()
	t.saving = t.saved.Sub(start)
}

// stale reports whether it is time to write the graph's file again: at most once a second,
// so that a crash loses little, and less often where that would be a share of the build
// worth mentioning: to write a large graph takes its time.
func (t *tree) stale() bool {
	const share = 100
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.saved) >= max(time.Second, share*t.saving)
}

// openJournal returns the journal of a tree, and what processes that are gone have
// left. What their actions have left that ended is taken over by the graph, once.
func (t *tree) openJournal() (*cache.Journal, cache.Recovery, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.journal != nil && t.rec.Again() {
		return t.journal, t.rec, nil
	}
	j, rec, err := t.graph.OpenJournal()
	if err != nil {
		return nil, rec, err
	}
	t.rec = rec
	if t.journal == nil {
		t.journal = j
		for i := range rec.Ended {
			t.graph.Put(rec.Ended[i].Target, rec.Ended[i].Left)
			t.pending = append(t.pending, rec.Ended[i].ID)
		}
		t.tell(rec.Makes)
	}
	return t.journal, rec, nil
}

// hear takes over what other processes have written down since it was last called, and
// returns the runs of theirs that were cut short.
func (t *tree) hear() (cut []cache.JournalRecord, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	news, err := t.journal.News()
	if err != nil {
		return nil, err
	}
	t.tell(news.Makes)
	for i := range news.Ended {
		r := &news.Ended[i]
		t.graph.PutTheirs(r.Target, r.Left)
		t.news = append(t.news, newsItem{target: r.Target, trace: r.Left})
	}
	saved, err := t.graph.Renew()
	if err != nil {
		return nil, err
	}
	t.graph.Saved(news.Saved...)
	if saved && len(news.Ended)+len(news.Saved) == 0 || news.More {
		t.news = append(t.news, newsItem{})
	}
	return news.Cut, nil
}

// newsSince lists what was heard, but for the first so many.
func (t *tree) newsSince(n int) []newsItem {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.news[n:]
}

// visit says which make was the first to bring a target up to date in this build: its file
// belongs to that make's action.
type visit struct {
	make  string
	above uint64 // where the recipe that started the make has its place
	told  bool   // the build's register has it
}

// visited notes that a make has brought a target up to date.
func (t *tree) visited(name string, v visit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A make that is run again may have another place.
	if old, known := t.visits[name]; !known || old.make == v.make {
		t.visits[name] = v
	}
}

// visit tells who was the first to bring a target up to date.
func (t *tree) visit(name string) (v visit, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok = t.visits[name]
	return v, ok
}

// tellVisits writes into the build's register what it does not have.
func (t *tree) tellVisits(r *register) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var untold []entry
	for name, v := range t.visits {
		if !v.told {
			untold = append(untold, entry{graph: t.path, build: t.build, name: name, visit: v})
			v.told = true
			t.visits[name] = v
		}
	}
	return r.add(untold)
}

// hearVisits takes over what makes in other processes have written into it.
func (t *tree) hearVisits(r *register) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries, to, err := r.news(t.heard)
	t.heard = to
	for _, e := range entries {
		if _, known := t.visits[e.name]; !known && e.build == t.build && e.graph == t.path {
			e.told = true
			t.visits[e.name] = e.visit
		}
	}
	return err
}

// below lists, sorted, what makes have brought up to date that were started from
// places in serial order between two others.
func (t *tree) below(from, to uint64) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name, v := range t.visits {
		if v.above >= from && v.above < to {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
