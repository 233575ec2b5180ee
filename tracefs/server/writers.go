package server

import (
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// writers knows which actions are writing which paths now. What two of them write
// at the same time is neither's version: it may have bytes of both, and the one
// that ends first may find what the other has begun. Both are told.
type writers struct {
	mu   sync.Mutex
	live map[string]*crowd
	all  map[string][]string // by path: the names of all actions that have begun
}

// crowd are the actions that have begun to write a path and of which at least one has not
// ended since the first of them began.
type crowd struct {
	views   []*view
	existed bool // whether something was there before the first of them

	// What was there before the first of them, which is what all of them have replaced.
	// The first holds the lock while it saves that: the others must not change it before.
	// It is the first's own until that ends.
	saving sync.Mutex
	before tracefs.Before
	first  *view
}

func newWriters() *writers { return &writers{live: map[string]*crowd{}, all: map[string][]string{}} }

// enter notes that a view begins to write path, where it found before. Whoever is not the
// first gets in its place what the first has found. save is called in between, to keep
// what is there while it still is.
func (ws *writers) enter(path string, v *view, before *tracefs.Before, save func()) {
	c, first := ws.join(path, v, before.Exists)
	if !first {
		c.saving.Lock()
		defer c.saving.Unlock()
		if b, ok := v.engine.preimages.share(c.before); ok {
			*before = b
		}
		return
	}
	defer c.saving.Unlock()
	save()
	c.before = *before
}

// join enters a view into the crowd at a path. The first has its lock then.
func (ws *writers) join(path string, v *view, existed bool) (c *crowd, first bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if c = ws.live[path]; c == nil {
		c, first = &crowd{existed: existed, first: v}, true
		c.saving.Lock()
		ws.live[path] = c
	}
	for _, o := range c.views {
		o.contended = append(o.contended, tracefs.Contention{Path: path, By: v.name, Existed: c.existed})
		v.contended = append(v.contended, tracefs.Contention{Path: path, By: o.name, Existed: c.existed})
	}
	c.views = append(c.views, v)
	if !slices.Contains(ws.all[path], v.name) {
		ws.all[path] = append(ws.all[path], v.name)
	}
	v.writing = append(v.writing, path)
	return c, first
}

// writer names the action that is writing path, "" if none is.
func (ws *writers) writer(path string) string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if c := ws.live[path]; c != nil {
		return c.views[0].name
	}
	return ""
}

// another tells whether an action other than a view's has begun to write path in this
// build.
func (ws *writers) another(path string, v *view) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.ContainsFunc(ws.all[path], func(name string) bool { return name != v.name })
}

// replaceTail gives a file other bytes from a place to its end, unless an action is
// writing it: EBUSY then.
func (ws *writers) replaceTail(path string, mode uint32, data []byte, at int64) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.live[path] != nil {
		return unix.EBUSY
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW, os.FileMode(mode&0o777))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(data, at); err != nil {
		return err
	}
	return f.Truncate(at + int64(len(data)))
}

// leave notes that a view's action has ended, and returns what others were writing
// with it.
func (ws *writers) leave(v *view) []tracefs.Contention {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, path := range v.writing {
		c := ws.live[path]
		if c.views = slices.DeleteFunc(c.views, func(w *view) bool { return w == v }); len(c.views) == 0 {
			delete(ws.live, path)
		}
		c.without(v, len(c.views) > 0)
	}
	v.writing = nil
	return v.contended
}

// without takes over from a view that ends what was there before all: what it has saved is
// its own affair from now on. others tells whether the crowd goes on.
func (c *crowd) without(v *view, others bool) {
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.first == v && others {
		b, ok := v.engine.preimages.share(c.before)
		b.Lost = b.Lost || !ok
		c.before = b
	} else if c.first != v && !others && c.before.Saved != "" {
		_ = os.Remove(c.before.Saved)
	}
}
