package server_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fmake/tracefs"
)

// recordCase is a script and what is recorded of it. It starts in a folder with the files
// a (text), d/x and d/y, the link l to a, and the empty folder e.
type recordCase struct{ name, script, want string }

func recordCases() []recordCase {
	return []recordCase{
		{"read", `cat a`, `a: exists content`},
		{"stat only", `test -f a`, `a: exists`},
		{"absent", `test -f nothing || :`, `nothing: absent`},
		{"absent directory", `test -f no/thing || :`, `no: absent`},
		{"through a link", `cat l`, "a: exists content\nl: exists link a"},
		{"listing", `echo d/*`, `d: exists names [x y]`},
		{"listing less own files", `: >d/z; rm d/x; echo d/*`, `
			d: exists names [x y]
			d/x: exists
			d/x: write old unread saved
			d/z: write new`},
		{"create", `echo hi >o`, `o: write new`},
		{"create and read back", `echo hi >o; cat o`, `o: write new`},
		{"look, then create", `test -f o || echo hi >o`, "o: absent\no: write new"},
		{"overwrite", `echo hi >a`, `a: write old unread saved`},
		{"overwrite after reading", `cat a; echo hi >a`, "a: exists content\na: write old saved"},
		{"append", `echo hi >>a`, `a: write old append`},
		{"append to nothing", `echo hi >>o; echo ho >>o`, `o: write new append`},
		{"append and read", `echo hi >>a; cat a`, "a: exists content edited\na: write old saved"},
		{"edit in place", `echo hi 1<>a`, "a: exists content edited\na: write old saved"},
		{"remove", `rm a`, "a: exists\na: write old unread saved"},
		{"remove what is absent", `rm -f nothing`, `nothing: absent`},
		{"temporary file", `echo hi >tmp; cat tmp; rm tmp`, ``},
		{"temporary file renamed", `echo hi >tmp; mv tmp o`, `o: write new`},
		{"move over", `echo hi >tmp; mv tmp a`, `a: write old unread saved`},
		{"rename a source", `mv a b`, "a: exists content\na: write old saved\nb: write new"},
		{"mkdir", `mkdir n; echo hi >n/f`, "n: write new\nn/f: write new"},
		{"mkdir that is there", `mkdir -p d`, ``},
		{"rename a directory", `mv d n`, `
			d: write old
			d/x: exists content
			d/x: write old saved
			d/y: exists content
			d/y: write old saved
			n: write new
			n/x: write new
			n/y: write new`},
		{"symlink", `ln -s a m`, "m: absent\nm: write new"},
		{"hard link", `ln a h`, "a: exists content\nh: absent\nh: write new"},
		{"mode", `chmod 600 a`, "a: exists\na: write old"},
		{"touch", `touch a`, "a: exists content edited\na: write old saved"},
		{"opened for appending, left alone", `: >>a`, "a: write old append"},
		{"remove and make again", `rm a; echo new >a; cat a`, "a: exists\na: write old unread saved"},
		{"remove an empty directory", `rmdir e`, "e: write old"},
		{"two processes", `cat a & cat a; wait`, `a: exists content`},
	}
}

func TestRecord(t *testing.T) {
	b := newBench(t)
	for _, tt := range recordCases() {
		t.Run(tt.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.fill()
			got := b.describe(b.trace(tt.script))
			// Folders that are changed are told as such; existence of folders and
			// of the working directory is not.
			if got != lines(tt.want) {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", tt.script, got, lines(tt.want))
			}
		})
	}
}

// fill makes the folder as the tests of records expect it.
func (b *bench) fill() {
	b.t.Helper()
	old, _ := filepath.Glob(b.dir + "/*")
	for _, p := range old {
		os.RemoveAll(p)
	}
	b.put("a", "text\n")
	b.put("d/x", "x\n")
	b.put("d/y", "y\n")
	if err := os.Symlink("a", filepath.Join(b.dir, "l")); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(b.dir, "e"), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func TestPreimage(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"overwritten", `echo new >a`},
		{"removed", `rm a`},
		{"edited", `echo new 1<>a`},
		{"replaced", `echo new >t; mv t a`},
		{"appended, then edited", `echo more >>a; echo new 1<>a`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.put("a", "old content\n")
			r := b.trace(tt.script)
			if len(r.Writes) != 1 {
				t.Fatalf("writes: %+v", r.Writes)
			}
			before := r.Writes[0].Before
			data, err := os.ReadFile(before.Saved)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(data); !strings.HasPrefix(got, "old content\n") {
				t.Errorf("saved %q", got)
			}
			if before.Stat.Size != int64(len("old content\n")) {
				t.Errorf("size before: %d", before.Stat.Size)
			}
		})
	}
}

func TestProcessTree(t *testing.T) {
	b := newBench(t)
	b.put("a", "text\n")
	r := b.trace(`cat a >o; sh -c 'cat a; :' ; :`)
	if len(r.Procs) != 4 {
		t.Fatalf("processes: %+v", r.Procs)
	}
	want := [][]string{{"/bin/sh", "-c", `cat a >o; sh -c 'cat a; :' ; :`}, {"cat", "a"}, {"sh", "-c", "cat a; :"}, {"cat", "a"}}
	parents := []int32{-1, 0, 0, 2}
	for i, p := range r.Procs {
		if !slices.Equal(p.Argv, want[i]) || p.Parent != parents[i] || p.Dir != b.dir || p.Start == 0 {
			t.Errorf("process %d: %+v", i, p)
		}
	}
	if got := filepath.Base(r.Procs[1].Exe); got != "cat" {
		t.Errorf("executable %q", r.Procs[1].Exe)
	}
}

func TestSystemFiles(t *testing.T) {
	b := newBench(t)
	// The second action is told of what it opened, though the kernel has the
	// first one's pages and names.
	for range 2 {
		r := b.trace(`cat /etc/passwd >o`)
		i := slices.IndexFunc(r.Looks, func(l tracefs.Look) bool { return l.Path == "/etc/passwd" })
		if i < 0 || r.Looks[i].Flags&(tracefs.LookContent|tracefs.LookSystem) != tracefs.LookContent|tracefs.LookSystem {
			t.Error("open of /etc/passwd is not recorded")
		}
	}
	b.trace(`test -f /usr/include/no-such-header.h || :`)
	looks, err := b.engine.SystemLooks()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(looks, func(l tracefs.Look) bool {
		return l.Path == "/usr/include/no-such-header.h" && l.Flags&tracefs.LookAbsent != 0
	}) {
		t.Error("absence in a system tree is not recorded")
	}
}

func TestMeddling(t *testing.T) {
	b := newBench(t)
	b.put("a", "text\n")
	v := b.view()
	if status, out := b.sh(v, "cat a"); status != 0 {
		t.Fatal(out)
	}
	b.put("a", "changed by somebody else\n")
	r := b.finish(v)
	if want := []string{b.dir + "/a"}; !slices.Equal(r.Meddled, want) {
		t.Errorf("meddled: %v", r.Meddled)
	}
}

// TestMeddlingBeforeChange: somebody else changes a file between the action's reading it and
// its writing it anew, as two recipes do that count on in one file.
func TestMeddlingBeforeChange(t *testing.T) {
	for _, how := range []string{"echo 1 >a", "sed -i s/changed/edited/ a", "echo 1 >b; mv b a"} {
		b := newBench(t)
		b.put("a", "0\n")
		v := b.view()
		if status, out := b.sh(v, "cat a"); status != 0 {
			t.Fatal(out)
		}
		b.put("a", "changed by somebody else\n")
		if status, out := b.sh(v, how); status != 0 {
			t.Fatal(out)
		}
		if r, want := b.finish(v), []string{b.dir + "/a"}; !slices.Equal(r.Meddled, want) {
			t.Errorf("%s: meddled: %v", how, r.Meddled)
		}
	}
	b := newBench(t)
	b.put("a", "0\n")
	if r := b.trace("cat a; echo 1 >a; cat a; echo 2 >>a; sed -i s/1/3/ a; chmod 600 a; ln a b; echo 4 >a"); len(r.Meddled) > 0 {
		t.Errorf("an action by itself: meddled: %v", r.Meddled)
	}
}

// TestOpenWhileChanged: whoever opens a file again and again while others write and replace
// it always gets one of its versions.
func TestOpenWhileChanged(t *testing.T) {
	for how, change := range map[string]func(path string, i int) error{
		"written": func(path string, i int) error {
			return os.WriteFile(path, []byte(strings.Repeat("x", i%7)), 0o666)
		},
		"replaced": func(path string, i int) error {
			if err := os.WriteFile(path+".new", []byte(strings.Repeat("x", i%7)), 0o666); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t)
			b.put("a", "x")
			ended := make(chan error)
			var stop atomic.Bool
			go func() {
				var err error
				for i := 0; !stop.Load() && err == nil; i++ {
					err = change(filepath.Join(b.dir, "a"), i)
				}
				ended <- err
			}()
			v := b.view()
			status, out := b.sh(v, `i=0; while [ $i -lt 3000 ]; do read x <a; case $x in *[!x]*) exit 3;; esac; i=$((i+1)); done; [ $i = 3000 ]`)
			stop.Store(true)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if b.finish(v); status != 0 || out != "" {
				t.Errorf("status %d, %s", status, out)
			}
		})
	}
}
