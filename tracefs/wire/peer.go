package wire

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// ErrGone is returned by calls on a connection whose other end has died.
var ErrGone = errors.New("the engine has gone")

// Request is a question or notice from the other side.
type Request struct {
	Op    Op
	Body  []byte
	Files []*os.File // the handler owns them

	peer *Peer
	id   uint32
}

// Handler answers requests. Serve calls it in the goroutine that reads the
// connection, in order of arrival; what may take time belongs in a goroutine of
// its own.
type Handler func(r *Request)

// Peer is one end of a connection on which both sides may ask.
type Peer struct {
	conn    *conn
	handler Handler
	calm    *raw.Calm // nil if messages are not the bursts that this process works in
	next    atomic.Uint32
	done    chan struct{}

	mu      sync.Mutex
	waiting map[uint32]chan frame
	dead    bool
}

// NewPeer takes over f, an end of a connected unix stream socket. Nothing is
// received before Serve is called.
func NewPeer(f *os.File, h Handler) (*Peer, error) {
	c, err := newConn(f)
	if err != nil {
		return nil, err
	}
	return &Peer{conn: c, handler: h, waiting: map[uint32]chan frame{}, done: make(chan struct{})}, nil
}

// Calmly lets each message count as a burst of work. It is to be called before
// Serve.
func (p *Peer) Calmly(c *raw.Calm) { p.calm = c }

// Serve receives until the connection breaks; it then fails all calls that
// wait for an answer.
func (p *Peer) Serve() {
	for {
		f, err := p.conn.receive()
		if err != nil {
			break
		}
		if p.calm != nil {
			p.calm.Burst()
		}
		if f.flags&flagReply == 0 {
			p.handler(&Request{Op: f.op, Body: f.body, Files: f.files, peer: p, id: f.id})
			continue
		}
		p.mu.Lock()
		ch := p.waiting[f.id]
		delete(p.waiting, f.id)
		p.mu.Unlock()
		if ch == nil {
			CloseFiles(f.files)
			continue
		}
		ch <- f
	}
	p.conn.sock.Close()
	p.mu.Lock()
	p.dead = true
	for id, ch := range p.waiting {
		delete(p.waiting, id)
		close(ch)
	}
	p.mu.Unlock()
	close(p.done)
}

// Done is closed when the connection has broken.
func (p *Peer) Done() <-chan struct{} { return p.done }

// Close breaks the connection. One that the other end has broken is closed already.
func (p *Peer) Close() error {
	if err := p.conn.sock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Call asks and waits for the answer, which is decoded into reply unless that
// is nil. The answer's descriptors are the caller's.
func (p *Peer) Call(op Op, req, reply Message, files ...*os.File) ([]*os.File, error) {
	id := p.next.Add(1)
	ch := make(chan frame, 1)
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return nil, ErrGone
	}
	p.waiting[id] = ch
	p.mu.Unlock()
	if err := p.conn.send(frame{id: id, op: op, body: encode(req), files: files}); err != nil {
		p.mu.Lock()
		delete(p.waiting, id)
		p.mu.Unlock()
		if errors.Is(err, errUnsent) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	f, ok := <-ch
	if !ok {
		return nil, ErrGone
	}
	if f.flags&flagError != 0 {
		CloseFiles(f.files)
		return nil, decodeError(f.body)
	}
	if reply == nil {
		return f.files, nil
	}
	if err := Decode(f.body, reply); err != nil {
		CloseFiles(f.files)
		return nil, err
	}
	return f.files, nil
}

// Notify tells the other side something that needs no answer.
func (p *Peer) Notify(op Op, msg Message, files ...*os.File) error {
	return p.conn.send(frame{op: op, body: encode(msg), files: files})
}

// Decode fills m from the request's body.
func (r *Request) Decode(m Message) error { return Decode(r.Body, m) }

// Reply answers r. The files are the caller's still.
func (r *Request) Reply(m Message, files ...*os.File) {
	// A peer that has gone needs no answer; its end is noticed by Serve.
	err := r.peer.conn.send(frame{id: r.id, op: r.Op, flags: flagReply, body: encode(m), files: files})
	if errors.Is(err, errUnsent) {
		r.Fail(err) // it waits
	}
}

// Fail answers r with an error. An errno inside it survives the journey.
func (r *Request) Fail(err error) {
	var errno unix.Errno
	e := failure{Text: err.Error()}
	if errors.As(err, &errno) {
		e.Errno = uint32(errno)
	}
	_ = r.peer.conn.send(frame{id: r.id, op: r.Op, flags: flagReply | flagError, body: Encode(&e)})
}

func encode(m Message) []byte {
	if m == nil {
		return nil
	}
	return Encode(m)
}

// failure is an error on its way.
type failure struct {
	Errno uint32
	Text  string
}

// Fields implements Message.
func (f *failure) Fields(c *Codec) {
	c.Uint32(&f.Errno)
	c.String(&f.Text)
}

// remoteError is an error that another process reported.
type remoteError struct {
	text  string
	errno unix.Errno
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

func decodeError(body []byte) error {
	var f failure
	if err := Decode(body, &f); err != nil {
		return err
	}
	errno := unix.Errno(f.Errno)
	if errno != 0 && strings.EqualFold(f.Text, errno.Error()) {
		return errno
	}
	return &remoteError{text: f.Text, errno: errno}
}
