// Package crew has goroutines that work again: calls that go deep would otherwise each begin
// on a small stack and have it grow, which can cost more than what they do.
package crew

import "sync"

// Crew runs functions in goroutines of which some are kept. It is safe for concurrent use.
type Crew struct {
	most int

	mu        sync.Mutex
	idle      []chan func() // of those that are kept, the one that worked last is the last
	dismissed bool
}

// New returns a crew that keeps at most most idle goroutines.
func New(most int) *Crew { return &Crew{most: most} }

// Go runs f in a goroutine that is idle, or in a new one. It never waits, and f need not
// return.
func (c *Crew) Go(f func()) {
	c.mu.Lock()
	last := len(c.idle) - 1
	if last < 0 {
		c.mu.Unlock()
		go c.work(f)
		return
	}
	next := c.idle[last]
	c.idle = c.idle[:last]
	c.mu.Unlock()
	next <- f
}

// work is the life of a goroutine.
func (c *Crew) work(f func()) {
	next := make(chan func(), 1)
	for {
		f()
		c.mu.Lock()
		if c.dismissed || len(c.idle) >= c.most {
			c.mu.Unlock()
			return
		}
		c.idle = append(c.idle, next)
		c.mu.Unlock()
		var ok bool
		if f, ok = <-next; !ok {
			return
		}
	}
}

// Dismiss ends those that are idle, and the others when they are.
func (c *Crew) Dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, next := range c.idle {
		close(next)
	}
	c.idle, c.dismissed = nil, true
}
