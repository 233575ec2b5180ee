package server

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
)

// journal is the file in which a view's changes are written down before they are
// made, so that they can be undone if this process or its client is killed. It
// appears with the first change and goes when the client has recorded what the action
// did.
type journal struct {
	folder *preimages
	path   string
	head   tracefs.Journal
	file   *os.File
}

// newJournal prepares the journal of a view; without a cache folder there is
// none.
func (e *engine) newJournal(v *view) *journal {
	if e.preimages.dir == "" {
		return nil
	}
	return &journal{
		folder: e.preimages,
		path:   tracefs.JournalOf(e.preimages.dir, v.id),
		head:   tracefs.Journal{ID: v.name, Serial: v.serial},
	}
}

// add writes down one change. A journal that cannot be written must not stop the
// build; the action then cannot be undone after a crash, as with GNU make.
func (j *journal) add(path string, w *written) {
	if j.file == nil && j.open() != nil {
		return
	}
	_, _ = j.file.Write(tracefs.AppendJournalWrite(nil, &tracefs.Write{Path: path, Before: w.before, Append: w.appendOnly, Proc: -1}))
}

// open makes the file. Whoever finds a journal without a lock takes its engine for dead
// and the folder with it for his, so it gets its name when it is locked: the lock tells that
// this engine lives, because process numbers are used again.
func (j *journal) open() error {
	if err := j.folder.make(); err != nil {
		return err
	}
	unnamed := j.path + ".new"
	f, err := os.OpenFile(unnamed, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	_, err = f.Write(tracefs.AppendJournalHead(nil, &j.head))
	if err == nil {
		err = os.Rename(unnamed, j.path)
	}
	if err != nil {
		_ = os.Remove(unnamed)
		return errors.Join(err, f.Close())
	}
	j.file = f
	return nil
}

// used reports whether there is anything in the journal.
func (j *journal) used() bool { return j != nil && j.file != nil }

// close lets go of the journal. Who has the changes in safe hands has removed it.
func (j *journal) close() { j.file.Close() }
