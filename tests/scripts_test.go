package tests

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// folders are the folders of scripts that are run, in this order.
var folders = []string{plainFolder, "trace", "frun", "labels", "remote", "away", "scenarios", "faults"}

// plainFolder holds what is true of every make. fmake plays it untraced: some of
// it shows how GNU make goes by dates where fmake otherwise goes by content.
const plainFolder = "make"

// needsFUSE is the line by which a script says that it is about tracing.
const needsFUSE = "[!fuse] skip"

func TestScripts(t *testing.T) {
	for _, folder := range folders {
		if currentSetup().reference() && folder != plainFolder {
			continue // a plain make was given: it knows nothing of the rest
		}
		t.Run(folder, func(t *testing.T) { play(t, folder) })
	}
}

// play runs the scripts of a folder.
func play(t *testing.T, folder string) {
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join(currentSetup().scripts(), folder),
		Setup:              sessionOf(folder),
		Cmds:               commands,
		Condition:          condition,
		RequireUniqueNames: true,
		Deadline:           deadline(t),
	})
}

// deadline leaves a minute to say what hung before go test gives up.
func deadline(t *testing.T) time.Time {
	d, ok := t.Deadline()
	if !ok {
		return time.Time{}
	}
	return d.Add(-time.Minute)
}

// TestScriptsAsUser runs every script that is about tracing once more as a user
// without any right, which is the normal case.
func TestScriptsAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: TestScripts has run them as an ordinary user")
	}
	if currentSetup().reference() {
		t.Skip("a plain make was given")
	}
	uid := freeUID(t)
	for _, script := range tracedScripts(t) {
		t.Run(strings.TrimSuffix(script, ".txtar"), func(t *testing.T) {
			t.Parallel()
			folder, name := filepath.Split(strings.TrimSuffix(script, ".txtar"))
			out, err := runAs(t, uid, "^TestScripts$/^"+filepath.Clean(folder)+"$/^"+name+"$")
			switch {
			case err != nil:
				t.Errorf("%v\n%s", err, out)
			case bytes.Contains(out, []byte("--- SKIP")):
				t.Skipf("%s", out)
			case !bytes.Contains(out, []byte("--- PASS")):
				t.Errorf("nothing ran:\n%s", out)
			}
		})
	}
}

// TestFUSEIsUsed fails where continuous integration would skip every traced
// script although the machine has FUSE.
func TestFUSEIsUsed(t *testing.T) {
	if os.Getenv("CI") != "true" {
		t.Skip("CI is not true: scripts may be skipped for want of FUSE")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse here")
	}
	if why := fuseMissing(); why != "" {
		t.Errorf("/dev/fuse exists, but uid %d cannot use it: %s", os.Geteuid(), why)
	}
	if os.Geteuid() != 0 {
		return
	}
	if out, err := runAs(t, freeUID(t), "^TestFUSEIsUsed$"); err != nil {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

// tracedScripts returns the scripts that are about tracing, as folder/name.
func tracedScripts(t *testing.T) []string {
	t.Helper()
	var traced []string
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(currentSetup().scripts(), folder, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("\n"+needsFUSE+"\n")) {
				traced = append(traced, folder+"/"+filepath.Base(f))
			}
		}
	}
	return traced
}

// runAs runs one test of this program as another user, with folders of its own.
func runAs(t *testing.T, uid uint32, pattern string) ([]byte, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "fmake-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, int(uid), int(uid)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(currentSetup().program(), "-test.v", "-test.run="+pattern, "-test.timeout=4m")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd.CombinedOutput()
}

// freeUID returns a user id that nobody has.
func freeUID(t *testing.T) uint32 {
	t.Helper()
	for uid := uint32(61200); uid < 61300; uid++ {
		if _, err := user.LookupId(strconv.Itoa(int(uid))); err != nil {
			return uid
		}
	}
	t.Fatal("no free user id between 61200 and 61299")
	return 0
}
