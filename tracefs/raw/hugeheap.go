package raw

import (
	"math"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// HugePage is the size of a large page on most machines, in bytes; where it is
// another, nothing is lost.
const HugePage = 2 << 20

// Huge asks for large pages in a range of fresh memory, which begins with one. It
// only makes things faster, so it may fail.
func Huge(begin, end uintptr) {
	_, _, _ = unix.RawSyscall(unix.SYS_MADVISE, begin, end-begin, unix.MADV_HUGEPAGE)
}

// WorkingHeap is about what the heap of an engine grows to, and of a make that runs
// recipes, in bytes.
const WorkingHeap = 32 << 20

// CollectAsUsual lets garbage be collected by Go's usual rule, whatever was set before,
// but no heap before it has grown to WorkingHeap.
func CollectAsUsual() {
	debug.SetMemoryLimit(math.MaxInt64)
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	collectFrom(&pace{live: heap.HeapAlloc})
}

// pace is when garbage is collected; its finalizer sets it anew after a collection.
type pace struct {
	live    uint64 // bytes in use after the last one
	percent uint64 // how much they may grow
}

func collectFrom(p *pace) {
	p.percent = percentFrom(p.live)
	debug.SetGCPercent(int(p.percent))
	runtime.SetFinalizer(p, func(p *pace) {
		// What is allocated includes, until it is swept, the garbage that was found; the
		// next goal tells what was not.
		var heap runtime.MemStats
		runtime.ReadMemStats(&heap)
		p.live = heap.NextGC * 100 / (100 + p.percent)
		collectFrom(p)
	})
}

// percentFrom returns how much a heap with live bytes in use may grow before it is
// collected, in percent of them. Go reckons with 4 MB at least.
func percentFrom(live uint64) uint64 {
	return max(200, 100*WorkingHeap/max(live, 4<<20)) - 100
}

// HugeHeap lets the heap of a process that is going to need size bytes of it go on in
// large pages; one that is half as large already, or has been as large, stays as it
// is. What is asked for here is never touched, and a collection gives it to whoever
// allocates next; asked for once more it would come back used, and be cleared. On a
// virtual machine the faults for fresh small pages cost more than most of what is
// done with them.
func HugeHeap(size int) {
	// Package runtime/metrics would take longer to initialize than this takes.
	var live runtime.MemStats
	if runtime.ReadMemStats(&live); live.HeapAlloc > uint64(size/2) || live.HeapSys > uint64(size) {
		return
	}
	b := make([]byte, size)
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	end := (begin + uintptr(size)) &^ (HugePage - 1)
	begin = (begin + HugePage - 1) &^ (HugePage - 1)
	if begin < end {
		Huge(begin, end)
	}
	runtime.GC()
}
