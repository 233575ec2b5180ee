package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// measureWord makes this program the parent of one measured command.
const measureWord = "measure-one-command"

// cost is what one command took.
type cost struct {
	Wall, CPU float64 // seconds
	Peak      int64   // KiB of the largest process
	Exit      int
}

// measureChild runs a command and all that it leaves behind to their ends and
// prints the cost. It is a process of its own, because resource use is counted by
// process: as the reaper of orphans it gets fmake's engine too. The wall time
// ends when the command itself does.
func measureChild(words []string) int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 1
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 1
	}
	_ = cmd.Wait()
	c := cost{Wall: time.Since(start).Seconds(), Exit: cmd.ProcessState.ExitCode()}
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.EINTR {
			continue
		} else if err != nil {
			break // no child is left
		}
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &use); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 1
	}
	c.CPU = float64(use.Utime.Nano()+use.Stime.Nano()) / 1e9
	c.Peak = use.Maxrss
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		return 1
	}
	return 0
}

// measure runs cmd under measureChild, as the user who is measured. The command
// must end with the status want.
func (b *bench) measure(cmd *exec.Cmd, want int) (cost, error) {
	m := exec.Command(filepath.Join(b.dir, "bin", "measure"), append([]string{measureWord}, cmd.Args...)...)
	m.Dir, m.Env = cmd.Dir, cmd.Env
	if b.uid != 0 {
		m.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: b.uid, Gid: b.uid}}
	}
	var out, said bytes.Buffer
	m.Stdout, m.Stderr = &out, &said
	if err := m.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", cmd, err, tail(said.String()))
	}
	var c cost
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		return cost{}, fmt.Errorf("%s: %w", cmd, err)
	}
	if c.Exit != want {
		return cost{}, fmt.Errorf("%s: exit status %d, want %d\n%s", cmd, c.Exit, want, tail(said.String()))
	}
	return c, nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

func median(costs []cost, of func(cost) float64) float64 { return middle(valuesOf(costs, of)) }

func valuesOf(costs []cost, of func(cost) float64) []float64 {
	values := make([]float64, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	return values
}

// middle returns the median.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
