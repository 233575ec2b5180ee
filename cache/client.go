package cache

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"fmake/cache/internal/proto"
)

// DefaultTimeout bounds one call of a Client: whoever serves the store may have
// been stopped, and a build must not wait for it.
const DefaultTimeout = 10 * time.Second

// Conn is a connection to a store: a net.Conn, of which no more is needed.
type Conn interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// Client speaks to a store. It is safe for concurrent use; calls do not wait
// for each other. After the first failure of the connection every call returns
// an error that wraps ErrUnavailable.
type Client struct {
	// Timeout bounds each call but Stats, Verify, Similar and GC; Sync may take twice as long. It must not be changed
	// once calls are made.
	Timeout time.Duration

	conn Conn

	write sync.Mutex
	buf   []byte

	mu      sync.Mutex
	err     error // why the connection is dead
	next    uint32
	waiting map[uint32]chan proto.Frame
}

// NewClient speaks to the server at the other end of conn. It does not wait for
// an answer: if the server is of another kind the first call says so.
func NewClient(conn Conn) *Client {
	c := &Client{Timeout: DefaultTimeout, conn: conn, waiting: map[uint32]chan proto.Frame{}}
	go c.receive()
	// The answer is of interest only if it is a refusal, and then the server
	// closes the connection too.
	if answer, err := c.send(proto.Hello, []byte(proto.Greeting)); err == nil {
		go func() {
			if f, ok := <-answer; ok && proto.Status(f.Code) != proto.OK {
				c.fail(fmt.Errorf("%w: %s", ErrUnavailable, f.Payload))
			}
		}()
	}
	return c
}

// Close ends the connection. Calls under way fail.
func (c *Client) Close() error {
	c.fail(fmt.Errorf("%w: closed", ErrUnavailable))
	return nil
}

// Err returns why the connection is dead, nil while it is not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail ends the connection for the given reason, unless it has ended.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	for id, answer := range c.waiting {
		close(answer)
		delete(c.waiting, id)
	}
	c.conn.Close()
}

// receive hands answers to those who wait for them.
func (c *Client) receive() {
	r := bufio.NewReader(c.conn)
	for {
		f, err := proto.Read(r)
		if err != nil {
			c.fail(fmt.Errorf("%w: %w", ErrUnavailable, err))
			return
		}
		c.mu.Lock()
		answer := c.waiting[f.ID]
		delete(c.waiting, f.ID)
		c.mu.Unlock()
		if answer != nil {
			answer <- f
		}
	}
}

// send starts a call. The channel is closed if the connection dies.
func (c *Client) send(op proto.Op, payload []byte) (<-chan proto.Frame, error) {
	answer := make(chan proto.Frame, 1)
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return nil, c.err
	}
	c.next++
	id := c.next
	c.waiting[id] = answer
	c.mu.Unlock()

	c.write.Lock()
	defer c.write.Unlock()
	var err error
	c.buf, err = proto.Frame{ID: id, Code: byte(op), Payload: payload}.Append(c.buf[:0])
	if err != nil {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return nil, err
	}
	c.conn.SetWriteDeadline(time.Now().Add(c.Timeout))
	if _, err = c.conn.Write(c.buf); err != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		c.fail(err)
		return nil, err
	}
	if cap(c.buf) > 1<<20 {
		c.buf = nil
	}
	return answer, nil
}

// Call makes one call of the protocol: for proxies. limit bounds it, zero for
// no bound. The error is only about the connection; what the server answered is
// in the frame.
func (c *Client) Call(op byte, payload []byte, limit time.Duration) (status byte, answer []byte, err error) {
	wait, err := c.send(proto.Op(op), payload)
	if err != nil {
		return 0, nil, err
	}
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case f, ok := <-wait:
		if !ok {
			return 0, nil, c.Err()
		}
		return f.Code, f.Payload, nil
	case <-late:
		err := fmt.Errorf("%w: no answer in %v", ErrUnavailable, limit)
		c.fail(err)
		return 0, nil, err
	}
}

// limit bounds one call. A slow disk may take its time to sync; those that read
// the whole cache are made by people, who can wait or not.
func (c *Client) limit(op proto.Op) time.Duration {
	switch op {
	case proto.Sync:
		return 2 * c.Timeout
	case proto.Stats, proto.Verify, proto.Collect, proto.Similar:
		return 0
	}
	return c.Timeout
}

// call makes one call and turns the status into an error. A thing that is not
// there is not found without an error.
func (c *Client) call(op proto.Op, payload []byte) (answer []byte, found bool, err error) {
	status, answer, err := c.Call(byte(op), payload, c.limit(op))
	if err != nil {
		return nil, false, err
	}
	switch proto.Status(status) {
	case proto.OK:
		return answer, true, nil
	case proto.NotFound:
		return nil, false, nil
	case proto.Corrupt:
		return nil, false, &CorruptError{What: "record", Err: errors.New(string(answer))}
	case proto.ReadOnly:
		return nil, false, ErrReadOnly
	case proto.Unavailable:
		return nil, false, fmt.Errorf("%w: %s", ErrUnavailable, answer)
	}
	return nil, false, fmt.Errorf("the store: %s", answer)
}
