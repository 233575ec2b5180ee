package server

import (
	"os"
	"path/filepath"
	"testing"

	"fmake/tracefs"
)

// Nobody who looks for what dead engines have left takes the journal of a living one for
// that, not even at the moment when it appears.
func TestJournalOfLivingEngine(t *testing.T) {
	cacheDir := t.TempDir()
	folder := &preimages{dir: filepath.Join(cacheDir, "pre", "1")}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for view := range uint32(2000) {
			j := &journal{folder: folder, path: tracefs.JournalOf(folder.dir, view), head: tracefs.Journal{ID: "x"}}
			j.add("/made", &written{})
			if !j.used() {
				t.Error("a journal could not be written")
				return
			}
			os.Remove(j.path)
			j.close()
		}
	}()
	for {
		found, err := tracefs.ReadJournals(cacheDir, func(string) bool { return false })
		if err != nil || len(found) > 0 {
			t.Fatalf("found %v, %v", found, err)
		}
		select {
		case <-ended:
			if err := tracefs.RemoveDead(folder.dir); err != nil || folder.make() != nil {
				t.Error(err)
			}
			if _, err := os.Stat(folder.dir); err != nil {
				t.Error("the folder of a living engine was removed: ", err)
			}
			return
		default:
		}
	}
}
