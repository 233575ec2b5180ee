package cache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// Graph is the graph file of one directory: what the last builds there left.
// It is safe for concurrent use.
//
// Several processes may load and save the same graph: the last one to save a
// target wins, and keeps the targets that it did not touch as the others left
// them.
type Graph struct {
	path string
	boot string

	saving   sync.Mutex // held by Save and Refresh from beginning to end
	changing sync.Mutex // held while a list of edges is read, changed and stored

	mu       sync.Mutex
	img      *image
	loaded   FileStat           // identity of the file that img came from
	puts     map[string]string  // records by name; "" is a deleted one
	theirs   map[string]string  // and those that others have yet to save
	sections map[string]*string // named sections; nil is a deleted one
	stats    map[string]statLine
	below    struct {
		encoded string
		places  Places // what that says; see PlacesBelow
	}
	onMerge func(theirs *Graph)
	claims  *Claims // nil until asked for
}

// Load reads the graph at path. A graph that does not exist is empty. With an
// error (a *CorruptError, a *VersionError or one of reading) the graph that is
// returned is empty too and can be used; saving it replaces a corrupt file, but
// not one of another version.
func Load(path string) (*Graph, error) {
	g := &Graph{path: path, boot: BootID(), img: newImage()}
	img, st, err := readGraph(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return g, nil
		}
		return g, err
	}
	g.img, g.loaded = img, st
	return g, nil
}

func readGraph(path string) (*image, FileStat, error) {
	data, st, err := readRaw(path)
	switch {
	case err == errTooLarge:
		return nil, st, &CorruptError{"graph", path, err}
	case err != nil:
		return nil, st, fmt.Errorf("read graph: %w", err)
	}
	img, err := parseImage(textOf(data), data)
	return img, st, nameError(err, path)
}

// maxGraph keeps all offsets within 32 bits.
const maxGraph = 1<<31 - 1

var errTooLarge = errors.New("too large")

// textOf gives the bytes as a string without a copy. Nobody may change them
// afterwards.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// nameError completes an error of a parser with the name of the file.
func nameError(err error, path string) error {
	switch e := err.(type) {
	case *CorruptError:
		e.Name = path
	case *VersionError:
		e.Name = path
	}
	return err
}

// record returns a target's record and the image that it belongs to.
func (g *Graph) record(name string) (*image, string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, ok := g.recordNow(name)
	return g.img, rec, ok
}

// recordNow is record for who holds the lock.
func (g *Graph) recordNow(name string) (string, bool) {
	if rec, ok := g.puts[name]; ok {
		return rec, rec != ""
	}
	if rec, ok := g.theirs[name]; ok {
		return rec, true
	}
	return g.img.find(name)
}

// Target returns the trace of a target, nil if there is none. It is decoded by
// each call and belongs to the caller.
func (g *Graph) Target(name string) *Trace {
	img, rec, ok := g.record(name)
	if !ok {
		return nil
	}
	t, ok := img.decode(rec)
	if !ok {
		return nil
	}
	return t
}

// Put notes the trace of a target in place of an earlier one. Only its encoding
// is kept.
func (g *Graph) Put(name string, t *Trace) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put(name, g.img.encode(t))
}

// PutAgain is Put of a trace that has the inputs of the one that it replaces.
func (g *Graph) PutAgain(name string, t *Trace) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, ok := g.recordNow(name)
	var fixed Trace
	r := reader{s: rec}
	parts := readRecord(&r, &fixed)
	if !ok || !r.done() || fixed.Key != t.Key || fixed.Strong != t.Strong {
		g.put(name, g.img.encode(t))
		return
	}
	var w writer
	writeRecord(&w, t, g.img.strs, func(w *writer) { w.b = append(w.b, parts.inputs.s...) })
	g.put(name, string(w.b))
}

func (g *Graph) put(name, rec string) {
	if g.puts == nil {
		g.puts = map[string]string{}
	}
	g.puts[name] = rec
	delete(g.theirs, name)
}

// PutTheirs notes the trace of a target that another process has made and is about to
// save.
func (g *Graph) PutTheirs(name string, t *Trace) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.theirs == nil {
		g.theirs = map[string]string{}
	}
	g.theirs[name] = g.img.encode(t)
	delete(g.puts, name)
}

// Saved notes that the file says what others have noted of some targets.
func (g *Graph) Saved(names ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		delete(g.theirs, name)
	}
}

// Delete forgets a target, also one that only another process knows.
func (g *Graph) Delete(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.puts == nil {
		g.puts = map[string]string{}
	}
	g.puts[name] = ""
	delete(g.theirs, name)
}

// Names returns all targets, sorted.
func (g *Graph) Names() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	names, _ := g.live(g.theirs)
	slices.Sort(names)
	return names
}

// HasBelow reports whether any target is below a directory.
func (g *Graph) HasBelow(dir string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	below := dir + "/"
	for _, recs := range []iter.Seq2[string, string]{maps.All(g.theirs), maps.All(g.puts), g.img.all()} {
		for name, rec := range recs {
			if rec != "" && strings.HasPrefix(name, below) {
				return true
			}
		}
	}
	return false
}

// Len returns the number of targets.
func (g *Graph) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	names, _ := g.live(g.theirs)
	return len(names)
}

// live returns all targets with their records: those of the file in their order, then the
// new ones, sorted. What theirs says counts more than the file.
func (g *Graph) live(theirs map[string]string) (names, records []string) {
	n := int(g.img.records.base) + len(g.puts)
	names, records = make([]string, 0, n), make([]string, 0, n)
	add := func(name, rec string) {
		if rec != "" {
			names, records = append(names, name), append(records, rec)
		}
	}
	inFile := make(map[string]bool, len(g.puts))
	for name, rec := range g.img.all() {
		for _, over := range []map[string]string{theirs, g.puts} {
			if put, ok := over[name]; ok {
				rec = put
				inFile[name] = true
			}
		}
		add(name, rec)
	}
	var fresh []string
	for _, over := range []map[string]string{theirs, g.puts} { // a name is in one of them
		for name := range over {
			if !inFile[name] {
				fresh = append(fresh, name)
			}
		}
	}
	slices.Sort(fresh)
	for _, name := range fresh {
		add(name, cmp.Or(g.puts[name], theirs[name]))
	}
	return names, records
}

// Dirty reports whether there is anything to save.
func (g *Graph) Dirty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dirty()
}

func (g *Graph) dirty() bool { return len(g.puts)+len(g.sections)+len(g.stats) > 0 }

// Section returns what another package stored under name, nil if nothing.
func (g *Graph) Section(name string) []byte {
	s, ok := g.section(name)
	if !ok {
		return nil
	}
	return []byte(s)
}

func (g *Graph) section(name string) (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, ok := g.sections[name]; ok {
		if s == nil {
			return "", false
		}
		return *s, true
	}
	s, ok := g.img.named[name]
	return s, ok
}

// SetSection stores data under name; nil deletes it. Names that begin with a
// dot are this package's.
func (g *Graph) SetSection(name string, data []byte) {
	var s *string
	if data != nil {
		text := string(data)
		s = &text
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if old, ok := g.img.named[name]; ok == (s != nil) && (s == nil || old == *s) {
		delete(g.sections, name)
		return
	}
	if g.sections == nil {
		g.sections = map[string]*string{}
	}
	g.sections[name] = s
}

// Suspect reports whether a power loss may have taken the content of a file
// although its stat is the one that the graph knows: trust its content only.
func (g *Graph) Suspect(st FileStat) bool {
	g.mu.Lock()
	img := g.img
	g.mu.Unlock()
	return img.suspect(st, g.boot)
}

func (img *image) suspect(st FileStat, now string) bool {
	if !lost(img.boots, st, "", now) {
		return false
	}
	// Few files get here, and only after a reboot: a walk is cheap enough.
	for line := range img.statLines() {
		if line.Stat == st && !lost(img.boots, st, line.boot, now) {
			return false
		}
	}
	return true
}
