package recipe

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/syntax"

	"fmake/exec/proc"
)

// View is what the interpreter needs of the file system and the process table
// as an action meets them. Relative names are relative to dir.
type View interface {
	Start(c *proc.Command) (proc.Process, error)
	LookPath(name, path, dir string) (string, error)
	Open(dir, name string, flag int, perm fs.FileMode) (*os.File, error)
	Stat(dir, name string) (unix.Stat_t, error)
	Lstat(dir, name string) (unix.Stat_t, error)
	// Names returns the names in a directory; they count once count is called, before
	// that no more than that there is such a directory.
	Names(dir, name string) (names []string, count func(), err error)
	Readlink(dir, name string) (string, error)
	Access(dir, name string, mode uint32) error
}

// IsDash reports whether /bin/sh is dash, going by the name of the file that
// it is a link to.
func IsDash(v View) bool {
	target, err := v.Readlink("/", defaultShell)
	return err == nil && path.Base(target) == "dash"
}

// Script is a script that Parse accepted, with its tree prepared for the
// interpreter: see prepare.
type Script struct {
	file  *syntax.File
	calls []call
	redir []redirSet
	// appends are the files that the script appends to as the text has them, ""
	// for one that the text alone does not tell.
	appends []string
	// names are the variables that the script sets, in the order of the text.
	names []string
	// home says that the script reads HOME, which the interpreter makes up
	// where the environment has none.
	home bool
	// name is what messages call the shell: that of the file that it reads, if it
	// reads one.
	name string
}

// AppendsOnlyTo reports whether all files that the script appends to are among those
// of which own tells.
func (s *Script) AppendsOnlyTo(own func(name string) bool) bool {
	return !slices.ContainsFunc(s.appends, func(name string) bool { return !own(name) })
}

// call is what is known of one simple command before it runs.
type call struct {
	line   int
	redir  int  // index of its redirections in Script.redir, or -1
	forked bool // it runs in a subshell
	// tail says that the shell would exec the command instead of forking, as
	// it is the last of a subshell. What kills it is then reported by the
	// parent of the subshell, on the standard error that reportTo says: that
	// of the compound command with this index in Script.redir, or if it is -1
	// the script's.
	tail     bool
	reportTo int
}

// redirSet is the list of redirections of one command.
type redirSet struct {
	line     int
	compound bool
	items    []redirItem
}

// redirItem is one redirection.
type redirItem struct {
	fd   int
	from int // descriptor that is duplicated, or -1 for a file
	flag int // how the file is opened
}

// The limits keep recursive code, ours and the parser's, far from the end of
// its stack. No line that people write comes near them.
const (
	maxScript = 64 << 10
	maxDepth  = 60
	maxNests  = 400 // opening brackets and keywords that nest
)

var (
	errTooLong  = errors.New("too long or too deep")
	errOption   = errors.New("dash takes it for an option")
	errEncoding = errors.New("control characters or invalid UTF-8")
	errAppends  = errors.New("it appends to files")
)

// Parse reads a script and accepts it only if RunScript can run it as dash
// would. The error says what was in the way.
func Parse(text string) (*Script, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	// Bash's grammar is read, not POSIX's: the parser's POSIX variant refuses
	// words that dash has, and what only bash has is refused below.
	p := syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash))
	file, err := p.Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	s := &Script{file: file, name: defaultShell}
	c := &checker{script: s, text: text}
	if strings.Contains(text, "\\\n") {
		c.comments(file)
	}
	c.nestedOutputs(file)
	c.stmts(file.Stmts, scope{reportTo: -1, tailTo: -1})
	if c.err != nil {
		return nil, c.err
	}
	return s, nil
}

// ParseFile reads the text of a file that the shell was started with by this name, and
// accepts it as Parse does. One that appends to a file is not accepted: see
// AppendsOnlyTo.
func ParseFile(text, name string) (*Script, error) {
	if strings.HasPrefix(text, "#!") { // else a comment, beside which no line may be continued
		_, rest, _ := strings.Cut(text, "\n")
		text = "\n" + rest
	}
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if len(s.appends) > 0 {
		return nil, errAppends
	}
	s.name = name
	return s, nil
}

func checkText(text string) error {
	if len(text) > maxScript {
		return errTooLong
	}
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		return errOption
	}
	nests := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c < ' ' && c != '\t' && c != '\n', c == 0x7f:
			// Some are the interpreter's marks, some are read differently.
			return errEncoding
		case strings.IndexByte("({`", c) >= 0:
			nests++
		}
	}
	for _, word := range [...]string{"if", "for", "case", "!"} {
		nests += strings.Count(text, word)
	}
	if nests > maxNests {
		return errTooLong
	}
	if !utf8.ValidString(text) {
		return errEncoding
	}
	return nil
}
