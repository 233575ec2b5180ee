package makefile

import "io/fs"

// Host is all that reading and expanding needs from the outside: files,
// commands, and a place to print. Names are as in the makefile, relative to the
// directory make runs in. Nothing in this package touches the world otherwise,
// so a caller can record, replay or fake everything.
type Host interface {
	// ReadFile returns a makefile's or $(file <)'s content.
	ReadFile(name string) ([]byte, error)
	// WriteFile serves $(file >) and $(file >>).
	WriteFile(name string, data []byte, appendTo bool) error
	// Stat follows symbolic links.
	Stat(name string) (fs.FileInfo, error)
	// ReadDir returns the names in a directory, in any order, with . and ..
	// left out.
	ReadDir(name string) ([]string, error)
	// RealPath resolves all symbolic links of an existing file.
	RealPath(name string) (string, error)
	// HomeDir serves ~ and ~user; ok is false for an unknown user.
	HomeDir(user string) (dir string, ok bool)
	// Shell runs $(shell) and != commands.
	Shell(ShellCommand) ShellResult
	// Verbose prints the line that text makes if the user asked for such
	// (--debug=v).
	Verbose(text func() string)
	// Message prints $(info), $(warning) and warnings of the reader. Text has
	// no final newline.
	Message(kind MessageKind, pos Pos, text string)
}

// MessageKind chooses the stream and the decoration of a message.
type MessageKind uint8

// The kinds of message.
const (
	MessageInfo    MessageKind = iota // to stdout, as it is
	MessageWarning                    // to stderr, "FILE:LINE: text"
	MessageError                      // to stderr, "FILE:LINE: text" (non-fatal)
)

// ShellCommand is one $(shell ...) or VAR != command.
type ShellCommand struct {
	Text   string
	Shell  string // value of SHELL
	Flags  string // value of .SHELLFLAGS
	Env    []string
	Pos    Pos
	Target *File // whose recipe is being expanded, nil while reading
}

// ShellResult is what a ShellCommand printed and how it ended.
type ShellResult struct {
	Stdout []byte
	Status int // exit status; 127 and the like for commands that did not start
}

// Fatal is thrown (as a panic) by expansion and reading for errors on which GNU
// make stops at once, and is turned into an error by ReadMakefiles and by the
// command's main function. It is the only value that this package panics with.
type Fatal struct {
	Pos Pos
	Msg string // without the "make: *** " and ".  Stop." around it
}

func (f *Fatal) Error() string { return f.Msg }
