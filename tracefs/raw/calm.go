package raw

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Calm keeps the runtime's monitor thread quiet while a process works in short
// bursts, as those that exchange messages do. When all processors are idle the
// monitor sleeps deeply; each burst wakes it, and it then naps in steps of 20
// microseconds, which costs more than most bursts. As long as one processor
// seems to be busy it soon looks every 10 ms only. So a goroutine keeps one, in
// a raw system call, until there has been no burst for a while.
type Calm struct {
	once  sync.Once
	epoll int
	busy  atomic.Bool // there was a burst since the keeper last looked
	kept  atomic.Bool
}

// patience is how long one burst keeps a processor.
const patience = 200 * time.Millisecond

// Burst is to be called at the beginning of a burst.
func (c *Calm) Burst() {
	c.once.Do(c.start)
	c.busy.Store(true)
	if c.epoll >= 0 && c.kept.CompareAndSwap(false, true) {
		go c.keep()
	}
}

// start makes something to wait for, which never comes, and adds a processor for
// the one that is kept.
func (c *Calm) start() {
	var err error
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

func (c *Calm) keep() {
	for c.busy.Swap(false) {
		for end := time.Now().Add(patience); time.Now().Before(end); {
			var none unix.EpollEvent
			// Signals, by which the runtime asks for the processor, end it early.
			_, _ = EpollWait(c.epoll, &none, int(patience.Milliseconds()))
		}
	}
	c.kept.Store(false)
}
