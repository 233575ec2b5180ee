package tests

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fmake/tests/reapi"
)

// farProject is built with remote caches that fail: 24 targets, one of which is large.
const farProject = `all: $(foreach n,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22,out$(n)) large sum
out%: in ; cat in >$@; echo $* >>$@
large: in ; cat in >$@; seq 200000 >>$@
sum: out1 large ; cat out1 large | cksum >$@
`

// TestRemoteFaults builds with remote caches that fail in all ways that are known.
func TestRemoteFaults(t *testing.T) {
	playFaults(t, "FMAKE_REMOTE_CACHE", append(deafServers(),
		fault{"killed", killed},
		fault{"hang", quirky("hang")},
		fault{"hangreads", quirky("hangreads")},
		fault{"slow", quirky("slow")},
		fault{"slow inline", quirky("slow inline")},
		fault{"full", quirky("full")},
		fault{"closed", quirky("closed long")},
		fault{"garbage", quirky("garbage")},
		fault{"lies", quirky("lies")},
		fault{"swaps", quirky("swaps inline")},
		fault{"forgets", quirky("forgets")},
		fault{"readonly", quirky("readonly")},
	))
}

// fault is a server that fails in one way.
type fault struct {
	name  string
	start func(t *testing.T) (url string)
}

// deafServers are no server at all, and what does not speak the protocol.
func deafServers() []fault {
	return []fault{
		{"none", func(*testing.T) string { return "off" }},
		{"nobody", nobody},
		{"noise", func(t *testing.T) string { return listen(t, noise) }},
		{"silence", func(t *testing.T) string { return listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) }},
		{"hangs up", func(t *testing.T) string { return listen(t, func(net.Conn) {}) }},
	}
}

// playFaults builds with one server after the other, which a variable names: the tree is
// right, and there is at most one warning. How much time was lost is logged.
func playFaults(t *testing.T, variable string, faults []fault) {
	t.Helper()
	if why := fuseMissing(); why != "" || currentSetup().reference() {
		t.Skip("nothing can be traced here: " + why)
	}
	var local time.Duration // of a build without
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			took, warnings := buildWith(t, variable+"="+fault.start(t), t.TempDir())
			t.Logf("took %v, %q", took, warnings)
			if fault.name == "none" {
				local = took
			}
			if len(warnings) > 1 {
				t.Errorf("there are %d warnings", len(warnings))
			}
			if local > 0 { // how much that may be is for a measurement, not for a test: see README
				t.Logf("%v were lost", took-local)
			}
		})
	}
}

// buildFar builds the project with a remote cache and an empty cache here, and checks what
// comes out.
func buildFar(t *testing.T, url, cacheDir string) (took time.Duration, warnings []string) {
	t.Helper()
	return buildWith(t, "FMAKE_REMOTE_CACHE="+url, cacheDir)
}

// buildWith does so with a setting.
func buildWith(t *testing.T, setting, cacheDir string) (took time.Duration, warnings []string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Makefile", farProject)
	write("in", "input\n")
	cmd := exec.Command(binary("fmake"), "-s", "-j2")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+cacheDir, setting, "FMAKEFLAGS=", "MAKEFLAGS=")
	var said strings.Builder
	cmd.Stderr = &said
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	took = time.Since(begun)
	for i := 1; i <= 22; i++ {
		checkFile(t, dir, fmt.Sprint("out", i), fmt.Sprintf("input\n%d\n", i))
	}
	var large strings.Builder
	large.WriteString("input\n")
	for i := 1; i <= 200000; i++ {
		fmt.Fprintln(&large, i)
	}
	checkFile(t, dir, "large", large.String())
	return took, strings.Split(strings.TrimSuffix(said.String(), "\n"), "\n")[:strings.Count(said.String(), "\n")]
}

func checkFile(t *testing.T, dir, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
		t.Errorf("%s is wrong: %d bytes, want %d; %v", name, len(got), len(want), err)
	}
}

// quirky starts a server that has all results, and then gets quirks.
func quirky(words string) func(t *testing.T) string {
	return func(t *testing.T) string {
		s := filled(t)
		q, err := reapi.ParseQuirks(strings.Fields(words))
		if err != nil {
			t.Fatal(err)
		}
		s.SetQuirks(q)
		return "grpc://" + s.Addr()
	}
}

// filled starts a server and gives it all results.
func filled(t *testing.T) *reapi.Server {
	t.Helper()
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if _, warnings := buildFar(t, "grpc://"+s.Addr(), t.TempDir()); len(warnings) > 0 {
		t.Fatalf("a sound server: %q", warnings)
	}
	if s.Results() < 24 {
		t.Fatalf("the server has %d results only", s.Results())
	}
	return s
}

// killed is a server that dies in the middle of a build.
func killed(t *testing.T) string {
	s := filled(t)
	s.Calls()
	go func() {
		for n := 0; n < 20; time.Sleep(time.Millisecond) {
			n += s.Calls()["GetActionResult"]
		}
		s.Stop()
	}()
	return "grpc://" + s.Addr()
}

// nobody is a place where nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "grpc://" + l.Addr().String()
}

// listen starts what is no server of the API at all.
func listen(t *testing.T, speak func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				speak(c)
			}()
		}
	}()
	return "grpc://" + l.Addr().String()
}

// noise sends anything.
func noise(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		for i := range buf {
			buf[i] = byte(rand.Uint32())
		}
		if _, err := c.Write(buf); err != nil {
			return
		}
	}
}
