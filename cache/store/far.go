package store

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// Helper starts the program that keeps results on another machine and takes them from
// there. calls is the connection over which it is asked; at store it finds a connection to
// this store, by which it gets at what it is to give away, and puts what it was given.
type Helper func(store net.Conn) (calls net.Conn, stop func(), err error)

// Far has the store hand calls about another machine to a helper, which is started by the
// first of them. words say where the machine is; they mean nothing to the store.
func Far(start Helper, words []string) Option {
	return func(s *Store) {
		s.far = &far{store: s, start: start, words: words, keeps: true}
		s.far.taken = sync.NewCond(&s.far.mu)
	}
}

// far is the helper, as the store sees it. A nil far is there for no call.
type far struct {
	store *Store
	start Helper
	words []string

	mu     sync.Mutex
	keeps  bool          // the helper has not said that nothing is kept there
	puts   int           // that the helper has not taken yet
	taken  *sync.Cond    // of mu: puts is 0
	client *cache.Client // nil before the first call, and once the helper has failed
	stop   func()
	failed bool
	untold string // what a person should be told: why it has failed
}

// answer passes one call on. That a helper cannot be started, or has died, is told once;
// then nothing is found by it.
func (f *far) answer(op proto.Op, payload []byte) (proto.Status, []byte) {
	if f == nil || op == proto.FarSetUp || op == proto.FarPut {
		return proto.Refused, nil
	}
	if op == proto.FarFlush {
		f.settle()
	}
	if c := f.helper(op != proto.FarFlush); c != nil {
		status, answer, err := c.Call(byte(op), payload, 0)
		if err == nil {
			return proto.Status(status), answer
		}
		f.fail("its helper has died")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	why := f.untold
	f.untold = ""
	if why == "" {
		return proto.NotFound, nil
	}
	return proto.Unavailable, []byte(why)
}

// put tells the helper what was put here. Nobody waits for it.
func (f *far) put(payload []byte) {
	if f == nil {
		return
	}
	f.mu.Lock()
	keeps := f.keeps
	if keeps {
		f.puts++
	}
	f.mu.Unlock()
	if !keeps {
		return
	}
	go func() {
		refused := false
		if c := f.helper(true); c != nil {
			status, _, err := c.Call(byte(proto.FarPut), payload, 0)
			refused = err == nil && proto.Status(status) == proto.Refused
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.keeps = f.keeps && !refused
		if f.puts--; f.puts == 0 {
			f.taken.Broadcast()
		}
	}()
}

// settle returns when the helper has taken what was put.
func (f *far) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.puts > 0 {
		f.taken.Wait()
	}
}

// helper returns the connection to the helper, nil if there is none. It is started if it
// was not, and begin says so.
func (f *far) helper(begin bool) *cache.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client != nil || f.failed || !begin {
		return f.client
	}
	if err := f.begin(); err != nil {
		f.failed, f.untold = true, err.Error()
		return nil
	}
	return f.client
}

// begin starts the helper and tells it where the other machine is.
func (f *far) begin() error {
	ours, theirs, err := Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	go f.store.serve(ours, &session{store: f.store, conn: ours, readOnly: f.store.readOnly})
	calls, stop, err := f.start(theirs)
	if err != nil {
		ours.Close()
		return err
	}
	f.stop = stop
	client := cache.NewClient(calls)
	var words []byte
	for _, w := range f.words {
		words = proto.AppendBytes(words, []byte(w))
	}
	status, answer, err := client.Call(byte(proto.FarSetUp), words, callPatience)
	if err == nil && proto.Status(status) != proto.OK {
		err = errors.New(string(answer))
	}
	if err != nil {
		client.Close()
		return err
	}
	f.client = client
	return nil
}

// fail gives up a helper.
func (f *far) fail(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.failed {
		f.client, f.failed, f.untold = nil, true, why
	}
}

// close ends the helper.
func (f *far) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client != nil {
		f.client.Close()
	}
	if f.stop != nil {
		f.stop()
	}
	f.client, f.failed = nil, true
}

// Pair makes two connections that lead to each other.
func Pair() (ours, theirs net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a connection: %w", err)
	}
	conns := [2]net.Conn{}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		c, err2 := net.FileConn(f)
		err = errors.Join(err, err2)
		conns[i] = c
		f.Close()
	}
	return conns[0], conns[1], err
}
