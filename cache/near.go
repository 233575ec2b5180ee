package cache

import (
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

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

// maxNear is the size from which the log is cut to its newer half, pastResults how many
// results of a target count.
const (
	maxNear     = 32 << 20
	pastResults = 4
)

// The kinds of entries.
const (
	nearSmall  = 's' // hash, content
	nearResult = 'r' // target, full key, strong key, encoded trace
)

// Near holds the copies of one tree. It is safe for concurrent use.
type Near struct {
	path string

	mu      sync.Mutex
	file    *os.File // nil until something is written
	broken  bool     // it cannot be written
	size    int64
	loaded  bool
	small   map[Hash]string
	results map[string][]pastResult // by target, the newest last
}

type pastResult struct {
	full, strong Hash
	trace        string
}

// Near returns the copies that the graph's tree has. Nothing is read before it is needed.
func (g *Graph) Near() *Near { return newNear(filepath.Dir(g.path)) }

func newNear(tree string) *Near { return &Near{path: filepath.Join(tree, "near")} }

// Small returns a small content.
func (n *Near) Small(h Hash) ([]byte, bool) {
	n.mu.Lock()
	n.load()
	data, ok := n.small[h]
	n.mu.Unlock()
	if !ok || HashString(data) != h {
		return nil, false
	}
	return []byte(data), true
}

// HasSmall reports whether Small would find a content.
func (n *Near) HasSmall(h Hash) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.load()
	data, ok := n.small[h]
	return ok && HashString(data) == h
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
	data, _, err := readRaw(n.path)
	if err != nil {
		return // there is none, or the store has to do
	}
	frames(data, n.enter)
}

// enter takes in one entry, the kind and what follows.
func (n *Near) enter(entry []byte) {
	r := reader{s: textOf(entry)}
	switch r.byte() {
	case nearSmall:
		if h := r.hash(); !r.bad {
			n.small[h] = r.s
		}
	case nearResult:
		target := r.str()
		p := pastResult{full: r.hash(), strong: r.hash()}
		if r.bad {
			return
		}
		p.trace = r.s
		past := slices.DeleteFunc(n.results[target], func(o pastResult) bool { return o.strong == p.strong })
		n.results[target] = append(past[max(0, len(past)+1-pastResults):], p)
	}
}

// append writes one entry.
func (n *Near) append(kind byte, body func(*writer)) {
	if n.file == nil && !n.open() {
		return
	}
	frame := frameEntry(kind, body)
	if n.size+int64(len(frame)) > maxNear && !n.shorten() {
		return
	}
	if _, err := n.file.Write(frame); err != nil {
		n.broken = true // the disk is full, say
		n.close()
		return
	}
	n.size += int64(len(frame))
	if n.loaded {
		frames(frame, n.enter)
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
	n.file, n.size, n.broken = f, st.Size, false
	return true
}

func (n *Near) close() {
	n.file.Close()
	n.file = nil
}

// shorten leaves the newest entries, of half the size that the log may have. What another
// process appends meanwhile is lost to it, which does no harm.
func (n *Near) shorten() bool {
	data, err := io.ReadAll(io.NewSectionReader(n.file, 0, 1<<62))
	n.close()
	if err == nil {
		_, err = replaceFile(n.path, newest(data, maxNear/2))
	}
	if err != nil {
		n.broken = true
		return false
	}
	return n.open()
}

// newest returns the last entries of a log, of each name the last, that are no larger than
// size together.
func newest(data []byte, size int) []byte {
	var list [][]byte
	frames(data, func(entry []byte) { list = append(list, entry) })
	seen := make(map[string]bool)
	var kept [][]byte
	for _, entry := range slices.Backward(list) {
		if id := nearID(entry); id != "" && !seen[id] {
			frame := frameEntry(entry[0], func(w *writer) { w.b = append(w.b, entry[1:]...) })
			if size -= len(frame); size < 0 {
				break
			}
			seen[id], kept = true, append(kept, frame)
		}
	}
	slices.Reverse(kept)
	return slices.Concat(kept...)
}

// nearID tells entries apart, "" if it is none.
func nearID(entry []byte) string {
	r := reader{s: textOf(entry)}
	var name string
	switch r.byte() {
	case nearSmall:
	case nearResult:
		name = r.str()
		r.hash()
	default:
		return ""
	}
	h := r.hash()
	if r.bad {
		return ""
	}
	return string(entry[:1]) + string(h[:]) + name
}

// Close ends the use of the log.
func (n *Near) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file == nil {
		return nil
	}
	err := n.file.Close()
	n.file, n.broken = nil, true
	return err
}
