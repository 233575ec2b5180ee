package tests

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"fmake/tests/reapi"
)

// sessionKey finds the session among the values of a script.
type sessionKey struct{}

// session is the state of one running script.
type session struct {
	notes  *notes
	status int  // exit status of the last fmake or frun
	atOnce bool // it went by the record of an earlier one
}

var sessions atomic.Int64 // makes the sockets' names unique

// sessionOf returns the set-up of a script of a folder.
func sessionOf(folder string) func(env *testscript.Env) error {
	return func(env *testscript.Env) error {
		if folder == plainFolder {
			env.Setenv("FMAKEFLAGS", "--tracefs=off")
		}
		return newSession(env)
	}
}

func newSession(env *testscript.Env) error {
	state, err := os.MkdirTemp("", "fmake-state-")
	if err != nil {
		return err
	}
	env.Defer(func() {
		// Caches hold read-only files and scripts make unreadable folders.
		_ = exec.Command("chmod", "-R", "u+rwX", state).Run()
		os.RemoveAll(state)
	})
	if err := os.Chmod(state, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"home", "tmp", "cache"} {
		if err := os.Mkdir(filepath.Join(state, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(env.WorkDir, ".tmp")); err != nil {
		return err
	}
	socket := fmt.Sprintf("@fmake-test-%d-%d", os.Getpid(), sessions.Add(1))
	n, err := listenNotes(socket)
	if err != nil {
		return err
	}
	env.Defer(n.close)
	env.Values[sessionKey{}] = &session{notes: n}
	env.Values[remoteKey{}] = new(*reapi.Server)
	env.Setenv("BIN", currentSetup().bin())
	env.Setenv("TOOLS", currentSetup().tools())
	env.Setenv("PATH", currentSetup().bin()+":"+currentSetup().tools()+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	env.Setenv("STATE", state)
	env.Setenv("HOME", filepath.Join(state, "home"))
	env.Setenv("TMPDIR", filepath.Join(state, "tmp"))
	env.Setenv("FMAKE_CACHE_DIR", filepath.Join(state, "cache"))
	env.Setenv("FMAKE_TEST_NOTE", socket)
	env.Setenv("LC_ALL", "C")
	return nil
}

// notes collects what recipes noted.
type notes struct {
	conn   *net.UnixConn
	lines  chan string
	socket string
}

// A marker is sent by the test itself: messages of a socket keep their order,
// so all that was noted before it has arrived when it does.
const marker = "\x00marker"

func listenNotes(socket string) (*notes, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listening for notes: %w", err)
	}
	n := &notes{conn: conn, lines: make(chan string), socket: socket}
	go n.receive()
	return n, nil
}

// receive keeps draining the socket, for a full one would block the recipes.
func (n *notes) receive() {
	defer close(n.lines)
	var waiting []string
	buf := make([]byte, 64<<10)
	for {
		size, err := n.conn.Read(buf)
		if err != nil {
			return
		}
		line := string(buf[:size])
		if line != marker {
			waiting = append(waiting, line)
			continue
		}
		for _, w := range append(waiting, marker) {
			n.lines <- w
		}
		waiting = nil
	}
}

// take returns what was noted since the last call.
func (n *notes) take() ([]string, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	if err := syscall.Sendto(fd, []byte(marker), 0, &syscall.SockaddrUnix{Name: n.socket}); err != nil {
		return nil, err
	}
	var lines []string
	for line := range n.lines {
		if line == marker {
			return lines, nil
		}
		lines = append(lines, line)
	}
	return nil, errors.New("the socket of the notes was closed")
}

func (n *notes) close() { n.conn.Close() }

// condition tells what this machine and this user can do.
func condition(name string) (bool, error) {
	switch name {
	case "fuse":
		return fuseMissing() == "", nil
	case "root":
		return os.Geteuid() == 0, nil
	case "setuid":
		out, err := exec.Command(filepath.Join(currentSetup().tools(), "rootid"), "-u").Output()
		return err == nil && string(out) == "0\n", nil
	case "reference":
		return currentSetup().reference(), nil
	}
	if program, ok := strings.CutPrefix(name, "has:"); ok {
		_, err := exec.LookPath(program)
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// fuseMissing says why this user cannot use FUSE, or "". It does not ask fmake:
// an fmake that wrongly finds FUSE unusable must fail the tests, not skip them.
func fuseMissing() string {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	f.Close()
	flags := "-Urm"
	if os.Geteuid() == 0 {
		flags = "-m"
	}
	if out, err := exec.Command("unshare", flags, "true").CombinedOutput(); err != nil {
		return fmt.Sprintf("unshare %s: %v: %s", flags, err, bytes.TrimSpace(out))
	}
	return ""
}

// sortedWords is how sets of recipes are compared: order is not the point, but
// a recipe that ran twice is.
func sortedWords(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, " ")
}
