// Package corpus fetches what fmake is compared with: GNU make's own source with
// its tests, the sources of real projects, and libraries. All of it comes from Debian's
// packages, through apt with lists of its own, so that nothing of the
// machine's set-up changes and nothing of these sources is part of this project.
//
// What was fetched and built stays in one folder: FMAKE_TEST_CORPUS, or
// fmake-corpus in the user's cache folder. Several test programs may use it at
// the same time; a lock lets one of them fetch.
package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Corpus is an open corpus folder.
type Corpus struct {
	dir string
}

// Open finds or makes the folder.
func Open() (*Corpus, error) {
	dir := os.Getenv("FMAKE_TEST_CORPUS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(cache, "fmake-corpus")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "src"), 0o755); err != nil {
		return nil, err
	}
	return &Corpus{dir: dir}, nil
}

// Source unpacks the upstream source of a Debian source package into dir, which
// is created, without the top folder of the archive if all of it is in one, as an ordinary user
// would. release is Debian's name of a release, or empty for that of this machine.
func (c *Corpus) Source(pkg, release, dir string) error {
	archive, err := c.fetch(filepath.Join("src", pkg), "*.orig.tar.*", "deb-src", release, "source", "--download-only", pkg)
	if err != nil {
		return fmt.Errorf("fetching the source of %s: %w", pkg, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unpack := []string{"-xf", archive, "-C", dir, "--no-same-owner", "--no-same-permissions"}
	names, err := exec.Command("tar", "-tf", archive).Output()
	if err != nil {
		return fmt.Errorf("tar: %w", err)
	}
	if inOneFolder(string(names)) {
		unpack = append(unpack, "--strip-components=1")
	}
	return quiet("", "tar", unpack...)
}

// inOneFolder reports whether all names that tar lists are in one folder.
func inOneFolder(names string) bool {
	top := ""
	for line := range strings.Lines(names) {
		first, _, inside := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "./"), "/")
		if !inside || top != "" && first != top {
			return false
		}
		top = first
	}
	return true
}

// Package unpacks the files of a Debian package into dir, which is created. Nothing is
// installed.
func (c *Corpus) Package(pkg, dir string) error {
	archive, err := c.fetch(filepath.Join("deb", pkg), "*.deb", "deb", "", "download", pkg)
	if err != nil {
		return fmt.Errorf("fetching the package %s: %w", pkg, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return quiet("", "dpkg-deb", "--extract", archive, dir)
}

// fetch returns the path of the archive with a name of the given pattern that apt-get leaves
// in a folder of the corpus; kind and release say which lists it goes by.
func (c *Corpus) fetch(folder, pattern, kind, release string, command ...string) (string, error) {
	unlock, err := c.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	dir := filepath.Join(c.dir, folder)
	if archive := archiveIn(dir, pattern); archive != "" {
		return archive, nil
	}
	apt, err := c.apt(kind, release)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := apt(dir, command...); err != nil {
		return "", err
	}
	if archive := archiveIn(dir, pattern); archive != "" {
		return archive, nil
	}
	return "", errors.New("there is no " + pattern + " in the package")
}

// archiveIn finds an archive among a package's files.
func archiveIn(dir, pattern string) string {
	found, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, f := range found {
		if !strings.HasSuffix(f, ".asc") {
			return f
		}
	}
	return ""
}

// apt returns a function that runs apt-get with lists of its own for a release: of its
// sources, "deb-src", or of its packages, "deb".
func (c *Corpus) apt(kind, release string) (func(dir string, args ...string) error, error) {
	if release == "" {
		r, err := codename()
		if err != nil {
			return nil, err
		}
		release = r
	}
	state := filepath.Join(c.dir, "apt", release)
	if kind == "deb" {
		state += "-packages"
	}
	list := filepath.Join(state, "sources.list")
	options := []string{
		"-qq",
		"-o", "Dir::Etc::SourceList=" + list,
		"-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::State::Lists=" + state + "/lists",
		"-o", "Dir::Cache=" + state + "/cache",
		"-o", "APT::Sandbox::User=" + os.Getenv("USER"),
	}
	run := func(dir string, args ...string) error {
		return quiet(dir, "apt-get", append(options, args...)...)
	}
	if _, err := os.Stat(list); err == nil {
		return run, nil
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(state, d), 0o755); err != nil {
			return nil, err
		}
	}
	line := fmt.Sprintf("%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", kind, mirror(), release)
	if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
		return nil, err
	}
	if err := run("", "update"); err != nil {
		os.Remove(list) // so that the next attempt updates again
		return nil, err
	}
	return run, nil
}

// mirror returns the archive that this machine's apt uses.
func mirror() string {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	for _, f := range append(files, "/etc/apt/sources.list") {
		if uri := firstArchive(f); uri != "" {
			return uri
		}
	}
	return "http://deb.debian.org/debian"
}

// firstArchive returns the first address in a list of apt's, of either format,
// that looks like Debian's main archive.
func firstArchive(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(line, "URIs:") && !strings.HasPrefix(line, "deb ") {
			continue
		}
		for _, word := range strings.Fields(line) {
			if strings.HasSuffix(strings.TrimSuffix(word, "/"), "/debian") {
				return word
			}
		}
	}
	return ""
}

// codename returns the name of this machine's release of Debian.
func codename() (string, error) {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`), nil
		}
	}
	return "", errors.New("/etc/os-release names no release")
}

// lock keeps other users of the corpus out until the returned function is called.
func (c *Corpus) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the corpus: %w", err)
	}
	return func() { f.Close() }, nil
}

// quiet runs a command; its output is shown only in the error.
func quiet(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, bytes.TrimSpace(out))
	}
	return nil
}
