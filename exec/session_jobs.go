package exec

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"fmake/exec/ar"
	"fmake/exec/flags"
	"fmake/exec/jobserver"
	"fmake/exec/recipe"
	"fmake/makefile"
)

// joinJobserver uses the jobserver of the make above, unless the command line
// wants its own.
func (s *Session) joinJobserver() {
	auth := s.set.Text(flags.JobserverAuth)
	if auth != "" {
		s.tryJobserver(auth)
	}
	s.jobs = s.set.Jobs()
}

func (s *Session) tryJobserver(auth string) {
	if s.slots != 0 {
		if s.restarts == 0 {
			s.con.complain(makefile.Pos{}, "warning: -j"+itoa(max(s.slots, 0))+" forced in submake: resetting jobserver mode.")
		}
		s.leaveJobserver()
		return
	}
	pool, err := jobserver.Connect(auth)
	if err == nil {
		s.usePool(pool)
		return
	}
	if !errors.Is(err, jobserver.ErrUnavailable) {
		s.con.complain(makefile.Pos{}, jobserverError(err))
	}
	s.con.complain(makefile.Pos{}, "warning: jobserver unavailable: using -j1.  Add '+' to parent make rule.")
	s.set.SetJobs(1)
	s.leaveJobserver()
}

// jobserverError words an error of package jobserver as GNU make does.
func jobserverError(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return "cannot open jobserver " + pe.Path + ": " + errorText(pe.Err)
	}
	return err.Error()
}

func (s *Session) usePool(pool *jobserver.Pool) {
	if err := s.w.wake.open(); err != nil {
		pool.Close()
		return
	}
	s.w.pool = pool
	s.w.slots = 0
}

// leaveJobserver forgets the jobserver of the make above.
func (s *Session) leaveJobserver() {
	if s.w.pool != nil {
		s.w.pool.Close()
		s.w.pool = nil
	}
	s.set.SetText(flags.JobserverAuth, "")
}

// startParallel decides how many jobs run at once, when all options are known.
func (s *Session) startParallel() {
	if s.w.pool == nil {
		s.startJobserver()
	}
	if s.cfg.SerialOutput != nil && s.cfg.SerialOutput() && s.w.slots != 1 {
		s.con.mode, s.reading.sync = SyncRecurse, false
		s.w.serial = newSerialOutput()
	}
	if s.reading.sync && s.w.slots == 1 {
		s.endReading()
		s.con.mode, s.reading.sync = SyncNone, false
	}
	if s.reading.sync {
		s.openMutex()
	}
	if s.w.pool != nil {
		s.w.debugf(debugVerbose|debugJobs, 0, "Using jobserver controller %s", s.set.Text(flags.JobserverAuth))
	}
}

func (s *Session) startJobserver() {
	n := s.set.Jobs()
	switch {
	case n == 0:
		s.w.slots = 1
	case n == flags.Unlimited:
		s.w.slots = 0
	default:
		s.w.slots = n
	}
	if n < 2 {
		return
	}
	style, ok := jobserverStyle(s.set.Text(flags.JobserverStyle))
	if !ok {
		s.w.fatal(makefile.Pos{}, "unknown jobserver auth style '"+s.set.Text(flags.JobserverStyle)+"'")
	}
	s.w.signals.arm() // one must not leave the fifo behind
	pool, err := jobserver.Create(n, style, s.con.temp)
	if err != nil {
		s.con.complain(makefile.Pos{}, jobserverError(err))
		return
	}
	s.usePool(pool)
	s.set.SetText(flags.JobserverAuth, pool.Auth())
}

// Fifo returns the path of the jobserver's fifo that this process has made, "" if
// there is none.
func (s *Session) Fifo() string {
	if s.w.pool == nil || !s.w.pool.Owner() {
		return ""
	}
	if path, ok := strings.CutPrefix(s.w.pool.Auth(), "fifo:"); ok {
		return path
	}
	return ""
}

func jobserverStyle(text string) (jobserver.Style, bool) {
	switch text {
	case "", "fifo":
		return jobserver.Fifo, true
	case "pipe":
		return jobserver.Pipe, true
	}
	return 0, false
}

// openMutex gets the lock that keeps the outputs of several makes apart.
func (s *Session) openMutex() {
	auth := s.set.Text(flags.SyncMutex)
	if auth == "" {
		s.w.signals.arm()
		m, err := newSyncMutex(s.con.temp)
		if err != nil {
			s.con.complain(makefile.Pos{}, "cannot open output-sync lock file: "+errorText(err))
			return
		}
		s.con.mutex = m
		s.set.SetText(flags.SyncMutex, m.auth())
		return
	}
	m, err := openSyncMutex(auth)
	if err != nil {
		s.con.complain(makefile.Pos{}, "cannot open output sync mutex "+auth+": "+errorText(err))
		s.set.SetText(flags.SyncMutex, "")
		return
	}
	s.con.mutex = m
}

// closeJobserver gives back all tokens and, as their owner, checks that none is
// missing.
func (s *Session) closeJobserver(status int) {
	pool := s.w.pool
	if pool == nil {
		return
	}
	s.w.pool = nil
	for pool.Held() > 0 {
		if pool.Release() != nil {
			break
		}
	}
	if pool.Owner() && status == exitSuccess {
		if n := pool.Drain() + 1; n != s.set.Jobs() {
			s.con.complain(makefile.Pos{}, sprintf("INTERNAL: Exiting with %d jobserver tokens available; should be %d!", n, s.set.Jobs()))
		}
	}
	pool.Close()
}

// shellIsDash tells once whether /bin/sh is the shell that recipes can be
// interpreted for.
func (w *Walk) shellIsDash() bool {
	if !w.dashKnown {
		w.dashKnown, w.dash = true, recipe.IsDash(w.noting(w.host))
	}
	return w.dash
}

// archiveGlob lists the members of an archive that match a pattern.
func (w *Walk) archiveGlob(archive, pattern string) []string {
	w.lookAt(archive)
	members, err := ar.Members(archive)
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range members {
		if makefile.Match(pattern, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// printVersion prints the version once, as comments if a database follows.
func (s *Session) printVersion() {
	if s.versionPrinted {
		return
	}
	s.versionPrinted = true
	text := versionText
	if s.set.On(flags.PrintDatabase) {
		text = "# " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n# ") + "\n"
	}
	s.con.write(stdout, []byte(text))
}

// printDatabase obeys -p.
func (s *Session) printDatabase() {
	s.printVersion()
	s.db.SetDescribe(describe)
	s.db.PrintDatabase(printer{s.con}, time.Now())
}

type printer struct{ c *console }

func (p printer) Write(data []byte) (int, error) {
	p.c.write(stdout, data)
	return len(data), nil
}
