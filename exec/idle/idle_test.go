package idle

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// tree is a directory that looks are made at.
type tree struct {
	t   *testing.T
	dir string
	r   *Recorder
}

func newTree(t *testing.T) *tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"file": "text", "sub/a": "a", "sub/b": "b"} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	key := Key{cacheDir: filepath.Join(dir, ".cache"), dir: dir, args: []string{"make"}}
	// All was made long before make started.
	return &tree{t, dir, &Recorder{key: key, started: time.Now().Add(time.Hour), named: map[string]bool{}}}
}

func (w *tree) path(name string) string { return filepath.Join(w.dir, name) }

func (w *tree) stat(name string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Stat(w.path(name), &st)
	return &st, err
}

// looks are ways to look at a tree, by what they are called in the tests.
var looks = map[string]func(w *tree, name string){
	"lstat": func(w *tree, name string) {
		st, err := cache.Lstat(w.path(name))
		w.r.Lstat(w.dir, name, st, err)
	},
	"stat": func(w *tree, name string) {
		st, err := w.stat(name)
		w.r.Stat(w.dir, "./"+name, st, err)
	},
	"exists": func(w *tree, name string) {
		st, err := w.stat(name)
		w.r.Exists("", w.path(name), st, err)
	},
	"list": func(w *tree, name string) {
		st, err := w.stat(name)
		names, rerr := namesIn(w.path(name))
		if err == nil {
			err = rerr
		}
		w.r.Listing(w.dir, name, st, names, err)
	},
	"real": func(w *tree, name string) {
		real, err := realPathOf(w.path(name))
		w.r.RealPath(w.dir, name, real, err)
	},
}

// changes are what can happen to a tree.
var changes = map[string]func(dir string) error{
	"nothing":   func(string) error { return nil },
	"edit":      func(dir string) error { return os.WriteFile(dir+"/file", []byte("TEXT"), 0o644) },
	"touch":     func(dir string) error { return os.Chtimes(dir+"/file", time.Now(), time.Now()) },
	"chmod":     func(dir string) error { return os.Chmod(dir+"/file", 0o600) },
	"remove":    func(dir string) error { return os.Remove(dir + "/file") },
	"appear":    func(dir string) error { return os.WriteFile(dir+"/sub/c", nil, 0o644) },
	"directory": func(dir string) error { return os.Mkdir(dir+"/missing", 0o755) },
	"relink": func(dir string) error {
		if err := os.Remove(dir + "/link"); err != nil {
			return err
		}
		return os.Symlink("sub/a", dir+"/link")
	},
	"come and go": func(dir string) error {
		if err := os.WriteFile(dir+"/sub/c", nil, 0o644); err != nil {
			return err
		}
		return os.Remove(dir + "/sub/c")
	},
	"other directory": func(dir string) error {
		if err := os.Rename(dir+"/sub", dir+"/old"); err != nil {
			return err
		}
		return os.Mkdir(dir+"/sub", 0o755)
	},
}

func TestLooks(t *testing.T) {
	for _, c := range []struct {
		look, name string
		notices    []string
	}{
		{"lstat", "file", []string{"edit", "touch", "chmod", "remove"}},
		{"stat", "file", []string{"edit", "touch", "chmod", "remove"}},
		{"stat", "link", []string{"edit", "touch", "chmod", "remove", "relink"}},
		{"lstat", "link", []string{"relink"}},
		{"exists", "file", []string{"remove"}},
		{"exists", "missing", []string{"directory"}},
		{"lstat", "missing", []string{"directory"}},
		{"exists", "sub", []string{"other directory"}},
		{"lstat", "sub", []string{"other directory"}},
		{"list", "sub", []string{"appear", "other directory"}},
		{"stat", "sub/a", []string{"other directory"}},
		{"real", "link", []string{"relink", "remove"}},
	} {
		for change, apply := range changes {
			w := newTree(t)
			looks[c.look](w, c.name)
			w.r.Save(0)
			if err := apply(w.dir); err != nil {
				t.Fatal(err)
			}
			wanted := true
			for _, n := range c.notices {
				wanted = wanted && n != change
			}
			t.Chdir(w.dir)
			n, err := cache.OpenNullBuild(w.r.key.file())
			if err != nil {
				t.Fatalf("%s %s: %v", c.look, c.name, err)
			}
			if got := holds(&n.Looks); got != wanted {
				t.Errorf("%s %s, then %s: holds is %v", c.look, c.name, change, got)
			}
		}
	}
}

// A path that was found in two states is no ground to stand on; a directory may be
// busy as long as its names stay.
func TestLooksThatDiffer(t *testing.T) {
	for _, c := range []struct {
		look, name, change string
		recorded           bool
	}{
		{"stat", "file", "edit", false},
		{"stat", "file", "nothing", true},
		{"list", "sub", "come and go", true},
		{"list", "sub", "appear", false},
		{"exists", "missing", "directory", false},
	} {
		w := newTree(t)
		looks[c.look](w, c.name)
		if err := changes[c.change](w.dir); err != nil {
			t.Fatal(err)
		}
		looks[c.look](w, c.name)
		w.r.Save(0)
		_, err := os.Stat(w.r.key.file())
		if (err == nil) != c.recorded {
			t.Errorf("%s %s, %s, and again: recorded is %v", c.look, c.name, c.change, err == nil)
		}
	}
}

func TestRecentIsNotRecorded(t *testing.T) {
	w := newTree(t)
	w.r.started = time.Now()
	st, err := w.stat("file")
	st.Dev = 1 << 60 // a file system of which nothing is known
	w.r.Stat(w.dir, "file", st, err)
	paths, seen, _ := distinct(w.r.looks)
	if !recent([]string{"/nowhere/" + paths[0]}, seen, w.r.started) {
		t.Error("a file that was changed just now counts as settled")
	}
}

func TestSessionVariables(t *testing.T) {
	for name, want := range map[string]bool{"SSH_TTY": true, "_": true, "SHLVL": true, "PATH": false, "SSHX": false, "CFLAGS": false} {
		if ofSession(name) != want {
			t.Errorf("ofSession(%q) is %v", name, !want)
		}
	}
	for text, want := range map[string]bool{"x = $(SHLVL)": true, "$(.VARIABLES)": true, "all:": false} {
		if mentions([]byte(text), "SHLVL") != want {
			t.Errorf("mentions(%q) is %v", text, !want)
		}
	}
}

// What a command of $(shell) had in its environment comes back, with what the session
// has now.
func TestShellEnvironment(t *testing.T) {
	then := Key{env: []string{"A=1", "B=2", "SHLVL=1"}}
	env := []string{"A=1", "C=3", "SHLVL=1", "MAKEFLAGS=n -j2 --jobserver-auth=fifo:/gone -- X=1"}
	run := cache.ShellRun{Set: withoutJobserver(then.changed(env)), Unset: then.missing(env)}
	now := Key{env: []string{"A=1", "B=2", "SHLVL=7"}}
	got := now.environ(&run)
	want := []string{"A=1", "SHLVL=7", "C=3", "MAKEFLAGS=n -- X=1"}
	if len(got) != len(want) {
		t.Fatalf("environment %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("environment %q, want %q", got, want)
		}
	}
}
