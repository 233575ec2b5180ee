package tests

import (
	"strings"
	"testing"
	"time"

	"fmake/tests/reapi"
)

// TestAwayFaults sends recipes to servers that fail in all ways that are known.
func TestAwayFaults(t *testing.T) {
	playFaults(t, "FMAKE_REMOTE_EXEC", append(deafServers(),
		fault{"sound", odd("")},
		fault{"killed", killedWorker},
		fault{"hang", odd("hang")},
		fault{"hangreads", odd("hangreads")},
		fault{"slow", odd("slow")},
		fault{"full", odd("full")},
		fault{"closed", odd("closed long")},
		fault{"garbage", odd("garbage")},
		fault{"garbage later", odd("nocaps garbage")},
		fault{"lies", odd("lies")},
		fault{"lies inline", odd("lies inline")},
		fault{"swaps", odd("swaps")},
		fault{"forgets", odd("forgets")},
		fault{"breaks", odd("breaks zstd")},
		fault{"blake3", odd("blake3 zstd inline")},
		fault{"readonly", odd("readonly")},
		fault{"noexec", odd("noexec")},
		fault{"mute", odd("mute")},
		fault{"stuck", odd("stuck")},
		fault{"mute stuck", odd("mute stuck")},
		fault{"fails", odd("fails")},
		fault{"toolate", odd("toolate")},
		fault{"sick", odd("sick")},
		fault{"extra", odd("extra")},
		fault{"drops", odd("drops")},
	))
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
