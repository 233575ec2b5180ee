package recipe

import (
	"context"
	"errors"
	"math"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// builtin is a command that the shell does itself.
type builtin struct {
	// special builtins end the shell when their redirections fail.
	special bool
	run     func(sh *shell, args []string) error
}

// shell is what a builtin works with.
type shell struct {
	run  *run
	ctx  context.Context
	hc   interp.HandlerContext
	call *call
	std  *stdio
}

// builtinOf finds the builtin of a name.
func builtinOf(name string) *builtin {
	switch name {
	case ":":
		return &builtin{special: true, run: (*shell).succeed}
	case "true":
		return &builtin{run: (*shell).succeed}
	case "false":
		return &builtin{run: (*shell).fail}
	case "echo":
		return &builtin{run: (*shell).echo}
	case "printf":
		return &builtin{run: (*shell).printf}
	case "test", "[":
		return &builtin{run: (*shell).test}
	case "cd":
		return &builtin{run: (*shell).cd}
	case "pwd":
		return &builtin{run: (*shell).pwd}
	case "command":
		return &builtin{run: (*shell).command}
	case "exit":
		return &builtin{special: true, run: (*shell).exit}
	case "break", "continue", "set", "unset":
		// Their arguments were checked; the interpreter's own do.
		return &builtin{special: true, run: (*shell).native}
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// complain writes "builtin: text" to standard error.
func (sh *shell) complain(name, text string) {
	sh.run.complain(sh.std.err, sh.call.line, name+": "+text)
}

// write writes a builtin's output with one system call, as dash does: it keeps
// what parallel jobs print in one piece.
func (sh *shell) write(name, text string) error {
	f := file(sh.std.out)
	if f == nil {
		return interp.ExitStatus(1)
	}
	defer sh.run.printed(f, text)
	for b := []byte(text); len(b) > 0; {
		// Not f.Write: a broken pipe would end this process.
		n, err := unix.Write(int(f.Fd()), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EPIPE):
			if !sh.call.forked {
				sh.run.pipe = true
			}
			return sh.run.leave(sh.ctx, sh.hc, 128+int(unix.SIGPIPE))
		case err != nil:
			sh.complain(name, name+": I/O error")
			return interp.ExitStatus(1)
		}
		b = b[n:]
	}
	return nil
}

func (sh *shell) succeed([]string) error { return nil }

func (sh *shell) fail([]string) error { return interp.ExitStatus(1) }

func (sh *shell) native(args []string) error { return sh.hc.Builtin(sh.ctx, args) }

func (sh *shell) exit(args []string) error {
	if len(args) == 1 {
		return sh.run.leave(sh.ctx, sh.hc, sh.hc.LastExitStatus)
	}
	n, err := strconv.ParseUint(args[1], 10, 32)
	if err != nil || n > math.MaxInt32 {
		sh.complain("exit", "Illegal number: "+args[1])
		return sh.run.leave(sh.ctx, sh.hc, 2)
	}
	return sh.run.leave(sh.ctx, sh.hc, int(n&0xff))
}

func (sh *shell) pwd([]string) error { return sh.write("pwd", sh.hc.Dir+"\n") }

// cd changes to a directory by its name: ".." undoes the last component
// whether or not that is a link. An empty name is that of the directory it is in.
func (sh *shell) cd(args []string) error {
	name := ""
	switch {
	case len(args) > 1:
		name = args[1]
	default:
		name = sh.hc.Env.Get("HOME").Str
	}
	show := name == "-"
	if show {
		name = sh.hc.Env.Get("OLDPWD").Str
	}
	dir := name
	if !strings.HasPrefix(dir, "/") {
		dir = sh.hc.Dir + "/" + name
	}
	dir = cleanPath(dir)
	st, err := sh.run.view.Stat(sh.hc.Dir, dir)
	if err != nil || fileType(st.Mode) != os.ModeDir || sh.run.view.Access(sh.hc.Dir, dir, unix.X_OK) != nil {
		sh.complain("cd", "can't cd to "+name)
		return interp.ExitStatus(2)
	}
	if err := sh.hc.Builtin(sh.ctx, []string{"cd", dir}); err != nil {
		return err
	}
	if show {
		return sh.write("cd", dir+"\n")
	}
	return nil
}

func cleanPath(p string) string { return path.Clean(p) }

// command runs a program, or says where it is.
func (sh *shell) command(args []string) error {
	if args[1] != "-v" {
		return status(sh.run.program(sh.ctx, sh.hc, sh.call, sh.std, args[1:]))
	}
	found, err := sh.run.lookPath(sh.hc, args[2])
	if err != nil {
		return interp.ExitStatus(127)
	}
	return sh.write("command", found+"\n")
}

// echo joins its arguments and interprets escapes; -n leaves out the newline.
func (sh *shell) echo(args []string) error {
	args = args[1:]
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	text, stop := unescape(strings.Join(args, " "))
	if !stop {
		text += end
	}
	return sh.write("echo", text)
}

// escapes are the characters behind a backslash that stand for others.
const (
	escapeNames  = "abefnrtv\\"
	escapeValues = "\a\b\x1b\f\n\r\t\v\\"
)

// unescape interprets the escapes of echo and of printf's %b: octal numbers
// have a leading 0, and \c ends all output.
func unescape(s string) (text string, stop bool) {
	if !strings.Contains(s, "\\") {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'c':
			return b.String(), true
		case c == '0':
			n, size := octal(s[i+1:])
			b.WriteByte(n)
			i += size
		case c >= '1' && c <= '7':
			n, size := octal(s[i:])
			b.WriteByte(n)
			i += size - 1
		default:
			if k := strings.IndexByte(escapeNames, c); k >= 0 {
				b.WriteByte(escapeValues[k])
			} else {
				b.WriteByte('\\')
				b.WriteByte(c)
			}
		}
	}
	return b.String(), false
}

// octal reads up to three octal digits.
func octal(s string) (value byte, size int) {
	n := 0
	for size < 3 && size < len(s) && s[size] >= '0' && s[size] <= '7' {
		n = n*8 + int(s[size]-'0')
		size++
	}
	return byte(n), size
}
