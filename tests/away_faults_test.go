package tests

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fmake/tests/reapi"
)

// TestAwayFaults sends recipes to servers that fail in all ways that are known: the tree is
// right, and there is at most one warning. How much time was lost is logged.
func TestAwayFaults(t *testing.T) {
	if why := fuseMissing(); why != "" || currentSetup().reference() {
		t.Skip("nothing can be traced here: " + why)
	}
	var local time.Duration // of a build that sends nothing
	for _, fault := range []struct {
		name  string
		start func(t *testing.T) (url string)
	}{
		{"none", func(*testing.T) string { return "off" }},
		{"sound", odd("")},
		{"nobody", nobody},
		{"noise", func(t *testing.T) string { return listen(t, noise) }},
		{"silence", func(t *testing.T) string { return listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) }},
		{"hangs up", func(t *testing.T) string { return listen(t, func(net.Conn) {}) }},
		{"killed", killedWorker},
		{"hang", odd("hang")},
		{"hangreads", odd("hangreads")},
		{"slow", odd("slow")},
		{"full", odd("full")},
		{"closed", odd("closed long")},
		{"garbage", odd("garbage")},
		{"garbage later", odd("nocaps garbage")},
		{"lies", odd("lies")},
		{"lies inline", odd("lies inline")},
		{"swaps", odd("swaps")},
		{"forgets", odd("forgets")},
		{"breaks", odd("breaks zstd")},
		{"blake3", odd("blake3 zstd inline")},
		{"readonly", odd("readonly")},
		{"noexec", odd("noexec")},
		{"mute", odd("mute")},
		{"stuck", odd("stuck")},
		{"mute stuck", odd("mute stuck")},
		{"fails", odd("fails")},
		{"toolate", odd("toolate")},
		{"sick", odd("sick")},
		{"extra", odd("extra")},
		{"drops", odd("drops")},
	} {
		t.Run(fault.name, func(t *testing.T) {
			took, warnings := buildWith(t, "FMAKE_REMOTE_EXEC="+fault.start(t), t.TempDir())
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

// odd starts a server with quirks.
func odd(words string) func(t *testing.T) string {
	return func(t *testing.T) string {
		q, err := reapi.ParseQuirks(strings.Fields(words))
		if err != nil {
			t.Fatal(err)
		}
		s, err := reapi.Start("127.0.0.1:0", q, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return "grpc://" + s.Addr()
	}
}

// killedWorker is a server that dies while recipes run there.
func killedWorker(t *testing.T) string {
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	go func() {
		for n := 0; n < 5; time.Sleep(time.Millisecond) {
			n, _ = s.Ran()
		}
		s.Stop()
	}()
	return "grpc://" + s.Addr()
}
