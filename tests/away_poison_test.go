package tests

import (
	"flag"
	"math/rand/v2"
	"testing"

	"fmake/tests/reapi"
)

// awayPoisons is how often what a server keeps is damaged.
var awayPoisons = flag.Int("away.poisons", 24, "how often to damage what a server for remote execution keeps, and build")

// TestAwayPoison damages what the server keeps, in all ways, between builds on machines that
// know nothing: whatever comes back, the tree is right.
func TestAwayPoison(t *testing.T) {
	if why := fuseMissing(); why != "" || currentSetup().reference() {
		t.Skip("nothing can be traced here: " + why)
	}
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	setting := "FMAKE_REMOTE_EXEC=grpc://" + s.Addr()
	buildWith(t, setting, t.TempDir())
	sound := s.Snapshot()
	ways := reapi.Poisons()
	for i := range *awayPoisons {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		s.Restore(sound)
		way := ways[i%len(ways)]
		for range 1 + r.IntN(8) {
			s.Poison(way, r)
		}
		if _, warnings := buildWith(t, setting, t.TempDir()); len(warnings) > 1 {
			t.Errorf("%s: there are %d warnings", way, len(warnings))
		}
		if t.Failed() {
			t.Fatalf("poison %d: %s", i, way)
		}
	}
}
