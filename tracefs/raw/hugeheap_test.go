package raw

import (
	"runtime"
	"testing"
)

// TestPace checks from which size on a heap is collected: what is in use and what it
// may grow by.
func TestPace(t *testing.T) {
	for _, c := range []struct{ live, from uint64 }{
		{0, WorkingHeap}, // Go takes it for 4 MB
		{1 << 20, WorkingHeap},
		{4 << 20, WorkingHeap},
		{8 << 20, WorkingHeap},
		{WorkingHeap / 2, WorkingHeap},
		{WorkingHeap, 2 * WorkingHeap},
		{1 << 30, 2 << 30},
	} {
		grown := max(c.live, 4<<20) * (100 + percentFrom(c.live)) / 100
		if grown != c.from {
			t.Errorf("%d bytes in use are collected at %d, want %d", c.live, grown, c.from)
		}
	}
}

// TestHugeHeapOnce: asked for again, memory would come back used, and be cleared.
func TestHugeHeapOnce(t *testing.T) {
	HugeHeap(WorkingHeap)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	HugeHeap(WorkingHeap)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n >= WorkingHeap {
		t.Errorf("the second call took %d bytes", n)
	}
}
