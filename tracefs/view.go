package tracefs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/tracefs/wire"
)

// ViewSpec says what a view is to show.
type ViewSpec struct {
	ID      string   // names the action in messages and in the journal
	Serial  uint64   // the action's place in serial order
	Dir     string   // the recipe's working directory
	Hidden  []string // paths, links resolved, that do not exist for the action until it makes them
	Targets []string // the action's own files, links resolved: it is their only writer, so that what it appends to them is no segment
	Parts   bool     // BeginPart may be called
	Reverse bool     // directories list their names in the reverse of the order in which they do
	Labels  []Label  // what some paths are for the processes of applications; goes with WholeView
	Strict  bool     // a process may not take two labels that disagree
}

// View is the file system and the process table as one action meets them.
type View struct {
	engine *Engine
	id     uint32
}

// NewView gives an action its view.
func (e *Engine) NewView(s ViewSpec) (*View, error) {
	var ref wire.Ref
	m := wire.NewView{ID: s.ID, Serial: s.Serial, Dir: s.Dir, Hidden: s.Hidden, Targets: s.Targets, Reverse: s.Reverse, Parts: s.Parts, Labels: s.Labels, Strict: s.Strict}
	if _, err := e.server.Call(wire.OpNewView, &m, &ref); err != nil {
		return nil, fmt.Errorf("make view: %w", err)
	}
	return &View{engine: e, id: ref.View}, nil
}

// ReplaceTail gives a file of the tree other bytes from a place to its end, and makes
// it if it is absent. While an action is writing the file the error is EBUSY.
func (e *Engine) ReplaceTail(path string, mode uint32, data []byte, at int64) error {
	_, err := e.server.Call(wire.OpReplaceTail, &wire.ReplaceTail{Path: path, Mode: mode, At: at, Data: string(data)}, nil)
	return err
}

// Writing names the action that is changing a file of the tree otherwise than by
// appending to it, "" if none is.
func (e *Engine) Writing(path string) (string, error) {
	var r wire.Text
	_, err := e.server.Call(wire.OpWriting, &wire.Text{S: path}, &r)
	return r.S, err
}

// Finish ends the recording and returns what was recorded. Processes that the
// action has left go on living in the view.
func (v *View) Finish() (*Record, error) {
	var r Record
	if _, err := v.engine.server.Call(wire.OpFinish, &wire.Ref{View: v.id}, &r); err != nil {
		return nil, fmt.Errorf("finish view: %w", err)
	}
	return &r, nil
}

// Recorded says that what Finish has returned is written down, so that the engine
// need not keep what it takes to undo the action any longer. Until then, a make that
// dies leaves a journal.
func (v *View) Recorded() {
	if v.engine.journal != "" {
		_ = os.Remove(JournalOf(v.engine.journal, v.id)) // it may have none
	}
	_ = v.engine.server.Notify(wire.OpRecorded, &wire.Ref{View: v.id})
}

// Hide makes more paths absent until the action makes them.
func (v *View) Hide(paths []string) error {
	_, err := v.engine.server.Call(wire.OpHide, &wire.Hide{View: v.id, Paths: paths}, nil)
	return err
}

// query asks about one path. Errors look as those of package os do.
func (v *View) query(op wire.Op, name, dir, path string, flags, mode uint32, reply wire.Message) ([]*os.File, error) {
	q := wire.PathQuery{View: v.id, Path: absolute(dir, path), Flags: flags, Mode: mode}
	files, err := v.engine.server.Call(op, &q, reply)
	if err != nil {
		return nil, &fs.PathError{Op: name, Path: path, Err: plain(err)}
	}
	return files, nil
}

// plain takes the errno out of an error, if that is all there is to it.
func plain(err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return errno
	}
	return err
}

// absolute does not clean the path: "a/.." is not "." where a is a link.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if path == "" {
		return path // no file has no name
	}
	return dir + "/" + path
}

// Open opens a file on behalf of the action. perm is used as it is: the umask is
// the caller's to apply.
func (v *View) Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	files, err := v.query(wire.OpOpen, "open", dir, name, uint32(flag), uint32(perm.Perm()), nil)
	if err != nil {
		return nil, err
	}
	if len(files) != 1 {
		wire.CloseFiles(files)
		return nil, &fs.PathError{Op: "open", Path: name, Err: wire.ErrCorrupt}
	}
	return files[0], nil
}

// Stat follows a last link, Lstat does not.
func (v *View) Stat(dir, name string) (unix.Stat_t, error) { return v.stat("stat", dir, name, 0) }

// Lstat is Stat of a link itself.
func (v *View) Lstat(dir, name string) (unix.Stat_t, error) {
	return v.stat("lstat", dir, name, unix.AT_SYMLINK_NOFOLLOW)
}

func (v *View) stat(op, dir, name string, flags uint32) (unix.Stat_t, error) {
	var st unix.Stat_t
	var raw wire.Text
	if _, err := v.query(wire.OpStat, op, dir, name, flags, 0, &raw); err != nil {
		return st, err
	}
	if len(raw.S) != int(unsafe.Sizeof(st)) {
		return st, &fs.PathError{Op: op, Path: name, Err: wire.ErrCorrupt}
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&st)), unsafe.Sizeof(st)), raw.S)
	return st, nil
}

// ReadDir returns the names in a directory, in no order.
func (v *View) ReadDir(dir, name string) ([]string, error) {
	names, count, err := v.Names(dir, name)
	count()
	return names, err
}

// Names is ReadDir for who may only want to know whether there is such a directory: the names
// count from when count is called, which is never nil.
func (v *View) Names(dir, name string) (names []string, count func(), err error) {
	var t wire.Texts
	if _, err := v.query(wire.OpReadDir, "readdir", dir, name, 0, 0, &t); err != nil {
		return nil, func() {}, err
	}
	return t.S, func() {
		m := wire.Listed{View: v.id, Path: absolute(dir, name), Names: t.S}
		_, _ = v.engine.server.Call(wire.OpListed, &m, nil) // one that has gone is reported when the view ends
	}, nil
}

// Readlink returns the text of a symbolic link.
func (v *View) Readlink(dir, name string) (string, error) {
	var t wire.Text
	_, err := v.query(wire.OpReadlink, "readlink", dir, name, 0, 0, &t)
	return t.S, err
}

// Access checks the rights of the effective user, as test -r does.
func (v *View) Access(dir, name string, mode uint32) error {
	_, err := v.query(wire.OpAccess, "access", dir, name, 0, mode, nil)
	return err
}

// LookPath finds a command name in the given PATH value as execvp does. Names
// with a slash are only checked.
func (v *View) LookPath(name, path, dir string) (string, error) {
	var t wire.Text
	m := wire.LookPath{View: v.id, Name: name, List: path, Dir: dir}
	if _, err := v.engine.server.Call(wire.OpLookPath, &m, &t); err != nil {
		return "", &fs.PathError{Op: "exec", Path: name, Err: plain(err)}
	}
	return t.S, nil
}
