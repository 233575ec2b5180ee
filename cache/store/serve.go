package store

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"

	"fmake/cache"
	"fmake/cache/internal/crew"
	"fmake/cache/internal/proto"
)

// maxCalls bounds the calls of one connection that are worked on at a time.
const maxCalls = 64

// Serve answers the calls of one client until it closes the connection. The
// caller has made sure who is at the other end.
func (s *Store) Serve(c net.Conn) error {
	return s.serve(c, &session{store: s, conn: c, readOnly: s.readOnly, shares: true})
}

func (s *Store) serve(c net.Conn, session *session) error {
	if !s.enter(c) {
		c.Close()
		return net.ErrClosed
	}
	defer s.leave(c)
	r := bufio.NewReader(c)
	if err := session.greet(r); err != nil {
		return err
	}
	slots, workers := make(chan struct{}, maxCalls), crew.New(maxCalls)
	defer workers.Dismiss()
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		f, err := proto.Read(r)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		away := proto.Op(f.Code) == proto.FarRun // costs nothing here, and others must not wait for it
		if !away {
			slots <- struct{}{}
		}
		calls.Add(1)
		workers.Go(func() {
			defer calls.Done()
			session.answer(f)
			if !away {
				<-slots
			}
		})
	}
}

// enter notes a connection, so that Close can end it.
func (s *Store) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[c] = true
	}
	return !s.closed
}

func (s *Store) leave(c net.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	c.Close()
}

// session is one connection.
type session struct {
	store    *Store
	readOnly bool
	shares   bool // what it puts is for other machines, too

	mu   sync.Mutex
	conn net.Conn
}

// greet expects the client's greeting and returns an error if it is not of our
// kind.
func (s *session) greet(r io.Reader) error {
	f, err := proto.Read(r)
	if err != nil {
		return err
	}
	if proto.Op(f.Code) != proto.Hello || string(f.Payload) != proto.Greeting {
		s.send(f.ID, proto.Unavailable, []byte("the store is served by another release of fmake"))
		return errRefused
	}
	s.send(f.ID, proto.OK, nil)
	return nil
}

func (s *session) answer(f proto.Frame) {
	op := proto.Op(f.Code)
	if s.readOnly && changes(op, f.Payload) {
		status, answer := failure(cache.ErrReadOnly)
		s.send(f.ID, status, answer)
		return
	}
	if op >= proto.FarSetUp {
		status, answer := s.store.far.answer(op, f.Payload)
		s.send(f.ID, status, answer)
		return
	}
	status, answer := s.store.do(op, f.Payload)
	if op == proto.PutTrace && status == proto.OK && s.shares {
		s.store.far.put(f.Payload)
	}
	s.send(f.ID, status, answer)
}

// send writes one answer. A client that is gone is noticed by reading.
func (s *session) send(id uint32, status proto.Status, payload []byte) {
	b, err := proto.Frame{ID: id, Code: byte(status), Payload: payload}.Append(nil)
	if err != nil {
		b, _ = proto.Frame{ID: id, Code: byte(proto.Refused), Payload: []byte(err.Error())}.Append(nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.Write(b)
}
