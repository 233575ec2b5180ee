package recipe

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
)

// watchView tells when a program has started.
type watchView struct {
	hostView
	started chan proc.Process
}

func (w watchView) Start(c *proc.Command) (proc.Process, error) {
	p, err := w.hostView.Start(c)
	if err == nil {
		w.started <- p
	}
	return p, err
}

func mustParse(t testing.TB, text string) *Script {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// TestCancel interrupts a script: what runs is killed and nothing follows.
func TestCancel(t *testing.T) {
	for _, script := range []string{
		"sleep 1000; echo after", "sleep 1000 | cat; echo after", "x=$(sleep 1000); echo after",
		"(sleep 1000) || echo after", "for i in 1 2; do sleep 1000; done; echo after", "if sleep 1000; then echo a; else echo after; fi",
	} {
		for _, cause := range []error{nil, Interrupted{unix.SIGINT}} {
			s := mustParse(t, script)
			dir := t.TempDir()
			std, finish := capture(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			view := watchView{started: make(chan proc.Process, 9)}
			go func() {
				<-view.started
				cancel(cause)
			}()
			begin := time.Now()
			ws, err := RunScript(ctx, s, std, testEnv(dir), dir, view)
			want := unix.SIGTERM
			if cause != nil {
				want = unix.SIGINT
			}
			if err != nil || !ws.Signaled() || ws.Signal() != want {
				t.Errorf("%s: status %#x, %v, want signal %v", script, uint32(ws), err, want)
			}
			if d := time.Since(begin); d > 500*time.Second {
				t.Errorf("%s: was waited for", script)
			}
			if out, errs := finish(); out != "" || errs != "" {
				t.Errorf("%s: printed %q %q", script, out, errs)
			}
		}
	}
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	std, finish := capture(t)
	ws, err := RunScript(ctx, mustParse(t, "touch f; echo a > g"), std, testEnv(dir), dir, hostView{})
	finish()
	if err != nil || !ws.Signaled() {
		t.Errorf("status %#x, %v", uint32(ws), err)
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("ran: %v", names)
	}
}

// TestExtraFiles passes a descriptor through to every kind of child.
func TestExtraFiles(t *testing.T) {
	pr, pw, err := os.Pipe()
	must(t, err)
	defer pr.Close()
	_, err = pw.WriteString("abcd")
	must(t, err)
	pw.Close()
	dir := t.TempDir()
	std, finish := capture(t)
	std.Extra = []proc.ExtraFile{{FD: 5, File: pr}}
	get := "dd bs=1 count=1 if=/dev/fd/5 2>/dev/null"
	script := get + "; " + get + " | cat; (" + get + "); echo $(" + get + ")"
	ws, err := RunScript(t.Context(), mustParse(t, script), std, testEnv(dir), dir, hostView{})
	out, errs := finish()
	if err != nil || ws != 0 || out != "abcd\n" {
		t.Errorf("%#x %v %q %q", uint32(ws), err, out, errs)
	}
}

func TestUnsuitable(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		script string
		env    []string
		want   error
	}{
		{"echo a > f; ls", []string{"PATH=/bin", "CDPATH=/"}, ErrUnsuitable},
		{"echo a > f; ls", []string{"PATH=/bin", "OPTIND=3"}, ErrUnsuitable},
		{"echo a > f; ls", []string{"HOME=/"}, ErrUnsuitable},
		{"echo $HOME > f; ls", []string{"PATH=/bin"}, ErrUnsuitable},
		{"true; ls", []string{"PATH=/bin"}, nil},
		{"true; ls", []string{"PATH=/bin", "HOME", "=x", "a b=c"}, nil},
	} {
		std, finish := capture(t)
		_, err := RunScript(t.Context(), mustParse(t, tt.script), std, tt.env, dir, hostView{})
		finish()
		if !errors.Is(err, tt.want) {
			t.Errorf("%s with %q: %v, want %v", tt.script, tt.env, err, tt.want)
		}
		if names, _ := os.ReadDir(dir); len(names) > 0 {
			t.Errorf("%s with %q ran", tt.script, tt.env)
		}
	}
}

// TestBrokenPipe writes to a pipe that nobody reads: the shell dies of it,
// this process does not.
func TestBrokenPipe(t *testing.T) {
	dir := t.TempDir()
	for script, want := range map[string]unix.WaitStatus{
		"echo a; echo b >&2":                   unix.WaitStatus(unix.SIGPIPE),
		"(echo a); echo $? >&2; exit 3":        3 << 8,
		"echo a || echo failed >&2":            unix.WaitStatus(unix.SIGPIPE),
		"for i in 1 2; do echo $i; done; exit": unix.WaitStatus(unix.SIGPIPE),
	} {
		pr, pw, err := os.Pipe()
		must(t, err)
		pr.Close()
		std, finish := capture(t)
		saved := std.Out
		std.Out = pw
		ws, err := RunScript(t.Context(), mustParse(t, script), std, testEnv(dir), dir, hostView{})
		pw.Close()
		std.Out = saved
		_, errs := finish()
		if err != nil || ws != want || strings.Contains(errs, "failed") || strings.Contains(errs, "b") {
			t.Errorf("%s: %#x, %v, %q", script, uint32(ws), err, errs)
		}
	}
}

// TestLogicalDirectory keeps the name by which the directory was reached.
func TestLogicalDirectory(t *testing.T) {
	dir := scratch(t, t.TempDir())
	for _, tt := range []struct{ pwd, want string }{
		{dir + "/link", dir + "/link\n"},
		{dir + "/sub", dir + "/sub\n"},
		{"/", dir + "/sub\n"},
		{"/nonexistent", dir + "/sub\n"},
		{"sub", dir + "/sub\n"},
		{"", dir + "/sub\n"},
	} {
		std, finish := capture(t)
		_, err := RunScript(t.Context(), mustParse(t, "pwd; true"), std, []string{"PATH=/bin", "PWD=" + tt.pwd}, dir+"/sub", hostView{})
		out, _ := finish()
		if err != nil || out != tt.want {
			t.Errorf("PWD=%s: %q, %v", tt.pwd, out, err)
		}
	}
	std, finish := capture(t)
	_, err := RunScript(t.Context(), mustParse(t, "pwd; true"), std, []string{"PATH=/bin", "PWD=" + dir + "/./sub"}, dir+"/sub", hostView{})
	finish()
	if !errors.Is(err, ErrUnsuitable) {
		t.Errorf("unclean PWD: %v", err)
	}
}

// TestPrintingNeedsNoView: the view of an action comes into being when it is first asked,
// which for a script that only prints must not happen in the script's goroutine.
func TestPrintingNeedsNoView(t *testing.T) {
	dir := t.TempDir()
	for _, pwd := range []string{dir, os.TempDir(), "/nowhere", dir + "/."} {
		std, finish := capture(t)
		_, err := RunScript(t.Context(), mustParse(t, "echo one; printf '%s\\n' two; : three"), std, []string{"PATH=/bin", "PWD=" + pwd}, dir, nil)
		finish()
		if err != nil && !errors.Is(err, ErrUnsuitable) {
			t.Errorf("PWD=%s: %v", pwd, err)
		}
	}
}
