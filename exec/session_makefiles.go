package exec

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/makefile"
)

// defineOwnVariables defines the variables that tell makefiles how make was
// called.
func (s *Session) defineOwnVariables() {
	command := s.cfg.Args[0]
	if command != "" && command[0] != '/' && strings.Contains(command, "/") && s.startDir != "" {
		command = s.startDir + "/" + command
	}
	s.db.Define("MAKE_COMMAND", command, makefile.OriginDefault, false, nil, makefile.Pos{})
	s.db.Define("MAKE", "$(MAKE_COMMAND)", makefile.OriginDefault, true, nil, makefile.Pos{})
	s.defineOverrides()
	s.defineMakeflags(false)
	s.defineTerminals()
}

// defineTerminals tells recipes whether make's own output goes to a terminal,
// since with -O theirs does not.
func (s *Session) defineTerminals() {
	for _, t := range []struct {
		name string
		fd   int
	}{{"MAKE_TERMOUT", stdout}, {"MAKE_TERMERR", stderr}} {
		if _, err := unix.IoctlGetTermios(t.fd, unix.TCGETS); err != nil || s.db.Var(t.name) != nil {
			continue
		}
		name, err := os.Readlink("/proc/self/fd/" + itoa(t.fd))
		if err != nil {
			name = "true"
		}
		v := s.db.Define(t.name, name, makefile.OriginDefault, false, nil, makefile.Pos{})
		v.Export = makefile.ExportYes
	}
}

// readStdinMakefile saves a makefile that comes from standard input, since it
// may have to be read again.
func (s *Session) readStdinMakefile() {
	list := s.set.List(flags.Makefile)
	at := s.set.StdinMakefile()
	for i, name := range list {
		if name != "-" {
			continue
		}
		if at >= 0 && at != i {
			if s.restarts > 0 && list[at] != "-" {
				// An earlier incarnation has saved it.
				s.set.ReplaceMakefile(i, list[at])
				s.set.DropMakefile(at)
				if at < i {
					i--
				}
				at = i
				break
			}
			s.w.fatal(makefile.Pos{}, "Makefile from standard input specified twice")
		}
		s.set.ReplaceMakefile(i, s.saveStdin())
		at = i
	}
	if at < 0 {
		return
	}
	name := s.set.List(flags.Makefile)[at]
	s.tempInput = name
	f := s.db.Enter(name)
	f.Run.Updated, f.Run.Status, f.Run.State = true, StatusSuccess, stateFinished
	f.Run.Mtime = s.w.nameTime(name)
	f.Run.MtimeBefore = f.Run.Mtime
}

func (s *Session) saveStdin() string {
	s.w.idle.Void()
	s.w.signals.arm() // one must not leave the file behind
	f, err := os.CreateTemp(s.con.temp, "Gm*")
	if err == nil {
		_, err = io.Copy(f, s.w.stdin)
		f.Close()
	}
	if err != nil {
		s.con.complain(makefile.Pos{}, "cannot create temporary file "+tempName(err, s.con.temp)+": "+errorText(err))
		s.w.fatal(makefile.Pos{}, "cannot store makefile from stdin to a temporary file")
	}
	s.tempInput = f.Name()
	return s.tempInput
}

// tempName is the name of the file that could not be made.
func tempName(err error, dir string) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Path
	}
	return dir
}

func (s *Session) removeTempInput() {
	if s.tempInput != "" {
		os.Remove(s.tempInput)
		s.tempInput = ""
	}
}

// readMakefiles reads --eval, MAKEFILES and the makefiles of -f or the default
// ones.
func (s *Session) readMakefiles() {
	if evals := s.set.List(flags.Eval); len(evals) > 0 {
		for _, text := range evals {
			s.db.EvalString(text, makefile.Pos{})
		}
		words := s.set.Encode(false).Evals
		s.db.Define("-*-eval-flags-*-", strings.Join(words, " "), makefile.OriginAutomatic, false, nil, makefile.Pos{})
		s.defineMakeflags(false)
	}
	s.w.debugf(debugBasic, 0, "Reading makefiles...")
	s.db.Define("MAKEFILE_LIST", "", makefile.OriginFile, false, nil, makefile.Pos{})
	for _, name := range s.makefilesVariable() {
		s.db.ReadFile(&makefile.GoalDep{Dep: makefile.Dep{Name: name}, DontCare: true, NoDefaultGoal: true, Included: true})
	}
	named := s.set.List(flags.Makefile)
	for i, name := range named {
		g := &makefile.GoalDep{Dep: makefile.Dep{Name: name}}
		s.db.ReadFile(g)
		if g.Err != nil {
			s.con.complain(makefile.Pos{}, name+": "+errorText(g.Err))
		}
		if g.File != nil {
			s.set.ReplaceMakefile(i, g.File.Name)
		}
	}
	if len(named) == 0 {
		s.readDefault()
	}
}

// makefilesVariable lists the makefiles that MAKEFILES names. They are read
// before all others.
func (s *Session) makefilesVariable() []string {
	v := s.db.Var("MAKEFILES")
	if v == nil || v.Value == "" {
		return nil
	}
	warn := &s.db.Options().WarnUndefined
	saved := *warn
	*warn = false
	names := strings.Fields(s.db.Expand("$(MAKEFILES)"))
	*warn = saved
	return names
}

// readDefault reads the first default makefile that exists. If there is none,
// all of them may be made.
func (s *Session) readDefault() {
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	for _, name := range names {
		if s.w.db.Dirs().Exists(name) {
			s.db.ReadFile(&makefile.GoalDep{Dep: makefile.Dep{Name: name}})
			return
		}
	}
	for _, name := range names {
		g := &makefile.GoalDep{Dep: makefile.Dep{File: s.db.Enter(name)}, DontCare: true, Err: fs.ErrNotExist}
		s.db.ReadFiles = append(s.db.ReadFiles, g)
	}
}

// settleOptions decides what the makefiles' own GNUMAKEFLAGS and MAKEFLAGS left
// open.
func (s *Session) settleOptions() {
	before := s.jobs
	s.set.SetJobs(0)
	s.decodeVariable("GNUMAKEFLAGS", makefile.OriginEnv)
	s.db.Define("GNUMAKEFLAGS", "", makefile.OriginOverride, false, nil, makefile.Pos{})
	s.decodeVariable("MAKEFLAGS", makefile.OriginEnv)
	now := s.set.Jobs()
	switch {
	case now == 0 || s.slots != 0:
		s.set.SetJobs(before)
	case s.w.pool != nil && now != before:
		if s.restarts == 0 {
			s.con.complain(makefile.Pos{}, "warning: -j"+itoa(now)+" forced in makefile: resetting jobserver mode.")
		}
		s.leaveJobserver()
	}
	if !s.reading.sync {
		s.endReading()
		s.con.ctx = s.reading
	}
	if s.set.On(flags.NoBuiltinVars) {
		s.set.SetOn(flags.NoBuiltinRules, true)
	}
	s.dropBuiltins()
}

// markPhony makes phony targets count as files that do not exist.
func (s *Session) markPhony() {
	for _, f := range s.db.Files() {
		for ; f != nil; f = f.Prev {
			if f.Phony {
				f.Run.Mtime, f.Run.MtimeBefore = MtimeNone, MtimeNone
			}
		}
	}
}

// markFiles obeys -o and -W.
func (s *Session) markFiles() {
	for _, name := range s.set.List(flags.OldFile) {
		f := s.db.Enter(name)
		f.Run.Mtime, f.Run.MtimeBefore = MtimeOld, MtimeOld
		f.Run.Updated, f.Run.Status, f.Run.State = true, StatusSuccess, stateFinished
	}
	if s.restarts == 0 {
		s.markNewFiles()
	}
}

func (s *Session) markNewFiles() {
	for _, name := range s.set.List(flags.NewFile) {
		f := s.db.Enter(name)
		f.Run.Mtime, f.Run.MtimeBefore = MtimeNew, MtimeNew
	}
}

// endReading shows what was printed while makefiles were read.
func (s *Session) endReading() {
	if s.con.ctx == s.reading {
		s.con.ctx = nil
	}
	s.reading.dump(s.con)
	s.reading.close()
}
