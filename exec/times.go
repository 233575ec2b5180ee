package exec

import (
	"math"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"fmake/makefile"
)

// Times of files as makefile.RunState holds them: nanoseconds since 1970 plus
// MtimeBase, so that the small numbers are free for these.
const (
	MtimeUnknown = 0 // not looked up, or out of date
	MtimeNone    = 1 // the file does not exist
	MtimeOld     = 2 // -o: older than everything
	MtimeBase    = 3
	MtimeNew     = math.MaxInt64 // -W: newer than everything
)

// isTime tells whether m is the time of a file that exists.
func isTime(m int64) bool { return m >= MtimeBase && m != MtimeNew }

// timeOf makes a time of a file's status.
func timeOf(ts unix.Timespec) int64 {
	return cons(ts.Sec, ts.Nsec)
}

func cons(sec, nsec int64) int64 {
	const limit = math.MaxInt64/1_000_000_000 - 2
	switch {
	case sec < 0:
		return MtimeBase
	case sec >= limit:
		return MtimeNew - 1
	}
	return sec*1_000_000_000 + nsec + MtimeBase
}

// mtime returns the file's time, looking it up, along VPATH if need be, the
// first time. The search may give f another name; see current.
func (w *Walk) mtime(f *makefile.File) int64 {
	if f.Run.Mtime == MtimeUnknown {
		return w.lookUp(f, true)
	}
	return f.Run.Mtime
}

// mtimeNoSearch is mtime without the search along VPATH.
func (w *Walk) mtimeNoSearch(f *makefile.File) int64 {
	if f.Run.Mtime == MtimeUnknown {
		return w.lookUp(f, false)
	}
	return f.Run.Mtime
}

// lookUp finds out the time of a file and stores it in all its rules.
func (w *Walk) lookUp(f *makefile.File, search bool) int64 {
	var m int64
	if makefile.IsArchiveName(f.Name) {
		m = w.lookUpMember(f, search)
		if m == MtimeNone {
			return w.store(f.Current(), m)
		}
	} else {
		m = w.nameTime(f.Name)
		if m == MtimeNone && search && !f.IgnoreVPath {
			found, done := w.lookAlongVPath(f)
			if done {
				return w.mtime(f.Current())
			}
			if found != MtimeUnknown {
				m = found
			}
		}
	}
	f = f.Current()
	w.checkSkew(f, m)
	return w.store(f, m)
}

// store notes m in every rule of f's target that is as far as the first: whether
// one that is still to be looked at has to run goes by the time before the others
// did.
func (w *Walk) store(f *makefile.File, m int64) int64 {
	head := f
	if f.DoubleColon != nil {
		head = f.DoubleColon
	}
	done := head.Run.Updated
	for g := head; g != nil; g = g.Prev {
		// A file that .INTERMEDIATE names, was there before make started and
		// was not made by it, is not make's to delete.
		if m != MtimeNone && g.Run.State == stateIdle && !g.TriedImplicit && g.Intermediate && !w.isLeftover(g) {
			g.Intermediate = false
		}
		if g.Run.Updated == done {
			g.Run.Mtime = m
		}
	}
	return m
}

// lookUpMember finds out the time of an archive member.
func (w *Walk) lookUpMember(f *makefile.File, search bool) int64 {
	lib, member := makefile.SplitArchive(f.Name)
	archive := w.db.Lookup(lib)
	if archive == nil {
		archive = w.db.Enter(lib)
	}
	m := w.lookUp(archive, search)
	archive = archive.Current()
	if search && archive.HName != lib {
		name := archive.HName + "(" + member + ")"
		if archive.Name == archive.HName {
			w.rename(f, name)
		} else {
			w.rehash(f, name)
		}
		f = f.Current()
	}
	f.LowResTime = true
	if m == MtimeNone {
		return MtimeNone
	}
	return w.memberTime(f.HName)
}

// lookAlongVPath searches for a file that is not where its name says. done means
// that f has got the name under which it was found for good.
func (w *Walk) lookAlongVPath(f *makefile.File) (m int64, done bool) {
	hit, ok := w.db.VPathSearch(f.Name)
	if !ok && len(f.Name) > 2 && f.Name[:2] == "-l" {
		hit, ok = w.db.LibrarySearch(f.Name)
	}
	if !ok {
		return MtimeUnknown, false
	}
	preserved := int64(MtimeUnknown)
	if hit.File != nil && (hit.File.Run.Mtime == MtimeOld || hit.File.Run.Mtime == MtimeNew) {
		preserved = hit.File.Run.Mtime
	}
	if dir := len(hit.Name) - len(f.Name) - 1; dir > 0 && w.db.GPathHas(hit.Name[:dir]) {
		w.rename(f, hit.Name)
		return MtimeUnknown, true
	}
	w.rehash(f, hit.Name)
	if preserved != MtimeUnknown {
		return preserved, false
	}
	return w.nameTime(hit.Name), false
}

// nameTime asks the file system. With -L, a symbolic link is as new as the
// newest thing on the way to its end.
func (w *Walk) nameTime(name string) int64 {
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(name, &st) })
	w.idle.Stat(w.dir, name, &st, err)
	m := int64(MtimeNone)
	switch {
	case err == nil:
		m = timeOf(st.Mtim)
	case err != unix.ENOENT && err != unix.ENOTDIR:
		w.con.complain(makefile.Pos{}, "stat: "+name+": "+errorText(err))
		return MtimeNone
	}
	if !w.set.On(checkSymlinks) {
		return m
	}
	return w.linkTime(name, m)
}

// linkTime follows a chain of symbolic links. One that leads nowhere still has
// a time: its own.
func (w *Walk) linkTime(name string, m int64) int64 {
	const maxLinks = 40
	w.idle.Void() // not often enough to note all links on the way
	for range maxLinks {
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			if err != unix.ENOENT && err != unix.ENOTDIR {
				w.con.complain(makefile.Pos{}, "lstat: "+name+": "+errorText(err))
			}
			return m
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			return m
		}
		m = max(m, timeOf(st.Mtim))
		target, err := readlink(name)
		if err != nil {
			w.con.complain(makefile.Pos{}, "readlink: "+name+": "+errorText(err))
			return m
		}
		name = besides(name, target)
	}
	return m
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// checkSkew warns once about a file from the future: nothing newly made would be
// newer than it.
func (w *Walk) checkSkew(f *makefile.File, m int64) {
	if w.skewed || !isTime(m) || f.Run.Updated || m <= w.now {
		return
	}
	w.now = timeOf(clock())
	if m <= w.now {
		return
	}
	w.idle.Void() // the next make says another number, or none
	ahead := float64(m-w.now) / 1e9
	w.con.complain(makefile.Pos{}, "Warning: File '"+f.Name+"' has modification time "+formatSeconds(ahead)+" s in the future")
	w.skewed = true
}

// formatSeconds writes two significant digits, or all before the point.
func formatSeconds(s float64) string {
	if s >= 99.5 {
		return strconv.FormatFloat(s, 'f', 0, 64)
	}
	return strconv.FormatFloat(s, 'g', 2, 64)
}

func clock() unix.Timespec {
	now := time.Now()
	return unix.Timespec{Sec: now.Unix(), Nsec: int64(now.Nanosecond())}
}
