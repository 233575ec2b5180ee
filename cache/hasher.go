package cache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// readPiece is how much of a file is read at once. Files are read, never
// mapped: a mapped file that somebody truncates kills the process.
const readPiece = 256 << 10

// hashTries is how often a file that changes while it is read is read again.
const hashTries = 3

// FileHash is the content of a file, with the stat under which it was read.
type FileHash struct {
	Hash Hash
	Stat FileStat
	// Racy says that the file was changed so shortly before it was read that a
	// further write could leave the same Stat: it must not be kept as proof of
	// the content. Settle reads such files again.
	Racy bool
}

// StatEntry is one line of a persisted stat cache. Path is for people and for
// pruning; the stat alone is the key.
type StatEntry struct {
	Path string
	Stat FileStat
	Hash Hash
}

// statKey is what the stat cache keys on.
type statKey struct {
	dev, ino           uint64
	size, mtime, ctime int64
}

func keyOf(s FileStat) statKey { return statKey{s.Dev, s.Ino, s.Size, s.Mtime, s.Ctime} }

// Hasher hashes files, each state of a file once. It is safe for concurrent
// use. The zero Hasher is not usable; see NewHasher.
type Hasher struct {
	grain  *grains
	now    func() time.Time
	pieces pieces

	mu      sync.Mutex
	known   map[statKey]Hash
	sources []func(FileStat) (Hash, bool)
	fresh   []StatEntry
	racy    map[string]struct{} // paths to read again in Settle
}

// NewHasher returns a Hasher that knows nothing yet.
func NewHasher() *Hasher {
	return &Hasher{
		grain: newGrains(),
		now:   time.Now,
		known: map[statKey]Hash{},
		racy:  map[string]struct{}{},
	}
}

// AddSource lets f, a persisted stat cache, answer for states that are not in
// memory. Sources are asked in the order in which they were added.
func (h *Hasher) AddSource(f func(FileStat) (Hash, bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sources = append(h.sources, f)
}

// Known returns the content of the file with this stat, if it was ever hashed.
func (h *Hasher) Known(st FileStat) (Hash, bool) {
	h.mu.Lock()
	hash, ok := h.known[keyOf(st)]
	sources := h.sources
	h.mu.Unlock()
	if ok {
		return hash, true
	}
	for _, source := range sources {
		if hash, ok := source(st); ok {
			h.Learn(st, hash)
			return hash, true
		}
	}
	return Hash{}, false
}

// Learn notes the content of the file with this stat. The caller vouches for it.
func (h *Hasher) Learn(st FileStat, hash Hash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[keyOf(st)] = hash
}

// Dirty reports whether anything was read from files since the last call of Fresh.
func (h *Hasher) Dirty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.fresh) > 0
}

// Fresh returns what was read from files since the last call and may be kept.
func (h *Hasher) Fresh() []StatEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh := h.fresh
	h.fresh = nil
	return fresh
}

// KnownFile is HashFile if that need not read the file at path.
func (h *Hasher) KnownFile(path string) (FileHash, bool) {
	st, err := statPath(path)
	if err != nil {
		return FileHash{}, false
	}
	hash, ok := h.Known(st)
	return FileHash{Hash: hash, Stat: st}, ok
}

// HashFile returns the content of the regular file at path, following links.
// Whether it is read or known already, the stat is of the state that was hashed.
func (h *Hasher) HashFile(path string) (FileHash, error) {
	if known, ok := h.KnownFile(path); ok {
		return known, nil
	}
	// O_NONBLOCK: a fifo that nobody writes to must not hold us.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return FileHash{}, err
	}
	defer f.Close()
	return h.HashOpen(f)
}

// HashOpen returns the content of an open regular file. The file's position is
// not used.
func (h *Hasher) HashOpen(f *os.File) (FileHash, error) {
	for range hashTries {
		r, settled, err := h.hashOnce(f)
		if err != nil || settled {
			return r, err
		}
	}
	return FileHash{}, &ChangedError{f.Name()}
}

// hashOnce reads f between two stats. settled is false when they differ.
func (h *Hasher) hashOnce(f *os.File) (r FileHash, settled bool, err error) {
	start := h.now()
	before, err := statFile(f)
	if err != nil {
		return FileHash{}, false, err
	}
	if before.Mode&unix.S_IFMT != unix.S_IFREG {
		return FileHash{}, false, fmt.Errorf("hash %s: %w", f.Name(), ErrNotRegular)
	}
	if hash, ok := h.Known(before); ok {
		return FileHash{Hash: hash, Stat: before}, true, nil
	}
	hash, err := h.pieces.hash(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return FileHash{}, false, fmt.Errorf("hash %s: %w", f.Name(), err)
	}
	after, err := statFile(f)
	if err != nil {
		return FileHash{}, false, err
	}
	if !after.Same(before) {
		return FileHash{}, false, nil
	}
	r = FileHash{Hash: hash, Stat: before, Racy: h.grain.racy(f, before, start)}
	h.note(f.Name(), r)
	return r, true, nil
}

// note puts what was read into the cache, or on the list for Settle.
func (h *Hasher) note(path string, r FileHash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Racy {
		h.racy[path] = struct{}{}
		return
	}
	delete(h.racy, path)
	h.known[keyOf(r.Stat)] = r.Hash
	h.fresh = append(h.fresh, StatEntry{path, r.Stat, r.Hash})
}

// Settle reads again, once, the files that were racy when they were hashed, so
// that their state can be kept. It is meant for the end of a build.
func (h *Hasher) Settle() {
	h.mu.Lock()
	paths := make([]string, 0, len(h.racy))
	for p := range h.racy {
		paths = append(paths, p)
	}
	clear(h.racy)
	h.mu.Unlock()
	h.HashFiles(paths, func(int, FileHash, error) {})
}

// HashFiles hashes many files, as many at a time as there are processors. each
// is called once for every path, concurrently.
func (h *Hasher) HashFiles(paths []string, each func(i int, r FileHash, err error)) {
	workers := min(runtime.GOMAXPROCS(0), len(paths))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return
				}
				r, err := h.HashFile(paths[i])
				each(i, r, err)
			}
		})
	}
	wg.Wait()
}

// HashAll hashes r to its end, and tells how much that was.
func HashAll(r io.Reader) (h Hash, size int64, err error) {
	hasher := blake3.New()
	size, err = io.Copy(hasher, r)
	return sum(hasher), size, err
}

// pieces lends the memory that files are read into, which is much more than most of them
// are long. It is safe for concurrent use.
type pieces struct{ pool sync.Pool }

// hash hashes r to its end.
func (p *pieces) hash(r io.Reader) (Hash, error) {
	buf, ok := p.pool.Get().(*[readPiece]byte)
	if !ok {
		buf = new([readPiece]byte)
	}
	defer p.pool.Put(buf)
	n, err := io.ReadFull(r, buf[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return HashBytes(buf[:n]), nil
	}
	hasher := blake3.New()
	for {
		if err != nil && !errors.Is(err, io.EOF) {
			return Hash{}, err
		}
		hasher.Write(buf[:n])
		if err != nil {
			return sum(hasher), nil
		}
		n, err = r.Read(buf[:])
	}
}
