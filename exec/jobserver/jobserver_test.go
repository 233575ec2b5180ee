package jobserver

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func each(t *testing.T, test func(t *testing.T, style Style)) {
	for name, style := range map[string]Style{"fifo": Fifo, "pipe": Pipe} {
		t.Run(name, func(t *testing.T) { test(t, style) })
	}
}

func create(t *testing.T, slots int, style Style) *Pool {
	t.Helper()
	p, err := Create(slots, style, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func take(t *testing.T, p *Pool, want bool) {
	t.Helper()
	got, err := p.TryAcquire()
	if err != nil || got != want {
		t.Fatalf("TryAcquire: %v, %v; want %v", got, err, want)
	}
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, style Style) {
		p := create(t, 3, style)
		defer p.Close()
		take(t, p, true)
		take(t, p, true)
		take(t, p, false)
		if err := p.Release(); err != nil {
			t.Fatal(err)
		}
		take(t, p, true)
		if p.Held() != 2 {
			t.Errorf("holds %d tokens, want 2", p.Held())
		}
		for range 2 {
			p.Release()
		}
		if n := p.Drain(); n != 2 {
			t.Errorf("%d tokens at the end, want 2", n)
		}
	})
}

func TestTokensAreReturnedUnchanged(t *testing.T) {
	p := create(t, 1, Pipe)
	defer p.Close()
	unix.Write(p.write, []byte("ab"))
	take(t, p, true)
	take(t, p, true)
	p.Release()
	p.Release()
	var buf [4]byte
	n, _ := unix.Read(p.read, buf[:])
	if got := string(buf[:n]); got != "ba" && got != "ab" {
		t.Errorf("got back %q", got)
	}
}

func TestConnect(t *testing.T) {
	each(t, func(t *testing.T, style Style) {
		p := create(t, 2, style)
		defer p.Close()
		c, err := Connect(p.Auth())
		if err != nil {
			t.Fatal(err)
		}
		take(t, c, true)
		take(t, p, false)
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
		take(t, p, true)
		if c.Owner() {
			t.Error("a client owns the pool")
		}
		if style == Fifo {
			c.Close() // a client leaves the fifo where it is
			if _, err := os.Stat(p.Path()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFifoVanishesWithItsOwner(t *testing.T) {
	p := create(t, 2, Fifo)
	p.Close()
	if _, err := os.Stat(p.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the fifo is still there: %v", err)
	}
}

func TestConnectFails(t *testing.T) {
	for auth, want := range map[string]error{
		"-2,-2":             ErrUnavailable,
		"1000,1001":         ErrUnavailable,
		"fifo:/nonexistent": unix.ENOENT,
	} {
		if _, err := Connect(auth); !errors.Is(err, want) {
			t.Errorf("Connect(%q): %v, want %v", auth, err, want)
		}
	}
	for _, auth := range []string{"", "3", "a,b", "3,", "named:x"} {
		if _, err := Connect(auth); err == nil || errors.Is(err, ErrUnavailable) {
			t.Errorf("Connect(%q): %v, want a message", auth, err)
		}
	}
}

func FuzzParsePair(f *testing.F) {
	f.Add("3,4")
	f.Add("-2,-2")
	f.Add("fifo:x,y")
	f.Fuzz(func(t *testing.T, auth string) {
		r, w, ok := ParsePair(auth)
		if !ok {
			return
		}
		r2, w2, ok := ParsePair(strconv.Itoa(r) + "," + strconv.Itoa(w))
		if !ok || r != r2 || w != w2 {
			t.Errorf("%q: %d,%d became %d,%d", auth, r, w, r2, w2)
		}
	})
}
