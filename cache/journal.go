package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// # Journal
//
// The journal of a tree says which actions have begun to change it, and what
// they found at the paths they change. It is what undoes a run that was cut
// short. Order of writes:
//
//	pre-image durable (PutDurable) -> Begin, Add -> the action's first change of
//	the path -> outputs kept, trace recorded -> graph saved -> Done
//
// An append is one write(2) to a file: what was appended outlives kill -9 of
// every process, at the price of microseconds. Against power loss, the first
// Begin of a process is synced: it is known from then on that a build was under
// way, and files that changed while it was are not taken for the user's merely
// because a later record did not reach the disk.
//
// Each record is framed by a mark and a checksum, and a reader passes over what
// is torn, so that any number of processes can append without a lock.

// JournalRecord is one action that changes the tree.
type JournalRecord struct {
	ID       uint64 // set by Begin
	Target   string
	Dir      string
	Serial   uint64
	Pid      int    // set by Begin
	PidStart uint64 // set by Begin
	Boot     string // set by Begin
	Time     int64  // set by Begin, nanoseconds since 1970
	Writes   []JournalWrite
	Failed   bool // it ended, without success
}

// JournalWrite is a path that an action changes, with what was there before.
type JournalWrite struct {
	Path   string
	Exists bool
	Stat   FileStat
	Link   string // text of a symbolic link
	Saved  Hash   // content of a regular file, kept by PutDurable; zero if not kept
}

// Interval is a time between two moments, in nanoseconds since 1970.
type Interval struct{ From, To int64 }

// Recovery is what earlier processes have left to be put right.
type Recovery struct {
	// Unfinished are actions that failed or were cut short, in the order in
	// which they began. What they left is to be undone before they run again;
	// then Drop them.
	Unfinished []JournalRecord
	// Lost are actions that succeeded shortly before another boot ended: what
	// they wrote may not have reached the disk. Compare it with their traces by
	// content; then Drop them.
	Lost []JournalRecord
	// Dark are times of builds under other boots that never ended. A file that
	// was changed then, and that no trace knows, is not the user's.
	Dark []Interval
}

// Journal appends to the journal of one tree. It is safe for concurrent use.
//
// The file is opened for writing when there is something to write: a build that
// has nothing to do leaves no journal, and takes no lock.
type Journal struct {
	path string
	boot string

	opening sync.Mutex
	file    *os.File // nil until something is written

	mu     sync.Mutex
	marked bool // this process's mark is written and synced
}

// OpenJournal finds the journal of the tree that g is the graph of, and returns
// what is to be put right.
func (g *Graph) OpenJournal() (*Journal, Recovery, error) {
	j, rec, err := openJournal(filepath.Dir(g.path), g.boot)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open journal: %w", err)
	}
	return j, rec, nil
}

func openJournal(tree, boot string) (*Journal, Recovery, error) {
	path := filepath.Join(tree, "journal")
	data, _, err := readRaw(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Recovery{}, err
	}
	if len(data) >= longJournal {
		if err := shortenJournal(path, boot); err != nil {
			return nil, Recovery{}, err
		}
	}
	return &Journal{path: path, boot: boot}, parseJournal(data).recovery(boot), nil
}

// open returns the file, for writing.
func (j *Journal) open() (*os.File, error) {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.file != nil {
		return j.file, nil
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return nil, err
	}
	f, err := openShared(j.path)
	if err != nil {
		return nil, err
	}
	j.file = f
	return f, nil
}

// openShared opens the journal with a shared lock, which keeps others from
// replacing it.
func openShared(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
			f.Close()
			return nil, err
		}
		mine, err1 := statFile(f)
		now, err2 := Lstat(path)
		if err1 == nil && err2 == nil && mine.Ino == now.Ino {
			return f, nil
		}
		f.Close() // it was replaced before we had the lock
	}
}

// Begin notes that an action is about to change the tree, and returns the
// number by which the other calls know it.
func (j *Journal) Begin(r JournalRecord) (id uint64, err error) {
	r.ID, r.Pid, r.Boot, r.Time = rand.Uint64(), os.Getpid(), j.boot, time.Now().UnixNano()
	r.PidStart, _ = processStart(r.Pid)
	if err := j.mark(r); err != nil {
		return 0, err
	}
	return r.ID, j.append(entryBegin, func(w *writer) { writeJournalRecord(w, &r) })
}

// mark notes, once and durably, that this process changes the tree.
func (j *Journal) mark(r JournalRecord) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.marked {
		return nil
	}
	r = JournalRecord{Pid: r.Pid, PidStart: r.PidStart, Boot: r.Boot, Time: r.Time}
	if err := j.append(entryOpen, func(w *writer) { writeJournalRecord(w, &r) }); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(j.file.Fd())); err != nil { // append has opened it
		return fmt.Errorf("sync journal: %w", err)
	}
	j.marked = true
	return nil
}

// Add notes a path that an action is about to change.
func (j *Journal) Add(id uint64, write JournalWrite) error {
	return j.append(entryAdd, func(w *writer) {
		w.uint(id)
		writeJournalWrite(w, &write)
	})
}

// Done notes the end of an action. If it succeeded, its outputs are recorded.
func (j *Journal) Done(id uint64, ok bool) error {
	return j.append(entryDone, func(w *writer) { writeDone(w, id, ok, time.Now().UnixNano()) })
}

// Drop notes that an action of a Recovery has been put right.
func (j *Journal) Drop(id uint64) error {
	return j.append(entryDrop, func(w *writer) { w.uint(id) })
}

// Close notes that this process changes the tree no more.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.marked {
		pid := os.Getpid()
		start, _ := processStart(pid)
		err = j.append(entryClose, func(w *writer) { writeClose(w, pid, start, time.Now().UnixNano()) })
	}
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.file == nil {
		return err
	}
	return errors.Join(err, j.file.Close())
}

// append writes one entry with a single write(2).
func (j *Journal) append(kind byte, body func(*writer)) error {
	f, err := j.open()
	if err == nil {
		_, err = f.Write(frameEntry(kind, body))
	}
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// longJournal is the size from which a journal is rewritten when it is opened.
// Every build reads it, also one that has nothing to do.
const longJournal = 1 << 18

// shortenJournal rewrites a journal without what nobody needs, if no
// other process has it open.
func shortenJournal(path, boot string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	state, err := readJournal(f)
	if err != nil {
		return err
	}
	_, err = replaceFile(path, state.needed(boot, time.Now()))
	return err
}

// SavedPreimages returns the contents that the journals of all trees need.
func SavedPreimages(cacheDir string) ([]Hash, error) {
	paths, err := filepath.Glob(filepath.Join(cacheDir, "trees", "*", "journal"))
	if err != nil {
		return nil, err
	}
	var saved []Hash
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		state, err := readJournal(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		for _, r := range state.records {
			for _, w := range r.Writes {
				if !w.Saved.IsZero() {
					saved = append(saved, w.Saved)
				}
			}
		}
	}
	slices.SortFunc(saved, func(a, b Hash) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(saved), nil
}
