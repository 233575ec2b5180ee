package cache

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLend puts lent contents into their places, whether they are ready there or not, and
// whatever became of the places meanwhile.
func TestLend(t *testing.T) {
	const text = "content\n"
	for name, meanwhile := range map[string]func(dir string) error{
		"as it was":      func(string) error { return nil },
		"something else": func(dir string) error { return os.WriteFile(filepath.Join(dir, "f"), []byte("other\n"), 0o600) },
		"another folder": func(dir string) error {
			if err := os.Remove(dir); err != nil {
				return err
			}
			return os.Mkdir(dir, 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewContents(OpenBlobs(t.TempDir(), BlobOptions{}), nil)
			dir := filepath.Join(t.TempDir(), "dir")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			dst, h := filepath.Join(dir, "f"), HashString(text)
			giveBack := c.Lend([]byte(text))
			unstage := c.Stage(h, dst, 0o640)
			if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
				t.Errorf("it is there too soon: %v, %v", names, err)
			}
			if err := meanwhile(dir); err != nil {
				t.Fatal(err)
			}
			st, err := c.Restore(h, dst, 0o640)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(dst)
			if now, err2 := statPath(dst); err != nil || err2 != nil || string(got) != text || now != st || st.Mode&0o777 != 0o640 {
				t.Errorf("%q, %+v, told %+v; %v, %v", got, now, st, err, err2)
			}
			unstage()
			giveBack()
			if _, err := c.Restore(h, dst, 0o640); err == nil {
				t.Error("it is still lent")
			}
			if len(c.lent.lent)+len(c.lent.staged) > 0 {
				t.Error("something is kept")
			}
		})
	}
}
