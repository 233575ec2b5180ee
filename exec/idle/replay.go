package idle

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fmake/cache"
	"fmake/tracefs/raw"
)

// Replay does what make would do if it had nothing to do, and is done: it prints what
// an earlier one has printed and returns its exit status. If there is no record that
// holds, it has printed nothing, and the Recorder is for the make that has to be run.
func Replay(k Key) (status int, done bool, r *Recorder) {
	r = &Recorder{key: k, started: time.Now(), named: make(map[string]bool)}
	n, err := cache.OpenNullBuild(k.file())
	if err != nil {
		return 0, false, r
	}
	named := setOf(n.Named)
	if n.Env != k.environment(named) || !holds(&n.Looks) {
		return 0, false, r
	}
	if len(n.Shells) > 0 {
		var same bool
		if r.ready, same = openCommands(&k, named).again(n.Shells); !same || !holds(&n.Looks) {
			return 0, false, r
		}
	}
	for i, c := range n.Chunks {
		err := printAll(int(c.Stream), c.Data)
		switch {
		case err == nil:
		case i == 0:
			return 0, false, r // make will meet the same, and say so
		default:
			return 1, true, r
		}
	}
	k.used()
	return n.Status, true, r
}

// fewLooks are done sooner than another thread is started.
const fewLooks = 2000

// holds reports whether every look finds what it found.
func holds(l *cache.Looks) bool {
	workers := 1
	if l.Len() > fewLooks {
		workers = runtime.GOMAXPROCS(0)
	}
	var (
		wg     sync.WaitGroup
		differ atomic.Bool
	)
	for w := range workers {
		from, to := w*l.Len()/workers, (w+1)*l.Len()/workers
		check := func() {
			for i := from; i < to && !differ.Load(); i++ {
				if path, was := l.At(i); !again(path, was) {
					differ.Store(true)
				}
			}
		}
		if w == workers-1 {
			check()
			break
		}
		wg.Go(check)
	}
	wg.Wait()
	return !differ.Load()
}

// again reports whether a look finds what it found.
func again(path string, was *cache.Look) bool {
	if was.Kind == realPath {
		real, err := realPathOf(path)
		if err != nil {
			return was.Errno == errno(err)
		}
		return was.Errno == 0 && was.Extra == hashStrings([]string{real})
	}
	var st syscall.Stat_t
	stat := raw.Lstat
	if follows(was.Kind) {
		stat = raw.Stat
	}
	err := stat(path, &st)
	now := seenStat(was.Kind, &cache.FileStat{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Mode: st.Mode,
	}, err)
	if was.Kind != listing || now.SameStat(was) {
		return now.SameStat(was)
	}
	names, err := namesIn(path)
	now.Extra = hashNames(names)
	return err == nil && was.Errno == 0 && sameAs(now, *was)
}
