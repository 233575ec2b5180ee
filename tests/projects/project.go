// Package projects builds real C projects with fmake and with GNU make and
// compares what is left. It holds the projects' table and how one is unpacked
// and built; the benchmarks use it too.
package projects

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fmake/tests/corpus"
)

// Project is a source package of Debian and how it is built.
type Project struct {
	Name      string
	Package   string
	Configure string // a shell command run once in the fresh tree, or empty
	Args      []string
	Clean     string // goal that removes what was built
	Header    string // a header that many sources include
	Source    string // one of its sources
	Flaky     bool   // two builds by GNU make differ in content (build ids, times)
	Heavy     bool   // minutes rather than seconds
	Dir       string // where make runs, below the tree; empty for its top
	Env       []string
	// Scratch is a folder that some recipes make and a later one removes. fmake
	// still leaves it, empty, where only the former had to run again
	// (scripts/pending/later_removal).
	Scratch string
	// Once is a folder that the makefile has made in a fresh tree only, or when its settings
	// change: GNU make does not put right what is missing there.
	Once string
}

// Table returns the projects that the tests of this package build, lightest first.
func Table() []Project {
	return []Project{
		{Name: "bzip2", Package: "bzip2", Args: []string{"bzip2", "bzip2recover"}, Clean: "clean", Header: "bzlib_private.h", Source: "blocksort.c"},
		{Name: "lua", Package: "lua5.4", Args: []string{"linux"}, Clean: "clean", Header: "src/lobject.h", Source: "src/lapi.c"},
		{Name: "zlib", Package: "zlib", Configure: "./configure", Clean: "clean", Header: "zutil.h", Source: "deflate.c", Scratch: "objs"},
		{Name: "redis", Package: "redis", Clean: "clean", Header: "src/zmalloc.h", Source: "src/t_list.c", Once: "deps", Flaky: true, Heavy: true},
	}
}

// Find returns the project of that name.
func Find(name string) (Project, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Project{}, fmt.Errorf("no project %q", name)
}

// Unpack makes a fresh configured tree at dir, replacing what is there.
func (p Project) Unpack(c *corpus.Corpus, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := c.Source(p.Package, "", dir); err != nil {
		return err
	}
	if p.Configure == "" {
		return nil
	}
	cmd := exec.Command("sh", "-c", p.Configure)
	cmd.Dir = dir
	cmd.Env = Environment(dir, p.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("configuring %s: %w\n%s", p.Name, err, out)
	}
	return nil
}

// Environment is the small fixed environment in which projects are built. HOME
// is beside the tree; extra entries are added.
func Environment(tree string, extra ...string) []string {
	return append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + filepath.Dir(tree), "LC_ALL=C", "TZ=UTC", "TERM=dumb", "USER=builder", "SOURCE_DATE_EPOCH=1700000000",
	}, extra...)
}

// Command returns the command that builds the project with a make.
func (p Project) Command(program, tree string, jobs int, env []string, args ...string) *exec.Cmd {
	words := []string{fmt.Sprintf("-j%d", jobs)}
	if len(args) == 0 {
		args = p.Args
	}
	cmd := exec.Command(program, append(words, args...)...)
	cmd.Dir = filepath.Join(tree, p.Dir)
	cmd.Env = Environment(tree, append(slices.Clone(p.Env), env...)...)
	return cmd
}

// EditHeader changes the project's header, number making each edit another one.
func (p Project) EditHeader(tree string, number int) error { return edit(tree, p.Header, number) }

// EditSource does so with a source.
func (p Project) EditSource(tree string, number int) error { return edit(tree, p.Source, number) }

func edit(tree, name string, number int) error {
	f, err := os.OpenFile(filepath.Join(tree, name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "\n/* edit %d */\n", number); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// isArchive is true for files whose members carry dates.
func isArchive(data []byte) bool {
	return strings.HasPrefix(string(data[:min(len(data), 8)]), "!<arch>\n")
}
