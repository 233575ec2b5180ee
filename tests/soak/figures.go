package soak

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"fmake/tests/processes"
)

// series are measurements in the order in which they were taken.
type series []int64

func (s *series) add(n int64) { *s = append(*s, n) }

// compare tells the median and the largest of the first part and of the last part.
func (s series) compare(unit string) string {
	if len(s) == 0 {
		return "none"
	}
	part := max(1, len(s)/5)
	first, last := slices.Clone(s[:part]), slices.Clone(s[len(s)-part:])
	slices.Sort(first)
	slices.Sort(last)
	return fmt.Sprintf("first fifth %d (at most %d), last fifth %d (at most %d) %s", first[part/2], first[part-1], last[part/2], last[part-1], unit)
}

// watch follows the engine until the returned function is called.
func (h *house) watch() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var memory, open int64
		for tick := time.NewTicker(300 * time.Millisecond); ; {
			select {
			case <-end:
				tick.Stop()
				if memory > 0 {
					h.engine.add(memory)
					h.open.add(open)
				}
				return
			case <-tick.C:
				pid := processes.WithRole(h.mark, "server")
				if pid == 0 {
					continue
				}
				memory, open = max(memory, peakMemory(pid)), max(open, descriptors(strconv.Itoa(pid)))
			}
		}
	}()
	return func() { close(end); <-ended }
}

// peakMemory returns the largest resident size that a process has had, in KiB.
func peakMemory(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(rest[:max(0, bytes.Index(rest, []byte(" kB")))])), 10, 64)
	return n
}

func descriptors(pid string) int64 {
	fds, _ := filepath.Glob("/proc/" + pid + "/fd/*")
	return int64(len(fds))
}

// figures is what there is at one moment.
func (h *house) figures() string {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	mounts, _ := os.ReadFile("/proc/self/mounts")
	files, size := h.contents()
	var b strings.Builder
	var total int64
	for _, top := range slices.Sorted(maps.Keys(size)) {
		total += size[top]
		fmt.Fprintf(&b, " %s %d/%.1f", top, files[top], float64(size[top])/1e6)
	}
	b.WriteString(")")
	temps, _ := os.ReadDir(h.tmp)
	if len(h.engine) > 0 {
		fmt.Fprintf(&b, "; peak of fmake %s; of its engine %s, descriptors %s", h.make.compare("KiB"), h.engine.compare("KiB"), h.open.compare("open"))
	}
	return fmt.Sprintf("processes %d, mounts %d, temporary files %d; this process: descriptors %d, heap %.1f MB, goroutines %d; cache %.1f MB by the collector, %.1f MB of files (files/MB:%s; collections: %+v",
		len(processes.Marked(h.mark)), bytes.Count(mounts, []byte("\n")), len(temps), descriptors("self"), float64(m.HeapAlloc)/1e6, runtime.NumGoroutine(),
		float64(h.tally.last)/1e6, float64(total)/1e6, b.String(), h.tally)
}
