package progress

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// every is how often the line is drawn.
const every = 200 * time.Millisecond

// smallest is the size below which a terminal has no row to spare.
const smallest = 4

// Screen draws a line in the last row of a terminal.
type Screen struct {
	fd   int
	line func(width int) string

	mu            sync.Mutex
	width, height int // of the terminal with a region in it; 0: there is none now
	paused        int
	quit          chan struct{}
	ended         sync.WaitGroup
}

// Open begins to draw what line gives, if descriptor fd is a terminal that can do that;
// else it returns nil.
func Open(fd int, term string, line func(width int) string) *Screen {
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil || term == "" || term == "dumb" {
		return nil
	}
	s := &Screen{fd: fd, line: line, quit: make(chan struct{})}
	s.ended.Add(1)
	go s.run()
	return s
}

// run draws until Close. A make that is stopped leaves the terminal as it was found.
func (s *Screen) run() {
	defer s.ended.Done()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTSTP)
	defer signal.Stop(stop)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-stop:
			s.Pause()
			_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
			s.Resume()
		case <-tick.C:
			s.draw()
		}
	}
}

// Pause gives the whole terminal back until Resume: to a recipe that may use all of it.
func (s *Screen) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused++
	s.leave()
}

// Resume ends a Pause.
func (s *Screen) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused--
}

// Close gives the terminal back for good.
func (s *Screen) Close() {
	close(s.quit)
	s.ended.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
}

func (s *Screen) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused > 0 {
		return
	}
	size, err := unix.IoctlGetWinsize(s.fd, unix.TIOCGWINSZ)
	if err != nil || size.Row < smallest || size.Col < smallest {
		s.leave()
		return
	}
	text := ""
	if w, h := int(size.Col), int(size.Row); w != s.width || h != s.height {
		s.leave()
		s.width, s.height = w, h
		text = enter(h)
	}
	s.write(text + row(s.height, s.line(s.width-1)))
}

// leave makes the whole terminal scroll again.
func (s *Screen) leave() {
	if s.height == 0 {
		return
	}
	s.write(leave(s.height))
	s.width, s.height = 0, 0
}

// write is one write, so that nothing of recipes comes between.
func (s *Screen) write(text string) {
	_, _ = unix.Write(s.fd, []byte(text)) // a terminal that is gone shows nothing
}

// Control sequences of terminals like DEC's VT100, which all are today.
const (
	save       = "\x1b7" // cursor, attributes, character set
	restore    = "\x1b8"
	indexDown  = "\x1bD" // one row down in the same column; at the bottom, all moves up
	up         = "\x1b[A"
	wholeText  = "\x1b[r"
	plain      = "\x1b[0m"
	eraseRight = "\x1b[K"
)

// enter keeps the last row out of what scrolls. If the cursor stands in it, the text
// moves up first. To set a region moves the cursor, so it is saved before.
func enter(height int) string {
	return indexDown + save + fmt.Sprintf("\x1b[1;%dr", height-1) + restore + up
}

// row shows a text in the last row.
func row(height int, text string) string {
	return save + fmt.Sprintf("\x1b[%d;1H", height) + plain + eraseRight + text + restore
}

// leave clears the last row and lets it scroll again.
func leave(height int) string {
	return save + wholeText + fmt.Sprintf("\x1b[%d;1H", height) + plain + eraseRight + restore
}
