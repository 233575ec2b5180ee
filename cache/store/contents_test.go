package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fmake/cache"
)

// TestContents: small contents live in the store, large ones in files, and all
// in files when there is no store.
func TestContents(t *testing.T) {
	dir := cacheDir(t)
	s := open(t, dir)
	dead := connect(t, open(t, dir))
	dead.Close()
	for name, client := range map[string]*cache.Client{"store": connect(t, s), "no store": nil, "dead store": dead} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			blobs := cache.OpenBlobs(filepath.Join(tmp, "cache"), cache.BlobOptions{})
			c := cache.NewContents(blobs, client)
			for _, content := range []string{"", "small " + name, strings.Repeat("large", cache.SmallSize)} {
				src, dst := filepath.Join(tmp, "src"), filepath.Join(tmp, "dst")
				must(t, os.WriteFile(src, []byte(content), 0o644))
				h, size, err := c.PutFile(src, cache.Hash{})
				must(t, err)
				if size != int64(len(content)) || !c.Has(h) {
					t.Errorf("%.10q: size %d", content, size)
				}
				if inFile := blobs.Has(h); inFile != (name != "store" || len(content) >= cache.SmallSize) {
					t.Errorf("%.10q: in a file is %v", content, inFile)
				}
				_, err = c.Restore(h, dst, 0o600)
				must(t, err)
				if got, err := os.ReadFile(dst); err != nil || string(got) != content {
					t.Errorf("restored %.10q as %.10q, %v", content, got, err)
				}
				if got, err := c.Get(h); err != nil || string(got) != content {
					t.Errorf("got %.10q as %.10q, %v", content, got, err)
				}
			}
			missing := cache.HashString("missing")
			if _, err := c.Restore(missing, filepath.Join(tmp, "x"), 0o600); !errors.Is(err, fs.ErrNotExist) || c.Has(missing) {
				t.Errorf("missing: %v", err)
			}
		})
	}
}
