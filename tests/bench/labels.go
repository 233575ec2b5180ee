package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The application whose labels are measured: it is linked with a library, which is upgraded
// after the label was made, says which one it has, and computes.
const (
	labelApp = `#include <stdio.h>
#include <stdlib.h>
const char *version(void);
int main(int argc, char **argv) {
	unsigned long rounds = strtoul(argv[1], NULL, 10);
	unsigned x = 1;
	while (rounds--) x = x * 1664525 + 1013904223;
	printf("%s\n", version());
	return x == 0;
}
`
	labelLibrary = `const char *version(void) { return "%s"; }
`
)

// labelled is the application, natively and in both forms of a label.
type labelled struct {
	b       *bench
	home    string
	env     []string
	rounds  uint64 // of computing that take a second
	native  []string
	wrapped []string
	inView  []string
}

// labels measures what a label costs an application: by a wrapper, and in a view.
func (b *bench) labels() error {
	l := &labelled{b: b, home: filepath.Join(b.dir, "labels")}
	if err := l.prepare(); err != nil {
		return err
	}
	for _, form := range []struct {
		name  string
		words []string
	}{{"wrapper", l.wrapped}, {"view", l.inView}} {
		if err := l.compare("label, "+form.name+": start and 1 s of work", form.words, l.rounds, b.pairs); err != nil {
			return err
		}
		if err := l.compare("label, "+form.name+": start alone", form.words, 0, b.pairs*shortRuns); err != nil {
			return err
		}
	}
	return nil
}

// compare measures one form against the application without a label, which is started at
// another place, with the library of now.
func (l *labelled) compare(work string, form []string, rounds uint64, pairs int) error {
	r := row{work: work, rival: "no label"}
	var moreWall, moreCPU []float64
	for i := range pairs + 1 {
		native, err := l.measure(l.native, rounds)
		if err != nil {
			return err
		}
		ours, err := l.measure(form, rounds)
		if err != nil {
			return err
		}
		if i == 0 {
			continue // the first finds nothing in the kernel's caches
		}
		r.add(native, ours)
		moreWall, moreCPU = append(moreWall, ours.Wall-native.Wall), append(moreCPU, ours.CPU-native.CPU)
	}
	l.b.report.add(r)
	l.b.report.note(fmt.Sprintf("%s: %.1f ms more, %.1f ms more user+sys", work, 1000*middle(moreWall), 1000*middle(moreCPU)))
	return nil
}

func (l *labelled) measure(words []string, rounds uint64) (cost, error) {
	return l.b.measure(l.command(append(words[:len(words):len(words)], fmt.Sprint(rounds))), 0)
}

func (l *labelled) command(words []string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = l.home, l.env
	return cmd
}

// prepare builds the application twice, labels both, wraps one and upgrades the library.
func (l *labelled) prepare() error {
	frun := filepath.Join(l.b.dir, "bin", "frun")
	l.env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + l.home, "LC_ALL=C", "FMAKE_CACHE_DIR=" + filepath.Join(l.home, "cache")}
	for _, place := range []string{"plain", "wrapped"} {
		if err := l.build(place); err != nil {
			return err
		}
	}
	if err := l.b.own(l.home); err != nil {
		return err
	}
	library := filepath.Join(l.home, "lib", "libversion.so")
	plain, wrapped := filepath.Join(l.home, "plain", "app"), filepath.Join(l.home, "wrapped", "app")
	for _, words := range [][]string{
		{frun, "label", "add", "plain", "--app", plain, "--lib", library},
		{frun, "label", "add", "wrapped", "--app", wrapped, "--lib", library},
		{frun, "label", "wrap", "wrapped", wrapped, "--tree", filepath.Join(l.home, "trees")},
	} {
		if _, err := l.say(words); err != nil {
			return err
		}
	}
	if err := l.library("new"); err != nil {
		return err
	}
	// Natively another copy runs, which no label is for.
	other := filepath.Join(l.home, "other", "app")
	if err := l.build("other"); err != nil {
		return err
	}
	if err := l.b.own(l.home); err != nil {
		return err
	}
	l.native, l.wrapped, l.inView = []string{other}, []string{wrapped}, []string{frun, "--labels", "--", plain}
	if err := l.check(); err != nil {
		return err
	}
	return l.calibrate()
}

// build makes the application in a folder, and the library it is linked with if there is none.
func (l *labelled) build(place string) error {
	dir := filepath.Join(l.home, place)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	library := filepath.Join(l.home, "lib", "libversion.so")
	if _, err := os.Stat(library); err != nil {
		if err := l.library("old"); err != nil {
			return err
		}
	}
	source := filepath.Join(dir, "app.c")
	if err := os.WriteFile(source, []byte(labelApp), 0o644); err != nil {
		return err
	}
	return compile("-o", filepath.Join(dir, "app"), source, library)
}

// library puts a version of the library in place as a package manager does.
func (l *labelled) library(version string) error {
	dir := filepath.Join(l.home, "lib")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	source, fresh := filepath.Join(dir, "version.c"), filepath.Join(dir, "libversion.so.new")
	if err := os.WriteFile(source, fmt.Appendf(nil, labelLibrary, version), 0o644); err != nil {
		return err
	}
	if err := compile("-shared", "-fPIC", "-o", fresh, source); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(dir, "libversion.so"))
}

func compile(words ...string) error {
	if out, err := exec.Command("cc", append([]string{"-O1"}, words...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("cc: %w\n%s", err, out)
	}
	return nil
}

// check has each form say which library it has: what is measured has to work.
func (l *labelled) check() error {
	for _, form := range []struct {
		words []string
		want  string
	}{{l.native, "new"}, {l.wrapped, "old"}, {l.inView, "old"}} {
		said, err := l.say(append(form.words[:len(form.words):len(form.words)], "1"))
		if err != nil {
			return err
		}
		if said != form.want {
			return fmt.Errorf("%s has the %s library, not the %s one", form.words, said, form.want)
		}
	}
	return nil
}

// calibrate finds how much computing takes a second.
func (l *labelled) calibrate() error {
	const some = 100_000_000
	start, err := l.measure(l.native, 0)
	if err != nil {
		return err
	}
	c, err := l.measure(l.native, some)
	if err != nil {
		return err
	}
	l.rounds = uint64(some / max(c.CPU-start.CPU, 1e-3))
	return nil
}

// say runs a command as the user who is measured and returns what it says.
func (l *labelled) say(words []string) (string, error) {
	cmd := l.command(words)
	if l.b.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: l.b.uid, Gid: l.b.uid}}
	}
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", words, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
