// Package recipe runs recipe lines. A line takes one of three roads:
//
//   - Direct: one simple command without anything that a shell would treat
//     specially is executed as it stands, exactly when GNU make does so.
//   - Interp: a script in the subset of shell that this package knows how to
//     run exactly as dash does is interpreted in process. The subset is a
//     whitelist over the syntax tree: what it does not know, it refuses.
//   - Shell: everything else goes to $(SHELL) $(.SHELLFLAGS).
//
// The interpreter meets files and processes only through a View, so that an
// action's record holds what its recipe looked at whichever road it took. The
// choice between the roads must never be seen in what a build prints, leaves
// or returns: dash is the judge, and a doubt means the real shell.
package recipe

import "strings"

// defaultShell is GNU make's default for SHELL. Only lines meant for it can
// take a road other than Shell.
const defaultShell = "/bin/sh"

// Line is a recipe line with everything that decides how it runs.
type Line struct {
	// Text is the expanded line without its prefixes @, - and +. It may hold
	// escaped newlines; under .ONESHELL it is the whole recipe.
	Text string
	// Shell is the value of SHELL for the target. If it is empty, the first word
	// of .SHELLFLAGS is the program, as in GNU make.
	Shell string
	// Flags is the value of .SHELLFLAGS if FlagsSet.
	Flags string
	// FlagsSet says that the makefile or the user set .SHELLFLAGS. If not,
	// GNU make's default holds: -c, or -ec where Posix and not NoError.
	FlagsSet bool
	OneShell bool   // .ONESHELL was seen
	IFS      string // value of the make variable IFS; "" stands for the default
	Posix    bool   // .POSIX was seen
	NoError  bool   // errors are ignored: the prefix -, or .IGNORE
	// Dash says that /bin/sh is dash (see IsDash), the only shell whose
	// behaviour Interp reproduces. False means that the road is never taken.
	Dash bool
}

// Road is the way in which a line runs.
type Road uint8

// The roads.
const (
	// Empty lines do not run and are not printed.
	Empty Road = iota
	// Noop lines are printed like others but run nothing: the command ":".
	Noop
	// Direct lines are one program start.
	Direct
	// Interp lines run in process, by RunScript.
	Interp
	// Shell lines are a start of the shell.
	Shell
)

// String names the road, for messages of tests.
func (r Road) String() string {
	return [...]string{"empty", "noop", "direct", "interp", "shell"}[r]
}

// Plan says how a line runs.
type Plan struct {
	Road Road
	// Argv is the command for Direct and Shell. For Interp it is the start of
	// the shell that would do the same, for when RunScript returns
	// ErrUnsuitable. Argv[0] is looked up in the recipe's PATH.
	Argv []string
	// Script is what RunScript takes, for Interp.
	Script *Script
}

// MakePlan chooses the road of a line. It never fails: the error is reserved
// for lines that no shell could be given.
func MakePlan(l Line) (Plan, error) {
	flags := l.shellFlags()
	text := strings.TrimLeft(l.Text, " \t\n\v\f\r")
	if text == "" {
		return Plan{}, nil
	}
	if l.standard(flags) {
		switch words, plain := splitPlain(text, l.OneShell); {
		case plain && len(words) == 0:
			return Plan{}, nil
		case plain:
			return Plan{Road: Direct, Argv: words}, nil
		}
	}
	argv := shellArgv(text, l.Shell, flags, l.OneShell)
	if isNoop(argv) {
		return Plan{Road: Noop, Argv: argv}, nil
	}
	// -e changes what a failing command means; GNU make passes it by itself
	// only under .POSIX, which is too rare to be worth a second semantics.
	if l.Dash && flags == "-c" && len(argv) == 3 && argv[0] == defaultShell && l.standard(flags) {
		if s, err := Parse(argv[2]); err == nil {
			return Plan{Road: Interp, Argv: argv, Script: s}, nil
		}
	}
	return Plan{Road: Shell, Argv: argv}, nil
}

func (l *Line) shellFlags() string {
	switch {
	case l.FlagsSet:
		return l.Flags
	case l.Posix && !l.NoError:
		return "-ec"
	}
	return "-c"
}

// standard reports whether the line is meant for the shell whose reading of
// plain words is known, with word separators that are the usual ones.
func (l *Line) standard(flags string) bool {
	return l.Shell == defaultShell &&
		(flags == "-c" || flags == "-ec") &&
		strings.Trim(l.IFS, " \t\n") == ""
}
