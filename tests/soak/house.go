package soak

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fmake/cache"
	"fmake/cache/store"
	"fmake/tests/corpus"
	"fmake/tests/processes"
)

// house is what all projects share.
type house struct {
	dir       string
	corpus    *corpus.Corpus
	fmake     string
	reference string
	cache     string
	tmp       string
	mark      string
	env       []string
	limit     int64

	make   series // peak memory of fmake itself, in KiB
	engine series // of the engine's server
	open   series // most descriptors of the engine's server

	mu    sync.Mutex
	tally collections
}

// collections is what the collector has done.
type collections struct {
	runs, removing, beside int   // how often; how often it removed something; with a build going on
	traces, contents, near int64 // removed
	failed                 int   // the store did not answer, as when its holder has just ended
	last                   int64 // size after the last one
}

// newHouse makes the folders.
func newHouse(dir string, limit int64) (*house, error) {
	h := &house{
		dir: dir, limit: limit, fmake: filepath.Join(dir, "programs", "fmake"),
		cache: filepath.Join(dir, "cache"), tmp: filepath.Join(dir, "tmp"), mark: fmt.Sprintf("soak-%d", os.Getpid()),
	}
	h.env = []string{"TMPDIR=" + h.tmp, "FMAKE_CACHE_DIR=" + h.cache, "FMAKEFLAGS=--tracefs=require", processes.MarkVar + "=" + h.mark}
	for _, d := range []string{"bin", "tmp", "cache"} {
		if err := os.RemoveAll(filepath.Join(dir, d)); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// patience ends a build that hangs.
const patience = 20 * time.Minute

// measured runs a command through GNU time, if that is installed, and returns also the peak of its
// memory in KiB. What the kernel tells this process itself of a child begins with what this
// process has at the fork.
func (h *house) measured(cmd *exec.Cmd) (out string, peak int64, err error) {
	note := filepath.Join(h.dir, "peak")
	if time, err := exec.LookPath("time"); err == nil {
		cmd.Path, cmd.Args = time, append([]string{time, "-q", "-f", "%M", "-o", note, cmd.Path}, cmd.Args[1:]...)
	}
	out, err = bounded(cmd)
	text, _ := os.ReadFile(note)
	peak, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return out, peak, err
}

// bounded runs a command and returns what it printed.
func bounded(cmd *exec.Cmd) (out string, err error) {
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	watchdog := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !watchdog.Stop() {
		err = errors.Join(err, fmt.Errorf("still running after %v", patience))
	}
	return text.String(), err
}

// manage has fmake do something with the cache.
func (h *house) manage(option string) (string, error) {
	cmd := exec.Command(h.fmake, option)
	cmd.Env = append(os.Environ(), h.env...)
	out, err := bounded(cmd)
	return strings.TrimSpace(out), err
}

// collect brings the cache to its limit, sparing what was used so recently.
func (h *house) collect(spare time.Duration, beside bool) error {
	st, err := store.Open(h.cache)
	if err != nil {
		return err
	}
	defer st.Close()
	ours, theirs := net.Pipe()
	go func() { _ = st.Serve(theirs) }()
	c := cache.NewClient(ours)
	defer c.Close()
	r, err := c.GC(cache.GCLimits{Bytes: h.limit, Spare: spare})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.tally.failed++
		return err
	}
	h.tally.runs++
	if beside {
		h.tally.beside++
	}
	if r.Traces+r.Blobs+r.Small+r.Near > 0 {
		h.tally.removing++
	}
	h.tally.traces += r.Traces
	h.tally.contents += r.Blobs + r.Small
	h.tally.near += r.Near
	h.tally.last = r.After
	return nil
}

// collecting collects all the time until the returned function is called.
func (h *house) collecting() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-end:
				tick.Stop()
				return
			case <-tick.C:
				_ = h.collect(20*time.Minute, true) // counted
			}
		}
	}()
	return func() { close(end); <-ended }
}

// left says what a build has left that should be gone.
func (h *house) left() []string {
	var wrong []string
	if running := processes.Remains(h.mark, 0); running != "" {
		wrong = append(wrong, "processes: "+running)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte(h.dir)) || bytes.Contains(mounts, []byte("fuse.fmake")) {
		wrong = append(wrong, fmt.Sprintf("mounts (%v)", err))
	}
	files, err := os.ReadDir(h.tmp)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, f := range files {
		wrong = append(wrong, "temporary file "+f.Name())
		os.RemoveAll(filepath.Join(h.tmp, f.Name())) // is said once
	}
	return wrong
}

// contents counts the files of the cache and their bytes, by their first folder.
func (h *house) contents() (files map[string]int, size map[string]int64) {
	files, size = map[string]int{}, map[string]int64{}
	_ = filepath.WalkDir(h.cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what is gone counts nothing
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		top, _, _ := strings.Cut(strings.TrimPrefix(path, h.cache+"/"), "/")
		files[top]++
		size[top] += info.Size()
		return nil
	})
	return files, size
}
