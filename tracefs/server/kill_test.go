package server_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/tests/processes"
	"fmake/tracefs"
)

// clientMain is a make logic that runs actions until it is killed or its engine
// dies.
func clientMain() int {
	dir, err := os.Getwd()
	if err != nil {
		return 1
	}
	e, err := tracefs.Start(context.Background(), tracefs.Config{
		EnginePath: os.Getenv(engineVar), CacheDir: filepath.Join(dir, "cache"), Project: dir,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	var jobs sync.WaitGroup
	for range 2 {
		jobs.Go(func() {
			for runOne(e, dir) == nil {
			}
		})
	}
	<-e.Done()
	jobs.Wait()
	return 0
}

func runOne(e *tracefs.Engine, dir string) error {
	v, err := e.NewView(tracefs.ViewSpec{ID: "kill", Serial: 1, Dir: dir})
	if err != nil {
		return err
	}
	p, err := v.Start(&tracefs.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", `for i in 1 2 3 4; do cat a >o.$$; ls >/dev/null; sleep 0.01; done; rm o.$$`},
		Env: os.Environ(), Dir: dir,
	})
	if err != nil {
		return err
	}
	if _, _, err := p.Wait(); err != nil {
		return err
	}
	_, err = v.Finish()
	return err
}

// TestKill kills each process of a build at random moments.
func TestKill(t *testing.T) {
	newBench(t) // skips where views cannot be had
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	for _, victim := range []string{"client", "server", "spawner"} {
		t.Run(victim, func(t *testing.T) {
			for i := range rounds {
				if !killOnce(t, victim, i) {
					return
				}
			}
		})
	}
}

func killOnce(t *testing.T, victim string, round int) bool {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("%s-%d-%d-%d", victim, os.Getpid(), round, rand.Uint64())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), roleVar+"=client", processes.MarkVar+"="+mark)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	if n, err := out.Read(make([]byte, 16)); n == 0 {
		t.Fatalf("client has not started: %v", err)
	}
	time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	pid := cmd.Process.Pid
	if victim != "client" {
		if pid = processes.WithRole(mark, victim); pid == 0 {
			t.Errorf("no %s", victim)
			return false
		}
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Errorf("kill %s: %v", victim, err)
	}
	if pid == cmd.Process.Pid {
		_ = cmd.Wait()
	}
	if left := processes.Remains(mark, cmd.Process.Pid); left != "" {
		t.Errorf("round %d: left behind by the death of the %s:\n%s", round, victim, left)
		return false
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || bytes.Contains(mounts, []byte("fuse.fmake")) {
		t.Errorf("a mount is left: %v", err)
		return false
	}
	return true
}
