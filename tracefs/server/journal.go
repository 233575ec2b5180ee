package server

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// journal is the file in which a view's changes are written down before they are
// made, so that they can be undone if this process or its client is killed. It
// appears with the first change and goes when the client has recorded what the action
// did.
type journal struct {
	path string
	head tracefs.Journal
	file *os.File
}

// newJournal prepares the journal of a view; without a cache folder there is
// none.
func (e *engine) newJournal(v *view) *journal {
	if e.preimages.dir == "" {
		return nil
	}
	return &journal{
		path: tracefs.JournalOf(e.preimages.dir, v.id),
		head: tracefs.Journal{ID: v.name, Serial: v.serial},
	}
}

// add writes down one change. A journal that cannot be written must not stop the
// build; the action then cannot be undone after a crash, as with GNU make.
func (j *journal) add(path string, w *written) {
	if j.file == nil {
		if os.MkdirAll(filepath.Dir(j.path), 0o700) != nil {
			return
		}
		f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		if err != nil {
			return
		}
		j.file = f
		// The lock tells that this engine lives: process numbers are used again.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		_, _ = f.Write(tracefs.AppendJournalHead(nil, &j.head))
	}
	_, _ = j.file.Write(tracefs.AppendJournalWrite(nil, &tracefs.Write{Path: path, Before: w.before, Proc: -1}))
}

// used reports whether there is anything in the journal.
func (j *journal) used() bool { return j != nil && j.file != nil }

// close lets go of the journal. Who has the changes in safe hands has removed it.
func (j *journal) close() { j.file.Close() }
