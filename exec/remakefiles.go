package exec

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/makefile"
)

// remakeMakefiles brings the makefiles themselves up to date. If one was made
// anew, make starts itself again.
func (s *Session) remakeMakefiles() {
	if mode := s.w.shuffle.text(); mode != "" {
		s.w.debugf(debugBasic, 0, "Enabled shuffle mode: %s", mode)
	}
	s.w.debugf(debugBasic, 0, "Updating makefiles....")
	goals, times := s.makefileGoals()
	if len(goals) == 0 {
		return
	}
	s.defineMakeflags(true)
	s.w.goals = goals
	s.w.remaking = true
	level := s.w.debug
	if !s.w.debugging(debugMakefiles) {
		s.w.debug = 0
	}
	status := s.w.makeSettled(goals)
	s.w.debug = level
	s.w.remaking = false
	switch status {
	case StatusNone:
		s.failUnread()
	case StatusFailed:
		if s.reportFailed(goals, times) {
			s.restart()
		}
	case StatusSuccess:
		s.restart()
	}
}

// makefileGoals lists the makefiles to be remade, in the order in which they
// were read, and their times. Those that would be remade for ever are left out.
func (s *Session) makefileGoals() (goals []*makefile.GoalDep, times map[*makefile.GoalDep]int64) {
	times = make(map[*makefile.GoalDep]int64)
	for _, g := range s.db.ReadFiles {
		// One that could not be read is as good as none.
		g.File = g.File.Current()
		if m := g.File.Run.Mtime; m == MtimeOld || m == MtimeNew {
			continue // that is what -o and -W say
		}
		g.File.Run.Mtime = MtimeUnknown
		if g.Err != nil {
			g.File.Run.Mtime = MtimeNone
		}
	}
	for _, g := range s.db.ReadFiles {
		g.File = g.File.Current()
		if s.mightLoop(g.File) {
			continue
		}
		// Somebody mentioned it: it must not be deleted as intermediate.
		g.File.Explicit = true
		times[g] = s.w.mtimeNoSearch(g.File)
		g.File = g.File.Current()
		goals = append(goals, g)
	}
	return goals, times
}

// mightLoop tells whether a makefile is remade unconditionally: phony, or with
// a double-colon rule without prerequisites.
func (s *Session) mightLoop(f *makefile.File) bool {
	if f.Phony {
		s.w.debugf(debugVerbose, 0, "Makefile '%s' is phony; not remaking it.", f.Name)
		return true
	}
	for g := f.DoubleColon; g != nil; g = g.Prev {
		if len(g.Deps) == 0 && g.Recipe != nil {
			s.w.debugf(debugVerbose, 0, "Makefile '%s' might loop; not remaking it.", f.Name)
			return true
		}
	}
	return false
}

// failUnread ends make if a makefile that is needed could not be read and
// nothing makes it.
func (s *Session) failUnread() {
	failed := false
	for _, g := range s.db.ReadFiles {
		if g.Err != nil && !g.DontCare && !g.File.Run.Updated {
			s.con.complain(g.Pos, g.File.Name+": "+errorText(g.Err))
			failed = true
		}
	}
	if failed {
		s.w.die(exitFailure)
	}
}

// reportFailed says which makefiles could not be remade. It tells whether one
// was made all the same, so that make has to start again.
func (s *Session) reportFailed(goals []*makefile.GoalDep, times map[*makefile.GoalDep]int64) bool {
	remade, failed := false, false
	for _, g := range goals {
		f := g.File
		switch {
		case f.Run.Updated && f.Run.Status <= StatusSuccess:
			remade = remade || s.w.mtimeNoSearch(f) != times[g]
		case g.DontCare:
		case f.Run.Updated:
			s.con.complain(g.Pos, "Failed to remake makefile '"+f.Name+"'.")
			m := s.w.mtimeNoSearch(f)
			remade = remade || m != MtimeNone && m != times[g]
			failed = true
		case g.Included:
			s.con.complain(makefile.Pos{}, "Included makefile '"+f.Name+"' was not found.")
		default:
			s.con.complain(makefile.Pos{}, "Makefile '"+f.Name+"' was not found")
			failed = true
		}
	}
	if failed && !remade {
		s.w.die(exitFailure)
	}
	return remade
}

// restart starts make anew with the same arguments. It does not return.
func (s *Session) restart() {
	s.w.removeIntermediates(false)
	if s.set.On(printDatabase) {
		s.printDatabase()
	}
	if s.cfg.Finished != nil {
		s.cfg.Finished(exitSuccess, true)
	}
	s.closeJobserver(exitSuccess)
	if len(s.set.List(flags.Directory)) > 0 {
		if err := unix.Chdir(s.startDir); err != nil {
			s.w.fatal(makefile.Pos{}, "Couldn't change back to original directory")
		}
	}
	s.restarts++
	args := s.restartArgs()
	if s.w.debugging(debugBasic) {
		s.con.put(stdout, "Re-executing["+itoa(s.restarts)+"]: "+strings.Join(args, " ")+"\n")
	}
	s.con.restore()
	s.con.mutex.close()
	if s.w.inside {
		panic(&again{args, s.restartEnv()})
	}
	program, err := HostView{}.LookPath(s.cfg.Args[0], s.env("PATH"), s.startDir)
	if err == nil {
		err = syscall.Exec(program, args, append(s.restartEnv(), s.cfg.Private...))
	}
	s.con.complain(makefile.Pos{}, args[0]+": "+errorText(err))
	s.w.die(exitNotStarted)
}

func (s *Session) restartArgs() []string {
	args := append([]string(nil), s.cfg.Args[:1]...)
	if s.tempInput != "" && s.set.StdinMakefile() < 0 {
		args = append(args, "--temp-stdin="+s.tempInput)
	}
	return append(args, s.cfg.Args[1:]...)
}

func (s *Session) restartEnv() []string {
	restarts := itoa(s.restarts)
	if s.con.traced {
		restarts = "-" + restarts
	}
	return withVariables(s.cfg.Env, "MAKELEVEL="+itoa(s.level), "MAKE_RESTARTS="+restarts)
}
