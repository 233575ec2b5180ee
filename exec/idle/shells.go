package idle

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"fmake/cache"
)

// answer is what a command of $(shell) has printed that ran, or need not run, before it
// was clear whether a make has to be run.
type answer struct {
	dir    string
	argv   []string
	out    string
	status int
}

// commands are those of $(shell), with what was learned of them when they ran traced.
type commands struct {
	key    *Key
	named  map[string]bool
	traced *cache.TracedShells // nil if nothing was learned
}

// maxTries is how often commands are traced a day: what they go by may change with each
// make.
const maxTries = 16

// tracedFile is the path of what was learned of the commands that makes in this directory
// run, whatever they are asked to make.
func (k *Key) tracedFile() string {
	name := cache.NewDigest("shell").String(k.dir).Sum().String()[:32]
	return cache.NullBuildFile(k.cacheDir, name)
}

// openCommands reads what was learned of commands that ran with an environment. The
// variables of the session that count are named, or those that counted then.
func openCommands(k *Key, named map[string]bool) *commands {
	c := &commands{key: k, named: named}
	t, err := cache.OpenTracedShells(k.tracedFile())
	if err != nil {
		return c
	}
	if c.named == nil {
		c.named = setOf(t.Named)
	}
	if t.Env == k.environment(c.named) {
		c.traced = t
	}
	return c
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// find returns what was learned of a command, nil if nothing.
func (c *commands) find(s *cache.ShellRun) *cache.TracedShell {
	if c.traced == nil {
		return nil
	}
	i := slices.IndexFunc(c.traced.Runs, func(t cache.TracedShell) bool {
		return t.Dir == s.Dir && t.Path == s.Path && slices.Equal(t.Argv, s.Argv) && slices.Equal(withoutFlags(t.Set), withoutFlags(s.Set)) && slices.Equal(t.Unset, s.Unset)
	})
	if i < 0 {
		return nil
	}
	return &c.traced.Runs[i]
}

// withoutFlags takes out of an environment what make's options are: no program that is
// known goes by them, and a script that does tells so.
func withoutFlags(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		return strings.HasPrefix(e, "MAKEFLAGS=") || strings.HasPrefix(e, "MFLAGS=")
	})
}

// hold reports whether what commands go by that depend on files alone is as it was.
func (c *commands) hold() bool { return c.traced != nil && holds(&c.traced.Looks) }

// again finds out what commands print now. It stops at the first that prints something
// else than it did.
func (c *commands) again(runs []cache.ShellRun) (ran []answer, same bool) {
	unknown := slices.ContainsFunc(runs, func(s cache.ShellRun) bool { return c.find(&s) == nil })
	switch hold := c.hold(); {
	case (unknown || !hold) && c.tries() < maxTries:
		return c.learn(runs)
	case unknown || !hold:
		return c.inOrder(runs)
	}
	return c.needed(runs)
}

// tries tells how often commands were traced today.
func (c *commands) tries() int {
	var st unix.Stat_t
	if c.traced == nil || unix.Stat(c.key.tracedFile(), &st) != nil || time.Since(time.Unix(st.Mtim.Unix())) > 24*time.Hour {
		return 0
	}
	return c.traced.Tries
}

// inOrder runs commands one after the other, because one may leave what the next looks at.
func (c *commands) inOrder(runs []cache.ShellRun) (ran []answer, same bool) {
	for i := range runs {
		a, ok := runOne(*c.key, &runs[i])
		if !ok {
			return ran, false
		}
		if ran = append(ran, a); !a.is(&runs[i]) {
			return ran, false
		}
	}
	return ran, true
}

// learn runs commands in their order, and traced.
func (c *commands) learn(runs []cache.ShellRun) (ran []answer, same bool) {
	tries := c.tries() + 1
	started := time.Now()
	t, err := newTracer(c.key)
	if err != nil {
		c.keep(nil, runs, nil, maxTries, started)
		return c.inOrder(runs)
	}
	var seen []cache.TracedShell
	same = true
	for i := 0; i < len(runs) && same; i++ {
		a, s, ok := t.run(&runs[i])
		if !ok {
			same = false
			break
		}
		ran = append(ran, a)
		if same = a.is(&runs[i]); !same {
			s.Kind = min(s.Kind, cache.ShellReads)
		}
		seen = append(seen, s)
	}
	looks, known := t.close()
	if !known {
		seen, looks = nil, nil
	}
	c.keep(seen, runs, looks, tries, started)
	return ran, same
}

// maxTraced bounds how many commands are remembered for one directory.
const maxTraced = 1000

// keep writes down what was learned of commands that were started after a time. Those that
// have not run are held to act. What is known of others stays.
func (c *commands) keep(seen []cache.TracedShell, runs []cache.ShellRun, looks []look, tries int, started time.Time) {
	for i := len(seen); i < len(runs); i++ {
		seen = append(seen, cache.TracedShell{ShellRun: runs[i]})
	}
	t := &cache.TracedShells{Env: c.key.environment(c.named), Named: slices.Sorted(maps.Keys(c.named)), Tries: tries, Runs: seen}
	if old := c.traced; len(seen)+c.len() < maxTraced && c.hold() {
		c.traced = t
		t.Runs = append(t.Runs, slices.DeleteFunc(old.Runs, func(s cache.TracedShell) bool { return c.find(&s.ShellRun) != nil })...)
		for i := range old.Looks.Len() {
			path, l := old.Looks.At(i)
			looks = append(looks, look{"", c.key.absolute(path), *l})
		}
	}
	paths, all, ok := distinct(looks)
	switch {
	case !ok:
		t.Runs = nil
	case recent(paths, all, started):
		return // a later make learns it
	}
	for i := range all {
		t.Looks.Add(c.key.relative(paths[i]), all[i])
	}
	_ = cache.WriteTracedShells(c.key.tracedFile(), t) // else it is learned again
}

// len is the number of commands of which something is known.
func (c *commands) len() int {
	if c.traced == nil {
		return 0
	}
	return len(c.traced.Runs)
}

// needed runs the commands that may print something else although all that the others go
// by is as it was. What those printed they need not print again.
func (c *commands) needed(runs []cache.ShellRun) (ran []answer, same bool) {
	for len(ran) < len(runs) {
		group := c.group(runs[len(ran):])
		answers, ok := c.together(group)
		if !ok {
			return ran, false
		}
		for i := range answers {
			same = answers[i].is(&group[i])
			if ran = append(ran, answers[i]); !same {
				return ran, false
			}
		}
	}
	if c.hold() {
		return ran, true
	}
	for i := range runs { // one that has run has changed what they go by
		if c.kind(&runs[i]) != cache.ShellHolds {
			continue
		}
		a, ok := runOne(*c.key, &runs[i])
		if !ok {
			return nil, false
		}
		ran[i], same = a, same && a.is(&runs[i])
	}
	return ran, same
}

func (c *commands) kind(s *cache.ShellRun) cache.ShellKind {
	if t := c.find(s); t != nil {
		return t.Kind
	}
	return cache.ShellActs
}

// group returns the first of some commands, or more if they may run at the same time
// because they change nothing.
func (c *commands) group(runs []cache.ShellRun) []cache.ShellRun {
	for i := range runs {
		if c.kind(&runs[i]) == cache.ShellActs {
			return runs[:max(i, 1)]
		}
	}
	return runs
}

// together answers for a group of commands. What they print to stderr is printed in their
// order.
func (c *commands) together(group []cache.ShellRun) (answers []answer, ok bool) {
	if len(group) == 1 && c.kind(&group[0]) != cache.ShellHolds {
		a, ok := runOne(*c.key, &group[0])
		return []answer{a}, ok
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	answers = make([]answer, len(group))
	errs := make([][]byte, len(group))
	for i := range group {
		s := &group[i]
		if t := c.find(s); t.Kind == cache.ShellHolds {
			answers[i], errs[i] = answer{s.Dir, s.Argv, t.Printed, t.Status}, []byte(t.Errors)
			continue
		}
		g.Go(func() error {
			var buf bytes.Buffer
			var started bool
			answers[i], started = runWith(*c.key, s, &buf)
			errs[i] = buf.Bytes()
			if !started {
				return errNotStarted
			}
			return nil
		})
	}
	if g.Wait() != nil {
		return nil, false
	}
	for _, e := range errs {
		_ = printAll(unix.Stderr, e) // as if the command had printed it
	}
	return answers, true
}

var errNotStarted = errors.New("a command could not be started")

// is tells whether a command has printed and returned what it did.
func (a *answer) is(s *cache.ShellRun) bool { return a.out == s.Printed && a.status == s.Status }

// runOne runs one command. ok is false if it could not be started: what make says of
// that it has to say itself.
func runOne(k Key, s *cache.ShellRun) (a answer, ok bool) { return runWith(k, s, os.Stderr) }

// runWith runs one command that complains to stderr.
func runWith(k Key, s *cache.ShellRun, stderr io.Writer) (a answer, ok bool) {
	cmd := exec.Cmd{Path: s.Path, Args: s.Argv, Dir: s.Dir, Env: k.environ(s), Stdin: os.Stdin, Stderr: stderr}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return a, false
	}
	return answer{s.Dir, s.Argv, string(out), statusOf(unix.WaitStatus(cmd.ProcessState.Sys().(syscall.WaitStatus)))}, true
}

// statusOf is the status of a command as .SHELLSTATUS has it.
func statusOf(ws unix.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// environ is the environment of a command.
func (k *Key) environ(s *cache.ShellRun) []string {
	replaced := func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(s.Unset, name) || slices.ContainsFunc(s.Set, func(x string) bool { return strings.HasPrefix(x, name+"=") })
	}
	return append(slices.DeleteFunc(slices.Clone(k.env), replaced), s.Set...)
}
