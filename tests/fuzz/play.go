package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// player plays cases with one make, in a folder of its own.
type player struct {
	bin string // the folder with the program make and the few others that recipes run
	dir string // the project; made anew for each case
}

// limit is how long one command may take.
const limit = 20 * time.Second

// errNoEnd: a command did not end in time, or ended by a signal.
var errNoEnd = errors.New("make crashed or did not end")

// play plays a case and describes what it came to.
func (p player) play(c Case) (string, error) {
	if err := os.RemoveAll(p.dir); err != nil {
		return "", err
	}
	if err := errors.Join(os.MkdirAll(p.dir, 0o755), c.write(p.dir)); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, cmd := range c.Commands {
		out, status, err := p.run(cmd)
		if err != nil {
			return "", fmt.Errorf("make %q: %w", cmd.Args, err)
		}
		fmt.Fprintf(&all, "$ make %s\n%s[%d]\n", strings.Join(cmd.Args, " "), neutral(out, p.dir), status)
	}
	tree, err := describe(p.dir)
	return all.String() + tree, err
}

// run runs one command to its end.
func (p player) run(c Command) (out string, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "make"))
	cmd.Args = append([]string{"make"}, c.Args...)
	cmd.Dir = p.dir
	cmd.Env = append([]string{"PATH=" + p.bin, "HOME=/nonexistent", "LC_ALL=C", "FMAKEFLAGS=--tracefs=off"}, c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil || errors.As(err, &exit) && exit.ExitCode() < 0:
		return b.String(), -1, errNoEnd
	case err != nil && exit == nil:
		return "", -1, err
	}
	return b.String(), cmd.ProcessState.ExitCode(), nil
}

// What -d says of make's own workings: processes, addresses, and when it looks
// at a folder again; a folder's name may go over lines.
var (
	numbers  = regexp.MustCompile(`0x[0-9a-f]+|PID \d+|\bG(?:m|M)[0-9A-Za-z]{6}\b`)
	workings = regexp.MustCompile(`(?m)^(?:Live child|Reaping |Putting child|Removing child|(?:Directory [^(]* |.*)cache invalidated|.*has been used; freeing|.*due to:|  removing ).*\n`)
)

// neutral takes out of the output what may differ.
func neutral(out, dir string) string {
	out = strings.ReplaceAll(out, dir, "/WORK")
	return workings.ReplaceAllString(numbers.ReplaceAllString(out, "X"), "")
}

// describe lists the tree: each file with its date, counted from epoch, and its
// text. A date that no case gives is "now".
func describe(dir string) (string, error) {
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			fmt.Fprintf(&all, "%s/\n", name)
			return nil
		}
		date := "now"
		if s := info.ModTime().Unix() - epoch; s < 100_000_000 {
			date = fmt.Sprint(s)
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s @%s %q\n", name, date, strings.ReplaceAll(string(text), dir, "/WORK"))
		return err
	})
	return all.String(), err
}
