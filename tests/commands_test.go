package tests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// commands are the words that scripts know besides testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"fmake":  cmdFmake,
	"frun":   cmdFrun,
	"ran":    cmdRan,
	"status": cmdStatus,
	"tick":   cmdTick,
	"edit":   cmdEdit,
	"touch":  cmdTouch,
	"append": cmdAppend,
	"says":   cmdSays,
	"idle":   cmdIdle,
	"remote": cmdRemote,

	"at-once": cmdAtOnce, "childless": cmdChildless,
}

// hangs is when a run of a program counts as hung. It is far above what any script
// needs, so it is no timing test.
const hangs = "120"

// cmdFmake runs fmake as a person does. "! fmake" asserts that it fails.
func cmdFmake(ts *testscript.TestScript, neg bool, args []string) {
	watch(ts, neg, append([]string{binary("fmake")}, args...))
}

// cmdChildless does so in a way that fmake can start no program: childless [ARG...]
func cmdChildless(ts *testscript.TestScript, neg bool, args []string) {
	watch(ts, neg, append([]string{"childless", binary("fmake")}, args...))
}

// cmdFrun does so with frun. Its standard input is nothing, and not what testscript gives
// to commands: a pipe that is closed a little later.
func cmdFrun(ts *testscript.TestScript, neg bool, args []string) {
	watch(ts, neg, append([]string{"sh", "-c", `exec "$@" </dev/null`, "sh", binary("frun")}, args...))
}

// watch runs a command under a watchdog that kills its whole process group.
func watch(ts *testscript.TestScript, neg bool, command []string) {
	name := command[0]
	s := ts.Value(sessionKey{}).(*session)
	before := recordsOf(ts)
	err := execWatched(ts, command)
	after := recordsOf(ts)
	s.atOnce = usedOf(before, after)
	if madeIn(before, after) && ts.Getenv("ONCE") == "" {
		for range 2 { // the commands of $(shell) are traced by the first, and need not run in the second
			err = onceMore(ts, command, err)
		}
	}
	s.status = 0
	if err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", name, err)
		}
		s.status = exit.ExitCode()
	}
	switch {
	case s.status == 124 || s.status == 137:
		ts.Fatalf("%s hung", name)
	case neg && s.status == 0:
		ts.Fatalf("%s succeeded, want failure", name)
	case !neg && s.status != 0:
		ts.Fatalf("%s failed with status %d", name, s.status)
	}
}

func execWatched(ts *testscript.TestScript, command []string) error {
	return ts.Exec("timeout", append([]string{"--kill-after=5", hangs}, command...)...)
}

// cmdStatus asserts the exit status of the last fmake or frun: status 2
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: status N")
	}
	s := ts.Value(sessionKey{}).(*session)
	if got := strconv.Itoa(s.status); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// cmdRan asserts which recipes ran since the last ran: ran [NOTE...]
// "ran -any" forgets them.
func cmdRan(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: ran [NOTE...]; without words: nothing ran")
	}
	noted, err := ts.Value(sessionKey{}).(*session).notes.take()
	ts.Check(err)
	if len(args) == 1 && args[0] == "-any" {
		return
	}
	if got, want := sortedWords(noted), sortedWords(args); got != want {
		ts.Fatalf("recipes that ran: [%s], want [%s]", got, want)
	}
}

// cmdSays asserts that the last fmake printed a line of its own about something,
// on either stream: says [-count=N] REGEXP
func cmdSays(ts *testscript.TestScript, neg bool, args []string) {
	count := -1
	if len(args) == 2 && strings.HasPrefix(args[0], "-count=") {
		n, err := strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		count, args = n, args[1:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: says [-count=N] REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	found := len(re.FindAllString(ts.ReadFile("stdout"), -1)) + len(re.FindAllString(ts.ReadFile("stderr"), -1))
	switch {
	case neg && found > 0:
		ts.Fatalf("unexpected: %s", args[0])
	case !neg && (found == 0 || count >= 0 && found != count):
		ts.Fatalf("said %d times: %s", found, args[0])
	}
}

// cmdIdle waits until no process of this script's fmake is left: fmake may exit
// before its engine has put everything away.
func cmdIdle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: idle")
	}
	for give := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left := processesOf(currentSetup().bin(), ts.Getenv("STATE"))
		if len(left) == 0 {
			return
		}
		if time.Now().After(give) {
			ts.Fatalf("still running: %s", strings.Join(left, ", "))
		}
	}
}

// processesOf lists the processes that run a program of bin and have state in
// their environment.
func processesOf(bin, state string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		exe, err := os.Readlink(p + "/exe")
		if err != nil || filepath.Dir(exe) != bin {
			continue
		}
		env, err := os.ReadFile(p + "/environ")
		if err == nil && strings.Contains(string(env), state) {
			found = append(found, filepath.Base(p)+" "+filepath.Base(exe))
		}
	}
	return found
}

// cmdTick lets time pass: what is written next is newer than all that is there.
func cmdTick(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: tick")
	}
	tick(ts)
}

// tick waits for the clock that stamps files, which moves in steps of some
// milliseconds, to pass the newest file of the script.
func tick(ts *testscript.TestScript) {
	newest := newestBelow(ts, ts.Getenv("WORK"))
	probe := filepath.Join(ts.Getenv("STATE"), "clock")
	for give := time.Now().Add(10 * time.Second); ; {
		ts.Check(os.WriteFile(probe, []byte("tick"), 0o600))
		info, err := os.Stat(probe)
		ts.Check(err)
		if info.ModTime().After(newest) {
			return
		}
		if time.Now().After(give) {
			ts.Fatalf("a file below $WORK is dated in the future: %v", newest)
		}
	}
}

func newestBelow(ts *testscript.TestScript, root string) time.Time {
	var newest time.Time
	now := time.Now()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // unreadable on purpose, or vanishing
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if m := info.ModTime(); m.After(newest) && !m.After(now.Add(time.Minute)) {
			newest = m
		}
		return nil
	})
	ts.Check(err)
	return newest
}

// cmdEdit changes a file in place as an editor would: edit FILE s/REGEXP/TEXT/...
// Each expression must match. Any character may stand for the slash.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: edit FILE s/REGEXP/TEXT/...")
	}
	text := ts.ReadFile(args[0])
	for _, expr := range args[1:] {
		changed, err := substitute(text, expr)
		ts.Check(err)
		text = changed
	}
	tick(ts)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// substitute applies one expression to every match in text.
func substitute(text, expr string) (string, error) {
	if len(expr) < 4 || expr[0] != 's' {
		return "", fmt.Errorf("%q is not s/REGEXP/TEXT/", expr)
	}
	parts := strings.Split(expr[2:], expr[1:2])
	if len(parts) != 3 || parts[2] != "" {
		return "", fmt.Errorf("%q is not s/REGEXP/TEXT/", expr)
	}
	re, err := regexp.Compile("(?m)" + parts[0])
	if err != nil {
		return "", fmt.Errorf("%q: %w", expr, err)
	}
	if !re.MatchString(text) {
		return "", fmt.Errorf("%q matches nothing", expr)
	}
	return re.ReplaceAllString(text, strings.ReplaceAll(parts[1], `\n`, "\n")), nil
}

// cmdTouch gives files a new mtime, in the order of the words: touch FILE...
// "touch -old FILE..." makes them older than everything else.
func cmdTouch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: touch [-old] FILE...")
	}
	if args[0] == "-old" {
		for _, f := range args[1:] {
			old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
			ts.Check(os.Chtimes(ts.MkAbs(f), old, old))
		}
		return
	}
	for _, f := range args {
		tick(ts)
		file, err := os.OpenFile(ts.MkAbs(f), os.O_CREATE|os.O_RDONLY, 0o666)
		ts.Check(err)
		ts.Check(file.Close())
		// The kernel's own "now": Go's clock is finer and would be ahead of it.
		ts.Check(unix.UtimesNanoAt(unix.AT_FDCWD, ts.MkAbs(f), []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0))
	}
}

// cmdAppend adds a line to a file: append FILE TEXT
func cmdAppend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE TEXT")
	}
	tick(ts)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	ts.Check(err)
	_, err = f.WriteString(args[1] + "\n")
	ts.Check(err)
	ts.Check(f.Close())
}
