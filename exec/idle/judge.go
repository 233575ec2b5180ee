package idle

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// judge says of a command of $(shell) what its trace proves. It is held to depend on
// files alone only if every program that took part is known to.
func judge(known map[string]*program, rec *tracefs.Record) cache.ShellKind {
	if rec.Leftover || len(rec.Writes) > 0 || len(rec.Setuid) > 0 || len(rec.Meddled) > 0 || len(rec.Contended) > 0 || len(rec.Procs) == 0 {
		return cache.ShellActs
	}
	kind := cache.ShellHolds
	if len(rec.Sockets) > 0 {
		kind = cache.ShellReads
	}
	nothing := nothingToRead()
	for i := range rec.Procs {
		p := &rec.Procs[i]
		input := p.Stdin == rec.Procs[0].Stdin && !nothing
		kind = min(kind, judgeProcess(known, p, input))
	}
	for i := range rec.Looks {
		kind = min(kind, judgeLook(known, &rec.Looks[i]))
	}
	if kind == cache.ShellReads && slices.ContainsFunc(rec.Procs, func(p tracefs.Proc) bool { return len(p.Writes) > 0 }) {
		return cache.ShellActs // the files that it has for a while may be another command's, too
	}
	return kind
}

// judgeProcess says what one process proves. input tells that its standard input is that
// of make, on which there may be something to read.
func judgeProcess(known map[string]*program, p *tracefs.Proc, input bool) cache.ShellKind {
	if p.Unseen {
		return cache.ShellActs
	}
	if slices.ContainsFunc(p.Argv, dated) {
		return cache.ShellReads
	}
	if isShell(p.Exe) {
		if slices.ContainsFunc(p.Argv, tells) {
			return cache.ShellActs
		}
		return cache.ShellHolds
	}
	prog := named(known, p.Exe)
	switch {
	case prog == nil || len(p.Argv) == 0:
		return cache.ShellActs
	case input && prog.input.reads(p.Argv[1:]):
		return cache.ShellActs
	case prog.looks || prog.never != nil && slices.ContainsFunc(p.Argv[1:], prog.never.MatchString):
		return cache.ShellReads
	}
	return cache.ShellHolds
}

// judgeLook says what one look proves: of a script that was executed, and of a source that
// a compiler has read, the text counts.
func judgeLook(known map[string]*program, l *tracefs.Look) cache.ShellKind {
	for _, dir := range []string{"/proc/", "/sys/", "/dev/", "/run/"} {
		if strings.HasPrefix(l.Path, dir) && l.Path != os.DevNull && l.Flags&tracefs.LookContent != 0 {
			return cache.ShellActs
		}
	}
	switch executed := l.Flags&tracefs.LookExec != 0; {
	case executed && (isShell(l.Path) || named(known, l.Path) != nil):
	case executed || l.Flags&tracefs.LookContent != 0 && l.Flags&tracefs.LookSystem == 0:
		return judgeText(l.Path, executed)
	}
	return cache.ShellHolds
}

// largestScript bounds what is read of a text to judge it, in bytes.
const largestScript = 1 << 20

// judgeText says what a file proves that was read, or executed as a script of a shell. An
// executable that is loaded by another one (an interpreter, a library) is a program, too.
func judgeText(path string, executed bool) cache.ShellKind {
	f, err := os.Open(path)
	if err != nil {
		return cache.ShellActs
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestScript))
	switch {
	case err != nil:
		return cache.ShellActs
	case len(data) == largestScript && !bytes.HasPrefix(data, []byte("\x7fELF")):
		return cache.ShellActs
	case executed && bytes.HasPrefix(data, []byte("\x7fELF")):
		return judgeBinary(path)
	case executed && (!bytes.HasPrefix(data, []byte("#!")) || tells(string(data))):
		return cache.ShellActs
	case dated(string(data)):
		return cache.ShellReads
	}
	return cache.ShellHolds
}

// judgeBinary says what an executable proves that is on no list: the loader is one.
func judgeBinary(path string) cache.ShellKind {
	if strings.HasPrefix(path, "/lib") || strings.HasPrefix(path, "/usr/lib") {
		if base := path[strings.LastIndexByte(path, '/')+1:]; strings.HasPrefix(base, "ld-") || strings.HasPrefix(base, "ld.") || strings.HasPrefix(base, "lib") {
			return cache.ShellHolds
		}
	}
	return cache.ShellActs
}

// nothingToRead tells whether nothing can be read from the standard input.
func nothingToRead() bool {
	var st unix.Stat_t
	return unix.Fstat(0, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}
