package server_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tests/processes"
	"fmake/tracefs"
)

// until waits for something that must happen.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1200 {
		if f() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s does not happen", what)
}

// TestDaemon leaves a process in a view and ends the engine: the process lives
// on, sees what changes outside, and takes the engine with it when it ends.
func TestDaemon(t *testing.T) {
	b := newBench(t)
	b.put("in", "one\n")
	v := b.view()
	t.Setenv(processes.MarkVar, "daemon-"+strconv.Itoa(os.Getpid()))
	status, out := b.sh(v, `(while ! test -e stop; do cat in >seen.tmp; mv seen.tmp seen; sleep 0.05; done) </dev/null >/dev/null 2>&1 & test -e nothing || :`)
	if status != 0 {
		t.Fatal(out)
	}
	if r := b.finish(v); !r.Leftover {
		t.Error("nobody lives in the view")
	}
	seen := func(text string) func() bool {
		return func() bool {
			data, err := os.ReadFile(filepath.Join(b.dir, "seen"))
			return err == nil && string(data) == text
		}
	}
	until(t, "the daemon reading", seen("one\n"))
	b.put("in", "two, and longer\n")
	until(t, "the daemon seeing a change", seen("two, and longer\n"))
	if err := b.engine.Close(); err != nil {
		t.Error(err)
	}
	b.put("in", "three\n")
	until(t, "the daemon seeing a change after the engine's end", seen("three\n"))
	b.put("stop", "")
	until(t, "the daemon's end", func() bool { return len(processes.Marked(os.Getenv(processes.MarkVar))) == 0 })
}

// TestUnfinished ends the engine while an action runs: its processes end too.
func TestUnfinished(t *testing.T) {
	b := newBench(t)
	mark := "unfinished-" + strconv.Itoa(os.Getpid())
	p, err := b.view().Start(&tracefs.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "trap '' TERM INT HUP; sleep 1000 & echo >started; sleep 1000"},
		Env: append(os.Environ(), processes.MarkVar+"="+mark), Dir: b.dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "start", func() bool { _, err := os.Stat(b.dir + "/started"); return err == nil })
	if err := b.engine.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Wait(); err == nil {
		t.Error("waited for a command of an engine that has gone")
	}
	until(t, "the end of the command", func() bool { return len(processes.Marked(mark)) == 0 })
	journals, err := tracefs.ReadJournals(b.cache, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the engine's end", func() bool {
		journals, err = tracefs.ReadJournals(b.cache, func(string) bool { return false })
		return err == nil && len(journals) == 1
	})
	if j := journals[0]; j.ID != t.Name() || len(j.Writes) != 1 || j.Writes[0].Path != b.dir+"/started" || j.Writes[0].Before.Exists {
		t.Errorf("journal: %+v", j)
	}
}

// TestPoll lets a command wait for a file that somebody else makes.
func TestPoll(t *testing.T) {
	b := newBench(t)
	v := b.view()
	done := make(chan string, 1)
	go func() {
		time.Sleep(200 * time.Millisecond)
		done <- "made"
		_ = os.WriteFile(filepath.Join(b.dir, "flag"), nil, 0o644)
	}()
	if status, out := b.sh(v, `while ! test -e flag; do sleep 0.05; done`); status != 0 {
		t.Error(out)
	}
	<-done
	b.finish(v)
}

// TestSignals sends what a terminal sends to all processes of the group.
func TestSignals(t *testing.T) {
	b := newBench(t)
	v := b.view()
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP} {
		for _, pid := range enginesOf(os.Getpid()) {
			// Engines of earlier tests may be about to end.
			if err := unix.Kill(pid, sig); err != nil && err != unix.ESRCH {
				t.Error(err)
			}
		}
	}
	// Commands have the default for each of them.
	status, out := b.sh(v, `grep SigIgn /proc/self/status; kill -INT $$; sleep 5`)
	if status != 128+int(unix.SIGINT) {
		t.Errorf("status %d: %s", status, out)
	}
	if !strings.Contains(out, "0000000000000000") && os.Getenv("NOHUP") == "" {
		t.Logf("ignored signals: %s", out)
	}
	b.finish(v)
}

// enginesOf returns the engine processes that descend from a process.
func enginesOf(parent int) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		stat, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			args, _ := os.ReadFile(filepath.Dir(f) + "/cmdline")
			if strings.Contains(string(args), "fmake-engine\x00") {
				out = append(append(out, pid), enginesOf(pid)...)
			}
		}
	}
	return out
}

// TestLocksBetweenViews: a lock taken in one view excludes another view.
func TestLocksBetweenViews(t *testing.T) {
	have(t, "flock")
	b := newBench(t)
	b.put("lock", "")
	v, w := b.view(), b.view()
	held, err := v.Start(&tracefs.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "exec 9<lock; flock 9; echo >held; while ! test -e go; do sleep 0.05; done"},
		Env: os.Environ(), Dir: b.dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "lock", func() bool { _, err := os.Stat(b.dir + "/held"); return err == nil })
	if status, out := b.sh(w, `exec 9<lock; flock -n 9`); status != 1 {
		t.Errorf("locked twice: status %d %s", status, out)
	}
	b.put("go", "")
	if status, out := b.sh(w, `exec 9<lock; flock 9`); status != 0 {
		t.Errorf("not released: status %d %s", status, out)
	}
	if _, _, err := held.Wait(); err != nil {
		t.Error(err)
	}
	b.finish(v)
	b.finish(w)
}

// TestConnect joins the engine as a sub-make does.
func TestConnect(t *testing.T) {
	b := newBench(t)
	e, err := tracefs.Connect(b.engine.Name())
	if err != nil {
		t.Fatal(err)
	}
	b.put("a", "text\n")
	sub := *b
	sub.engine = e
	if got := sub.describe(sub.trace("cat a")); got != "a: exists content" {
		t.Errorf("got %s", got)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if got := b.describe(b.trace("cat a")); got != "a: exists content" {
		t.Errorf("got %s", got)
	}
}

func TestStartErrors(t *testing.T) {
	b := newBench(t)
	v := b.view()
	b.put("noexec", "#!/bin/sh\n")
	for name, want := range map[string]error{"./nothing": unix.ENOENT, "./noexec": unix.EACCES} {
		_, err := v.Start(&tracefs.Command{Path: name, Args: []string{name}, Dir: b.dir})
		if pe, ok := err.(*os.PathError); !ok || pe.Err != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.finish(v)
}

// TestLarge opens a large file of a system tree twice, and a small one: the client
// is told of the former, once.
func TestLarge(t *testing.T) {
	const large = "/usr/bin/bash"
	if st, err := os.Stat(large); err != nil || st.Size() < 1<<20 {
		t.Skip("no large bash here")
	}
	told := make(chan string, 100)
	b := newBenchWith(t, tracefs.Config{Large: func(path string) { told <- path }})
	for range 2 {
		v := b.view()
		if status, out := b.sh(v, "cat /etc/passwd "+large+" >/dev/null"); status != 0 {
			t.Fatal(out)
		}
		b.finish(v)
	}
	times := map[string]int{}
	until(t, "the news", func() bool {
		for len(told) > 0 {
			times[<-told]++
		}
		return times[large] > 0
	})
	if times[large] != 1 || times["/etc/passwd"] != 0 {
		t.Errorf("told %v", times)
	}
}
