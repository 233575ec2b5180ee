package tests

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/away"
	"fmake/tests/reapi"
)

// How many recipes are sent to the server's slots, where each takes 50 ms, and how many are
// on their way at a time.
var (
	slotsTargets = flag.Int("slots.recipes", 2000, "how many recipes TestAwaySlots sends")
	slotsJobs    = flag.Int("slots.jobs", 96, "its -j")
)

const (
	slotsThere = 64
	slotsEach  = 50 * time.Millisecond
)

// TestAwaySlots has many more recipes run at a time than there are processors here. What it
// takes is logged; see README.
func TestAwaySlots(t *testing.T) {
	if why := fuseMissing(); why != "" || currentSetup().reference() {
		t.Skip("nothing can be traced here: " + why)
	}
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{Inline: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.SetPretend(pretendToCopy)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for i := range *slotsTargets {
		fmt.Fprintf(&all, " out%d", i)
		write(fmt.Sprintf("in%d", i), fmt.Sprintf("content %d\n", i))
	}
	write("Makefile", "outs ="+all.String()+"\nall: $(outs)\n$(outs): out%: in% ; cp in$* out$*\n")
	cmd := exec.Command(binary("fmake"), "-srR", fmt.Sprintf("-j%d", *slotsJobs))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+t.TempDir(), "FMAKE_REMOTE_EXEC=grpc://"+s.Addr(), "FMAKEFLAGS=", "MAKEFLAGS=")
	begun, before := time.Now(), usedBySelf(t)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	took, ideal := time.Since(begun), time.Duration(*slotsTargets)*slotsEach/slotsThere
	t.Logf("%d recipes of %v in %d slots with -j%d took %v, %.2f times the ideal %v; user+sys of fmake %v, of the server %v",
		*slotsTargets, slotsEach, slotsThere, *slotsJobs, took, float64(took)/float64(ideal), ideal,
		cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), usedBySelf(t)-before)
	for i := range *slotsTargets {
		checkFile(t, dir, fmt.Sprintf("out%d", i), fmt.Sprintf("content %d\n", i))
	}
	explain := exec.Command(binary("fmake"), "--explain=out0", fmt.Sprintf("--explain=out%d", *slotsTargets-1))
	explain.Dir, explain.Env = dir, cmd.Env
	if out, err := explain.Output(); err != nil || strings.Count(string(out), "It ran remotely on") != 2 {
		t.Errorf("%v: %s", err, out)
	}
	if ran, _ := s.Ran(); ran != *slotsTargets {
		t.Errorf("%d recipes ran there", ran)
	}
}

// usedBySelf is how long this process has been on a processor.
func usedBySelf(t *testing.T) time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// pretendToCopy does what a worker does with the recipe "cp FROM TO", without a process.
func pretendToCopy(_ *repb.Command, input func(string) []byte) map[string][]byte {
	text := input(away.JobFile)
	job, err := away.DecodeJob(string(text))
	if err != nil || len(job.Lines) != 1 || len(job.Lines[0].Argv) != 3 {
		return nil
	}
	line := job.Lines[0]
	from, to := line.Argv[1], line.Argv[2]
	data := input(away.Project + "/" + from)
	hash := func(data []byte) string {
		sum := cache.HashBytes(data)
		return string(sum[:])
	}
	report := away.Report{
		Job:    hash(text),
		Looks:  []away.Look{{Path: "./" + from, How: away.Content, Hash: hash(data)}, {Path: "./" + to, How: away.Seen | away.Absent}},
		Left:   []away.Left{{Path: "./" + to, Type: unix.S_IFREG, Mode: 0o644, Size: int64(len(data)), Hash: hash(data)}},
		Chunks: []away.Chunk{{Stream: 3, Data: line.Echo + "\n"}},
		Took:   int64(slotsEach),
	}
	return map[string][]byte{away.Project + "/" + to: data, away.ReportFile: []byte(report.Encode())}
}
