package store

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// holderEnv makes the test program an engine that holds the store in the folder
// that it names.
const holderEnv = "FMAKE_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderEnv); dir != "" {
		beHolder(dir)
	}
	os.Exit(m.Run())
}

// beHolder takes the store, says so, and puts traces until it is killed.
func beHolder(dir string) {
	s, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 1000; ; i++ {
		h := hash(i)
		if status, answer := s.do(2, h[:]); status > 1 {
			fmt.Println(string(answer))
			os.Exit(1)
		}
		if i == 1000 {
			fmt.Println("ready")
		}
		time.Sleep(time.Millisecond)
	}
}

func startHolder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("holder says %q", line)
	}
	return cmd
}

// TestTakeover kills holders with SIGKILL while clients are at work: no call
// may fail, and what was answered for is there at the end.
func TestTakeover(t *testing.T) {
	dir := cacheDir(t)
	cmd := startHolder(t, dir)
	s := open(t, dir)
	c := connect(t, s)
	must(t, c.PutTrace(hash(0), hash(0), trace(0)))
	if _, ok := s.backend.(*remote); !ok {
		t.Fatal("the store has two holders")
	}
	must(t, c.Sync())
	must(t, cmd.Process.Kill())
	for i := 1; i < 20; i++ {
		must(t, c.PutTrace(hash(i), hash(i), trace(i)))
	}
	cmd.Wait()
	if _, ok := s.backend.(*holder); !ok {
		t.Error("nobody took over")
	}
	for i := range 20 {
		if got, err := c.Result(hash(i)); err != nil || got == nil {
			t.Errorf("trace %d: %v %v", i, got, err)
		}
	}
}

// TestStoppedHolder: a holder that does not answer makes the store
// unavailable; nobody waits for it for long.
func TestStoppedHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a time-out")
	}
	dir := cacheDir(t)
	cmd := startHolder(t, dir)
	s := open(t, dir)
	c := connect(t, s)
	must(t, c.PutTrace(hash(0), hash(0), trace(0)))
	must(t, cmd.Process.Signal(unix.SIGSTOP))
	var status unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatal(status, err)
	}
	if _, err := c.Result(hash(0)); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("first call: %v", err)
	}
	for range 100 { // these must not wait at all
		if _, err := c.Result(hash(0)); !errors.Is(err, cache.ErrUnavailable) {
			t.Fatalf("next call: %v", err)
		}
	}
}

// TestReadOnlyFolder: what a store in a folder that cannot be written holds can
// be used.
func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere; run as an ordinary user")
	}
	dir := cacheDir(t)
	s := open(t, dir)
	must(t, connect(t, s).PutTrace(hash(1), hash(1), trace(1)))
	must(t, s.Close())
	for _, path := range []string{filepath.Join(dir, lockName), filepath.Join(dir, storeName), dir} {
		must(t, os.Chmod(path, 0o500))
	}
	defer os.Chmod(dir, 0o700)
	defer os.Chmod(filepath.Join(dir, storeName), 0o700)
	c := connect(t, open(t, dir))
	if got, err := c.Result(hash(1)); err != nil || got == nil {
		t.Errorf("get: %v %v", got, err)
	}
	if err := c.PutTrace(hash(2), hash(2), trace(2)); !errors.Is(err, cache.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
}

// TestDiskFull fills a small file system of its own.
func TestDiskFull(t *testing.T) {
	dir := os.Getenv("FMAKE_TEST_SMALL_DIR")
	if dir == "" {
		t.Skip("FMAKE_TEST_SMALL_DIR names no small file system")
	}
	s := open(t, filepath.Join(dir, "cache"))
	c := connect(t, s)
	rng := newRand(1)
	for range 100_000 {
		data := make([]byte, cache.SmallSize-1)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if _, err := c.PutSmall(data); err != nil {
			if !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			return
		}
	}
	t.Error("the disk never filled")
}
