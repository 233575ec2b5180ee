package tracefs

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// JournalSuffix ends the names of journal files.
const JournalSuffix = ".log"

// Journal is what an action had changed, or was about to, when its engine was
// killed. Each change was written down before it was made.
type Journal struct {
	File   string // to be removed when the changes are undone
	Time   int64  // when the last of them was written down, nanoseconds since 1970
	ID     string // of the view
	Serial uint64
	Writes []Write
}

// Remove forgets a journal whose changes are undone or made good, and with the
// last one of an engine the pre-images that the engine has kept.
func (j *Journal) Remove() error {
	if err := os.Remove(j.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return RemoveDead(filepath.Dir(j.File))
}

// RemoveDead removes the folder of an engine that is dead, if there are no journals in it.
// The engine holds a lock on the folder as long as it lives: a client of it may be dead, and
// what others need be there.
func RemoveDead(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+JournalSuffix)); len(left) > 0 {
		return nil
	}
	return os.RemoveAll(dir)
}

// JournalOf is where the view with a number has its journal in an engine's folder.
func JournalOf(dir string, view uint32) string {
	return filepath.Join(dir, strconv.FormatUint(uint64(view), 10)+JournalSuffix)
}

// Fields implements wire.Message for the head of a journal.
func (j *Journal) Fields(c *wire.Codec) {
	c.String(&j.ID)
	c.Uint(&j.Serial)
}

// entry is one change in a journal.
type entry struct{ w *Write }

// Fields implements wire.Message.
func (e entry) Fields(c *wire.Codec) { write(c, e.w) }

// AppendJournalHead appends the first record of a journal file to buf.
func AppendJournalHead(buf []byte, j *Journal) []byte { return appendRecord(buf, j) }

// AppendJournalWrite appends one change to buf.
func AppendJournalWrite(buf []byte, w *Write) []byte { return appendRecord(buf, entry{w}) }

func appendRecord(buf []byte, m wire.Message) []byte {
	body := wire.Encode(m)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(body)))
	return append(buf, body...)
}

// ReadJournals returns the journals that killed engines have left below
// cacheDir. Those of engines that still run are left out; but an engine whose make
// was killed may only be about to end: the journals of views with an awaited ID are
// waited for, up to dyingLimit.
func ReadJournals(cacheDir string, awaited func(id string) bool) ([]Journal, error) {
	files, err := filepath.Glob(filepath.Join(cacheDir, "pre", "*", "*"+JournalSuffix))
	if err != nil {
		return nil, err
	}
	var out []Journal
	for _, name := range files {
		data, at, err := readUnlocked(name, awaited)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return out, err
		}
		j := parseJournal(data)
		j.File, j.Time = name, at
		out = append(out, j)
	}
	return out, nil
}

// dyingLimit is how long an engine may take that has lost its make.
const dyingLimit = 5 * time.Second

// readUnlocked reads a file, and when it was written, unless its writer lives and is not
// awaited.
func readUnlocked(name string, awaited func(id string) bool) (data []byte, at int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		if data, _ := os.ReadFile(name); awaited(parseJournal(data).ID) {
			err = lockSoon(int(f.Fd()))
		}
	}
	if err != nil {
		return nil, 0, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, 0, err
	}
	if st.Nlink == 0 { // who has the changes in safe hands has removed it meanwhile
		return nil, 0, fs.ErrNotExist
	}
	data, err = io.ReadAll(f)
	return data, st.Mtim.Nano(), err
}

// lockSoon takes a lock that is about to be given up.
func lockSoon(fd int) error {
	const pause = 5 * time.Millisecond
	for range dyingLimit / pause {
		time.Sleep(pause)
		if err := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
	}
	return unix.EWOULDBLOCK
}

// CutShort returns what the view with an id had changed when the engine died.
// It is to be asked when Done is closed.
func (e *Engine) CutShort(id string) []Write {
	if e.journal == "" {
		return nil
	}
	var out []Write
	files, _ := filepath.Glob(filepath.Join(e.journal, "*"+JournalSuffix))
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if j := parseJournal(data); j.ID == id {
			out = append(out, j.Writes...)
		}
	}
	return out
}

// parseJournal reads as much of a journal as is whole: the last record may have
// been cut off by the end of its writer, and its change was then not made.
func parseJournal(data []byte) Journal {
	var j Journal
	for first := true; len(data) >= 4; first = false {
		size := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if uint64(size) > uint64(len(data)) {
			break
		}
		body := data[:size]
		data = data[size:]
		if first {
			if wire.Decode(body, &j) != nil {
				break
			}
			continue
		}
		var w Write
		if wire.Decode(body, entry{&w}) != nil {
			break
		}
		j.Writes = append(j.Writes, w)
	}
	return j
}
