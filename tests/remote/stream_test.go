package remote

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// TestBrokenStreams has large contents come and go in streams that break off.
func TestBrokenStreams(t *testing.T) {
	for _, quirks := range []string{"", "breaks", "breaks zstd", "breaks zstd blake3"} {
		t.Run(quirks, func(t *testing.T) {
			s := startServer(t, strings.Fields(quirks)...)
			for i := range 3 {
				m, other := newMachine(t, s), newMachine(t, s)
				var text strings.Builder
				for text.Len() < 4200<<10 {
					fmt.Fprintln(&text, i, rand.Uint64())
				}
				content := text.String()
				r, _ := result(i)
				r.Duration, r.Procs = 60e9, nil
				r.Outputs = []cache.Output{{Path: "./large", Type: unix.S_IFREG, Mode: 0o644, Hash: cache.HashString(content), Size: int64(len(content))}}
				if _, err := m.contents.PutBytes([]byte(content)); err != nil {
					t.Fatal(err)
				}
				if err := m.client.PutTrace(r.FullKey, r.Strong, r); err != nil {
					t.Fatal(err)
				}
				if err := m.client.Flush(); err != nil {
					t.Fatal(err)
				}
				got, err := other.client.FarResult(r.Strong)
				if err != nil || got == nil {
					t.Fatalf("round %d: it is not there: %v; %v", i, err, s.Calls())
				}
				if data, err := other.contents.Get(r.Outputs[0].Hash); err != nil || string(data) != content {
					t.Errorf("round %d: the content is another: %v", i, err)
				}
				calls := s.Calls()
				if calls["Write"] == 0 || calls["Read"] == 0 || strings.Contains(quirks, "breaks") && (calls["Read"] < 2 || calls["QueryWriteStatus"] == 0) {
					t.Errorf("round %d: these calls were made: %v", i, calls)
				}
			}
		})
	}
}
