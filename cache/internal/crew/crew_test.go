package crew

import (
	"sync"
	"testing"
)

// TestCrew has more to do than is kept, from within and from without, and goes on after the
// crew was dismissed.
func TestCrew(t *testing.T) {
	c := New(2)
	stuck := make(chan struct{})
	defer close(stuck)
	c.Go(func() { <-stuck }) // nobody waits for it
	for round := range 3 {
		var all sync.WaitGroup
		for range 8 {
			all.Add(2)
			c.Go(func() {
				defer all.Done()
				c.Go(all.Done)
			})
		}
		all.Wait()
		if round == 1 {
			c.Dismiss()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) > 0 {
		t.Errorf("%d are kept", len(c.idle))
	}
}
