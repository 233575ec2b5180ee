package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBazel has Bazel use the server, so that what fmake is tested with is what other
// clients of the API take for a server, too: what it has built once is not built again.
func TestBazel(t *testing.T) {
	bazel, err := exec.LookPath("bazel")
	if err != nil {
		t.Skip("there is no bazel (bazel-bootstrap of Debian)")
	}
	s := startServer(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"WORKSPACE": "",
		"BUILD":     `genrule(name="g", outs=["small","large"], cmd="seq 10 >$(location small); seq 2000000 >$(location large)")`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, wanted := range []string{"UpdateActionResult", "Read"} {
		s.Calls()
		cmd := exec.Command(bazel, "--batch", "--output_user_root="+t.TempDir(), "build", "--remote_cache=grpc://"+s.Addr(), "//:g")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		calls := s.Calls()
		if calls[wanted] == 0 || i == 1 && calls["UpdateActionResult"] > 0 {
			t.Errorf("build %d made these calls: %v", i, calls)
		}
	}
}
