// Package flags knows GNU make's options: it decodes a command line or a
// MAKEFLAGS value into a Set and encodes a Set for sub-makes.
//
// One table holds everything that is peculiar to an option; the decoder follows
// getopt_long (clusters of letters, abbreviated long names, options and words
// in any order) and knows no option by name. The package prints nothing and
// touches no file: complaints go to the caller.
package flags

// ID names a setting. Several options may set one: -k and -S, --file and
// --makefile.
type ID uint8

// The settings of GNU make.
const (
	ignored ID = iota
	AlwaysMake
	DebugAll
	EnvOverrides
	Eval
	Help
	IgnoreErrors
	KeepGoing
	CheckSymlinks
	JustPrint
	PrintDatabase
	Question
	NoBuiltinRules
	NoBuiltinVars
	Silent
	Touch
	Version
	PrintDirectory
	Directory
	Makefile
	IncludeDir
	Jobs
	MaxLoad
	OldFile
	OutputSync
	NewFile
	Debug
	JobserverAuth
	Trace
	WarnUndefined
	SyncMutex
	Shuffle
	JobserverStyle
	numIDs
)

// Unlimited is the number of jobs of a -j without argument.
const Unlimited = -1

type kind uint8

const (
	kindIgnore    kind = iota
	kindOn             // sets its value to true
	kindOff            // sets its value to false
	kindText           // one string, the last one counts
	kindTexts          // strings, each counts once
	kindFiles          // names of files, each counts once
	kindMakefiles      // names of files, kept as often as they are given
	kindStdin          // a makefile that an earlier incarnation saved from stdin
	kindCount          // a positive number
	kindLoad           // a floating-point number
)

// argument says how an option takes its argument.
type argument uint8

const (
	argNone argument = iota
	argRequired
	argOptional
)

type option struct {
	id    ID
	kind  kind
	short byte // 0: it has only a long name
	// longs lists the long name under which it is encoded, then its aliases.
	longs []string
	arg   argument
	// bare is the value of a text option given without its argument.
	bare string
	// inherit: it is obeyed when it comes from MAKEFLAGS.
	inherit bool
	// encode: it is passed on in MAKEFLAGS.
	encode bool
	// notRemaking: left out of MAKEFLAGS while makefiles are being remade.
	notRemaking bool
	// ranked: a weaker origin does not undo a stronger one.
	ranked bool
}

// options lists every option in the order in which they appear in MAKEFLAGS.
// Options with a letter come first.
var options = [...]option{
	{id: ignored, kind: kindIgnore, short: 'b'},
	{id: AlwaysMake, kind: kindOn, short: 'B', longs: []string{"always-make"}, inherit: true, encode: true},
	{id: DebugAll, kind: kindOn, short: 'd', inherit: true, encode: true},
	{id: EnvOverrides, kind: kindOn, short: 'e', longs: []string{"environment-overrides"}, inherit: true, encode: true},
	{id: Eval, kind: kindTexts, short: 'E', longs: []string{"eval"}, arg: argRequired, inherit: true},
	{id: Help, kind: kindOn, short: 'h', longs: []string{"help"}},
	{id: IgnoreErrors, kind: kindOn, short: 'i', longs: []string{"ignore-errors"}, inherit: true, encode: true},
	{id: KeepGoing, kind: kindOn, short: 'k', longs: []string{"keep-going"}, inherit: true, encode: true, ranked: true},
	{id: CheckSymlinks, kind: kindOn, short: 'L', longs: []string{"check-symlink-times"}, inherit: true, encode: true},
	{id: ignored, kind: kindIgnore, short: 'm'},
	{id: JustPrint, kind: kindOn, short: 'n', longs: []string{"just-print", "dry-run", "recon"}, inherit: true, encode: true, notRemaking: true},
	{id: PrintDatabase, kind: kindOn, short: 'p', longs: []string{"print-data-base"}, inherit: true, encode: true},
	{id: Question, kind: kindOn, short: 'q', longs: []string{"question"}, inherit: true, encode: true, notRemaking: true},
	{id: NoBuiltinRules, kind: kindOn, short: 'r', longs: []string{"no-builtin-rules"}, inherit: true, encode: true},
	{id: NoBuiltinVars, kind: kindOn, short: 'R', longs: []string{"no-builtin-variables"}, inherit: true, encode: true},
	{id: Silent, kind: kindOn, short: 's', longs: []string{"silent", "quiet"}, inherit: true, encode: true, ranked: true},
	{id: KeepGoing, kind: kindOff, short: 'S', longs: []string{"no-keep-going", "stop"}, inherit: true, encode: true, ranked: true},
	{id: Touch, kind: kindOn, short: 't', longs: []string{"touch"}, inherit: true, encode: true, notRemaking: true},
	{id: Version, kind: kindOn, short: 'v', longs: []string{"version"}, inherit: true, encode: true},
	{id: PrintDirectory, kind: kindOn, short: 'w', longs: []string{"print-directory"}, inherit: true, encode: true, ranked: true},

	{id: Directory, kind: kindFiles, short: 'C', longs: []string{"directory"}, arg: argRequired},
	{id: Makefile, kind: kindMakefiles, short: 'f', longs: []string{"file", "makefile"}, arg: argRequired},
	{id: IncludeDir, kind: kindFiles, short: 'I', longs: []string{"include-dir"}, arg: argRequired, inherit: true, encode: true},
	{id: Jobs, kind: kindCount, short: 'j', longs: []string{"jobs"}, arg: argOptional, inherit: true, encode: true},
	{id: MaxLoad, kind: kindLoad, short: 'l', longs: []string{"load-average", "max-load"}, arg: argOptional, inherit: true, encode: true},
	{id: OldFile, kind: kindFiles, short: 'o', longs: []string{"old-file", "assume-old"}, arg: argRequired},
	{id: OutputSync, kind: kindText, short: 'O', longs: []string{"output-sync"}, arg: argOptional, bare: "target", inherit: true, encode: true},
	{id: NewFile, kind: kindFiles, short: 'W', longs: []string{"what-if", "new-file", "assume-new"}, arg: argRequired},

	{id: Debug, kind: kindTexts, longs: []string{"debug"}, arg: argOptional, bare: "basic", inherit: true, encode: true},
	{id: JobserverAuth, kind: kindText, longs: []string{"jobserver-auth"}, arg: argRequired, inherit: true, encode: true},
	{id: Trace, kind: kindOn, longs: []string{"trace"}, inherit: true, encode: true},
	{id: PrintDirectory, kind: kindOff, longs: []string{"no-print-directory"}, inherit: true, encode: true, ranked: true},
	{id: WarnUndefined, kind: kindOn, longs: []string{"warn-undefined-variables"}, inherit: true, encode: true},
	{id: SyncMutex, kind: kindText, longs: []string{"sync-mutex"}, arg: argRequired, inherit: true, encode: true},
	{id: Silent, kind: kindOff, longs: []string{"no-silent"}, inherit: true, encode: true, ranked: true},
	{id: JobserverAuth, kind: kindText, longs: []string{"jobserver-fds"}, arg: argRequired, inherit: true},
	{id: Makefile, kind: kindStdin, longs: []string{"temp-stdin"}, arg: argRequired},
	{id: Shuffle, kind: kindText, longs: []string{"shuffle"}, arg: argOptional, bare: "random", inherit: true, encode: true},
	{id: JobserverStyle, kind: kindText, longs: []string{"jobserver-style"}, arg: argRequired, inherit: true},
}

// name is how complaints call an option: "-j" or "--debug".
func (o *option) name() string {
	if o.short != 0 {
		return "-" + string(o.short)
	}
	return "--" + o.longs[0]
}
