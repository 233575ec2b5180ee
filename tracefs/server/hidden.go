package server

import (
	"os"
	"strings"
	"syscall"
)

// hide makes paths absent in the view until its action creates them.
func (v *view) hide(paths []string) {
	if len(paths) == 0 {
		return
	}
	v.removals.Lock()
	defer v.removals.Unlock()
	v.hiddenMu.Lock()
	if v.hidden == nil {
		v.hidden = map[string]bool{}
	}
	for _, p := range paths {
		v.hidden[p] = true
	}
	v.hiddenMu.Unlock()
	v.hiding.Store(true)
}

// creating calls f, which makes something new at path, for an action that may have
// been told that nothing is there. What another action has made there since is hidden
// then, as it would be had it been there before: the action must not fail for that. Who
// of the two comes first is found when both have ended.
func (v *view) creating(path string, f func() error) error {
	absent := v != nil && v.rec.toldAbsent(path)
	for tries := 0; ; tries++ {
		if absent && exists(path) && v.engine.writers.another(path, v) {
			v.hide([]string{path})
		}
		err := f()
		if err != syscall.EEXIST || !absent || tries > 2 {
			return err
		}
	}
}

// hidesNew does the same when the kernel looks path up once more before it makes
// something there, and reports whether it was to be hidden.
func (v *view) hidesNew(path string, st *syscall.Stat_t, tid uint32) bool {
	if v == nil || !v.rec.toldAbsent(path) || !v.engine.writers.another(path, v) || !makesNew(tid, st.Mode&syscall.S_IFMT == syscall.S_IFDIR) {
		return false
	}
	v.hide([]string{path})
	return true
}

// removing holds hide up until done is called: what is hidden is about to come, and
// a removal, rename or link that has found the old file there must not hit it.
func (v *view) removing() (done func()) {
	if v == nil {
		return func() {}
	}
	v.removals.RLock()
	return v.removals.RUnlock
}

// unhide makes way for something that the action creates at path: the file that
// stands there, which does not exist for the action, is removed.
func (v *view) unhide(path string) {
	if !v.hides(path) {
		return
	}
	v.removeHidden(path)
	v.reveal(path)
}

// reveal ends the hiding of path and leaves what stands there.
func (v *view) reveal(path string) {
	v.hiddenMu.Lock()
	delete(v.hidden, path)
	empty := len(v.hidden) == 0
	v.hiddenMu.Unlock()
	if empty {
		v.hiding.Store(false)
	}
}

// removeHidden removes a hidden file, or a hidden directory with what is hidden
// in it. What is not hidden there stays, and the creation fails as it must.
func (v *view) removeHidden(path string) {
	if os.Remove(path) == nil {
		return
	}
	v.removeBelow(path)
	_ = os.Remove(path)
}

// removeBelow removes all that is hidden below a directory, so that the
// directory can be removed or moved as the empty one that the action sees.
func (v *view) removeBelow(dir string) {
	if v == nil || !v.hiding.Load() {
		return
	}
	v.hiddenMu.Lock()
	var below []string
	for p := range v.hidden {
		if strings.HasPrefix(p, dir+"/") {
			below = append(below, p)
		}
	}
	v.hiddenMu.Unlock()
	// Longer paths first, so that directories are empty when their turn comes.
	for len(below) > 0 {
		longest := 0
		for i, p := range below {
			if len(p) > len(below[longest]) {
				longest = i
			}
		}
		_ = os.Remove(below[longest])
		v.reveal(below[longest])
		below = append(below[:longest], below[longest+1:]...)
	}
}

// remakeDir lets a mkdir of a hidden directory take over the real one, in which
// there may be files of others.
func (v *view) remakeDir(path string, mode uint32) bool {
	if !v.hides(path) {
		return false
	}
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		v.unhide(path)
		return false
	}
	v.reveal(path)
	return syscall.Chmod(path, mode&0o7777) == nil
}

// hides tells whether path is absent for the view although it stands in the
// tree. This is the one place where a view's picture of the tree is decided:
// looks, opens and listings all ask it.
func (v *view) hides(path string) bool {
	if v == nil || !v.hiding.Load() {
		return false
	}
	v.hiddenMu.Lock()
	defer v.hiddenMu.Unlock()
	return v.hidden[path]
}
