package cache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantContent(t testing.TB, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %.40q (%v), want %.40q", path, got, err, content)
	}
}

func newBlobs(t testing.TB) (b *Blobs, dir string) {
	t.Helper()
	dir = t.TempDir()
	return OpenBlobs(filepath.Join(dir, "cache"), BlobOptions{}), dir
}

func TestBlobRoundTrip(t *testing.T) {
	b, dir := newBlobs(t)
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	for _, content := range []string{"", "x", string(bytes.Repeat([]byte("0123456789"), readPiece/4))} {
		writeFile(t, src, content)
		h, size, err := b.PutFile(src, Hash{})
		if err != nil {
			t.Fatal(err)
		}
		if h != HashString(content) || size != int64(len(content)) || !b.Has(h) {
			t.Errorf("kept %d bytes as %s, size %d", len(content), h, size)
		}
		st, err := b.Restore(h, dst, 0o751)
		if err != nil {
			t.Fatal(err)
		}
		if now, err := Lstat(dst); err != nil || now != st || st.Mode != unix.S_IFREG|0o751 {
			t.Errorf("stat %+v is not the file's %+v (%v)", st, now, err)
		}
		wantContent(t, dst, content)
		if got, err := b.Get(h); err != nil || string(got) != content {
			t.Errorf("get: %v", err)
		}
	}
	assertNoTemps(t, dir)
}

// assertNoTemps looks for forgotten temporary files.
func assertNoTemps(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ok, _ := filepath.Match(".fmake-*", filepath.Base(path)); ok {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
}

func TestBlobKnownHash(t *testing.T) {
	b, dir := newBlobs(t)
	src := filepath.Join(dir, "src")
	writeFile(t, src, "new")
	var changed *ChangedError
	if _, _, err := b.PutFile(src, HashString("old")); !errors.As(err, &changed) {
		t.Errorf("another content than the known one: %v", err)
	}
	if b.Has(HashString("old")) || b.Has(HashString("new")) {
		t.Error("it was kept")
	}
}

func TestBlobDurableReplacesDamaged(t *testing.T) {
	b, dir := newBlobs(t)
	src := filepath.Join(dir, "src")
	writeFile(t, src, "precious")
	h, _, err := b.PutFile(src, Hash{})
	if err != nil {
		t.Fatal(err)
	}
	damage(t, b, h)
	if _, _, err := b.PutDurable(src); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Get(h); err != nil || string(got) != "precious" {
		t.Errorf("%q %v", got, err)
	}
}

func damage(t testing.TB, b *Blobs, h Hash) {
	t.Helper()
	_, file := b.path(h)
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, "damaged")
}

func TestBlobDamaged(t *testing.T) {
	b, dir := newBlobs(t)
	dst := filepath.Join(dir, "dst")
	writeFile(t, dst, "as it was")
	for _, read := range []func(Hash) error{
		func(h Hash) error { _, err := b.Restore(h, dst, 0o644); return err },
		func(h Hash) error { _, err := b.Get(h); return err },
	} {
		h, err := b.PutBytes([]byte("content"))
		if err != nil {
			t.Fatal(err)
		}
		damage(t, b, h)
		var corrupt *CorruptError
		if err := read(h); !errors.As(err, &corrupt) {
			t.Errorf("damaged blob: %v", err)
		}
		if b.Has(h) {
			t.Error("the damaged blob was not dropped")
		}
		if err := read(h); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after that: %v", err)
		}
	}
	wantContent(t, dst, "as it was")
	assertNoTemps(t, dir)
}

// TestRestoreReplaces: what is at the destination is replaced as a name, not
// written through.
func TestRestoreReplaces(t *testing.T) {
	b, dir := newBlobs(t)
	h, err := b.PutBytes([]byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	victim, dst := filepath.Join(dir, "victim"), filepath.Join(dir, "dst")
	writeFile(t, victim, "victim")
	for _, make := range []func() error{
		func() error { return os.Symlink(victim, dst) },
		func() error { return os.Link(victim, dst) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Restore(h, dst, 0o644); err != nil {
			t.Fatal(err)
		}
		wantContent(t, dst, "content")
		wantContent(t, victim, "victim")
		os.Remove(dst)
	}
}

func TestRestoreNotThroughLinks(t *testing.T) {
	b, dir := newBlobs(t)
	h, err := b.PutBytes([]byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real")
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	through := filepath.Join(dir, "link", "x")
	for what, err := range map[string]error{
		"file":      second(b.Restore(h, through, 0o644)),
		"link":      RestoreLink("text", through),
		"hard link": RestoreHardLink(filepath.Join(dir, "real"), through),
	} {
		if !errors.Is(err, unix.ELOOP) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if names, _ := os.ReadDir(real); len(names) > 0 {
		t.Error("something was written through the link")
	}
}

func second[A any](_ A, err error) error { return err }

func TestRestoreLinks(t *testing.T) {
	dir := t.TempDir()
	a, b, s := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "s")
	writeFile(t, a, "content")
	for range 2 { // onto nothing, then onto itself
		if err := RestoreHardLink(a, b); err != nil {
			t.Fatal(err)
		}
		if err := RestoreLink("a", s); err != nil {
			t.Fatal(err)
		}
	}
	sa, _ := Lstat(a)
	if sb, _ := Lstat(b); sa != sb {
		t.Error("not the same file")
	}
	if text, _ := os.Readlink(s); text != "a" {
		t.Errorf("link to %q", text)
	}
	assertNoTemps(t, dir)
}

func TestBlobsReadOnly(t *testing.T) {
	b, dir := newBlobs(t)
	h, err := b.PutBytes([]byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	ro := OpenBlobs(filepath.Join(dir, "cache"), BlobOptions{ReadOnly: true})
	if _, err := ro.PutBytes([]byte("other")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
	damage(t, b, h)
	var corrupt *CorruptError
	if _, err := ro.Get(h); !errors.As(err, &corrupt) || !ro.Has(h) {
		t.Errorf("a damaged blob must be reported and left alone: %v", err)
	}
}

func TestBlobsConcurrent(t *testing.T) {
	b, dir := newBlobs(t)
	src := filepath.Join(dir, "src")
	writeFile(t, src, "the same content")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if _, _, err := b.PutFile(src, Hash{}); err != nil {
					t.Error(err)
				}
				if _, err := b.Restore(HashString("the same content"), filepath.Join(dir, "dst"), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantContent(t, filepath.Join(dir, "dst"), "the same content")
	assertNoTemps(t, dir)
}

func TestBlobNotRegular(t *testing.T) {
	b, dir := newBlobs(t)
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.PutFile(fifo, Hash{}); !errors.Is(err, ErrNotRegular) {
		t.Errorf("fifo: %v", err)
	}
	if _, err := NewHasher().HashFile(fifo); !errors.Is(err, ErrNotRegular) {
		t.Errorf("hash of fifo: %v", err)
	}
}
