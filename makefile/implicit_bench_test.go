package makefile

import (
	"fmt"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"
)

// silent is a Prober for a world without archives.
type silent struct{}

func (silent) MemberExists(string) bool  { return false }
func (silent) Leftover(string) bool      { return false }
func (silent) Debugging() bool           { return false }
func (silent) Debug(int, string, ...any) {}

// mapHost is a Host over files in memory.
type mapHost struct {
	treeHost
	fs fstest.MapFS
}

func (h *mapHost) Stat(name string) (fs.FileInfo, error) { return h.fs.Stat(path.Clean(name)) }

func (h *mapHost) Lstat(name string) (fs.FileInfo, error) { return h.fs.Stat(path.Clean(name)) }

func (h *mapHost) ReadDir(name string) ([]string, error) {
	entries, err := h.fs.ReadDir(path.Clean(name))
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// BenchmarkImplicitSearch searches for a rule for each source of a big tree,
// as a null build does: none is found, with all the built-in rules tried.
func BenchmarkImplicitSearch(b *testing.B) {
	const dirs, perDir = 50, 100
	host := &mapHost{fs: fstest.MapFS{}}
	var names []string
	for d := range dirs {
		for i := range perDir {
			name := fmt.Sprintf("d%04d/f%06d.c", d, i)
			host.fs[name] = &fstest.MapFile{}
			names = append(names, name)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		db := New(host, Options{})
		db.InstallSuffixRules()
		files := make([]*File, len(names))
		for i, name := range names {
			files[i] = db.Enter(name)
		}
		db.Snap()
		for d := range dirs {
			db.Dirs().Exists(fmt.Sprintf("d%04d/x", d))
		}
		b.StartTimer()
		for _, f := range files {
			if db.TryImplicit(f, 0, silent{}) {
				b.Fatal("found a rule for " + f.Name)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/file")
}
