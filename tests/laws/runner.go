package laws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// limit is how long one build may take before it counts as hanging.
const limit = 3 * time.Minute

// runner starts makes in an environment of their own.
type runner struct {
	tools string // a folder with minicc
	home  string // HOME, TMPDIR and the cache are below it
	mark  string // value of LAWS_HISTORY, which marks every process
}

// markVar is a variable in the environment of every process of a history.
const markVar = "LAWS_HISTORY"

// order is one run of a make.
type order struct {
	program string
	dir     string
	jobs    int
	goal    string
	args    string
	tag     string
	// during is called when the make runs, with its pid; it may kill.
	during func(pid int, done <-chan struct{})
}

// done is what a run of a make came to.
type done struct {
	status int    // -1: ended by a signal
	output string // stdout and stderr, as they came
	took   time.Duration
}

// errHangs: a make did not end in time.
var errHangs = errors.New("the build did not end in time")

func (r runner) environ(tag string) []string {
	return []string{
		"PATH=" + r.tools + ":/usr/local/bin:/usr/bin:/bin",
		"HOME=" + r.home, "TMPDIR=" + r.home + "/tmp", "FMAKE_CACHE_DIR=" + r.home + "/cache",
		"LANG=C", "LC_ALL=C", "LAWS_TAG=" + tag, markVar + "=" + r.mark,
	}
}

// make runs a make to its end.
func (r runner) make(o order) (done, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	words := []string{"-j" + strconv.Itoa(o.jobs)}
	words = append(words, strings.Fields(o.args)...)
	words = append(words, strings.Fields(o.goal)...)
	cmd := exec.CommandContext(ctx, o.program, words...)
	cmd.Dir = o.dir
	cmd.Env = append(r.environ(o.tag), "PWD="+o.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return done{}, fmt.Errorf("starting %s: %w", o.program, err)
	}
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if o.during != nil {
			o.during(cmd.Process.Pid, ended)
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-watched
	if ctx.Err() != nil {
		return done{output: out.String()}, errHangs
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return done{}, fmt.Errorf("waiting for %s: %w", o.program, err)
	}
	return done{status: cmd.ProcessState.ExitCode(), output: out.String(), took: time.Since(start)}, nil
}

// prepare makes the folders that the environment names.
func (r runner) prepare() error {
	for _, dir := range []string{r.home + "/tmp", r.home + "/cache"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}
