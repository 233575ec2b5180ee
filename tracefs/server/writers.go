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
	live map[string][]*writer
	all  map[string][]string // by path: the names of all actions that have begun
}

// writer is one action that has begun to write a path and has not ended.
type writer struct {
	v       *view
	existed bool // whether something was there before the first of them
}

func newWriters() *writers { return &writers{live: map[string][]*writer{}, all: map[string][]string{}} }

// enter notes that a view begins to write path, where it found a file or not.
func (ws *writers) enter(path string, v *view, existed bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	others := ws.live[path]
	if len(others) > 0 {
		existed = others[0].existed
	}
	for _, o := range others {
		o.v.contended = append(o.v.contended, tracefs.Contention{Path: path, By: v.name, Existed: existed})
		v.contended = append(v.contended, tracefs.Contention{Path: path, By: o.v.name, Existed: existed})
	}
	ws.live[path] = append(others, &writer{v: v, existed: existed})
	if !slices.Contains(ws.all[path], v.name) {
		ws.all[path] = append(ws.all[path], v.name)
	}
	v.writing = append(v.writing, path)
}

// writer names the action that is writing path, "" if none is.
func (ws *writers) writer(path string) string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.live[path]) == 0 {
		return ""
	}
	return ws.live[path][0].v.name
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
	if len(ws.live[path]) > 0 {
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
		left := slices.DeleteFunc(ws.live[path], func(w *writer) bool { return w.v == v })
		if len(left) == 0 {
			delete(ws.live, path)
			continue
		}
		ws.live[path] = left
	}
	v.writing = nil
	return v.contended
}
