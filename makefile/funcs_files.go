package makefile

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
)

func fnWildcard(db *Database, buf []byte, args []string) []byte {
	if db.opt.Timed == nil {
		return db.wildcard(buf, args)
	}
	db.opt.Timed("wildcard", args[0], func() { buf = db.wildcard(buf, args) })
	return buf
}

func (db *Database) wildcard(buf []byte, args []string) []byte {
	first := true
	for _, name := range db.ParseNames(args[0], SeqNoStrip|SeqExists) {
		buf = appendWord(buf, &first, name)
	}
	return buf
}

func fnAbspath(db *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) { return db.abspath(w), true })
}

func (db *Database) abspath(name string) string {
	if name[0] == '/' {
		return path.Clean(name)
	}
	return path.Join(db.opt.WorkDir, name)
}

func fnRealpath(db *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) {
		real, err := db.host.RealPath(db.abspath(w))
		return real, err == nil
	})
}

// fnFile writes, appends to or reads a file.
func fnFile(db *Database, buf []byte, args []string) []byte {
	op := trimSpace(args[0])
	switch {
	case strings.HasPrefix(op, ">>"):
		db.writeFile(op[2:], args[1:], true)
	case strings.HasPrefix(op, ">"):
		db.writeFile(op[1:], args[1:], false)
	case strings.HasPrefix(op, "<"):
		return db.appendFile(buf, op[1:], args[1:])
	default:
		db.fatal(db.errPos(), "file: invalid file operation: "+args[0])
	}
	return buf
}

// fileName is the first word of an operand; what follows is passed over.
func (db *Database) fileName(s string) string {
	name, _ := nextWord(s)
	if name == "" {
		db.fatal(db.errPos(), "file: missing filename")
	}
	return name
}

func (db *Database) writeFile(operand string, text []string, appendTo bool) {
	name := db.fileName(operand)
	var data []byte
	if len(text) > 0 {
		data = []byte(text[0])
		if !strings.HasSuffix(text[0], "\n") {
			data = append(data, '\n')
		}
	}
	if err := db.host.WriteFile(name, data, appendTo); err != nil {
		db.fatal(db.reading, "open: "+name+": "+errorText(err))
	}
	db.Dirs().Invalidate() // the file may be new
}

func (db *Database) appendFile(buf []byte, operand string, text []string) []byte {
	name := db.fileName(operand)
	if len(text) > 0 {
		db.fatal(db.errPos(), "file: too many arguments")
	}
	data, err := db.host.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		db.host.Verbose(func() string { return "file: Failed to open '" + name + "': " + errorText(err) })
		return buf
	case err != nil:
		verb := "open: "
		if errors.Is(err, syscall.EISDIR) {
			verb = "read: "
		}
		db.fatal(db.reading, verb+name+": "+errorText(err))
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	data = bytes.TrimSuffix(data, []byte("\r"))
	return append(buf, data...)
}

// errorText is the C library's text of a system error; Go's lacks the capital.
func errorText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func fnShell(db *Database, buf []byte, args []string) []byte {
	out := db.shell(args[0])
	return append(buf, foldLines(bytes.TrimRight(out, "\n"))...)
}

// shell runs a command as $(shell) and != do and sets .SHELLSTATUS.
func (db *Database) shell(command string) []byte {
	if db.envRecursion > 100 {
		return nil
	}
	sh, flags := db.Value("SHELL"), db.Value(".SHELLFLAGS")
	if db.scope != &db.root {
		sh, flags = db.scopedValue("SHELL"), db.scopedValue(".SHELLFLAGS")
	}
	if db.Var(".SHELLFLAGS") == nil { // the command line is read before it is defined
		flags = "-c"
	}
	var pos Pos
	if db.reading != nil {
		pos = *db.reading
	}
	res := db.host.Shell(ShellCommand{
		Text: command, Shell: sh, Flags: flags, Env: db.shellEnvironment(), Pos: pos, Target: db.target,
	})
	db.Define(".SHELLSTATUS", strconv.Itoa(res.Status), OriginOverride, false, nil, Pos{})
	return res.Stdout
}

func (db *Database) scopedValue(name string) string {
	v := db.Var(name)
	if v == nil {
		return ""
	}
	return db.valueOf(v)
}

// shellEnvironment is what a $(shell) command gets: exports as for a recipe.
// Variables that are being expanded have their old values in it.
func (db *Database) shellEnvironment() []string {
	db.envRecursion++
	env := db.Environment(nil, false)
	db.envRecursion--
	return env
}

// foldLines makes one line of a command's output.
func foldLines(out []byte) []byte {
	folded := out[:0:0]
	for i, c := range out {
		switch {
		case c == '\r' && i+1 < len(out) && out[i+1] == '\n':
		case c == '\n':
			folded = append(folded, ' ')
		default:
			folded = append(folded, c)
		}
	}
	return folded
}
