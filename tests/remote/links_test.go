package remote

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLinks keeps what speaks to remote caches out of all programs but the one that does:
// it takes long to start, and hears other machines.
func TestLinks(t *testing.T) {
	for program, links := range map[string]bool{"fmake": false, "fmake-engine": false, "frun": false, "fmake-worker": false, "fmake-program": false, "fmake-remote": true} {
		out, err := exec.Command("go", "list", "-deps", "fmake/cmd/"+program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "google.golang.org/grpc\n"); got != links {
			t.Errorf("%s links grpc: %v, want %v", program, got, links)
		}
	}
}
