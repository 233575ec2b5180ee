package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
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
// The journal of a tree says which actions have begun to change it, and what those
// that ended have left, until the graph says so. It is what undoes a run that was
// cut short, and what is known of the others when the make was killed before it had
// saved the graph. Order of writes:
//
//	Begin -> the view's own journal of each change, before it is made (see package
//	tracefs) -> the action ends -> what it replaced kept (PutDurable), Left -> the
//	view's journal forgotten -> graph saved -> Done
//
// A result that is put back has no view: Begin -> Means -> the tree -> Left. Of one that
// the graph holds, and that replaces nothing, only PutsBack is noted: then what is there
// says all, file by file.
//
// Who finds actions without an end, whose process is gone, takes down what they have
// left as a failed action's: Left -> the views' journals forgotten -> graph saved -> Done.
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
	ID      uint64 // set by Begin
	Target  string
	Dir     string
	Serial  uint64
	Pid     int        // set by Begin
	Process uint64     // set by Begin, a number that no other process has; see Claims
	Boot    string     // set by Begin
	Time    int64      // set by Begin, nanoseconds since 1970
	Failed  bool       // it ended, without success
	Flags   TraceFlags // what is known of its trace when it begins
	Left    *Trace     // what it has left, nil while it runs
	Means   *Trace     // of a result that is put back: what it will have left, nil for a run
}

// MakeRecord is what one of the makes says at its end that a recipe has started.
type MakeRecord struct {
	Build uint64 // the number of the build
	From  uint64 // where the places of all makes begin that the recipe starts
	ID    string // tells them apart
	Last  uint64 // its last place
}

// Interval is a time between two moments, in nanoseconds since 1970.
type Interval struct{ From, To int64 }

// Recovery is what earlier processes have left to be put right.
type Recovery struct {
	// Unfinished are actions that failed or were cut short, in the order in
	// which they began. What they left is to be undone before they run again;
	// then Drop them.
	Unfinished []JournalRecord
	// Ended are actions that ended, in the order in which they began, and whose
	// process died before the graph said so: put what they Left into it.
	Ended []JournalRecord
	// Lost are actions that succeeded shortly before another boot ended: what
	// they wrote may not have reached the disk. Compare it with their traces by
	// content; then Drop them.
	Lost []JournalRecord
	// Dark are times of builds under other boots that never ended. A file that
	// was changed then, and that no trace knows, is not the user's.
	Dark []Interval

	// Makes are what makes have said at their ends, in that order.
	Makes []MakeRecord
	// Running tells that there are actions of processes that run.
	Running bool

	// Path is the journal's file, Stat the state of what was read, and Err why there
	// was nothing to read.
	Path string
	Stat FileStat
	Err  error
}

// Again reports whether reading the journal once more would find the same.
func (r *Recovery) Again() bool {
	if r.Running || len(r.Unfinished)+len(r.Ended) > 0 {
		return false
	}
	st, err := Lstat(r.Path)
	if r.Err != nil {
		return errors.Is(r.Err, fs.ErrNotExist) && errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && st == r.Stat
}

// Journal appends to the journal of one tree. It is safe for concurrent use.
//
// The file is opened for writing when there is something to write: a build that
// has nothing to do leaves no journal, and takes no lock.
type Journal struct {
	path    string
	boot    string
	process uint64 // the number of this process, as those see it that read the journal
	claims  *Claims

	opening sync.Mutex
	file    *os.File // nil until something is written

	replacing sync.RWMutex // held by who appends, and alone by who replaces the file
	writing   sync.Mutex   // held while one entry is written
	mu        sync.Mutex
	marked    bool // this process's mark is written and synced

	news newsReader
}

// OpenJournal finds the journal of the tree that g is the graph of, and returns
// what is to be put right.
func (g *Graph) OpenJournal() (*Journal, Recovery, error) {
	j, rec, err := openJournal(filepath.Dir(g.path), g.boot, g.Claims())
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open journal: %w", err)
	}
	return j, rec, nil
}

func openJournal(tree, boot string, claims *Claims) (*Journal, Recovery, error) {
	path := filepath.Join(tree, "journal")
	data, st, err := readRaw(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Recovery{}, err
	}
	state, end := parseJournal(data)
	if len(data) >= longJournal && len(state.needed(boot, time.Now())) < len(data)/2 {
		if err := shortenJournal(path, boot); err != nil {
			return nil, Recovery{}, err
		}
		if data, st, err = readRaw(path); err != nil {
			return nil, Recovery{}, err
		}
		state, end = parseJournal(data)
	}
	j := &Journal{path: path, boot: boot, process: rand.Uint64(), claims: claims}
	gone := state.gone(j.alive)
	if len(gone) > 0 { // what they have written at last may have come after what was read
		if data, st, err = readRaw(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, Recovery{}, err
		}
		state, end = parseJournal(data)
	}
	rec := state.recovery(boot, gone.lives)
	rec.Path, rec.Stat, rec.Err = path, st, err
	j.news.begin(st.Ino, state, end, rec.Ended)
	return j, rec, nil
}

// open opens the file for writing, if that has not been done.
func (j *Journal) open() error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return err
	}
	f, err := openShared(j.path)
	if err != nil {
		return err
	}
	j.file = f
	return j.news.made(f)
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
func (j *Journal) Begin(r JournalRecord) (id uint64, err error) { return j.begin(entryBegin, r) }

// begin writes the entry with which an action of this process begins.
func (j *Journal) begin(kind byte, r JournalRecord) (id uint64, err error) {
	r.ID, r.Pid, r.Boot, r.Time = rand.Uint64(), os.Getpid(), j.boot, time.Now().UnixNano()
	r.Process = j.process
	if err := j.mark(r); err != nil {
		return 0, err
	}
	return r.ID, j.append(kind, func(w *writer) { writeJournalRecord(w, &r) })
}

// alive reports whether the process that made a record still runs.
func (j *Journal) alive(r *JournalRecord) bool {
	return r.Boot == j.boot && j.claims.lives(r.Process)
}

// mark notes, once and durably, that this process changes the tree.
func (j *Journal) mark(r JournalRecord) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.marked {
		return nil
	}
	j.claims.live(j.process)
	r = JournalRecord{Pid: r.Pid, Process: r.Process, Boot: r.Boot, Time: r.Time}
	if err := j.append(entryOpen, func(w *writer) { writeJournalRecord(w, &r) }); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(j.file.Fd())); err != nil { // append has opened it
		return fmt.Errorf("sync journal: %w", err)
	}
	j.marked = true
	return nil
}

// Left notes what an action has left at its end, whether it succeeded or not.
func (j *Journal) Left(id uint64, t *Trace) error {
	j.news.know(id)
	return j.append(entryLeft, func(w *writer) { writeLeft(w, id, textOf(EncodeTrace(t))) })
}

// Means notes what an action will have left that does not run: its result is about to
// be put back.
func (j *Journal) Means(id uint64, t *Trace) error {
	return j.append(entryMeans, func(w *writer) { writeLeft(w, id, textOf(EncodeTrace(t))) })
}

// LeftAsMeant notes that what an action Means has been put back. As long as the graph does
// not say so, the files that it left count by their contents.
func (j *Journal) LeftAsMeant(id uint64) error {
	j.news.know(id)
	return j.append(entryLeft, func(w *writer) { writeLeft(w, id, "") })
}

// PutsBack notes that what an action has left is about to be put back as the graph says.
// Nothing is to be put right if that is cut short; after a power loss it counts as what is
// done.
func (j *Journal) PutsBack(r JournalRecord) error {
	_, err := j.begin(entryBack, r)
	return err
}

// Done notes the end of an action. If it succeeded, the graph says what it has left.
func (j *Journal) Done(id uint64, ok bool) error {
	return j.append(entryDone, func(w *writer) { writeDone(w, id, ok, time.Now().UnixNano()) })
}

// Drop notes that an action of a Recovery has been put right.
func (j *Journal) Drop(id uint64) error {
	return j.append(entryDrop, func(w *writer) { w.uint(id) })
}

// Changed reports whether this process has changed the tree.
func (j *Journal) Changed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.marked
}

// MakeEnded tells other processes that a make has come to its end.
func (j *Journal) MakeEnded(r MakeRecord) error {
	return j.append(entryMake, func(w *writer) { writeMake(w, j.process, &r) })
}

// Close notes that this process changes the tree no more.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.marked {
		err = j.append(entryClose, func(w *writer) { writeClose(w, os.Getpid(), j.process, time.Now().UnixNano()) })
	}
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.file == nil {
		return err
	}
	if st, serr := statFile(j.file); err == nil && serr == nil && st.Size >= longJournal {
		_, err = rewriteJournal(j.file, j.path, j.boot) // sooner done than by the next build, which would read it first
	}
	return errors.Join(err, j.file.Close())
}

// append writes one entry with a single write(2).
func (j *Journal) append(kind byte, body func(*writer)) error {
	entry := frameEntry(kind, body)
	err := j.open()
	if err == nil {
		j.replacing.RLock()
		defer j.replacing.RUnlock()
		err = j.write(entry)
	}
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// write writes an entry, which this process does not read.
func (j *Journal) write(entry []byte) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if _, err := j.file.Write(entry); err != nil {
		return err
	}
	if end, err := j.file.Seek(0, io.SeekCurrent); err == nil {
		j.news.wrote(entry, end-int64(len(entry)))
	}
	return nil
}

// longJournal is the size from which a journal is rewritten when it is opened or closed:
// to do so takes several times as long as to read it, which each build does that reads
// makefiles.
const longJournal = 1 << 20

// GrownJournal is the size from which a build rewrites its own journal, SmallJournal that
// from which a command does: its next run is to read little.
const (
	GrownJournal = 16 << 20
	SmallJournal = 4 << 10
)

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
	_, err = rewriteJournal(f, path, boot)
	return err
}

// rewriteJournal does so for the journal that is open as f, and reports whether it
// did.
func rewriteJournal(f *os.File, path, boot string) (bool, error) {
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil
	}
	state, err := readJournal(f)
	if err != nil {
		return false, err
	}
	_, err = replaceFile(path, state.needed(boot, time.Now()))
	return err == nil, err
}

// Shorten rewrites the journal if it has reached a size and no other process has it
// open. It is to be called when the graph was saved.
func (j *Journal) Shorten(size int64) error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.file == nil {
		return nil
	}
	if st, err := statFile(j.file); err != nil || st.Size < size {
		return err
	}
	j.replacing.Lock()
	defer j.replacing.Unlock()
	replaced, err := rewriteJournal(j.file, j.path, j.boot)
	if !replaced {
		return errors.Join(err, unix.Flock(int(j.file.Fd()), unix.LOCK_SH))
	}
	f, err := openShared(j.path)
	if err != nil {
		return err
	}
	old := j.file
	j.file = f
	return errors.Join(old.Close(), j.news.rewritten(f))
}

// SavedPreimages returns the contents that the journals of all trees and commands need.
func SavedPreimages(cacheDir string) ([]Hash, error) {
	trees, commands, err := filesNamed(cacheDir, "journal")
	if err != nil {
		return nil, err
	}
	var saved []Hash
	for _, path := range slices.Concat(trees, commands) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		state, err := readJournal(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		for _, left := range slices.Concat(slices.Collect(maps.Values(state.left)), slices.Collect(maps.Values(state.means))) {
			t, err := DecodeTrace([]byte(left))
			for i := 0; err == nil && i < len(t.Befores); i++ {
				if h := t.Befores[i].Hash; !h.IsZero() {
					saved = append(saved, h)
				}
			}
		}
	}
	slices.SortFunc(saved, func(a, b Hash) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(saved), nil
}
