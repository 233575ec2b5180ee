package exec

import (
	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/makefile"
)

// deleteTargets deletes what an interrupted or failed recipe has left half done.
func (w *Walk) deleteTargets(j *job) {
	if j.deleted || j.run != nil && j.run.pid() < 0 {
		return
	}
	w.deleteTarget(j.file, "")
	for _, other := range j.file.AlsoMake {
		w.deleteTarget(other.Current(), j.file.Name)
	}
	j.deleted = true
}

// deleteTarget deletes one file if it was changed. onBehalf is the target whose
// recipe was to make it too.
func (w *Walk) deleteTarget(f *makefile.File, onBehalf string) {
	if f.Precious || f.Phony {
		return
	}
	mark := "*** "
	if onBehalf != "" {
		mark += "[" + onBehalf + "] "
	}
	if makefile.IsArchiveName(f.Name) {
		if w.memberTime(f.Name) != f.Run.Mtime {
			w.con.complain(makefile.Pos{}, mark+"Archive member '"+f.Name+"' may be bogus; not deleted")
		}
		return
	}
	var st unix.Stat_t
	if unix.Stat(f.Name, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || timeOf(st.Mtim) == f.Run.Mtime {
		return
	}
	w.idle.Void()
	w.con.complain(makefile.Pos{}, mark+"Deleting file '"+f.Name+"'")
	if err := unix.Unlink(f.Name); err != nil && err != unix.ENOENT {
		w.con.complain(makefile.Pos{}, "unlink: "+f.Name+": "+errorText(err))
	}
}

// removeIntermediates deletes the intermediate files that were made. After a
// signal it says so in another way.
func (w *Walk) removeIntermediates(interrupted bool) {
	if w.question() || w.touching() || w.db.AllSecondary || interrupted && w.dryRun() {
		return
	}
	any := false
	for _, f := range w.intermediates() {
		var err error
		if !w.dryRun() {
			w.idle.Void()
			if err = unix.Unlink(f.Name); err == unix.ENOENT {
				continue
			}
		}
		if f.DontCare {
			continue
		}
		if interrupted {
			w.con.complain(makefile.Pos{}, "*** Deleting intermediate file '"+f.Name+"'")
		} else {
			any = w.sayRemoved(f, any)
		}
		if err != nil {
			w.con.put(stderr, w.con.program+": \nunlink: "+f.Name+": "+errorText(err)+"\n")
			any = false // the line has ended
		}
	}
	if any {
		w.con.put(stdout, "\n")
	}
}

// isLeftover tells whether an intermediate file that was there before is fmake's to
// delete all the same: an earlier make has made it, and come to no end.
func (w *Walk) isLeftover(f *makefile.File) bool {
	if !f.Run.KnowsLeft {
		f.Run.KnowsLeft, f.Run.Leftover = true, prober{w}.Leftover(f.Name)
	}
	return f.Run.Leftover
}

func (w *Walk) sayRemoved(f *makefile.File, any bool) bool {
	if !any {
		w.debugf(debugBasic, 0, "Removing intermediate files...")
	}
	if w.silent() {
		return any
	}
	before := "rm "
	if any {
		before = " "
	}
	w.con.put(stdout, before+f.Name)
	return true
}

// intermediates lists the files to delete, in the order of GNU make's table of
// files.
func (w *Walk) intermediates() []*makefile.File {
	var list []*makefile.File
	for _, f := range w.db.Files() {
		if !f.Passing() {
			continue
		}
		if f.Renamed != nil || f.Run.Status == StatusNone && !w.isLeftover(f) {
			continue
		}
		list = append(list, f)
	}
	if len(list) > 1 {
		sortLikeTable(list, w.db.Files())
	}
	return list
}

const printDatabase = flags.PrintDatabase
