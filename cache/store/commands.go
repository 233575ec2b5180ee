package store

import (
	"os"
	"path/filepath"
	"time"
)

// Commands that are run by themselves come and go with every word on their command
// lines. So what they left is not kept for their sake, as the results of a tree's last
// build are, and what is known of one is forgotten when it was not run for long.

// commandLife is how long that is.
const commandLife = 60 * 24 * time.Hour

// forgetCommand removes the folder of a command's graph if nothing in it was touched for
// long, and tells whether it did.
func forgetCommand(graph string, now time.Time) (gone bool, err error) {
	dir := filepath.Dir(graph)
	files, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || now.Sub(info.ModTime()) < commandLife {
			return false, err
		}
	}
	return true, os.RemoveAll(dir)
}
