package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"fmake/tests/corpus"
)

// project says how a real project is got and built.
type project struct {
	name      string
	pkg       string     // its source package
	configure string     // a shell command
	args      []string   // of make
	first     [][]string // of makes that have to run before it
	makefiles []string   // to be damaged, where they are
	sources   []string   // patterns of what is edited
	second    []string   // what only a second make leaves, by any make
}

var projects = []project{
	{name: "lua", pkg: "lua5.4", args: []string{"linux"}, makefiles: []string{"src/Makefile"}, sources: []string{"src/*.[ch]"}},
	{name: "zlib", pkg: "zlib", configure: "./configure", makefiles: []string{"Makefile"}, sources: []string{"*.[ch]"}},
	{name: "dash", pkg: "dash", configure: "./configure", makefiles: []string{"src/Makefile"}, sources: []string{"src/*.[ch]", "src/bltin/*.[ch]"}},
	{name: "luajit", pkg: "luajit", args: []string{"CCOPT=-O1"}, makefiles: []string{"src/Makefile", "src/Makefile.dep"}, sources: []string{"src/lj_*.[ch]"}},
	{
		name: "jq", pkg: "jq", configure: "autoreconf -fi && ./configure --without-oniguruma --disable-docs --enable-maintainer-mode",
		makefiles: []string{"Makefile"}, sources: []string{"src/*.[ch]"},
	},
	{
		name: "redis", pkg: "redis", args: []string{"MALLOC=libc", "OPTIMIZATION=-O0"}, makefiles: []string{"src/Makefile"}, sources: []string{"src/*.[ch]"},
		second: []string{"src/Makefile.dep"},
	},
}

// lab is where one project is built: three trees take turns at one path.
type lab struct {
	project
	dir      string // everything is below it
	lost     int
	edits    map[string]string // by file: what is added to it now
	place    string            // the path at which trees are built
	cacheDir string
	differ   []string  // files that two builds of the same leave otherwise
	replaced [2]string // in what is edited: words, and what stands in their place
}

// errBuild: a make ended with an error.
var errBuild = errors.New("the build failed")

// limit is how long one build may take.
const limit = 30 * time.Minute

// shell runs a command in the place.
func (l *lab) shell(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = l.place
	cmd.Env = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + l.dir, "LC_ALL=C", "TZ=UTC", "TERM=dumb",
		"SOURCE_DATE_EPOCH=1700000000", "FMAKE_CACHE_DIR=" + l.cacheDir, "PWD=" + l.place,
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), fmt.Errorf("%w: %s", errBuild, lastLines(string(out), 8))
	}
	return string(out), err
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// in runs something while a tree is at the place.
func (l *lab) in(tree string, do func() error) error {
	if err := os.Rename(filepath.Join(l.dir, tree), l.place); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, os.Rename(l.place, filepath.Join(l.dir, tree)))
}

// copyTree copies a tree with all modes and times.
func (l *lab) copyTree(from, to string) error {
	out, err := exec.Command("cp", "-a", filepath.Join(l.dir, from), filepath.Join(l.dir, to)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	return nil
}

// unpack puts what is in an archive into the empty folder dir; what is in one folder all
// of it, as in most of them, without that.
func unpack(archive, dir string) error {
	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	top, err := os.ReadDir(dir)
	if err != nil || len(top) != 1 || !top[0].IsDir() {
		return err
	}
	inside := dir + ".unpacked"
	return errors.Join(os.Rename(filepath.Join(dir, top[0].Name()), inside), os.Remove(dir), os.Rename(inside, dir))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fromDebian unpacks the upstream source of the project's package.
func (l *lab) fromDebian(dir string) error {
	c, err := corpus.Open()
	if err != nil {
		return err
	}
	return c.Source(l.pkg, "", dir)
}

// fetch gets the sources into the tree "clean": from a tar of the given folder
// if there is one, else from the archive.
func (l *lab) fetch(tars string) error {
	clean := filepath.Join(l.dir, "clean")
	if err := os.MkdirAll(clean, 0o755); err != nil {
		return err
	}
	if tar := filepath.Join(tars, l.name+".tar"); tars != "" && exists(tar) {
		if err := unpack(tar, clean); err != nil {
			return err
		}
	} else if err := l.fromDebian(clean); err != nil {
		return err
	}
	if l.configure == "" {
		return nil
	}
	return l.in("clean", func() error {
		_, err := l.shell("sh", "-c", l.configure)
		return err
	})
}
