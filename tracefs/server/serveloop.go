package server

import (
	"log"
	"runtime/debug"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// A worker handles a request in place, that is, before it reads the next. So a
// request is not handed from thread to thread: the switches between its caller
// and us, which cannot be saved, are most of its price.
//
// What may take long is handled apart, in a goroutine of its own: some kinds of
// requests always (dispatch.go), others if the handler in place finds that they
// would wait (later).

// later is what a handler in place answers to be called again apart.
const later = fuse.Status(-1)

// apart keeps what is handled apart.
type apart struct {
	mu      sync.Mutex
	cancels map[uint64]chan struct{} // by the request's number
}

// serve handles requests, reading them into r, until there are no more. It
// returns where the worker is to read the next.
func (s *superblock) serve(p *poller, watch *stopwatch, r *request) *request {
	for range turn {
		n, err := s.kernel.receive(r.in)
		switch err {
		case nil:
			watch.start()
			r = s.handle(r, n)
			if watch.stop() {
				p.more()
			}
		case unix.EINTR, unix.ENOENT: // the caller gave up before we came
		case unix.EAGAIN:
			return r
		default:
			if err != unix.ENODEV {
				log.Println("read /dev/fuse:", err)
			}
			if p.remove(s) {
				s.gone()
			}
			return r
		}
	}
	// Others have their turn now; what is left is news again.
	_ = p.watch(unix.EPOLL_CTL_MOD, s)
	return r
}

// gone is called once, when the kernel has given the superblock up.
func (s *superblock) gone() {
	s.apart.end()
	s.release()
}

// release ends a hold on the superblock. The last one to let it go, after it has
// gone, clears up.
func (s *superblock) release() {
	if s.holders.Add(-1) == 0 {
		s.unmounted()
	}
}

// handle handles the request of n bytes in r, and returns where the next is to
// be read.
func (s *superblock) handle(r *request, n int) *request {
	op := r.parse(n)
	if op == nil {
		s.reply(r, fuse.ENOSYS)
		return r
	}
	if !op.apart {
		code := s.run(op, r)
		if code != later {
			s.finish(op, r, code)
			return r
		}
	}
	r.cancel = s.apart.begin(r.Unique)
	s.holders.Add(1)
	go func() {
		defer s.release()
		s.finish(op, r, s.run(op, r))
		s.apart.done(r.Unique)
		r.giveBack()
	}()
	return takeRequest()
}

// run calls the handler. A mistake in one is an error of its request.
func (s *superblock) run(op *operation, r *request) (code fuse.Status) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Printf("mistake in the file system: %v\n%s", cause, debug.Stack())
			code = fuse.EIO
		}
	}()
	r.size = 0
	if s.view != nil && s.view.labels != nil {
		return s.doLabelled(op, r)
	}
	return op.do(s, r)
}

func (s *superblock) finish(op *operation, r *request, code fuse.Status) {
	if !op.silent {
		s.reply(r, code)
	}
}

// reply answers r. A caller that has gone needs no answer.
func (s *superblock) reply(r *request, code fuse.Status) {
	_ = s.kernel.send(r.answer(r.Unique, code))
}

// begin notes a request that is handled apart and returns how it hears that its
// caller has given up.
func (a *apart) begin(unique uint64) <-chan struct{} {
	cancel := make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cancels == nil {
		a.cancels = map[uint64]chan struct{}{}
	}
	a.cancels[unique] = cancel
	return cancel
}

func (a *apart) done(unique uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.cancels, unique)
}

// interrupt cancels a request. One that is not there has been answered: the loop
// notes a request before it reads of its interruption.
func (a *apart) interrupt(unique uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cancel := a.cancels[unique]; cancel != nil {
		delete(a.cancels, unique)
		close(cancel)
	}
}

// end cancels all.
func (a *apart) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for unique, cancel := range a.cancels {
		delete(a.cancels, unique)
		close(cancel)
	}
}
