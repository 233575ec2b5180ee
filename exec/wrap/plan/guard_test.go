package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatOthersMayChangeIsNotRootsAlone: a folder for temporary files is everybody's, and
// so nothing in it is root's alone.
func TestWhatOthersMayChangeIsNotRootsAlone(t *testing.T) {
	for _, path := range []string{"/", "/usr", "/usr/no-such-file/and/more"} {
		if err := rootsAlone(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, want := range map[string]string{
		"/tmp":          "/tmp: others than root may write to it",
		"/tmp/x":        "/tmp: others than root may write to it",
		"/proc/self/fd": "/proc/self: it is a link",
	} {
		if err := rootsAlone(path); err == nil || os.Geteuid() == 0 && err.Error() != want {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestThePlansOfOthersAreNotGuarded(t *testing.T) {
	dir := t.TempDir()
	p := sample()
	p.Tops = append(p.Tops, Top{filepath.Join(dir, "lib"), Folder})
	if err := p.Guard(); err == nil || strings.Contains(err.Error(), "/usr") {
		t.Errorf("got %v", err)
	}
}
