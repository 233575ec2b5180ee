package exec

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/flags"
	"fmake/makefile"
)

// decoder prepares the reading of options that come from o.
func (s *Session) decoder(o makefile.Origin) *flags.Decoder {
	return &flags.Decoder{
		Set: &s.set, Program: s.con.program, Origin: o,
		Complain: func(line string) {
			s.heed()
			s.con.put(stderr, line+"\n")
		},
		Getopt: func(line string) { s.con.write(stderr, []byte(line+"\n")) },
		Word: func(word string) {
			s.heed()
			s.takeWord(word, o)
		},
		FileName: s.commandLineFile,
	}
}

// commandLineFile makes a file name of an argument: ~ is expanded and ./
// removed, as is done for names in makefiles.
func (s *Session) commandLineFile(name string) string {
	if name == "" {
		s.w.fatal(makefile.Pos{}, "empty string invalid as file name")
	}
	if name[0] == '~' {
		name = s.db.Tilde(name)
	}
	for strings.HasPrefix(name, "./") {
		name = strings.TrimLeft(name[2:], "/")
	}
	if name == "" {
		return "./"
	}
	return name
}

// decodeOptions reads GNUMAKEFLAGS, MAKEFLAGS and the command line.
func (s *Session) decodeOptions() {
	if v := s.db.Var("GNUMAKEFLAGS"); v != nil && v.Origin != makefile.OriginDefault {
		s.decodeVariable("GNUMAKEFLAGS", makefile.OriginCommand)
		s.db.Define("GNUMAKEFLAGS", "", makefile.OriginEnv, false, nil, makefile.Pos{})
	}
	s.decodeVariable("MAKEFLAGS", makefile.OriginCommand)

	inherited := s.set.Jobs()
	s.set.SetJobs(0)
	d := s.decoder(makefile.OriginCommand)
	d.Invoked, d.Own, d.OwnNames = s.cfg.Args[0], s.cfg.Own, s.cfg.OwnNames
	ok := d.Decode(s.cfg.Args[1:])
	s.slots = s.set.Jobs()
	if s.slots == 0 {
		s.set.SetJobs(inherited)
	}
	s.applyOptions()
	if !ok || s.set.On(flags.Help) {
		s.usage(!ok)
	}
	if s.cfg.Ready != nil {
		for _, e := range s.cfg.Ready() {
			name, value, _ := strings.Cut(e, "=")
			v := s.db.Define(name, value, makefile.OriginEnv, false, nil, makefile.Pos{})
			v.Export = makefile.ExportYes
			if !s.w.inside {
				os.Setenv(name, value)
			}
		}
	}
	s.watch()
	if s.set.On(flags.NoBuiltinVars) {
		s.set.SetOn(flags.NoBuiltinRules, true)
		s.db.DropBuiltinVars()
	}
	s.db.DefineShell()
	s.db.Options().NoBuiltinRules = s.set.On(flags.NoBuiltinRules)
	s.db.InstallSuffixRules()
	if s.set.On(flags.EnvOverrides) {
		s.db.SetEnvOverrides(true)
	}
}

// watch finds out who is told what make does.
func (s *Session) watch() {
	if s.cfg.Watcher == nil {
		return
	}
	if s.w.watch = s.cfg.Watcher(); s.w.watch == nil {
		return
	}
	s.db.Options().Timed = s.w.timed
}

// decodeVariable reads the options in a variable.
func (s *Session) decodeVariable(name string, o makefile.Origin) {
	value := s.db.Expand("$(" + name + ")") // which may warn
	if value == "" {
		return
	}
	ok := s.decoder(o).DecodeVariable(value)
	s.applyOptions()
	// Options that a recipe sets say anew what is printed: GNU make forgets
	// .SILENT then.
	s.db.Silent = false
	if !ok {
		s.usage(true)
	}
}

// usage prints the help text and ends make.
func (s *Session) usage(bad bool) {
	stream, status := stdout, exitSuccess
	if bad {
		stream, status = stderr, exitFailure
	}
	s.con.announce = false
	text := "Usage: " + s.program + " [options] [target] ...\n" + usageText
	if !bad && s.cfg.Help != nil {
		text += s.cfg.Help()
	}
	s.con.put(stream, text)
	s.w.die(status)
}

// heed makes those options effective that matter while others are still being
// read: a definition may expand, run a shell, and have something to say.
func (s *Session) heed() {
	s.con.announce = s.announces()
	s.con.database = s.set.On(flags.PrintDatabase)
	s.db.Options().WarnUndefined = s.set.On(flags.WarnUndefined)
}

// takeWord handles an argument that is no option: a definition or a goal.
func (s *Session) takeWord(word string, o makefile.Origin) {
	if word == "-" || word == "" {
		return
	}
	if v, ok := s.defineWord(word, o); ok {
		s.noteOverride(v, o)
		return
	}
	if o == makefile.OriginCommand {
		s.addGoal(word)
	}
}

func (s *Session) defineWord(word string, o makefile.Origin) (*makefile.Variable, bool) {
	if o == makefile.OriginCommand {
		return s.db.DefineOnCommandLine(word)
	}
	return s.db.DefineAs(word, o)
}

// noteOverride remembers a definition that MAKEOVERRIDES has to pass on.
func (s *Session) noteOverride(v *makefile.Variable, o makefile.Origin) {
	for _, old := range s.overrides {
		if old == v {
			return
		}
	}
	s.overrides = append(s.overrides, v)
}

func (s *Session) addGoal(word string) {
	f := s.db.Enter(s.commandLineFile(word))
	f.CmdTarget = true
	s.goals = append(s.goals, &makefile.GoalDep{Dep: makefile.Dep{File: f}})
	value := f.Name
	if old := s.db.Value("MAKECMDGOALS"); old != "" {
		value = old + " " + value
	}
	s.db.Define("MAKECMDGOALS", value, makefile.OriginDefault, false, nil, makefile.Pos{})
}

// applyOptions makes the options effective that are not looked up where they
// matter.
func (s *Session) applyOptions() {
	s.heed()
	var level debugLevel
	if s.set.On(flags.DebugAll) {
		level |= debugAll
	}
	if s.set.On(flags.Trace) {
		level |= debugPrint | debugWhy
	}
	level, bad := parseDebug(level, s.set.List(flags.Debug))
	if bad != "" {
		s.w.fatal(makefile.Pos{}, "unknown debug level specification '"+bad+"'")
	}
	s.w.debug = level
	s.db.RememberAll = level&debugImplicit != 0

	mode, ok := parseSyncMode(s.set.Text(flags.OutputSync))
	if !ok {
		s.w.fatal(makefile.Pos{}, "unknown output-sync type '"+s.set.Text(flags.OutputSync)+"'")
	}
	s.con.mode = mode
	s.reading.sync = mode == SyncLine || mode == SyncTarget
	if !s.w.shuffle.set(s.set.Text(flags.Shuffle)) {
		s.w.fatal(makefile.Pos{}, "invalid shuffle mode: Invalid value: '"+s.set.Text(flags.Shuffle)+"'")
	}
	if text := s.w.shuffle.text(); text != "" {
		s.set.SetText(flags.Shuffle, text)
	}
	s.w.always = s.set.On(flags.AlwaysMake) && s.restarts == 0
	s.setIncludeDirs()
}

// announces tells whether the directory is printed: where it is not the one the
// user is in, unless told otherwise.
func (s *Session) announces() bool {
	if s.set.Given(flags.PrintDirectory) {
		return s.set.On(flags.PrintDirectory)
	}
	return !s.set.On(flags.Silent) && (s.con.level > 0 || len(s.set.List(flags.Directory)) > 0)
}

// setIncludeDirs sets where included makefiles are searched: in the directories
// of -I, then in the standard ones, as far as they exist.
func (s *Session) setIncludeDirs() {
	var dirs []string
	standard := true
	for _, dir := range s.set.List(flags.IncludeDir) {
		if dir == "-" {
			dirs, standard = nil, false
			continue
		}
		dirs = s.appendDir(dirs, dir)
	}
	if standard {
		for _, dir := range []string{"/usr/local/include", "/usr/local/include", "/usr/include"} {
			dirs = s.appendDir(dirs, dir)
		}
	}
	s.db.SetIncludeDirs(dirs)
}

func (s *Session) appendDir(dirs []string, dir string) []string {
	var st unix.Stat_t
	err := unix.Stat(dir, &st)
	s.w.idle.Exists(s.dir, dir, &st, err)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return dirs
	}
	if len(dir) > 1 {
		dir = strings.TrimRight(dir, "/")
	}
	return append(dirs, dir)
}

// makeflagsAssigned obeys a MAKEFLAGS that a makefile has just set.
func (s *Session) makeflagsAssigned(_ string, o makefile.Origin) {
	if o == makefile.OriginCommand {
		return // it is read again when the makefiles have been
	}
	s.decodeVariable("MAKEFLAGS", o)
	if s.set.On(flags.EnvOverrides) {
		s.db.Options().EnvOverrides = true
	}
	s.defineMakeflags(s.w.remaking)
}

// dropBuiltins obeys a -r or -R that came while reading, when all is read: until
// then the makefiles see what is built in.
func (s *Session) dropBuiltins() {
	if s.set.On(flags.NoBuiltinVars) && !s.db.Options().NoBuiltinVars {
		s.db.DropBuiltinVars()
	}
	if s.set.On(flags.NoBuiltinRules) && !s.db.Options().NoBuiltinRules {
		s.db.DropBuiltinRules()
	}
}

// defineMakeflags writes the options into MAKEFLAGS and MFLAGS. While makefiles
// are remade, -n, -q and -t are not passed on.
func (s *Session) defineMakeflags(remaking bool) {
	e := s.set.Encode(remaking)
	s.db.Define("MFLAGS", e.Flags(), makefile.OriginEnv, true, nil, makefile.Pos{})
	text := e.Letters
	for _, word := range e.Words {
		text += " " + word
	}
	if len(e.Evals) > 0 {
		text += " $(-*-eval-flags-*-)"
	}
	ref := "MAKEOVERRIDES"
	if s.db.Posix {
		ref = "-*-command-variables-*-"
	}
	if v := s.db.Var(ref); v != nil && v.Value != "" {
		text += " -- $(" + ref + ")"
	}
	origin := makefile.OriginFile
	if s.set.On(flags.EnvOverrides) {
		origin = makefile.OriginEnvOverride
	}
	v := s.db.Define("MAKEFLAGS", text, origin, true, nil, makefile.Pos{})
	v.Special = true
	v.Export = makefile.ExportYes
}

// defineOverrides writes the definitions of the command line into
// MAKEOVERRIDES. GNU make lists the last one first.
func (s *Session) defineOverrides() {
	if len(s.overrides) == 0 {
		return
	}
	words := make([]string, 0, len(s.overrides))
	for i := len(s.overrides) - 1; i >= 0; i-- {
		v := s.overrides[i]
		op := "="
		if !v.Recursive {
			op = ":="
		}
		words = append(words, flags.Quote(v.Name)+op+flags.Quote(v.Value))
	}
	s.db.Define("-*-command-variables-*-", strings.Join(words, " "), makefile.OriginAutomatic, false, nil, makefile.Pos{})
	s.db.Define("MAKEOVERRIDES", "${-*-command-variables-*-}", makefile.OriginEnv, true, nil, makefile.Pos{})
}
