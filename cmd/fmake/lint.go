package main

import (
	"os"
	"path/filepath"

	"fmake/exec/lint"
)

// showLint prints all findings, or with --lint=patch the patch alone.
func (p *program) showLint(findings []lint.Finding) {
	if p.own.lint == "patch" {
		p.showPatch(findings)
		return
	}
	relative := relativeTo(p.session.Dir())
	for _, line := range lint.Lines(findings, relative) {
		p.session.Warn(line)
	}
	p.session.Warn(lint.Summary(findings))
	if additions := lint.Additions(findings); len(additions) > 0 {
		p.session.Warn("lint: --lint=patch prints a patch that adds what is to be added, for patch -p1")
		p.warnOfGenerated(additions)
	}
}

// warnOfGenerated names the makefiles that something else writes.
func (p *program) warnOfGenerated(additions []*lint.Addition) {
	for _, name := range lint.Generated(additions, relativeTo(p.session.Dir()), os.ReadFile) {
		p.session.Warn("lint: " + name + " is generated, as it says; what is added to it is lost when it is made again, so add that to what it is made from")
	}
}

// showPatch prints what "patch -p1" or "git apply" takes, relative to the project.
func (p *program) showPatch(findings []lint.Finding) {
	diff, skipped := lint.Diff(lint.Additions(findings), relativeTo(p.build.Root()), os.ReadFile)
	for _, why := range skipped {
		p.session.Warn("lint: " + why)
	}
	if len(diff) == 0 {
		p.session.Warn("lint: no line to add")
	}
	p.warnOfGenerated(lint.Additions(findings))
	p.session.Print(1, diff)
}

// relativeTo gives names of files relative to a directory.
func relativeTo(dir string) func(string) string {
	return func(path string) string {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return path
		}
		return rel
	}
}
