package tracefs

import (
	"fmt"
	"slices"
	"syscall"

	"fmake/tracefs/wire"
)

// BeginPart begins to record what one program does by itself, besides the record of the
// whole action. Nothing may run in the view then, nor anything but the program until the
// part ends. With check, EBUSY says that something does that an earlier program has left.
// Any other error says that it cannot be done here.
func (v *View) BeginPart(check bool) error {
	return v.beginPart(&wire.BeginPart{View: v.id, Check: check})
}

// BeginPartOf begins to record what a process and all that descend from it do by
// themselves, whatever else runs in the view. Shells has to be on, and the process must not
// have begun anything. It has to adopt what its descendants leave. Nobody else is to change
// the files meanwhile, which are named as in /proc.
func (v *View) BeginPartOf(pid int, files []string) error {
	return v.beginPart(&wire.BeginPart{View: v.id, Pid: uint32(pid), Files: files})
}

func (v *View) beginPart(m *wire.BeginPart) error {
	if _, err := v.engine.server.Call(wire.OpBeginPart, m, nil); err != nil {
		return plain(err)
	}
	return nil
}

// IsShell tells whether a program of this name is a shell, of which Shells catches what it
// executes. It is not caught itself.
func IsShell(name string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "posh", "yash", "zsh"}, name)
}

// Shells begins or ends that a stub is executed in the place of each program that a shell in
// the view executes, but for shells and programs with the given names. The stub finds out
// which view it is in by the device number of its root directory, which is returned.
func (v *View) Shells(on bool, stub string, plainNames []string) (device uint64, err error) {
	var t wire.Told
	m := wire.Shells{View: v.id, On: on, Program: stub, Plain: plainNames}
	if _, err := v.engine.server.Call(wire.OpShells, &m, &t); err != nil {
		return 0, plain(err)
	}
	return t.Device, nil
}

// EndPart ends the part and returns what was recorded: as of an action, but for what
// other actions wrote meanwhile and for absences and states in system trees. Pre-images
// are those of the action.
func (v *View) EndPart() (*Record, error) { return v.EndPartOf(0) }

// EndPartOf is EndPart of the part of a process. What was changed by others meanwhile is
// among what it contended for, if it has looked there or written. Whether it has left
// processes is not told.
func (v *View) EndPartOf(pid int) (*Record, error) {
	var r Record
	if _, err := v.engine.server.Call(wire.OpEndPart, &wire.EndPart{View: v.id, Pid: uint32(pid)}, &r); err != nil {
		return nil, fmt.Errorf("end part: %w", err)
	}
	return &r, nil
}

// Looks tells what the action would find at some paths now: each with its flags of
// LookExists or LookAbsent, and LookContent, LookListing and LookLink where those are
// asked for and there is such a thing. With record the action has looked so.
func (v *View) Looks(asked []Look, record bool) ([]Look, error) {
	m := wire.Looks{View: v.id, Paths: make([]string, len(asked)), Flags: make([]uint32, len(asked)), Record: record}
	for i := range asked {
		m.Paths[i], m.Flags[i] = asked[i].Path, uint32(asked[i].Flags)
	}
	var r Record
	if _, err := v.engine.server.Call(wire.OpLooks, &m, &r); err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	if len(r.Looks) != len(asked) {
		return nil, wire.ErrCorrupt
	}
	return r.Looks, nil
}

// System is s in the form of the system calls, as far as it goes.
func (s *Stat) System() syscall.Stat_t {
	st := syscall.Stat_t{
		Dev: s.Dev, Ino: s.Ino, Mode: s.Mode, Uid: s.UID, Gid: s.GID, Size: s.Size,
		Mtim: syscall.NsecToTimespec(s.Mtime), Ctim: syscall.NsecToTimespec(s.Ctime),
	}
	setLinks(&st.Nlink, s.Nlink)
	return st
}

// setLinks sets a number that has another width on each kind of processor.
func setLinks[N uint32 | uint64](to *N, n uint32) { *to = N(n) }
