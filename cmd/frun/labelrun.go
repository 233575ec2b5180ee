package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/cache/labels"
	"fmake/exec"
)

// freezeRun runs a label's command in a view and keeps what it reads outside of the
// application.
func (p *program) freezeRun(f *labels.Freezer, l *labels.Label, w *labelWords) error {
	t, err := p.trace(l.Test)
	if err != nil {
		return err
	}
	files := outside(t, l, w)
	links, err := linksTo(files)
	if err != nil {
		return err
	}
	for _, path := range slices.Concat(files, links, linksFollowed(t, files)) {
		err := f.Add(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, labels.ErrPrivileged) {
			continue // it was there only while the command ran; or it is no library
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// trace runs a command and returns what it has read.
func (p *program) trace(words []string) (*cache.Trace, error) {
	p.words = words
	p.o.noCache, p.o.trace = true, "require"
	p.extra = inherit()
	var err error
	if p.stdin, err = openStdin("none"); err != nil {
		return nil, err
	}
	c, err := p.command()
	if err != nil {
		return nil, err
	}
	c.Judge()
	a, err := c.Begin()
	if err == nil && a == nil {
		err = errors.New("a program with other rights cannot be watched")
	}
	if err != nil {
		closeCommand(c)
		return nil, err
	}
	alone := &exec.Alone{Argv: words, Env: p.env, Dir: c.Dir(), Stdin: p.stdin.file, Extra: p.extra.extra}
	status, err := alone.Run(a)
	t := c.Last()
	closeCommand(c)
	switch {
	case err != nil:
		return nil, err
	case status.Signaled() || status.ExitStatus() != 0:
		return nil, fmt.Errorf("%s has failed, so nothing is kept", words[0])
	case t == nil:
		return nil, errors.New("nothing is known of what the command has read")
	}
	for i := range t.Inputs {
		t.Inputs[i].Path = join(c.Dir(), t.Inputs[i].Path)
	}
	for i := range t.Outputs {
		t.Outputs[i].Path = join(c.Dir(), t.Outputs[i].Path)
	}
	return t, nil
}

func join(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// passedOver are places whose files are no libraries unless --only names them: what the
// machine and its users are set up with, and what comes and goes. What tells the loader
// where libraries are belongs to them.
var passedOver = []string{"/etc", "/var", "/tmp", "/root", "/home"}

const loaderCache = "/etc/ld.so.cache"

// outside lists the files that a command has read and that are to be kept.
func outside(t *cache.Trace, l *labels.Label, w *labelWords) []string {
	written := map[string]bool{}
	for i := range t.Outputs {
		written[t.Outputs[i].Path] = true
	}
	only, except := w.lists["--only"], w.lists["--except"]
	var files []string
	for i := range t.Inputs {
		in := &t.Inputs[i]
		own := func(app string) bool { return labels.Below(in.Path, app) }
		over := func(dir string) bool { return labels.Below(in.Path, dir) && in.Path != loaderCache }
		switch {
		case in.Kind != cache.InputContent || written[in.Path] || slices.ContainsFunc(l.Apps, own):
		case matches(except, in.Path):
		case len(only) > 0 && !matches(only, in.Path):
		case len(only) == 0 && slices.ContainsFunc(passedOver, over):
		default:
			files = append(files, in.Path)
		}
	}
	return files
}

// checkPatterns finds patterns that are none.
func checkPatterns(patterns []string) error {
	for _, pattern := range patterns {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern '%s': %w", pattern, err)
		}
	}
	return nil
}

// matches tells whether one of the patterns fits a path or a folder above it. One without
// a slash is for the last name.
func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if !strings.Contains(pattern, "/") {
			ok, _ := filepath.Match(pattern, filepath.Base(path)) // checkPatterns has found errors
			return ok
		}
		for p := path; p != "/"; p = filepath.Dir(p) {
			if ok, _ := filepath.Match(pattern, p); ok {
				return true
			}
		}
		return false
	})
}

// linksTo lists the links that stand beside files and lead to them: a library is asked for
// by such a name.
func linksTo(files []string) ([]string, error) {
	wanted, dirs := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		wanted[f], dirs[filepath.Dir(f)] = true, true
	}
	var links []string
	for dir := range dirs {
		names, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			path := filepath.Join(dir, n.Name())
			if n.Type() != fs.ModeSymlink {
				continue
			}
			if real, err := filepath.EvalSymlinks(path); err == nil && wanted[real] {
				links = append(links, path)
			}
		}
	}
	return links, nil
}

// linksFollowed lists the links that a command has followed to files.
func linksFollowed(t *cache.Trace, files []string) []string {
	var links []string
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if in.Kind != cache.InputLink {
			continue
		}
		if real, err := filepath.EvalSymlinks(in.Path); err == nil && slices.Contains(files, real) {
			links = append(links, in.Path)
		}
	}
	return links
}
