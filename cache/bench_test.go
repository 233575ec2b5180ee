package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// bigGraph makes a graph of n compiles that read 60 system headers out of 200,
// 20 project headers out of 500, and a source of their own.
func bigGraph(b *testing.B, path string, n int) {
	b.Helper()
	g, err := Load(path)
	if err != nil {
		b.Fatal(err)
	}
	input := func(path string, ino int) Input {
		st := FileStat{Dev: 64769, Ino: uint64(ino), Size: 4000, Mtime: 17e17 + int64(ino), Ctime: 17e17 + int64(ino), Mode: unix.S_IFREG | 0o644}
		return Input{Path: path, Kind: InputContent, Mode: st.Mode, Hash: HashString(path), Stat: st}
	}
	for i := range n {
		tr := &Trace{Dir: ".", Recipe: "cc -O2 -Iinclude -c -o x.o x.c", Key: HashString(fmt.Sprint(i))}
		tr.Target = fmt.Sprintf("src/dir%03d/file%05d.o", i/100, i)
		tr.Inputs = append(tr.Inputs, input("./"+tr.Target[:len(tr.Target)-1]+"c", 1_000_000+i))
		for h := range 20 {
			k := (i/50*13 + h*(1+i%3)) % 500
			tr.Inputs = append(tr.Inputs, input(fmt.Sprintf("./include/project/h%03d.h", k), 10_000+k))
		}
		for h := range 200 {
			if (h+i%4)%3 == 0 {
				tr.Inputs = append(tr.Inputs, input(fmt.Sprintf("/usr/include/sys/h%03d.h", h), 20_000+h))
			}
		}
		tr.Outputs = []Output{{Path: "./" + tr.Target, Type: unix.S_IFREG, Mode: 0o644, Hash: tr.Key, Size: 9000, Stat: FileStat{Dev: 64769, Ino: uint64(2_000_000 + i), Size: 9000, Mtime: 17e17, Ctime: 17e17}}}
		g.Put(tr.Target, tr)
	}
	if err := g.Save(); err != nil {
		b.Fatal(err)
	}
	st, _ := Lstat(path)
	b.Logf("%d targets: %d bytes, %d strings, %d states, %d chunks", n, st.Size,
		g.img.strs.len(), g.img.states.len(), g.img.chunks.len())
}

func BenchmarkGraph(b *testing.B) {
	const n = 50_000
	path := filepath.Join(b.TempDir(), "graph")
	bigGraph(b, path, n)
	b.Run("load", func(b *testing.B) {
		for range b.N {
			if _, err := Load(path); err != nil {
				b.Fatal(err)
			}
		}
	})
	g, err := Load(path)
	if err != nil {
		b.Fatal(err)
	}
	names := g.Names()
	b.Run("check all", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			asked := 0
			c := g.NewChecker(func(*Input) bool { asked++; return true })
			for _, name := range names {
				e, ok := g.Entry(name)
				if !ok || c.Holds(&e, nil) != nil {
					b.Fatal(name)
				}
			}
			b.ReportMetric(float64(asked), "questions")
		}
	})
	b.Run("decode one", func(b *testing.B) {
		for i := range b.N {
			g.Target(names[i%n])
		}
	})
	b.Run("change one and save", func(b *testing.B) {
		for i := range b.N {
			g, err := Load(path)
			if err != nil {
				b.Fatal(err)
			}
			tr := g.Target(names[i%n])
			tr.Run = HashString(fmt.Sprint(i))
			g.Put(names[i%n], tr)
			if err := g.Save(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBlobs(b *testing.B) {
	for _, size := range []int{4 << 10, 100 << 10, 10 << 20} {
		dir := b.TempDir()
		blobs := OpenBlobs(filepath.Join(dir, "cache"), BlobOptions{})
		src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
		if err := os.WriteFile(src, bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o644); err != nil {
			b.Fatal(err)
		}
		var h Hash
		b.Run(fmt.Sprintf("put %d KiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for range b.N {
				blobs.Remove(h)
				var err error
				if h, _, err = blobs.PutFile(src, Hash{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("restore %d KiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for range b.N {
				os.Remove(dst)
				if _, err := blobs.Restore(h, dst, 0o644); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHashFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f")
	for _, size := range []int{4 << 10, 10 << 20} {
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d KiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for range b.N {
				if _, err := NewHasher().HashFile(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	h := NewHasher()
	b.Run("known", func(b *testing.B) {
		for range b.N {
			if _, err := h.HashFile(path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkJournal(b *testing.B) {
	dir := b.TempDir()
	j, _, err := openJournal(dir, "boot", newClaims(dir))
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		id, err := j.Begin(JournalRecord{Target: "src/file.o", Dir: "."})
		if err == nil {
			err = j.Done(id, true)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
