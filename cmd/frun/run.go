package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache/endpoint"
	"fmake/exec"
	"fmake/exec/build"
	"fmake/exec/canonical"
	"fmake/makefile"
	"fmake/tracefs"
)

// ownFailure is the status with which frun ends if it fails itself, as env and timeout do.
const ownFailure = 125

// program is one run of frun.
type program struct {
	o     *options
	words []string
	env   []string
	stdin *stdin
	extra *inherited
}

// run does it all. It does not return.
func run(args, env []string) {
	if err := canonical.Stage(); err != nil {
		fail(err)
	}
	inside, env, _ := canonical.Inside(env)
	env, remote := endpoint.Split(env)
	p := &program{o: newOptions(), env: env}
	p.o.remote = remote
	err := p.o.inherit(lookup(env, "FMAKEFLAGS"))
	if err == nil {
		p.words, err = p.o.parse(args)
	}
	switch {
	case err != nil:
	case p.o.help:
		printHelp(os.Stdout)
		os.Exit(0)
	case p.o.version:
		fmt.Println("frun, of the fmake that is GNU Make " + makefile.Version)
		os.Exit(0)
	case len(p.words) == 0:
		err = errors.New("no command is given")
	case p.words[0] == "label" && !p.o.plain:
		p.label(p.words[1:])
	default:
		err = p.o.check()
	}
	if err != nil {
		misused("frun", err)
	}
	if !inside && p.o.canonical != "" && !tracefs.InView() {
		if err := p.enter(); err != nil {
			fail(err)
		}
	}
	endpoint.Forget(remote)
	p.start()
}

// misused says what is wrong with the command line, and whose --help tells more, and ends.
func misused(whose string, err error) {
	fmt.Fprintf(os.Stderr, "frun: %v\nTry '%s --help' for more information.\n", err, whose)
	os.Exit(ownFailure)
}

// enter runs the command with the project under a fixed path. It returns if it is there
// already, or if that cannot be done.
func (p *program) enter() error {
	dir, err := unix.Getwd()
	if err != nil {
		return fmt.Errorf("the working directory: %w", err)
	}
	root, err := rootAbove(dir, p.o.root)
	if err != nil {
		return err
	}
	if root == "" {
		root = build.ProjectRoot(dir)
	}
	return canonical.Enter(p.o.canonical, root, dir)
}

// fail says what is wrong and ends.
func fail(err error) {
	status := ownFailure
	var start *exec.StartError
	if errors.As(err, &start) {
		status = start.Status()
	}
	fmt.Fprintln(os.Stderr, "frun: "+err.Error())
	os.Exit(status)
}

func warn(text string) { fmt.Fprintln(os.Stderr, "frun: warning: "+text) }

// lookup returns the value of a variable, "" if it is not set.
func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// start runs the command, or does what is asked for instead.
func (p *program) start() {
	if p.o.labels != "" {
		p.underLabels()
	}
	if !p.o.reports() && (p.o.trace == "off" || tracefs.InView()) {
		p.become()
	}
	p.extra = inherit()
	var err error
	if p.stdin, err = openStdin(p.o.stdin); err != nil {
		fail(err)
	}
	if p.untold() != "" && !p.o.reports() {
		p.become()
	}
	c, err := p.command()
	if errors.Is(err, errOutside) {
		fail(err)
	}
	if err != nil {
		warn(err.Error() + "; running the command as it is")
		p.become()
	}
	if p.o.reports() {
		p.report(c)
	}
	if c.Judge() == exec.Run {
		p.runTraced(c)
	}
	status, moved := c.Result()
	p.stdin.move(moved)
	closeCommand(c)
	os.Exit(status)
}

// untold says what the command may read that nobody can compare, or "".
func (p *program) untold() string {
	if p.stdin.pass != "" {
		return "its standard input cannot be told: " + p.stdin.pass
	}
	if fd := p.extra.toRead(lookup(p.env, "MAKEFLAGS")); fd >= 0 {
		return "it inherits a pipe to read from, descriptor " + strconv.Itoa(fd)
	}
	return ""
}

// become makes this process the command.
func (p *program) become() {
	var in *os.File
	if p.stdin != nil {
		in = p.stdin.file
	}
	err := exec.Become(p.words, p.env, in)
	runtime.KeepAlive(p) // or the command's descriptors would be closed
	fail(err)
}

// command opens what is known of the command.
func (p *program) command() (*build.Command, error) {
	dir, err := unix.Getwd() // PWD may name it by links
	if err != nil {
		return nil, fmt.Errorf("the working directory: %w", err)
	}
	cacheDir, err := p.cacheDir()
	if err != nil {
		return nil, err
	}
	root, err := rootAbove(dir, p.o.root)
	if err != nil {
		return nil, err
	}
	spec := build.CommandSpec{
		Words: p.words, Dir: dir, Root: root, KeepFailures: p.o.failures,
		Stdin: p.stdin.hash, StdinOpen: p.stdin.open, StdinUsed: p.stdin.used, UnseenUsed: p.extra.used,
	}
	return build.NewCommand(spec, build.Options{
		Require:  p.o.trace == "require",
		Cache:    p.o.cacheMode(),
		CacheDir: cacheDir,
		Remote:   p.remoteCache(),
		Flush:    len(p.remoteCache()) > 0,
		System:   p.o.system,
		AllEnv:   p.o.env == "all",
		Env:      p.env,
		Shared:   build.NewShared(func() string { return "" }),
		DryRun:   p.o.reports(),
		Always:   p.o.noCache,
		Warn:     warn,
		Print:    printOut,
	}), nil
}

// errOutside is the error for a --root that does not hold the working directory.
var errOutside = errors.New("the working directory is not in the folder that '--root' names")

// rootAbove resolves the links in what --root says, which may be "".
func rootAbove(dir, root string) (string, error) {
	if root == "" {
		return "", nil
	}
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errOutside, err)
	}
	if rel, err := filepath.Rel(real, dir); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", errOutside
	}
	return real, nil
}

// printOut replays what a command printed. Where nobody reads it, the command would have
// been ended by a signal.
func printOut(stream int, data []byte) {
	err := exec.Print(stream, data)
	switch {
	case errors.Is(err, unix.EPIPE):
		exec.DieAs(unix.WaitStatus(unix.SIGPIPE))
	case err != nil:
		fail(fmt.Errorf("write error: %w", err))
	}
}

// runTraced runs the command in a view, and ends as it has ended.
func (p *program) runTraced(c *build.Command) {
	a, err := c.Begin()
	if err != nil {
		closeCommand(c)
		fail(err)
	}
	if a == nil {
		closeCommand(c)
		p.become()
	}
	alone := &exec.Alone{Argv: p.words, Env: p.env, Dir: c.Dir(), Extra: p.extra.extra}
	if alone.Stdin, err = p.stdin.hand(); err != nil {
		fail(err)
	}
	status, err := alone.Run(a)
	p.stdin.used() // of one that has failed nobody has asked
	closeCommand(c)
	if err != nil {
		fail(err)
	}
	exec.DieAs(status)
}

// closeCommand keeps what was learned. If it cannot, the next run learns it again.
func closeCommand(c *build.Command) {
	if err := c.Close(); err != nil {
		warn("the cache cannot be used fully: writing down what runs: " + err.Error())
	}
}

// remoteCache is the settings of the remote cache, nil if there is none: commands are not
// sent to other machines.
func (p *program) remoteCache() []string {
	if place, err := endpoint.Parse(p.o.remote); place == nil || err != nil { // an error was told before
		return nil
	}
	return p.o.remote
}
