package tracefs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"fmake/tracefs/wire"
)

// JournalSuffix ends the names of journal files.
const JournalSuffix = ".log"

// Journal is what an action had changed, or was about to, when its engine was
// killed. Each change was written down before it was made.
type Journal struct {
	File   string // to be removed when the changes are undone
	ID     string // of the view
	Serial uint64
	Writes []Write
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
// cacheDir. Those of engines that still run are left out.
func ReadJournals(cacheDir string) ([]Journal, error) {
	files, err := filepath.Glob(filepath.Join(cacheDir, "pre", "*", "*"+JournalSuffix))
	if err != nil {
		return nil, err
	}
	var out []Journal
	for _, name := range files {
		pid := filepath.Base(filepath.Dir(name))
		if runs(pid) {
			continue
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return out, err
		}
		j := parseJournal(data)
		j.File = name
		out = append(out, j)
	}
	return out, nil
}

// runs reports whether a process is alive: one that waits for its parent to take
// note of its end is not.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	// The state follows the name, which is in parentheses and may hold any.
	at := bytes.LastIndexByte(stat, ')') + 2
	return at >= len(stat) || stat[at] != 'Z' && stat[at] != 'X'
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
