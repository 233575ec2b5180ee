package cache

import (
	"os"
	"path/filepath"
	"slices"
)

// NullBuildFile is the place of the file of a null build with this name.
func NullBuildFile(cacheDir, name string) string { return filepath.Join(cacheDir, "idle", name) }

// SweepNullBuilds removes the files of null builds that were used least recently until
// they take no more than limit bytes. One that is missed is made again.
func SweepNullBuilds(cacheDir string, limit int64) {
	entries, _ := os.ReadDir(filepath.Join(cacheDir, "idle"))
	infos := make([]os.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	total := int64(0)
	for _, info := range infos {
		if total += info.Size(); total > limit {
			_ = os.Remove(NullBuildFile(cacheDir, info.Name()))
		}
	}
}
