package server_test

import (
	"os"
	"strings"
	"testing"

	"fmake/tracefs"
)

// family runs a script as a part of its own process; meanwhile is done by another one when
// the part has begun and the script has not.
func (b *bench) family(v *tracefs.View, script, meanwhile string) *tracefs.Record {
	b.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer null.Close()
	p, err := v.Start(&tracefs.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "read go; exec </dev/null; " + script}, Env: os.Environ(), Dir: b.dir, Stdin: r, Stdout: null, Stderr: null,
	})
	if err != nil {
		w.Close()
		b.t.Fatal(err)
	}
	if err := v.BeginPartOf(p.Pid(), nil); err != nil {
		b.t.Error(err)
	}
	b.sh(v, meanwhile)
	if _, err := w.WriteString("\n"); err != nil {
		b.t.Error(err)
	}
	w.Close()
	if _, _, err := p.Wait(); err != nil {
		b.t.Fatal(err)
	}
	rec, err := v.EndPartOf(p.Pid())
	if err != nil {
		b.t.Fatal(err)
	}
	return rec
}

func (b *bench) shellsView() *tracefs.View {
	b.t.Helper()
	v := b.partsView()
	if _, err := v.Shells(true, "/no/stub", nil); err != nil {
		b.t.Skipf("no families here: %v", err)
	}
	return v
}

// TestFamilyIsAsAnAction: of a family in a view where others look at everything meanwhile, the
// same is recorded as of an action of its own, but for pre-images and what comes of others'
// looks.
func TestFamilyIsAsAnAction(t *testing.T) {
	b := newBench(t)
	for _, tt := range recordCases() {
		t.Run(tt.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.fill()
			v := b.shellsView()
			const everything = `cat a l d/x d/y; ls -l . d e; for x in nothing no/thing o n h m b tmp d/z; do test -f $x; done; :`
			b.sh(v, everything)
			r := b.family(v, tt.script, everything)
			if len(r.Contended) > 0 {
				t.Errorf("contended: %+v", r.Contended)
			}
			got, want := b.describe(r), strings.ReplaceAll(lines(tt.want), " saved", "")
			switch {
			case strings.Contains(want, "old append"): // others have read it
				want = "a: content edited"
				if tt.script != ": >>a" {
					want += "\na: write old"
				}
			case strings.Contains(tt.script, "mv tmp a"):
				got = strings.TrimPrefix(got, "a: exists\n") // mv looks at it when it cannot be the first
			}
			if got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", tt.script, got, want)
			}
			b.finish(v)
		})
	}
}

// TestFamilyContends: what others change that a family looks at, lists or writes.
func TestFamilyContends(t *testing.T) {
	b := newBench(t)
	tests := []struct {
		script, meanwhile string
		contends          bool
	}{
		{"cat a", "echo >b", false},
		{"cat a", "echo >>a", true},
		{"test -e n", "echo >n; rm n", true},
		{"echo >o", "echo >o", true},
		{"ls d", "echo >d/n", true},
		{"cat d/x", "echo >d/n", false},
		{"ls d", "rm d/y", true},
		{"echo >o; rm o", "cat a", false},
		{"cat a; (cat d/x & wait)", "cat d/x >p", false},
	}
	for _, tt := range tests {
		b.fill()
		v := b.shellsView()
		if r := b.family(v, tt.script, tt.meanwhile); len(r.Contended) > 0 != tt.contends {
			t.Errorf("%q beside %q: %+v", tt.script, tt.meanwhile, r.Contended)
		}
		b.finish(v)
	}
}

// TestFamilyOfNobody: a process that is not in the view has no family, and one that has one
// gets no second.
func TestFamilyOfNobody(t *testing.T) {
	b := newBench(t)
	v := b.shellsView()
	if err := v.BeginPartOf(os.Getpid(), nil); err == nil {
		t.Error("this process has a family")
	}
	if _, err := v.EndPartOf(os.Getpid()); err == nil {
		t.Error("the family of this process has ended")
	}
	b.finish(v)
}
