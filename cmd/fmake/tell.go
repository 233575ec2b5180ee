package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/jsonout"
	"fmake/exec/lint"
	"fmake/exec/report"
	"fmake/exec/story"
	"fmake/exec/verify"
)

// Some options are answered when all makes have ended: makes below tell the one at the
// top what they have to say (package story). The file that they append to has no name
// that could stay behind; FMAKEFLAGS tells what is wanted, and how the file is reached,
// as in --story=lint,times:/proc/4711/fd/5.

// What makes may be asked for.
const (
	tellLint  = "lint"
	tellTimes = "times"
	tellGraph = "graph" // targets, edges and compiler runs
	// recipes run again
	tellVerify = "verify"
)

// page is a file that an option asks for.
type page struct {
	option string
	path   string // absolute
}

func (o *own) page(option, path string) { o.pages = append(o.pages, page{option, absolute(path)}) }

// writer says how a page is made, and what makes have to tell for it.
type writer struct {
	write func(b *report.Build, dir string) []byte
	needs []string
}

func writers() map[string]writer {
	inJSON := func(write func(b *report.Build, w *jsonout.Writer)) func(b *report.Build, dir string) []byte {
		return func(b *report.Build, _ string) []byte {
			var w jsonout.Writer
			write(b, &w)
			return w.Bytes()
		}
	}
	return map[string]writer{
		"profile":          {inJSON((*report.Build).Profile), []string{tellTimes, tellGraph}},
		"report":           {(*report.Build).Page, []string{tellTimes, tellGraph}},
		"graph":            {func(b *report.Build, _ string) []byte { return b.Dot() }, []string{tellGraph}},
		"graph as .svg":    {(*report.Build).Svg, []string{tellTimes, tellGraph}},
		"compile-commands": {inJSON((*report.Build).CompileCommands), []string{tellGraph}},
	}
}

// writer is who makes a page: of a graph, the one for the file's suffix.
func (p *page) writer() writer {
	if p.option == "graph" && filepath.Ext(p.path) == ".svg" {
		return writers()["graph as .svg"]
	}
	return writers()[p.option]
}

// asked lists what this make wants to be told, sorted.
func (o *own) asked() []string {
	var kinds []string
	if o.lint != "" {
		kinds = append(kinds, tellLint)
	}
	if o.verify {
		kinds = append(kinds, tellVerify)
	}
	for _, p := range o.pages {
		kinds = append(kinds, p.writer().needs...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// asks reports whether a kind of thing is to be told.
func (o *own) asks(kind string) bool {
	kinds, _, _ := strings.Cut(o.story, ":")
	return slices.Contains(strings.Split(kinds, ","), kind)
}

// startStory makes the file, if this is the make at the top. One that has started itself
// again begins anew: nothing below has ended yet that counts.
func (p *program) startStory() {
	_, place, _ := strings.Cut(p.own.story, ":")
	mine := procPrefix(os.Getpid())
	if !p.top || place != "" && !strings.HasPrefix(place, mine) {
		return
	}
	p.own.story = ""
	kinds := p.own.asked()
	if len(kinds) == 0 {
		return
	}
	if err := p.own.checkPages(); err != nil {
		p.own.wrong = append(p.own.wrong, err.Error())
		return
	}
	fd, err := unix.MemfdCreate("fmake", unix.MFD_CLOEXEC)
	if err != nil {
		p.own.wrong = append(p.own.wrong, "collecting what makes tell: "+err.Error())
		return
	}
	p.story = os.NewFile(uintptr(fd), "story")
	p.own.story = strings.Join(kinds, ",") + ":" + mine + strconv.Itoa(fd)
}

func procPrefix(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/fd/" }

// checkPages finds out before the build whether what it is for can be written.
func (o *own) checkPages() error {
	for _, p := range o.pages {
		f, err := os.OpenFile(p.path, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return fmt.Errorf("--%s: %w", p.option, err)
		}
		f.Close()
	}
	return nil
}

// tell appends what this make has to say.
func (p *program) tell(verified bool) {
	var records []story.Record
	if verified && p.own.asks(tellVerify) {
		records = append(records, p.verify()...)
	}
	if p.own.asks(tellLint) {
		records = append(records, lint.Records(p.build.Lint())...)
	}
	b := &report.Build{}
	if p.own.asks(tellGraph) {
		b = p.build.Report()
	}
	if p.watch != nil {
		b.Spans = p.watch.all()
	}
	records = append(records, b.Records()...)
	_, place, _ := strings.Cut(p.own.story, ":")
	if err := story.Append(place, records); err != nil {
		p.session.Warn("warning: " + err.Error())
	}
}

// endStory answers, at the top, when everybody has told, and returns the status with
// which make is to end, given the one with which the build did.
func (p *program) endStory(status int) int {
	if p.story == nil {
		return status
	}
	defer p.story.Close()
	if _, err := p.story.Seek(0, 0); err != nil {
		p.session.Warn("warning: reading what makes below have told: " + err.Error())
		return status
	}
	records, err := story.Read(p.story)
	if err != nil {
		p.session.Warn("warning: " + err.Error())
	}
	if p.own.lint != "" {
		p.showLint(lint.Findings(records))
	}
	if p.own.verify && status == 0 {
		status = p.showVerify(verify.Findings(records))
	}
	b := report.FromRecords(records)
	for _, page := range p.own.pages {
		if err := os.WriteFile(page.path, page.writer().write(b, p.session.Dir()), 0o666); err != nil {
			p.session.Warn(fmt.Sprintf("--%s: %v", page.option, err))
		}
	}
	return status
}

// check reports options that cannot go together.
func (o *own) check() error {
	switch {
	case len(o.explain) > 0 && o.trace == "off":
		return errors.New("--explain needs tracing; it cannot go with --tracefs=off")
	case o.lint != "" && o.trace == "off":
		return errors.New("--lint needs tracing; it cannot go with --tracefs=off")
	case len(o.pages) > 0 && o.trace == "off":
		return fmt.Errorf("--%s needs tracing; it cannot go with --tracefs=off", o.pages[0].option)
	case o.verify && o.trace == "off":
		return errors.New("--verify needs tracing; it cannot go with --tracefs=off")
	case o.verify && o.cache != "on":
		return errors.New("--verify keeps in the cache what recipes made first; it needs --cache=on, in a --cache-dir of its own if need be")
	case o.verify && len(o.explain) > 0:
		return errors.New("--verify runs recipes and --explain runs none; ask for one after the other")
	case o.json && len(o.explain) == 0 && !o.verify:
		return errors.New("--json says how --explain, --explain-miss and --verify answer; it needs one of them")
	}
	return nil
}
