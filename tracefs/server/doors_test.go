package server_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fmake/tracefs"
)

// start starts a command in a view.
func (b *bench) start(v *tracefs.View, args ...string) *tracefs.Process {
	b.t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer null.Close()
	p, err := v.Start(&tracefs.Command{
		Path: args[0], Args: args, Env: append(os.Environ(), roleVar+"=inside", insideVar+"="+b.dir),
		Dir: b.dir, Stdin: null, Stdout: null, Stderr: null,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// ends waits for a command.
func (b *bench) ends(p *tracefs.Process) {
	b.t.Helper()
	if status, _, err := p.Wait(); err != nil || status != 0 {
		b.t.Errorf("status %d, %v", status, err)
	}
}

// TestFIFOs: a named pipe connects views with each other, with the interpreter
// and with the world outside, and looks like one.
func TestFIFOs(t *testing.T) {
	b := newBench(t)
	v, w := b.view(), b.view()
	if status, out := b.sh(v, "mkfifo p; test -p p; test ! -L p; find p -type p | grep -q ."); status != 0 {
		t.Fatalf("status %d %s", status, out)
	}
	reader := b.start(v, "/bin/sh", "-ec", "exec 3<>p; for i in 1 2 3; do read x <&3; echo $x; done >got")
	if status, out := b.sh(w, "test -p p; echo view >p"); status != 0 {
		t.Errorf("status %d %s", status, out)
	}
	f, err := os.OpenFile(filepath.Join(b.dir, "p"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("outside\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
	if f, err = w.Open(b.dir, "p", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("interpreter\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
	b.ends(reader)
	if got, err := os.ReadFile(filepath.Join(b.dir, "got")); err != nil || string(got) != "view\noutside\ninterpreter\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if status, out := b.sh(w, "mv p q; test -p q; rm q; test ! -e q"); status != 0 {
		t.Errorf("status %d %s", status, out)
	}
	b.finish(v)
	b.finish(w)
}

// TestSockets: a view reaches a socket that was bound outside, in another view
// and in itself.
func TestSockets(t *testing.T) {
	b := newBench(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	outside, err := net.Listen("unix", filepath.Join(b.dir, "outside"))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	go answer(outside, 1)
	v, w := b.view(), b.view()
	server := b.start(v, self, "-test.run=^TestInsideListen$", "-test.timeout=60s")
	until(t, "listening", func() bool { _, err := os.Lstat(b.dir + "/ready"); return err == nil })
	for _, c := range []struct {
		view *tracefs.View
		name string
	}{{w, "outside"}, {w, "inside"}, {v, "inside"}} {
		args := []string{self, "-test.run=^TestInsideDial$", "-test.v", "-test.timeout=60s", c.name}
		if status, out := b.command(c.view, args, []string{roleVar + "=inside", insideVar + "=" + b.dir}); status != 0 || !strings.Contains(out, "--- PASS") {
			t.Errorf("%s: status %d %s", c.name, status, out)
		}
	}
	b.ends(server)
	b.finish(v)
	b.finish(w)
}

// answer says hello to so many connections.
func answer(l net.Listener, times int) {
	for range times {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "hello") // the other side tells
			c.Close()
		}
	}
}

func insideDir(t *testing.T) string {
	dir := os.Getenv(insideVar)
	if dir == "" {
		t.Skip("runs inside a view")
	}
	return dir
}

// TestInsideListen and TestInsideDial are what TestSockets runs.
func TestInsideListen(t *testing.T) {
	dir := insideDir(t)
	l, err := net.Listen("unix", dir+"/inside")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.WriteFile(dir+"/ready", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	answer(l, 2)
}

func TestInsideDial(t *testing.T) {
	dir := insideDir(t)
	c, err := net.Dial("unix", dir+"/"+os.Args[len(os.Args)-1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}
