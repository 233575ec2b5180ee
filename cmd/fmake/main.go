// How many processors a container may use is not worth reading five files for in
// every start: what runs at a time is up to -j.

//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Command fmake is used in place of GNU make. It runs every recipe in a traced
// view of the file system, rebuilds exactly what changed inputs demand, and takes
// from a cache what was built before.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"fmake/tracefs/raw"
)

// heapLimit is how much memory fmake takes before it collects garbage for the first
// time: most runs end before that.
const heapLimit = 512 << 20

func main() {
	runtime.MemProfileRate = 0
	debug.SetGCPercent(-1)
	os.Exit(run(os.Args, os.Environ()))
}

// prepareMemory is for a make that has to read makefiles.
func prepareMemory() {
	raw.QuickStart()
	debug.SetMemoryLimit(heapLimit)
	// A limit that a large build needs for good would be collected against all the
	// time: from the first collection on, the usual rule holds.
	runtime.SetFinalizer(new([16]byte), collected)
}

// collected is called after a collection. One that was asked for, when a large
// makefile is read, says nothing about the memory that is needed, nor does the garbage
// of makes below that run inside this process.
func collected(object *[16]byte) {
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	if heap.NumGC == heap.NumForcedGC || heap.HeapAlloc < heapLimit/8 {
		runtime.SetFinalizer(object, collected)
		return
	}
	raw.CollectAsUsual()
}
