package build

import (
	"sync"

	"fmake/cache"
)

// ahead reads large files of system trees - compilers, linkers and their
// libraries - as soon as an action opens them, in the background. When the action
// has ended their hashes and names are there, and the next one need not wait for
// them. It is safe for concurrent use.
type ahead struct {
	hasher *cache.Hasher
	files  nameFiles
	turn   sync.Mutex // held by the one file that is being read

	mu    sync.Mutex
	begun map[string]*reading // by path
}

// reading is one file; what it has found may be looked at when done is closed.
type reading struct {
	done  chan struct{}
	hash  cache.Hash
	names nameSet // nil if the file is no program
}

func newAhead(h *cache.Hasher) *ahead {
	return &ahead{hasher: h, begun: make(map[string]*reading)}
}

// begin starts to read a file, unless that has been done.
func (a *ahead) begin(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun[path] != nil {
		return
	}
	r := &reading{done: make(chan struct{})}
	a.begun[path] = r
	go func() {
		defer close(r.done)
		a.turn.Lock()
		defer a.turn.Unlock()
		a.read(path, r)
	}()
}

// read finds out what is in a file. If it cannot, whoever needs it tries again.
func (a *ahead) read(path string, r *reading) {
	scan := sync.OnceValues(func() (nameSet, error) { return scanFile(path) })
	if h, known := a.hasher.KnownFile(path); !known && isProgram(h.Stat.Mode, path) {
		// Somebody may wait for this file: the names are there as soon as the hash.
		go scan()
	}
	h, err := a.hasher.HashFile(path)
	if err != nil || h.Racy || !isProgram(h.Stat.Mode, path) {
		return
	}
	names, err := a.files.of(h.Hash, scan)
	if err != nil {
		return
	}
	r.hash, r.names = h.Hash, names
}

// wait returns when a file that is being read has been read; nil means that it is
// not one of those.
func (a *ahead) wait(path string) *reading {
	a.mu.Lock()
	r := a.begun[path]
	a.mu.Unlock()
	if r != nil {
		<-r.done
	}
	return r
}

// names returns the identifiers in a file if they were read from the content h.
func (a *ahead) names(path string, h cache.Hash) (nameSet, bool) {
	r := a.wait(path)
	if r == nil || r.names == nil || r.hash != h {
		return nil, false
	}
	return r.names, true
}
