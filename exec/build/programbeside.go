package build

import (
	"path/filepath"
	"slices"
	"strings"

	"fmake/tracefs"
	"fmake/tracefs/procfs"
)

// mute are programs that have nothing to do with others that run beside them, but for files.
func mute() []string {
	return []string{
		"cc", "gcc", "g++", "c++", "cpp", "clang", "clang++", "tcc", "gfortran", "as", "nasm", "yasm",
		"ld", "ld.bfd", "ld.gold", "ld.lld", "ar", "ranlib", "nm", "objcopy", "strip", "gcc-ar", "gcc-ranlib", "gcc-nm",
	}
}

// isMute tells whether a program is one of them, whatever machine or version its name names.
func isMute(program string) bool {
	name := filepath.Base(program)
	if at := strings.LastIndexByte(name, '-'); at > 0 && strings.Trim(name[at+1:], "0123456789.") == "" {
		name = name[:at]
	}
	return slices.ContainsFunc(mute(), func(m string) bool { return name == m || strings.HasSuffix(name, "-"+m) })
}

// starts notes that a program starts, which is told apart unless x is nil. It returns false
// if that is not to be, because of what runs already.
func (sh *shells) starts(x *stub) bool {
	alone := x != nil && !isMute(x.p.words[0])
	if alone && !x.quiet() {
		return false
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if alone && len(sh.running) > 0 {
		return false
	}
	for other := range sh.running {
		if !isMute(other.p.words[0]) {
			other.disturbed.Store(true)
		}
	}
	if x == nil {
		return true
	}
	if sh.running == nil {
		sh.running = make(map[*stub]bool)
	}
	sh.running[x] = true
	return true
}

// ends notes that a program has ended that was told apart.
func (sh *shells) ends(x *stub) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.running, x)
}

// quiet tells whether nothing runs in the view but shells and what is left to them.
func (x *stub) quiet() bool {
	for _, pid := range procfs.Inside(map[uint64]bool{x.ps.shells.device: true}) {
		if pid == x.pid || procfs.Descends(x.pid, pid) {
			continue
		}
		exe, err := procfs.Link(pid, "exe")
		if err != nil {
			continue // it has ended
		}
		if name := filepath.Base(exe); !tracefs.IsShell(name) && !slices.Contains(leftToShells(), name) {
			return false
		}
	}
	return true
}
