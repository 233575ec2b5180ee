package labels

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"fmake/tests/programs"
)

var (
	processes = flag.Int("labels.processes", 60, "how many processes look at one path at once")
	seconds   = flag.Int("labels.seconds", 3, "for how long")
)

// TestStorm has many processes open one path at once.
func TestStorm(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no C compiler")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip(err)
	} else {
		f.Close()
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	bin := filepath.Join(dir, "bin")
	must(t, programs.Into(bin))
	must(t, os.CopyFS(dir, os.DirFS("testdata")))
	for _, d := range []string{"app", "other", "lib"} {
		must(t, os.Mkdir(at(d), 0o755))
	}
	run := func(limit time.Duration, name string, args ...string) {
		t.Helper()
		cmd := exec.Command("timeout", append([]string{"--kill-after=5", strconv.Itoa(int(limit.Seconds())), name}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+at("cache"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		t.Logf("%s", out)
	}
	const some = time.Minute
	run(some, cc, "-O", "-o", "storm", "storm.c")
	for _, d := range []string{"app", "other"} {
		run(some, cc, "-O", "-o", d+"/reader", "reader.c")
	}
	libraries := func(text string) {
		must(t, os.WriteFile(at("single"), []byte(text), 0o644))
		must(t, os.WriteFile(at("lib/data"), []byte(text), 0o644))
	}
	libraries("old version")
	must(t, os.WriteFile(at("lib/gone"), nil, 0o644))
	run(some, filepath.Join(bin, "frun"), "label", "add", "storm", "--app", "app", "--lib", "lib", "single")
	libraries("new version, which is longer")
	must(t, os.Remove(at("lib/gone")))
	must(t, os.WriteFile(at("lib/come"), nil, 0o644))
	run(time.Duration(*seconds)*time.Second+5*some, filepath.Join(bin, "frun"), "--labels", "--", "./storm", strconv.Itoa(*processes), strconv.Itoa(*seconds))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
