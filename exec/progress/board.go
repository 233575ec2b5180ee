// Package progress shows in one line how far a build is, at the bottom of a terminal.
//
// A Board counts what all makes of a process do; a Screen keeps the last row of the
// terminal for itself, by a scrolling region that ends above it. So whatever recipes
// print, halves of lines, carriage returns and colours included, comes out as without
// it: each draw is one write that saves the cursor and its attributes, and restores them.
package progress

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Board is what is known of a build that is going on. It is safe for concurrent use.
type Board struct {
	mu      sync.Mutex
	now     func() time.Time
	began   time.Time
	known   map[string]time.Duration // how long each target took when it was last made
	left    time.Duration            // of those that are not done
	running map[any]run
	done    map[string]bool
	counts  Counts
}

// Counts says what became of targets so far.
type Counts struct{ Ran, Cached, Kept, Failed int }

type run struct {
	name, key string
	start     time.Time
}

// NewBoard makes a board for a build that begins now.
func NewBoard(now func() time.Time) *Board {
	return &Board{now: now, began: now(), known: make(map[string]time.Duration), running: make(map[any]run), done: make(map[string]bool)}
}

// Know adds what earlier builds have found: how long each target took, by key.
func (b *Board) Know(took map[string]time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, d := range took {
		if _, old := b.known[key]; !old && !b.done[key] {
			b.known[key] = d
			b.left += d
		}
	}
}

// Began notes that a recipe runs; id tells it from all others that do.
func (b *Board) Began(id any, name, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[id] = run{name, key, b.now()}
}

// Ended notes that it does not run any more.
func (b *Board) Ended(id any, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, known := b.running[id]
	if !known {
		return
	}
	delete(b.running, id)
	b.finish(r.key)
	if failed {
		b.counts.Failed++
		return
	}
	b.counts.Ran++
}

// Cached notes that a target came from the cache, Kept that it was up to date.
func (b *Board) Cached(key string) { b.decided(key, func() { b.counts.Cached++ }) }

// Kept notes that a target was up to date.
func (b *Board) Kept(key string) { b.decided(key, func() { b.counts.Kept++ }) }

func (b *Board) decided(key string, count func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	count()
	b.finish(key)
}

func (b *Board) finish(key string) {
	if !b.done[key] {
		b.done[key] = true
		b.left -= b.known[key]
	}
}

// Summary says in a sentence what the build did.
func (b *Board) Summary() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	text := fmt.Sprintf("%d ran, %d from the cache, %d up to date", c.Ran, c.Cached, c.Kept)
	if c.Failed > 0 {
		text += fmt.Sprintf(", %d failed", c.Failed)
	}
	return text + " in " + b.now().Sub(b.began).Round(10*time.Millisecond).String()
}

// Line is what is shown, no wider than a number of columns: first the counts, then how
// long it may take yet, then the recipes that run, oldest first, as many as there is
// room for.
func (b *Board) Line(width int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	n := len(b.done)
	parts := []string{fmt.Sprintf("[%d]", n)}
	if total := b.total(); total > n {
		parts[0] = fmt.Sprintf("[%d/%d]", n, total)
	}
	if c.Cached > 0 {
		parts = append(parts, fmt.Sprintf("%d cached", c.Cached))
	}
	if c.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", c.Failed))
	}
	if left, known := b.timeLeft(); known {
		parts = append(parts, "about "+brief(left)+" left")
	}
	line := clip(strings.Join(parts, ", "), width)
	for i, r := range b.oldest() {
		more := "  "
		if i > 0 {
			more = ", "
		}
		more += printable(r.name) + " " + brief(b.now().Sub(r.start))
		if columns(line)+columns(more) > width {
			break
		}
		line += more
	}
	return line
}

// total is how many targets there are, as far as that is known.
func (b *Board) total() int {
	total := len(b.known)
	for key := range b.done {
		if _, known := b.known[key]; !known {
			total++
		}
	}
	for _, r := range b.running {
		if _, known := b.known[r.key]; !known && !b.done[r.key] {
			total++
		}
	}
	return total
}

// enough is how many targets have to be done before the rest can be guessed.
const enough = 3

// timeLeft guesses how long the build goes on: as much of the time that the other
// targets took once as was needed of those that are done, by as many recipes at a time
// as run now.
func (b *Board) timeLeft() (left time.Duration, known bool) {
	n := len(b.done)
	if n < enough || b.left <= 0 {
		return 0, false
	}
	share := float64(b.counts.Ran+b.counts.Failed) / float64(n)
	if share == 0 {
		return 0, false
	}
	left = time.Duration(share * float64(b.left) / float64(max(1, len(b.running))))
	for _, r := range b.running {
		left = max(left, b.known[r.key]-b.now().Sub(r.start))
	}
	return left, true
}

func (b *Board) oldest() []run {
	all := make([]run, 0, len(b.running))
	for _, r := range b.running {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y run) int { return cmp.Or(x.start.Compare(y.start), strings.Compare(x.name, y.name)) })
	return all
}

// brief is a time in whole seconds.
func brief(d time.Duration) string {
	s := int(max(d, 0).Round(time.Second) / time.Second)
	if s < 60 {
		return fmt.Sprintf("%ds", s)
	}
	if s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// printable replaces what would do something to a terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' {
			return '?'
		}
		return r
	}, name)
}

// columns is how many columns a text takes. Of characters that may take two it counts
// two: a line that is too short spoils nothing.
func columns(text string) int {
	n := 0
	for _, r := range text {
		if n++; r >= 0x1100 {
			n++
		}
	}
	return n
}

// clip cuts a text to a number of columns.
func clip(text string, width int) string {
	for columns(text) > width && text != "" {
		text = text[:len(text)-1]
	}
	return text
}
