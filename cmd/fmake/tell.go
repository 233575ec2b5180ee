package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/lint"
	"fmake/exec/story"
)

// Some options are answered when all makes have ended: makes below tell the one at the
// top what they have to say (package story). The file that they append to has no name
// that could stay behind; FMAKEFLAGS tells how it is reached.

// tells reports whether an option asks makes for what they know at their end.
func (o *own) tells() bool { return o.lint != "" }

// startStory makes the file, if this is the make at the top. One that has started itself
// again begins anew: nothing below has ended yet that counts.
func (p *program) startStory() {
	mine := procPrefix(os.Getpid())
	if !p.top || p.own.story != "" && !strings.HasPrefix(p.own.story, mine) {
		return
	}
	p.own.story = ""
	if !p.own.tells() {
		return
	}
	fd, err := unix.MemfdCreate("fmake", unix.MFD_CLOEXEC)
	if err != nil {
		p.own.wrong = append(p.own.wrong, "collecting what makes tell: "+err.Error())
		return
	}
	p.story = os.NewFile(uintptr(fd), "story")
	p.own.story = mine + strconv.Itoa(fd)
}

func procPrefix(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/fd/" }

// tell appends what this make has to say.
func (p *program) tell() {
	var records []story.Record
	if p.own.lint != "" {
		for _, f := range p.build.Lint() {
			records = append(records, f.Record())
		}
	}
	if err := story.Append(p.own.story, records); err != nil {
		p.session.Warn("warning: " + err.Error())
	}
}

// endStory answers, at the top, when everybody has told.
func (p *program) endStory() {
	if p.story == nil {
		return
	}
	defer p.story.Close()
	if _, err := p.story.Seek(0, 0); err != nil {
		p.session.Warn("warning: reading what makes below have told: " + err.Error())
		return
	}
	records, err := story.Read(p.story)
	if err != nil {
		p.session.Warn("warning: " + err.Error())
	}
	if p.own.lint != "" {
		p.showLint(lint.Findings(records))
	}
}

// showLint prints all findings, or with --lint=patch the patch alone.
func (p *program) showLint(findings []lint.Finding) {
	if p.own.lint == "patch" {
		p.showPatch(findings)
		return
	}
	relative := p.relativeTo(p.session.Dir())
	for i := range findings {
		p.session.Warn(findings[i].Words(relative))
	}
	p.session.Warn(lint.Summary(findings))
}

// showPatch prints what "patch -p1" or "git apply" takes, relative to the project.
func (p *program) showPatch(findings []lint.Finding) {
	diff, skipped := lint.Diff(lint.Additions(findings), p.relativeTo(p.build.Root()), os.ReadFile)
	for _, why := range skipped {
		p.session.Warn("lint: " + why)
	}
	if len(diff) == 0 {
		p.session.Warn("lint: no line to add")
	}
	p.session.Print(1, diff)
}

// relativeTo shortens names of files in or below a directory.
func (*program) relativeTo(dir string) func(string) string {
	return func(path string) string {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return path
		}
		return rel
	}
}

// checkLint reports options that cannot go together.
func (o *own) checkLint() error {
	if o.lint != "" && o.trace == "off" {
		return fmt.Errorf("--lint needs tracing; it cannot go with --tracefs=off")
	}
	return nil
}
