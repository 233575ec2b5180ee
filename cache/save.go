package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPatience is how long Save waits for another process that saves the same
// graph. A save takes milliseconds; a process that was stopped in the middle of
// one must not stop us.
const lockPatience = 2 * time.Second

// Save writes the graph if it has changed, together with what other processes
// have saved since it was loaded. The file is replaced by a rename, so that a
// reader sees the old or the new one, and a crash leaves one of them. It is not
// synced to disk: see boot.go. An error leaves the old file.
func (g *Graph) Save() error {
	if !g.Dirty() {
		return nil
	}
	g.saving.Lock()
	defer g.saving.Unlock()
	dir := filepath.Dir(g.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save graph: %w", err)
	}
	unlock := lockDir(dir)
	defer unlock()
	if err := g.merge(); err != nil {
		return fmt.Errorf("save graph: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.write(); err != nil {
		return fmt.Errorf("save graph: %w", err)
	}
	return nil
}

// Refresh takes in what other processes have saved since the graph was loaded or
// saved here. It costs one stat where nobody has.
func (g *Graph) Refresh() error {
	_, err := g.Renew()
	return err
}

// Renew is Refresh; it reports whether anybody has saved anything.
func (g *Graph) Renew() (changed bool, err error) {
	g.saving.Lock()
	defer g.saving.Unlock()
	was := g.loaded
	if err := g.merge(); err != nil {
		return false, fmt.Errorf("refresh graph: %w", err)
	}
	return g.loaded != was, nil
}

// usedGrain is how finely the uses of a graph are dated that is not saved.
const usedGrain = 24 * time.Hour

// Used dates the last use of the graph by the time of its file. If it cannot, the graph is
// only forgotten sooner.
func (g *Graph) Used() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.UnixNano()-g.loaded.Mtime > int64(usedGrain) {
		_ = os.Chtimes(g.path, now, now)
	}
}

// OnMerge registers f, which Save and Refresh call, with the lock held, when others have
// saved since Load: with what they saved, before this graph's own changes are
// laid over it. It may change this graph, not theirs.
func (g *Graph) OnMerge(f func(theirs *Graph)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onMerge = f
}

// lockDir takes the lock of a graph's folder. It gives up in silence: without
// the lock the worst is that one of two processes' results is not remembered.
func lockDir(dir string) (unlock func()) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return func() {}
	}
	for start := time.Now(); time.Since(start) < lockPatience; time.Sleep(5 * time.Millisecond) {
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			break
		}
	}
	return func() { f.Close() }
}

// merge moves g's changes onto the file as it is now, if that is not the one
// that was loaded.
func (g *Graph) merge() error {
	st, err := Lstat(g.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	g.mu.Lock()
	loaded := g.loaded
	g.mu.Unlock()
	if st == loaded {
		return nil
	}
	img, st, err := readGraph(g.path)
	var corrupt *CorruptError
	if errors.As(err, &corrupt) || errors.Is(err, fs.ErrNotExist) {
		return nil // damaged or deleted meanwhile: what we know replaces it
	}
	if err != nil {
		return err
	}
	g.mu.Lock()
	onMerge := g.onMerge
	g.mu.Unlock()
	if onMerge != nil {
		onMerge(&Graph{path: g.path, boot: g.boot, img: img})
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, over := range []map[string]string{g.puts, g.theirs} {
		moveAll(over, g.img, img)
	}
	g.img, g.loaded = img, st
	return nil
}

func moveAll(records map[string]string, from, to *image) {
	for name, rec := range records {
		if rec != "" {
			records[name] = move(from, to, rec)
		}
	}
}

// move writes a record of one image as one of another. A record that cannot be
// read becomes none.
func move(from, to *image, rec string) string {
	t, ok := from.decode(rec)
	if !ok {
		return ""
	}
	return to.encode(t)
}

// write replaces the file by what g holds, and loads that.
func (g *Graph) write() error {
	names, records := g.live(nil)
	img := g.img
	if img.clean == 0 {
		img.clean = uint32(img.states.len())
	}
	if grown := img.states.len(); grown > 2*int(img.clean)+4096 {
		img, records = sweep(img, records)
	}
	out := &image{
		strs: img.strs, states: img.states, chunks: img.chunks, clean: img.clean,
		boots: savedUnder(g.img.boots, g.boot, time.Now()),
		stats: g.img.writeStats(g.stats),
		named: g.allSections(),
	}
	data := out.bytes(names, records)
	if len(data) > maxGraph {
		return errors.New("the graph is too large")
	}
	st, err := replaceFile(g.path, data)
	if err != nil {
		return err
	}
	fresh, err := parseImage(textOf(data), data)
	if err != nil {
		return err
	}
	moveAll(g.theirs, g.img, fresh)
	g.img, g.loaded = fresh, st
	g.puts, g.sections, g.stats = nil, nil, nil
	return nil
}

// sweep returns an image whose tables hold only what the records use.
func sweep(from *image, records []string) (*image, []string) {
	to := newImage()
	moved := make([]string, len(records))
	for i, rec := range records {
		moved[i] = move(from, to, rec)
	}
	to.clean = uint32(to.states.len())
	return to, moved
}

func (g *Graph) allSections() map[string]string {
	all := make(map[string]string, len(g.img.named)+len(g.sections))
	for name, s := range g.img.named {
		all[name] = s
	}
	for name, s := range g.sections {
		if s == nil {
			delete(all, name)
			continue
		}
		all[name] = *s
	}
	return all
}

// replaceFile puts data in place of the file at path, all or nothing.
func replaceFile(path string, data []byte) (st FileStat, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return st, err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return st, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return st, err
	}
	// After the rename, which changes the ctime.
	return statFile(f)
}
