package exec

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"fmake/exec/proc"
	"fmake/makefile"
)

// View is the file system and the process table as one action meets them. The
// host's own view passes everything through; a traced one records what was
// looked at and written. Relative names are relative to dir, which is absolute.
type View interface {
	Starter
	// Open, Stat, Lstat, ReadDir, Readlink and Access serve the recipe
	// interpreter and fmake's own looks on behalf of the action.
	Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error)
	Stat(dir, name string) (unix.Stat_t, error)
	Lstat(dir, name string) (unix.Stat_t, error)
	ReadDir(dir, name string) ([]string, error)
	// Names is ReadDir for who may only want to know whether there is such a directory: the
	// names are looked at from when count is called, which is never nil.
	Names(dir, name string) (names []string, count func(), err error)
	Readlink(dir, name string) (string, error)
	Access(dir, name string, mode uint32) error
}

// Starter finds and starts programs.
type Starter interface {
	// Start runs a command; it does not wait. An error is what execve or chdir
	// returned (unix.Errno inside *os.PathError).
	Start(c *Command) (Process, error)
	// LookPath finds a command name in the given PATH value as execvp does.
	LookPath(name, path, dir string) (string, error)
}

// The types of a program start, shared with the recipe shell.
type (
	// Command is one program start of a recipe.
	Command = proc.Command
	// ExtraFile places a file at a descriptor of the child.
	ExtraFile = proc.ExtraFile
	// Process is a started command.
	Process = proc.Process
)

// Verdict is what is to happen with a target.
type Verdict uint8

// The verdicts of a Judge.
const (
	// AsMake leaves the decision to GNU make's rule.
	AsMake Verdict = iota
	// UpToDate: nothing runs; the target is as its action left it.
	UpToDate
	// Restored: the target's files were put back from the cache; its output
	// was replayed. For the targets above it, it counts as remade.
	Restored
	// Run: the recipe has to run.
	Run
	// Undecided: it cannot be decided yet, or what GNU make's rule says goes by what is not
	// so any more; the walk looks at the target once more, soon.
	Undecided
	// AfterRunning: it cannot be decided until one of the recipes that run now has ended.
	AfterRunning
)

// Judge decides about targets instead of GNU make's mtime rule. The walk asks
// it once, but for Undecided and AfterRunning, for each target that has a recipe, after its prerequisites are
// finished. A nil Judge means GNU make's rule alone.
type Judge interface {
	// Judge gets the target and what GNU make's rule says. Changed flags of
	// f.Deps are set. Under -n, -q and -t it must not restore or change
	// anything (Restored then means "would be restored").
	Judge(f *makefile.File, must bool) Verdict
}

// Appearing is implemented by a Judge that can tell what it has put back.
type Appearing interface {
	// Appeared returns the files that the last Restored has put where none was, as
	// absolute paths. It is false if more has changed than that.
	Appeared() (paths []string, ok bool)
}

// Actions makes views for recipes that are to run. A nil Actions runs
// everything in the host's view.
type Actions interface {
	// Begin is called before the first line of f's recipe is expanded. Lines
	// flagged FlagRecurse are run in the host's view whatever Begin returns.
	Begin(f *makefile.File) (Action, error)
}

// Action is one run of one target's recipe.
type Action interface {
	View() View
	// AllNew says that the target counts as absent while its recipe is expanded:
	// $? lists all prerequisites.
	AllNew() bool
	// Looks is the view in which functions of the recipe look at files and run
	// commands while it is expanded; nil: they see the tree as it is.
	Looks() View
	// Capture says whether the action's output is to be captured: the walk then
	// connects stdout and stderr of the commands to pipes it drains, passes the
	// bytes on as GNU make would have shown them, and hands them to Output too.
	Capture() bool
	// Tries says that the recipe may fail for want of what is not shown to it at first,
	// and run again: what it says on stderr is kept back.
	Tries() bool
	// Output is told each chunk that the walk itself or a command printed, in
	// order; stream is 1 or 2.
	Output(stream int, data []byte)
	// Line is told each expanded line before it runs.
	Line(index int, text string)
	// Inherits is told, before a command is started in the action's view, what it gets
	// as its first three descriptors.
	Inherits(in, out, err *os.File)
	// End is called after the last line with the status of the recipe, and
	// whether fmake was interrupted. It returns when the action's outputs may be
	// relied on.
	End(status int, interrupted bool) error
}
