package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"fmake/tracefs"

	"golang.org/x/sys/unix"
)

func TestHidden(t *testing.T) {
	// o, n/f and n are hidden; n/other is not, where a test has it.
	tests := []struct {
		name   string
		script string
	}{
		{"absent", `! test -e o && ! test -e n`},
		{"not listed", `test "$(echo *)" = "a d e l"`},
		{"unlink fails", `! rm o 2>/dev/null`},
		{"rmdir fails", `! rmdir n 2>/dev/null`},
		{"create", `echo new >o && test "$(cat o)" = new && test "$(echo o*)" = o`},
		{"create exclusively", `set -C; echo new >o && test "$(cat o)" = new`},
		{"append", `echo new >>o && test "$(cat o)" = new`},
		{"rename over", `echo new >t && mv -n t o && test "$(cat o)" = new && ! test -e t`},
		{"link over", `ln a o && test "$(cat o)" = text`},
		{"symlink over", `ln -s a o && test "$(readlink o)" = a`},
		{"fifo over", `mkfifo o && test -p o`},
		{"mkdir over a file", `mkdir o && test -d o`},
		{"mkdir over a folder", `mkdir n && ! test -e n/f && echo new >n/f && test "$(cat n/f)" = new`},
		{"mkdir -p", `mkdir -p n/m && test "$(echo n/*)" = n/m`},
		{"file over a folder", `echo new >n && test "$(cat n)" = new`},
		{"rename a folder over", `mv d n && test "$(echo n/*)" = "n/x n/y"`},
		{"made and removed", `echo new >o && rm o && ! test -e o && echo again >o && test "$(cat o)" = again`},
		{"rmdir of what looks empty", `mkdir n && rmdir n && ! test -e n`},
		{"moved folder leaves hidden files", `mkdir n && mv n k && test "$(echo k/*)" = 'k/*'`},
		{"fresh inode", `ln o2 o3; echo new >o2; test "$(cat o3)" = third`},
	}
	b := newBench(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.fill()
			b.put("o", "old\n")
			b.put("n/f", "old\n")
			hidden := []string{"o", "n", "n/f"}
			if tt.name == "fresh inode" {
				b.put("o2", "old\n")
				b.put("o3", "third\n")
				hidden = append(hidden, "o2")
				tt.script = `echo new >o2; test "$(cat o3)" = third`
			}
			r := b.trace(tt.script, hidden...)
			for _, w := range r.Writes {
				if w.Before.Exists && (w.Path == b.dir+"/o" || w.Path == b.dir+"/n/f") {
					t.Errorf("%s existed before its action made it", w.Path)
				}
			}
		})
	}
}

func TestHiddenFilesOfOthersStay(t *testing.T) {
	b := newBench(t)
	b.put("n/f", "old\n")
	b.put("n/other", "theirs\n")
	// The folder is hidden, but somebody else's file in it is not: making the
	// folder must not lose it.
	b.trace(`mkdir n && echo new >n/f`, "n", "n/f")
	if b.get("n/other") != "theirs\n" || b.get("n/f") != "new\n" {
		t.Error("lost a file")
	}
}

func TestHideLater(t *testing.T) {
	b := newBench(t)
	b.put("o", "old\n")
	v := b.view()
	if status, _ := b.sh(v, `test -e o`); status != 0 {
		t.Fatal("o is not there")
	}
	if err := v.Hide([]string{filepath.Join(b.dir, "o")}); err != nil {
		t.Fatal(err)
	}
	if status, _ := b.sh(v, `test -e o`); status == 0 {
		t.Error("o is still there")
	}
	b.finish(v)
	if b.get("o") != "old\n" {
		t.Error("hiding removed the file")
	}
}

// TestMadeAgainByOther: what an action has removed and another has made since is absent for
// it when it makes it anew.
func TestMadeAgainByOther(t *testing.T) {
	b := newBench(t)
	b.put("a", "old\n")
	b.put("text", "new\n")
	v := b.view()
	if status, out := b.sh(v, "rm a"); status != 0 {
		t.Fatal(out)
	}
	b.serial++
	other, err := b.engine.NewView(tracefs.ViewSpec{ID: "other", Serial: b.serial, Dir: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	if status, out := b.sh(other, "echo other >a"); status != 0 {
		t.Fatal(out)
	}
	if status, out := b.sh(v, "dd if=text of=a conv=excl 2>&1"); status != 0 {
		t.Error(out)
	}
	b.finish(v)
	b.finish(other)
	if got := b.get("a"); got != "new\n" {
		t.Errorf("a is %q", got)
	}
}

// TestInterpreter goes the way of the recipe interpreter, which looks and opens
// without a process in the view.
func TestInterpreter(t *testing.T) {
	b := newBench(t)
	b.fill()
	b.put("o", "old\n")
	v := b.view("o")
	if _, err := v.Stat(b.dir, "o"); !os.IsNotExist(err) {
		t.Errorf("hidden file: %v", err)
	}
	if st, err := v.Stat(b.dir, "l"); err != nil || st.Size != 5 {
		t.Errorf("stat through a link: %+v, %v", st, err)
	}
	if st, err := v.Lstat(b.dir, "l"); err != nil || st.Mode&unix.S_IFMT != unix.S_IFLNK {
		t.Errorf("lstat of a link: %+v, %v", st, err)
	}
	if names, err := v.ReadDir(b.dir, "d"); err != nil || len(names) != 2 {
		t.Errorf("readdir: %v, %v", names, err)
	}
	if text, err := v.Readlink(b.dir, "l"); err != nil || text != "a" {
		t.Errorf("readlink: %q, %v", text, err)
	}
	if err := v.Access(b.dir, "a", unix.X_OK); !os.IsPermission(err) {
		t.Errorf("access: %v", err)
	}
	if p, err := v.LookPath("sh", "/nowhere:/bin", b.dir); err != nil || p != "/bin/sh" {
		t.Errorf("lookpath: %q, %v", p, err)
	}
	if _, err := v.Open(b.dir, "a/b", os.O_RDONLY, 0); err == nil {
		t.Error("opened a file in a file")
	}
	f, err := v.Open(b.dir, "a", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	// A command sees at once what the interpreter writes, and the other way round.
	if status, _ := b.sh(v, `test -e o || test -e p`); status == 0 {
		t.Error("o or p is there")
	}
	for i, name := range []string{"o", "p"} {
		f, err := v.Open(b.dir, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("12345"); err != nil {
			t.Fatal(err)
		}
		if status, out := b.sh(v, `test $(stat -c %s `+name+`) = 5 && test $(cat `+name+`) = 12345`); status != 0 {
			t.Errorf("%d: command does not see the file: %s", i, out)
		}
		if _, err := f.WriteString("678"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if status, out := b.sh(v, `test $(stat -c %s `+name+`) = 8 && test $(cat `+name+`) = 12345678 && echo more >>`+name); status != 0 {
			t.Errorf("%d: command does not see the file's growth: %s", i, out)
		}
		if st, err := v.Stat(b.dir, name); err != nil || st.Size != 13 {
			t.Errorf("stat: %+v, %v", st, err)
		}
	}
	got := b.describe(b.finish(v))
	want := lines(`
		a: exists content
		d: exists names [x y]
		l: exists link a
		o: absent
		o: write new
		p: absent
		p: write new`)
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
