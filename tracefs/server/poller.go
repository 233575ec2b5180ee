package server

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// poller serves all superblocks with a few workers. A worker waits for any of
// them to have a request, handles it in place and answers, then takes the next,
// until there is none and it waits again.
//
// # Why not by the means of the runtime
//
// Each way that Go has of waiting for a descriptor lets its scheduler see an
// idle or a blocked thread for every request. It then wakes its monitor thread,
// which naps in steps of 20 microseconds and hands processors from thread to
// thread. On virtual machines, where timers and switches are dear, that cost
// more than all of our handlers. So a worker waits in a raw system call, of which
// the scheduler knows nothing: to it the worker is busy computing, and the
// monitor soon looks every 10 ms only. It can be stopped, for garbage collection,
// as other busy goroutines can: the signal that is sent for that ends epoll_wait
// early. A worker for which nothing has come for a while (patience) waits in the
// usual way, so that an idle engine costs nothing.
//
// The kernel wakes the worker that began to wait last, so those that are not
// needed stay asleep. Readiness is told once per request (edge-triggered): while
// one worker is busy with a superblock, another hears of its next request. Where
// the file system below is slow, there are more of them.
type poller struct {
	fd      int
	workers atomic.Int32

	mu     sync.Mutex
	served map[int32]*superblock
	next   int32
}

const (
	fewestWorkers = 2
	mostWorkers   = 8
	// processors is enough for all workers, which keep theirs while they wait,
	// and for all other goroutines.
	processors = mostWorkers + 2

	patience = 200 * time.Millisecond
	// turn is how many requests of one superblock a worker handles before it
	// looks at others.
	turn = 64
)

// newPoller starts the workers.
func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p := &poller{fd: fd, served: map[int32]*superblock{}}
	for range fewestWorkers {
		p.workers.Add(1)
		go p.work(false)
	}
	return p, nil
}

// add begins to serve s.
func (p *poller) add(s *superblock) error {
	p.mu.Lock()
	p.next++
	s.polled = p.next
	p.served[s.polled] = s
	p.mu.Unlock()
	if err := p.watch(unix.EPOLL_CTL_ADD, s); err != nil {
		p.remove(s)
		return fmt.Errorf("wait for requests: %w", err)
	}
	return nil
}

// watch asks for news of s; if it has a request already, that is news.
func (p *poller) watch(op int, s *superblock) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&0xffffffff, Fd: s.polled}
	return s.kernel.use(func(dev int) error { return unix.EpollCtl(p.fd, op, dev, &e) })
}

// remove makes s unknown to workers that do not hold it yet. It reports whether
// s was known.
func (p *poller) remove(s *superblock) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.served[s.polled] == s
	delete(p.served, s.polled)
	return known
}

// take holds the superblock that an event is about.
func (p *poller) take(id int32) *superblock {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.served[id]
	if s != nil {
		s.holders.Add(1)
	}
	return s
}

// work is a worker. An extra one ends when it is not needed.
func (p *poller) work(extra bool) {
	r, watch := takeRequest(), stopwatch{}
	for {
		id, err := p.wait(extra)
		if err == unix.ETIMEDOUT {
			break
		}
		if err != nil {
			continue // EINTR
		}
		if s := p.take(id); s != nil {
			r = s.serve(p, &watch, r)
			s.release()
		}
	}
	r.giveBack()
	p.workers.Add(-1)
}

// wait returns the number of a superblock that has a request.
func (p *poller) wait(extra bool) (int32, error) {
	var events [1]unix.EpollEvent
	n, err := raw.EpollWait(p.fd, &events[0], int(patience.Milliseconds()))
	if n == 0 && err == nil {
		if extra {
			return 0, unix.ETIMEDOUT
		}
		_, err = unix.EpollWait(p.fd, events[:], -1)
	}
	return events[0].Fd, err
}

// more adds a worker, while others wait for the file system below.
func (p *poller) more() {
	if p.workers.Add(1) > mostWorkers {
		p.workers.Add(-1)
		return
	}
	go p.work(true)
}
