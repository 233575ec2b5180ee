package exec

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/idle"
	"fmake/makefile"
)

// Streams of output, by descriptor number.
const (
	stdout = 1
	stderr = 2
)

// console prints what make itself has to say. Every message is one write, so
// that it stays in order with what recipes print. While an output context is
// set, messages go where the output of that job goes.
type console struct {
	program string // as messages call it, level included
	level   int    // how many makes are above this one
	temp    string // where temporary files are made
	dir     string // the directory that Entering and Leaving name
	mode    SyncMode
	// announce: Entering and Leaving are printed.
	announce bool
	// database: with -p these two are comments of the database.
	database bool
	// traced: Entering was printed for everything up to the end of make.
	traced bool
	// combined: stdout and stderr are the same file.
	combined bool
	// ctx collects output instead of printing it; nil prints.
	ctx   *collector
	mutex *syncMutex
	// muted: nothing goes to stdout.
	muted bool
	// silent: nothing is shown at all.
	silent bool
	// broken remembers the first failure to write to stdout.
	broken error
	unread func() // called when nobody reads the output any more; may be nil
	idle   *idle.Recorder
	// appended holds the flags of 1 and 2 before they were set to O_APPEND.
	restore func()
}

// newConsole prepares descriptors 1 and 2. Regular files are put in append mode
// so that parallel jobs do not overwrite each other.
func newConsole() *console {
	c := &console{combined: sameFile(stdout, stderr)}
	undo1, undo2 := setAppend(stdout), setAppend(stderr)
	c.restore = func() { undo1(); undo2() }
	return c
}

func setAppend(fd int) (undo func()) {
	undo = func() {}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return undo
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_APPEND != 0 {
		return undo
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_APPEND); err != nil {
		return undo
	}
	return func() { unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags) }
}

func sameFile(a, b int) bool {
	var x, y unix.Stat_t
	return unix.Fstat(a, &x) == nil && unix.Fstat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}

// setLevel tells how many makes are above this one; messages say it.
func (c *console) setLevel(level int) {
	c.level = level
	if level > 0 {
		c.program += "[" + strconv.Itoa(level) + "]"
	}
}

// begin is called before anything is printed on behalf of make or a recipe.
func (c *console) begin() {
	if c.ctx != nil && c.ctx.sync {
		c.ctx.open(c)
	}
	if (c.mode == SyncNone || c.mode == SyncRecurse) && c.announce && !c.traced {
		c.traced = true
		c.writeDirectory("Entering")
	}
}

// put prints text on a stream, as it is.
func (c *console) put(stream int, text string) {
	if text == "" || c.muted && stream == stdout {
		return
	}
	c.begin()
	if c.ctx != nil {
		c.ctx.put(c, stream, []byte(text))
		return
	}
	c.write(stream, []byte(text))
}

// write goes to the descriptor itself. A failure on stdout is reported at the
// end of the run.
func (c *console) write(stream int, data []byte) {
	if c.silent {
		return
	}
	c.idle.Print(stream, data)
	err := writeAll(stream, data)
	if err != nil && stream == stdout && c.broken == nil {
		c.broken = err
	}
	if err == unix.EPIPE && c.unread != nil {
		c.unread()
	}
}

func writeAll(stream int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(stream, data)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			waitWritable(stream)
		case err != nil:
			return err
		}
		data = data[max(n, 0):]
	}
	return nil
}

// waitWritable serves terminals and pipes that somebody made non-blocking.
func waitWritable(fd int) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	unix.Poll(fds, 1000)
}

// message prints a line about what make does, to stdout.
func (c *console) message(text string) { c.put(stdout, c.program+": "+text+"\n") }

// complain prints a line about what is wrong, to stderr. A position, if there is
// one, stands instead of the program's name.
func (c *console) complain(pos makefile.Pos, text string) {
	c.put(stderr, c.prefix(pos)+text+"\n")
}

// complainDirect is complain for trouble with output that is collected.
func (c *console) complainDirect(text string) {
	c.write(stderr, []byte(c.program+": "+text+"\n"))
}

func (c *console) prefix(pos makefile.Pos) string {
	if pos.File == "" {
		return c.program + ": "
	}
	return position(pos) + ": "
}

// position writes FILE:LINE.
func position(pos makefile.Pos) string {
	return pos.File + ":" + strconv.Itoa(pos.Line+pos.Offset)
}

// fatal prints the line with which make gives up.
func (c *console) fatal(pos makefile.Pos, text string) {
	c.put(stderr, c.prefix(pos)+"*** "+text+".  Stop.\n")
}

// writeDirectory prints the Entering or Leaving line.
func (c *console) writeDirectory(what string) {
	line := c.program + ": " + what + " an unknown directory\n"
	if c.dir != "" {
		line = c.program + ": " + what + " directory '" + c.dir + "'\n"
	}
	if c.database {
		line = "# " + line
	}
	c.write(stdout, []byte(line))
}

// leave prints Leaving if Entering was printed.
func (c *console) leave() {
	if c.traced {
		c.traced = false
		c.writeDirectory("Leaving")
	}
}

// errorText is what the C library calls an error.
func errorText(err error) string {
	var errno unix.Errno
	for e := err; e != nil; {
		if n, ok := e.(unix.Errno); ok {
			errno = n
			break
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			return err.Error()
		}
		e = u.Unwrap()
	}
	return errnoText(errno)
}

// errnoText translates: Go's texts are those of the C library without its
// capital letters.
func errnoText(errno unix.Errno) string {
	if text, ok := capitalised(errno); ok {
		return text
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// capitalised lists the messages that differ by more than their first letter.
func capitalised(errno unix.Errno) (string, bool) {
	switch errno {
	case unix.EIO:
		return "Input/output error", true
	case unix.EXDEV:
		return "Invalid cross-device link", true
	case unix.ENOTUNIQ:
		return "Name not unique on network", true
	}
	return "", false
}

// chooseTempDir finds out where temporary files are made. MAKE_TMPDIR is for
// make alone.
func (c *console) chooseTempDir(env func(name string) string) {
	c.temp = "/tmp"
	warned := false
	for _, name := range []string{"MAKE_TMPDIR", "TMPDIR"} {
		dir := env(name)
		if dir == "" {
			continue
		}
		var st unix.Stat_t
		err := retry(func() error { return unix.Stat(dir, &st) })
		c.idle.Exists("", dir, &st, err)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			c.temp = dir
			return
		}
		why := "is not a directory"
		if err != nil {
			why = errorText(err)
		}
		c.complain(makefile.Pos{}, name+" value "+dir+": "+why)
		warned = true
	}
	if warned {
		c.complain(makefile.Pos{}, "using default temporary directory '"+c.temp+"'")
	}
}

func sprintf(format string, args ...any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
