package exec

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// capture is the pair of pipes through which a job's output is seen. A pump
// reads each while a command runs; when the command has ended, what lies in the
// pipes is taken out without waiting for their end, which a process in the
// background may put off for ever.
type capture struct {
	pipes []*tapPipe
}

type tapPipe struct {
	stream int
	r, w   *os.File
	wg     sync.WaitGroup
}

// newCapture makes one pipe if stdout and stderr are the same file, so that
// order is kept, else two. It returns nil if there are no descriptors left.
func newCapture(combined bool) *capture {
	if combined {
		return captureOf(stdout)
	}
	return captureOf(stdout, stderr)
}

func captureOf(streams ...int) *capture {
	c := &capture{}
	for _, s := range streams {
		r, w, err := newTap(s)
		if err != nil {
			c.close()
			return nil
		}
		c.pipes = append(c.pipes, &tapPipe{stream: s, r: r, w: w})
	}
	return c
}

func (c *capture) writers() (out, err *os.File) {
	return c.pipes[0].w, c.pipes[len(c.pipes)-1].w
}

// start begins to read; each chunk goes to report.
func (c *capture) start(report func(stream int, data []byte)) {
	for _, p := range c.pipes {
		p.r.SetReadDeadline(time.Time{})
		p.wg.Add(1)
		go func() {
			defer p.wg.Done()
			p.pump(report)
		}()
	}
}

func (p *tapPipe) pump(report func(stream int, data []byte)) {
	buf := make([]byte, 32*1024)
	for {
		n, err := p.r.Read(buf)
		if n > 0 {
			report(p.stream, append([]byte(nil), buf[:n]...))
		}
		if err != nil {
			return
		}
	}
}

// halt stops the pumps. receive is called until they have stopped, and has to
// take what they report.
func (c *capture) halt(receive func(stopped <-chan struct{})) {
	stopped := make(chan struct{})
	for _, p := range c.pipes {
		p.r.SetReadDeadline(time.Unix(1, 0))
	}
	go func() {
		for _, p := range c.pipes {
			p.wg.Wait()
		}
		close(stopped)
	}()
	receive(stopped)
}

// drain takes what is in the pipes now.
func (c *capture) drain(take func(stream int, data []byte)) {
	buf := make([]byte, 32*1024)
	for _, p := range c.pipes {
		raw, err := p.r.SyscallConn()
		if err != nil {
			continue
		}
		raw.Control(func(fd uintptr) {
			for {
				n, err := unix.Read(int(fd), buf)
				if err == unix.EINTR {
					continue
				}
				if n <= 0 {
					return
				}
				take(p.stream, buf[:n])
			}
		})
	}
}

// close gives the pipes up. A process in the background that still writes gets
// its output passed on until make ends.
func (c *capture) close() {
	for _, p := range c.pipes {
		p.w.Close()
		p.r.Close()
	}
}

// cut ends the reading of a stream: who goes on writing learns that nobody reads.
func (c *capture) cut(stream int) {
	for _, p := range c.pipes {
		if p.stream == stream {
			p.r.Close()
		}
	}
}

// detach closes make's writing ends and passes on what processes in the
// background still write, as long as make runs.
func (c *capture) detach(write func(stream int, data []byte)) {
	for _, p := range c.pipes {
		p.w.Close()
		p.r.SetReadDeadline(time.Time{})
		go func() {
			p.pump(write)
			p.r.Close()
		}()
	}
}
