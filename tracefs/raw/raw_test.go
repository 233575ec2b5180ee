package raw_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fmake/tracefs/raw"
)

// TestPaths uses names that fit on the stack and names that do not.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", strings.Repeat("b", 255), strings.Repeat("c", 200) + "/" + strings.Repeat("d", 200)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := raw.Lstat(path, &st); err != nil || st.Size != int64(len(name)) {
			t.Errorf("lstat %s: size %d, %v", name, st.Size, err)
		}
		fd, err := raw.Open(path, unix.O_RDONLY|unix.O_CLOEXEC)
		if err != nil {
			t.Errorf("open %s: %v", name, err)
			continue
		}
		buf := make([]byte, 1000)
		n, err := raw.ReadCached(fd, buf, 0)
		if err != nil && err != unix.EAGAIN && err != unix.EOPNOTSUPP {
			t.Errorf("read %s: %v", name, err)
		}
		if err == nil && string(buf[:n]) != name {
			t.Errorf("read %s: %q", name, buf[:n])
		}
		raw.Close(fd)
		if err := raw.Fstat(fd, &st); err != unix.EBADF {
			t.Errorf("closed descriptor: %v", err)
		}
		if err := os.Symlink(name, path+"x"); err != nil {
			continue // the name is as long as can be
		}
		if text, err := raw.Readlink(path + "x"); err != nil || text != name {
			t.Errorf("readlink: %q, %v", text, err)
		}
	}
	if err := raw.Stat(filepath.Join(dir, "none"), new(syscall.Stat_t)); err != unix.ENOENT {
		t.Errorf("stat of nothing: %v", err)
	}
}
