package server_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// part runs a script as a part of what is done in a view.
func (b *bench) part(v *tracefs.View, script string) *tracefs.Record {
	b.t.Helper()
	if err := v.BeginPart(true); err != nil {
		b.t.Fatal(err)
	}
	if status, out := b.sh(v, script); status != 0 {
		b.t.Errorf("%s: status %d\n%s", script, status, out)
	}
	r, err := v.EndPart()
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) partsView(hidden ...string) *tracefs.View {
	b.t.Helper()
	for i, h := range hidden {
		hidden[i] = filepath.Join(b.dir, h)
	}
	b.serial++
	v, err := b.engine.NewView(tracefs.ViewSpec{ID: b.t.Name(), Serial: b.serial, Dir: b.dir, Hidden: hidden, Parts: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// TestPartIsAsAnAction: of a part that comes after others which have looked at everything,
// the same is recorded as of an action of its own, but for pre-images, and for what is
// appended to a file that the action has read: that edits it.
func TestPartIsAsAnAction(t *testing.T) {
	b := newBench(t)
	for _, tt := range recordCases() {
		t.Run(tt.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.fill()
			v := b.partsView()
			const everything = `cat a l d/x d/y; ls -l . d e; for x in nothing no/thing o n h m b tmp d/z; do test -f $x; done; cat d/x >made; :`
			if r := b.part(v, everything); len(r.Looks) == 0 {
				t.Error("nothing is recorded of the first part")
			}
			b.sh(v, everything)
			got := b.describe(b.part(v, tt.script))
			want := strings.ReplaceAll(lines(tt.want), " saved", "")
			if strings.Contains(want, "old append") {
				want = "a: content edited"
				if tt.script != ": >>a" {
					want += "\na: write old"
				}
			}
			if got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", tt.script, got, want)
			}
			b.finish(v)
		})
	}
}

// TestPartReads: what earlier parts have made are looks of a later one, and none of the
// action.
func TestPartReads(t *testing.T) {
	b := newBench(t)
	b.put("a", "text\n")
	v := b.partsView()
	if got := b.describe(b.part(v, "cat a >o")); got != "a: exists content\no: write new" {
		t.Errorf("first:\n%s", got)
	}
	if got := b.describe(b.part(v, "cat o a >p; rm o")); got != "a: exists content\no: exists content\no: write old\np: write new" {
		t.Errorf("second:\n%s", got)
	}
	if r, err := v.EndPart(); err == nil {
		t.Errorf("a part that has not begun: %+v", r)
	}
	if got := b.describe(b.finish(v)); got != "a: exists content\np: write new" {
		t.Errorf("action:\n%s", got)
	}
}

// TestPartsAppend: each part that appends to a file is told so, the first one and others.
func TestPartsAppend(t *testing.T) {
	b := newBench(t)
	v := b.partsView()
	for i := range 3 {
		if got := b.describe(b.part(v, "echo more >>log")); !strings.HasPrefix(got, "log: write") || !strings.Contains(got, "append") {
			t.Errorf("part %d: %s", i, got)
		}
	}
	if got := b.describe(b.part(v, "cat log; echo more >>log")); !strings.Contains(got, "log: write old") {
		t.Errorf("after reading: %s", got)
	}
	b.finish(v)
}

// TestPartLeaves tells of a process that a part leaves behind.
func TestPartLeaves(t *testing.T) {
	b := newBench(t)
	v := b.partsView()
	if r := b.part(v, "true"); r.Leftover {
		t.Error("something lives on after true")
	}
	r := b.part(v, "(for i in 1 2 3 4 5 6 7 8 9; do test -e stop || sleep 0.1; done; : >gone) </dev/null >/dev/null 2>&1 & :")
	if !r.Leftover {
		t.Error("nothing lives on")
	}
	if err := v.BeginPart(true); err != unix.EBUSY {
		t.Errorf("beside it a part begins: %v", err)
	}
	b.put("stop", "")
	b.finish(v)
	until(t, "its end", func() bool { _, err := os.Stat(b.dir + "/gone"); return err == nil })
}

// TestLooks asks for what a view shows, and makes looks of that.
func TestLooks(t *testing.T) {
	b := newBench(t)
	b.fill()
	b.put("gone", "old\n")
	b.put("h/f", "old\n")
	v := b.partsView("gone", "h")
	asked := []tracefs.Look{
		{Path: b.dir + "/a", Flags: tracefs.LookContent},
		{Path: b.dir + "/d", Flags: tracefs.LookListing},
		{Path: b.dir + "/e"},
		{Path: b.dir + "/gone", Flags: tracefs.LookContent},
		{Path: b.dir + "/h/f"},
		{Path: b.dir + "/l", Flags: tracefs.LookLink},
		{Path: b.dir + "/nothing"},
		{Path: "/etc/passwd", Flags: tracefs.LookContent},
	}
	const want = "a: exists content\nd: exists names [x y]\ngone: absent\nh/f: absent\nl: exists link a\nnothing: absent"
	now, err := v.Looks(asked, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.describe(&tracefs.Record{Looks: now}); got != want {
		t.Errorf("got:\n%s", got)
	}
	again, err := v.Looks(asked, true)
	if err != nil || !slices.EqualFunc(now, again, func(x, y tracefs.Look) bool { return x.Path == y.Path && x.Stat == y.Stat && x.Flags == y.Flags }) {
		t.Errorf("%v: looked again: %+v", err, again)
	}
	r := b.finish(v)
	if got := b.describe(r); got != want {
		t.Errorf("recorded:\n%s", got)
	}
	if !slices.ContainsFunc(r.Looks, func(l tracefs.Look) bool { return l.Path == "/etc/passwd" && l.Flags&tracefs.LookSystem != 0 }) {
		t.Error("no look at a system file")
	}
	if _, err := os.Stat(b.dir + "/gone"); err != nil {
		t.Error(err)
	}
}
