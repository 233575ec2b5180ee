package soak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"fmake/tests/projects"
)

// field is one project that is built over and over.
type field struct {
	projects.Project
	house *house
	dir   string // everything of it is below
	place string // the path at which trees are built

	sources, headers []string          // what may be edited
	edits            map[string]string // by file: what is added to it now
	flaky            map[string]bool   // files on which two builds of GNU make's do not agree
	said             map[string]bool   // lines that GNU make prints when there is nothing to do
	restless         map[string]bool   // files that it writes then

	builds, checks int
	checked        bool   // nothing was built since
	peak           int64  // memory of the last make, in KiB
	still          series // the same of fmake when there was nothing to do
}

// errBuild: a make ended with an error, which is in the text.
var errBuild = errors.New("the build failed")

// newField unpacks and configures a project, and has GNU make clean it, since what clean takes
// away of what came with the sources comes back to no tree.
func newField(h *house, p projects.Project) (*field, error) {
	dir := filepath.Join(h.dir, p.Name)
	f := &field{
		Project: p, house: h, dir: dir, place: filepath.Join(dir, "tree"),
		edits: map[string]string{}, flaky: map[string]bool{}, said: map[string]bool{}, restless: map[string]bool{},
	}
	if _, err := os.Stat(f.path("clean")); err != nil { // else it is there from another run
		if err := f.unpack(); err != nil {
			return nil, err
		}
	}
	for _, old := range []string{"ours", "reference"} {
		if err := os.RemoveAll(f.path(old)); err != nil {
			return nil, err
		}
	}
	if err := f.copyTree("clean", "tree"); err != nil {
		return nil, err
	}
	f.sources, f.headers = f.alike(p.Source), f.alike(p.Header)
	return f, nil
}

func (f *field) unpack() error {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	if err := f.Unpack(f.house.corpus, f.place); err != nil {
		return err
	}
	if _, err := f.run(f.house.reference, 1, f.Clean); err != nil {
		return err
	}
	return os.Rename(f.place, f.path("clean"))
}

func (f *field) path(name string) string { return filepath.Join(f.dir, name) }

// alike returns the files in the folder of a source that are named like it and not made of
// something else that came with them.
func (f *field) alike(name string) []string {
	found, _ := filepath.Glob(filepath.Join(f.path("clean"), filepath.Dir(name), "*"+filepath.Ext(name)))
	var names []string
	for _, full := range found {
		made, _ := filepath.Glob(strings.TrimSuffix(full, filepath.Ext(full)) + ".[yl]")
		if rel, err := filepath.Rel(f.path("clean"), full); err == nil && len(made) == 0 {
			names = append(names, rel)
		}
	}
	return names
}

// copyTree copies a tree with all modes and times.
func (f *field) copyTree(from, to string) error {
	if err := os.RemoveAll(f.path(to)); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", f.path(from), f.path(to)).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	return nil
}

// run runs a make in the place and returns what it printed.
func (f *field) run(program string, jobs int, goals ...string) (string, error) {
	bin := filepath.Join(f.house.dir, "bin")
	if err := link(program, filepath.Join(bin, "make")); err != nil {
		return "", err
	}
	env := []string{"PATH=" + bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd := f.Command(filepath.Join(bin, "make"), f.place, jobs, append(env, f.house.env...), goals...)
	out, peak, err := f.house.measured(cmd)
	f.peak = peak
	if err != nil {
		return out, fmt.Errorf("%w: %s %s: %w\n%s", errBuild, program, strings.Join(cmd.Args[1:], " "), err, tail(out, 30))
	}
	return out, nil
}

// link makes name a symbolic link to a program.
func link(program, name string) error {
	fresh := name + ".new"
	if err := os.Symlink(program, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, name)
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// put writes a file into the tree at the place as it is to be now.
func (f *field) put(name string) error {
	clean, full := filepath.Join(f.path("clean"), name), filepath.Join(f.place, name)
	data, err := os.ReadFile(clean)
	if err != nil {
		return err
	}
	st, err := os.Stat(clean)
	if err != nil {
		return err
	}
	if err := os.Chmod(full, st.Mode()|0o200); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(full, append(data, f.edits[name]...), 0o644), os.Chmod(full, st.Mode()))
}

// truth builds the sources as they are now from clean with GNU make, twice, and returns what is
// there then. The tree stays as "reference".
func (f *field) truth(jobs int) (projects.Tree, error) {
	if err := os.Rename(f.place, f.path("ours")); err != nil {
		return nil, err
	}
	tree, err := f.reference(jobs)
	return tree, errors.Join(err, os.RemoveAll(f.path("reference")),
		os.Rename(f.place, f.path("reference")), os.Rename(f.path("ours"), f.place))
}

func (f *field) reference(jobs int) (projects.Tree, error) {
	if err := f.copyTree("clean", "tree"); err != nil {
		return nil, err
	}
	for name := range f.edits {
		if err := f.put(name); err != nil {
			return nil, err
		}
	}
	if _, err := f.run(f.house.reference, jobs); err != nil {
		return nil, err
	}
	before, err := f.stamps()
	if err != nil {
		return nil, err
	}
	out, err := f.run(f.house.reference, 1) // with more, lines of several programs may get mixed
	if err != nil {
		return nil, err
	}
	for _, line := range lines(out) {
		f.said[line] = true
	}
	after, err := f.stamps()
	if err != nil {
		return nil, err
	}
	for _, name := range before.changed(after) {
		f.restless[name] = true
	}
	return projects.ReadTree(f.place)
}

// differences holds the tree against what it must be. What is worth a look stays as "reference".
func (f *field) differences() ([]string, error) {
	f.checks++
	f.checked = true
	got, err := projects.ReadTree(f.place)
	if err != nil {
		return nil, err
	}
	want, err := f.truth(2)
	if err != nil {
		return nil, err
	}
	if _, wanted := want[f.Scratch]; f.Scratch != "" && !wanted && got[f.Scratch] == "drwxr-xr-x" {
		delete(got, f.Scratch)
	}
	unsure := func(name string) bool { return f.flaky[name] }
	all := want.Differences(got, unsure)
	if len(all) == 0 {
		return nil, nil
	}
	again, err := f.truth(4)
	if err != nil {
		return nil, err
	}
	for name, what := range want {
		if other, ok := again[name]; ok && other != what {
			f.flaky[name] = true
		}
	}
	second := again.Differences(got, unsure)
	return slices.DeleteFunc(all, func(line string) bool { return !slices.Contains(second, line) }), nil
}

// stamps tell of each file whether it was written or replaced.
type stamps map[string]stamp

type stamp struct {
	written time.Time
	size    int64
}

func (f *field) stamps() (stamps, error) {
	s := stamps{}
	err := filepath.WalkDir(f.place, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.place, path)
		s[name] = stamp{info.ModTime(), info.Size()}
		return err
	})
	return s, err
}

// changed names the files that are not as they were.
func (s stamps) changed(after stamps) []string {
	var names []string
	for name, what := range after {
		if was, ok := s[name]; !ok || was != what {
			names = append(names, name)
		}
	}
	for name := range s {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// second is what a second build in a row has done.
type second struct {
	written []string
	lines   []string
}

// again builds once more.
func (f *field) again(jobs int) (*second, error) {
	before, err := f.stamps()
	if err != nil {
		return nil, err
	}
	out, err := f.run(f.house.fmake, jobs)
	if err != nil {
		return nil, err
	}
	f.still.add(f.peak)
	after, err := f.stamps()
	if err != nil {
		return nil, err
	}
	return &second{before.changed(after), lines(out)}, nil
}

// wrong says what a second build has done that one of GNU make's does not do.
func (f *field) wrong(b *second) []string {
	var all []string
	for _, name := range b.written {
		if !f.restless[name] {
			all = append(all, name+" was written")
		}
	}
	for _, line := range b.lines {
		if !f.said[line] {
			all = append(all, "it said "+line)
		}
	}
	return all
}

// progress is what cmake's makefiles begin a line with: how much is done hangs on the order.
var progress = regexp.MustCompile(`^\[ *\d+%\] `)

func lines(out string) []string {
	var all []string
	for line := range strings.Lines(out) {
		all = append(all, progress.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	return all
}
