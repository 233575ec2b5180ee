package progress

import (
	"strings"
	"testing"
	"time"
)

// clock is a time that passes when the test says so.
type clock struct{ t time.Time }

func (c *clock) now() time.Time       { return c.t }
func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }
func newClock() (*clock, *Board)      { c := &clock{time.Unix(1000, 0)}; return c, NewBoard(c.now) }
func took(s ...string) map[string]time.Duration {
	m := make(map[string]time.Duration)
	for _, key := range s {
		m[key] = 10 * time.Second
	}
	return m
}

func TestLineOfABuildThatIsNotKnown(t *testing.T) {
	c, b := newClock()
	if got := b.Line(80); got != "[0]" {
		t.Errorf("at first: %q", got)
	}
	b.Began(1, "a.o", "./a.o")
	c.pass(2 * time.Second)
	b.Began(2, "b\x1b[31m.o", "./b.o")
	c.pass(61 * time.Second)
	if got := b.Line(80); got != "[0/2]  a.o 1m03s, b?[31m.o 1m01s" {
		t.Errorf("two run: %q", got)
	}
	if got := b.Line(16); got != "[0/2]  a.o 1m03s" {
		t.Errorf("room for one: %q", got)
	}
	if got := b.Line(15); got != "[0/2]" {
		t.Errorf("room for none: %q", got)
	}
	b.Ended(1, false)
	b.Ended(1, false)
	b.Ended(2, true)
	b.Cached("./c.o")
	b.Kept("./d.o")
	if got := b.Line(80); got != "[4], 1 cached, 1 failed" {
		t.Errorf("all done: %q", got)
	}
	if got := b.Summary(); got != "1 ran, 1 from the cache, 1 up to date, 1 failed in 1m3s" {
		t.Errorf("summary: %q", got)
	}
}

func TestTimeLeftFollowsWhatTargetsTookBefore(t *testing.T) {
	c, b := newClock()
	b.Know(took("1", "2", "3", "4", "5", "6", "7", "8"))
	b.Know(took("1"))
	for i, key := range []string{"1", "2"} {
		b.Began(i, key, key)
		b.Ended(i, false)
	}
	b.Kept("3")
	b.Kept("4")
	// Half of what was done had to run; four times ten seconds are left.
	if got := b.Line(80); got != "[4/8], about 20s left" {
		t.Errorf("got %q", got)
	}
	b.Began(5, "5", "5")
	b.Began(6, "6", "6")
	if got := b.Line(80); got != "[4/8], about 10s left  5 0s, 6 0s" {
		t.Errorf("two at a time: %q", got)
	}
	c.pass(25 * time.Second)
	if got := b.Line(80); !strings.HasPrefix(got, "[4/8], about 10s left") {
		t.Errorf("longer than it took before: %q", got)
	}
}

func TestWideNamesAreNeverTooWide(t *testing.T) {
	_, b := newClock()
	b.Began(1, strings.Repeat("宽", 10), "x")
	for width := range 40 {
		if got := b.Line(width); columns(got) > width {
			t.Errorf("%d columns: %q has %d", width, got, columns(got))
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b]0;x\a.o", 20)
	f.Fuzz(func(t *testing.T, name string, width int) {
		_, b := newClock()
		b.Began(1, name, name)
		line := b.Line(width)
		if columns(line) > max(width, 0) {
			t.Errorf("%q is wider than %d", line, width)
		}
		if strings.ContainsAny(line, "\x1b\n\r\a\b\u009b") {
			t.Errorf("%q does something to a terminal", line)
		}
	})
}
