package server

import "sync"

// paths is a set of paths that is empty most of the time.
type paths struct {
	mu  sync.Mutex
	set map[string]bool
}

func (p *paths) add(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil {
		p.set = map[string]bool{}
	}
	p.set[path] = true
}

func (p *paths) has(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set[path]
}
