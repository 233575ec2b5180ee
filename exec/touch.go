package exec

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec/ar"
	"fmake/makefile"
)

// touch makes a target as new as now, and the file if it does not exist.
func (w *Walk) touch(f *makefile.File) Status {
	if !w.silent() {
		w.con.put(stdout, "touch "+f.Name+"\n")
	}
	if w.dryRun() {
		return StatusSuccess
	}
	w.idle.Void()
	if makefile.IsArchiveName(f.Name) {
		return w.touchMember(f)
	}
	if err := touchFile(f.Name); err != nil {
		w.con.complain(makefile.Pos{}, "touch: open: "+f.Name+": "+errorText(err))
		return StatusFailed
	}
	// The listings stay as they are, in GNU make as well: no command has ended,
	// and what was found impossible is not searched for again.
	return StatusSuccess
}

func touchFile(name string) error {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// Linux has finer times for files that were looked at since their last change:
	// what is touched in turn is then in order, too.
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
}

// touchMember changes the date of an archive member. Making one out of nothing
// is beyond make.
func (w *Walk) touchMember(f *makefile.File) Status {
	lib, member := makefile.SplitArchive(f.Name)
	// The archive's own time must change with its member's.
	if archive := w.db.Lookup(lib); archive != nil {
		archive.Run.Mtime = MtimeUnknown
	}
	err := ar.Touch(lib, member)
	switch {
	case err == nil:
		return StatusSuccess
	case errors.Is(err, unix.ENOENT):
		w.con.complain(makefile.Pos{}, "touch: Archive '"+lib+"' does not exist")
	case errors.Is(err, ar.ErrNotArchive):
		w.con.complain(makefile.Pos{}, "touch: '"+lib+"' is not a valid archive")
	case errors.Is(err, ar.ErrNoMember):
		w.con.complain(makefile.Pos{}, "touch: Member '"+member+"' does not exist in '"+lib+"'")
	default:
		w.con.complain(makefile.Pos{}, "touch: Bad return code from ar_member_touch on '"+lib+"'")
	}
	return StatusFailed
}

// memberTime is the date of an archive member.
func (w *Walk) memberTime(name string) int64 {
	lib, member := makefile.SplitArchive(name)
	w.lookAt(lib)
	date, err := ar.MemberDate(lib, member, false)
	if err != nil {
		return MtimeNone
	}
	return timeOf(unix.NsecToTimespec(date * int64(time.Second)))
}

// prober is what the search for implicit rules may ask of the walk.
type prober struct{ w *Walk }

// MemberExists implements makefile.Prober.
func (p prober) MemberExists(name string) bool { return p.w.memberTime(name) != MtimeNone }

// Leftover implements makefile.Prober.
func (p prober) Leftover(name string) bool {
	return p.w.opt.Leftover != nil && p.w.opt.Leftover(name)
}

// Debug implements makefile.Prober.
func (p prober) Debug(depth int, format string, args ...any) {
	p.w.debugf(debugImplicit, depth, format, args...)
}

// Debugging implements makefile.Prober.
func (p prober) Debugging() bool { return p.w.debugging(debugImplicit) }
