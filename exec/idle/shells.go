package idle

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"fmake/cache"
)

// answer is what a command of $(shell) has printed that ran before it was clear whether
// a make has to be run.
type answer struct {
	dir    string
	argv   []string
	out    string
	status int
}

// runAgain runs the commands of $(shell) once more, one after the other, because one may
// leave what the next looks at. It stops at the first that prints something else than
// it did.
func runAgain(k Key, shells []cache.ShellRun) (ran []answer, same bool) {
	for i := range shells {
		s := &shells[i]
		a, ok := runOne(k, s)
		if !ok {
			return ran, false
		}
		ran = append(ran, a)
		if a.out != s.Printed || a.status != s.Status {
			return ran, false
		}
	}
	return ran, true
}

// runOne runs one command. ok is false if it could not be started: what make says of
// that it has to say itself.
func runOne(k Key, s *cache.ShellRun) (a answer, ok bool) {
	cmd := exec.Cmd{Path: s.Path, Args: s.Argv, Dir: s.Dir, Env: k.environ(s), Stdin: os.Stdin, Stderr: os.Stderr}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return a, false
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	a = answer{s.Dir, s.Argv, string(out), status.ExitStatus()}
	if status.Signaled() {
		a.status = 128 + int(status.Signal())
	}
	return a, true
}

// environ is the environment of a command.
func (k *Key) environ(s *cache.ShellRun) []string {
	replaced := func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(s.Unset, name) || slices.ContainsFunc(s.Set, func(x string) bool { return strings.HasPrefix(x, name+"=") })
	}
	return append(slices.DeleteFunc(slices.Clone(k.env), replaced), s.Set...)
}
