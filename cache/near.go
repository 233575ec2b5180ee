package cache

import (
	"encoding/binary"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// # What is near
//
// To have a result from the store takes an engine, which takes longer to start than most
// results take to be put back. So each tree has copies, in a file that a make reads itself,
// of what its builds have given to the store: small contents, which are no files, and the
// results of its targets, of which the graph holds those in force alone. Who cleans and
// builds, or goes back to a state of the sources that was built before, needs no engine.
//
// The file is a log of frames as those of the journal. Any number of processes append to
// it without a lock, one write(2) for each entry. Nothing hangs on it: it is not synced,
// what is torn is passed over, contents are held against their hashes and results are
// judged as those of the store are, and what is not there the store has.

// The log is written anew, with what counts, when it has grown to twice the size that it had
// then. smallNear is a size that is never too large, maxNear one that always is; pastResults
// is how many results of a target count.
const (
	smallNear   = 2 << 20
	maxNear     = 32 << 20
	pastResults = 4
)

// The kinds of entries.
const (
	nearSmall  = 's' // hash, content
	nearResult = 'r' // target, full key, strong key, encoded trace
	nearBegin  = 'b' // size of the log when it was written anew; the first entry
)

// Near holds the copies of one tree. It is safe for concurrent use.
type Near struct {
	path string

	mu      sync.Mutex
	file    *os.File // nil until something is written
	broken  bool     // it cannot be written
	size    int64
	limit   int64 // the size from which it is to be written anew
	loaded  bool
	small   map[Hash]string
	results map[string][]pastResult // by target, the newest last
}

type pastResult struct {
	full, strong Hash
	trace        string
	frame        []byte // all of the entry, whose checksum is looked at when it is used
}

// Near returns the copies that the graph's tree has. Nothing is read before it is needed.
func (g *Graph) Near() *Near { return newNear(filepath.Dir(g.path)) }

func newNear(tree string) *Near { return &Near{path: filepath.Join(tree, "near")} }

// NearFile is what one tree has near.
type NearFile struct {
	Path string
	Size int64
	Used time.Time // when a build last left something in the tree
}

// NearFiles lists what all trees have near. Each may be removed at any time.
func NearFiles(cacheDir string) []NearFile {
	trees, _, err := filesNamed(cacheDir, "near")
	if err != nil {
		return nil // for a folder that no pattern can name
	}
	var files []NearFile
	for _, path := range trees {
		st, err := os.Stat(path)
		if err != nil {
			continue // gone in between
		}
		f := NearFile{path, st.Size(), st.ModTime()}
		if st, err := os.Stat(filepath.Join(filepath.Dir(path), "graph")); err == nil && st.ModTime().After(f.Used) {
			f.Used = st.ModTime()
		}
		files = append(files, f)
	}
	return files
}

// Small returns a small content.
func (n *Near) Small(h Hash) ([]byte, bool) {
	text, ok := n.smallText(h)
	if !ok {
		return nil, false
	}
	return []byte(text), true
}

// HasSmall reports whether Small would find a content.
func (n *Near) HasSmall(h Hash) bool {
	_, ok := n.smallText(h)
	return ok
}

func (n *Near) smallText(h Hash) (string, bool) {
	n.mu.Lock()
	n.load()
	text, ok := n.small[h]
	n.mu.Unlock()
	return text, ok && HashString(text) == h
}

// PutSmall keeps a small content.
func (n *Near) PutSmall(h Hash, data []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.small[h]; ok {
		return
	}
	n.append(nearSmall, func(w *writer) { w.hash(h); w.b = append(w.b, data...) })
}

// Results yields the results of a target that its recipe had as it is, the newest first,
// but the one in force last: most often it is known not to hold.
func (n *Near) Results(target string, full, inForce Hash) iter.Seq[*Trace] {
	n.mu.Lock()
	n.load()
	past := slices.Clone(n.results[target])
	n.mu.Unlock()
	if i := slices.IndexFunc(past, func(p pastResult) bool { return p.strong == inForce }); i > 0 {
		p := past[i]
		past = slices.Insert(slices.Delete(past, i, i+1), 0, p)
	}
	return func(yield func(*Trace) bool) {
		for _, p := range slices.Backward(past) {
			if p.full != full {
				continue
			}
			if _, whole := unseal(p.frame); !whole {
				continue
			}
			t, err := decodeTrace(p.trace)
			if err == nil && t.FullKey == full && t.Strong == p.strong && !yield(t) {
				return
			}
		}
	}
}

// PutResult keeps a result of a target, as EncodeTrace has written it.
func (n *Near) PutResult(target string, t *Trace, encoded []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.append(nearResult, func(w *writer) {
		w.str(target)
		w.hash(t.FullKey)
		w.hash(t.Strong)
		w.b = append(w.b, encoded...)
	})
}

// load reads the log, once. What others append later is not seen.
func (n *Near) load() {
	if n.loaded {
		return
	}
	n.loaded = true
	n.small, n.results = make(map[Hash]string), make(map[string][]pastResult)
	// The file is mapped, since that takes no memory: nobody makes it shorter, who writes
	// it anew replaces it.
	data, err := mapOwn(n.path)
	if err != nil {
		return // there is none, or the store has to do
	}
	// Most of it nobody asks for, so entries are held against their checksums when they are
	// used; the last one, and all from one on that does not end where another begins, now.
	for len(data) > 0 {
		frame, ok := frameAt(data)
		if !ok {
			wholeFrames(data, n.enter)
			return
		}
		n.enter(frame)
		data = data[len(frame):]
	}
}

// enter takes in one entry with its frame.
func (n *Near) enter(frame []byte) {
	entry := frame[frameHead : len(frame)-4]
	if h, data, ok := readSmall(entry); ok {
		n.small[h] = data
		return
	}
	target, p, ok := readResult(entry)
	if !ok {
		return
	}
	p.frame = frame
	past := slices.DeleteFunc(n.results[target], func(o pastResult) bool { return o.strong == p.strong })
	n.results[target] = append(past[max(0, len(past)+1-pastResults):], p)
}

// append writes one entry.
func (n *Near) append(kind byte, body func(*writer)) {
	if n.file == nil && !n.open() {
		return
	}
	frame := frameEntry(kind, body)
	if n.size+int64(len(frame)) > n.limit && !n.shorten() {
		return
	}
	if _, err := n.file.Write(frame); err != nil {
		n.broken = true // the disk is full, say
		_ = n.close()
		return
	}
	n.size += int64(len(frame))
	if n.loaded {
		n.enter(frame)
	}
}

// open opens the log for writing, if it can be.
func (n *Near) open() bool {
	if n.broken {
		return false
	}
	n.broken = true
	if os.MkdirAll(filepath.Dir(n.path), 0o700) != nil {
		return false
	}
	f, err := os.OpenFile(n.path, os.O_CREATE|os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return false
	}
	st, err := statFile(f)
	if err != nil {
		f.Close()
		return false
	}
	n.file, n.size, n.limit, n.broken = f, st.Size, nearLimit(f), false
	return true
}

// nearLimit returns the size up to which a log may grow.
func nearLimit(f *os.File) int64 {
	head := make([]byte, len(frameBegin(0)))
	var size uint64
	if n, err := f.ReadAt(head, 0); err == nil {
		frames(head[:n], func(entry []byte) {
			if entry[0] == nearBegin && len(entry) == 9 {
				size = binary.LittleEndian.Uint64(entry[1:])
			}
		})
	}
	return int64(max(smallNear, min(2*min(size, maxNear), maxNear)))
}

func frameBegin(size int) []byte {
	return frameEntry(nearBegin, func(w *writer) { w.b = binary.LittleEndian.AppendUint64(w.b, uint64(size)) })
}

func (n *Near) close() error {
	err := n.file.Close()
	n.file = nil
	return err
}

// shorten leaves what counts. What another process appends meanwhile is lost to it, which
// does no harm.
func (n *Near) shorten() bool {
	data, err := io.ReadAll(io.NewSectionReader(n.file, 0, 1<<62))
	_ = n.close()
	if err == nil {
		kept := counting(data, maxNear/2)
		_, err = replaceFile(n.path, append(frameBegin(len(kept)), kept...))
	}
	if err != nil {
		n.broken = true
		return false
	}
	return n.open()
}

// counting returns the entries of a log that count, the newest of them if they are larger
// than size together: the last results of each target, and the contents that these left.
func counting(data []byte, size int) []byte {
	var list [][]byte
	frames(data, func(entry []byte) { list = append(list, entry) })
	counts := make([]bool, len(list))
	results, named, seen := make(map[string]int), make(map[Hash]bool), make(map[string]bool)
	for i, entry := range slices.Backward(list) {
		target, p, ok := readResult(entry)
		if id := target + string(p.strong[:]); ok && !seen[id] && results[target] < pastResults {
			t, err := decodeTrace(p.trace)
			if err != nil {
				continue
			}
			seen[id], counts[i] = true, true
			results[target]++
			for j := range t.Outputs {
				named[t.Outputs[j].Hash] = true
			}
		}
	}
	var kept [][]byte
	for i, entry := range slices.Backward(list) {
		if h, _, ok := readSmall(entry); ok && named[h] {
			counts[i], named[h] = true, false
		}
		if !counts[i] {
			continue
		}
		frame := frameEntry(entry[0], func(w *writer) { w.b = append(w.b, entry[1:]...) })
		if size -= len(frame); size < 0 {
			break
		}
		kept = append(kept, frame)
	}
	slices.Reverse(kept)
	return slices.Concat(kept...)
}

// readSmall reads an entry that holds a content.
func readSmall(entry []byte) (h Hash, data string, ok bool) {
	r := reader{s: textOf(entry)}
	if r.byte() != nearSmall {
		return h, "", false
	}
	h = r.hash()
	return h, r.s, !r.bad
}

// readResult reads an entry that holds a result.
func readResult(entry []byte) (target string, p pastResult, ok bool) {
	r := reader{s: textOf(entry)}
	if r.byte() != nearResult {
		return "", p, false
	}
	target = r.str()
	p = pastResult{full: r.hash(), strong: r.hash()}
	p.trace = r.s
	return target, p, !r.bad
}

// Close ends the use of the log.
func (n *Near) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file == nil {
		return nil
	}
	n.broken = true
	return n.close()
}
