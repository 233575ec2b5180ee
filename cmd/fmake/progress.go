package main

import (
	"time"

	"golang.org/x/sys/unix"

	"fmake/exec"
	"fmake/exec/flags"
	"fmake/exec/progress"
	"fmake/makefile"
)

// display is what --progress shows, of all makes inside the process. nil shows nothing.
type display struct {
	board  *progress.Board
	screen *progress.Screen
	asks   bool // standard input is a terminal, too: recipes may ask somebody something
}

// startDisplay begins to show how far the build is, if that is wanted and possible.
func (p *program) startDisplay() {
	f := p.session.Flags()
	if !p.top || !p.own.progress || f.On(flags.JustPrint) || f.On(flags.Question) || p.own.list != "" || len(p.own.explain) > 0 {
		return
	}
	board := progress.NewBoard(time.Now)
	screen := progress.Open(1, lookup(p.env, "TERM"), board.Line)
	if screen == nil {
		return
	}
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	p.display = &display{board: board, screen: screen, asks: err == nil}
}

// endDisplay gives the terminal back. It may be called again.
func (p *program) endDisplay() (summary string) {
	if !p.top || p.display == nil {
		return ""
	}
	p.display.screen.Close()
	summary = p.display.board.Summary()
	p.display = nil
	return summary
}

// painter tells the display what one make does. It implements exec.Watcher.
type painter struct {
	*display
	key func(f *makefile.File) string
}

// mayUseScreen reports whether a recipe may speak with a person: such a command has the
// whole terminal for itself.
func (p painter) mayUseScreen(f *makefile.File) bool {
	return p.asks && f.Phony && !f.Recipe.AnyRecurse
}

// Began implements exec.Watcher. Of a recipe that starts makes, what they do is shown.
func (p painter) Began(f *makefile.File) {
	if f.Recipe.AnyRecurse {
		return
	}
	if p.mayUseScreen(f) {
		p.screen.Pause()
	}
	p.board.Began(f, f.Name, p.key(f))
}

// Ended implements exec.Watcher.
func (p painter) Ended(f *makefile.File) {
	if f.Recipe.AnyRecurse {
		return
	}
	if p.mayUseScreen(f) {
		p.screen.Resume()
	}
	p.board.Ended(f, f.Run.Status > exec.StatusSuccess)
}

// Judged implements exec.Watcher.
func (p painter) Judged(f *makefile.File, v exec.Verdict, _ time.Duration) {
	switch v {
	case exec.UpToDate:
		p.board.Kept(p.key(f))
	case exec.Restored:
		p.board.Cached(p.key(f))
	}
}

// Expanded implements exec.Watcher.
func (painter) Expanded(string, string, time.Duration) {}

// watchers are several that are told the same.
type watchers []exec.Watcher

// Began implements exec.Watcher.
func (all watchers) Began(f *makefile.File) {
	for _, w := range all {
		w.Began(f)
	}
}

// Ended implements exec.Watcher.
func (all watchers) Ended(f *makefile.File) {
	for _, w := range all {
		w.Ended(f)
	}
}

// Judged implements exec.Watcher.
func (all watchers) Judged(f *makefile.File, v exec.Verdict, took time.Duration) {
	for _, w := range all {
		w.Judged(f, v, took)
	}
}

// Expanded implements exec.Watcher.
func (all watchers) Expanded(function, text string, took time.Duration) {
	for _, w := range all {
		w.Expanded(function, text, took)
	}
}

// watcher gives who is told what this make does, nil if nobody wants to know.
func (p *program) watcher() exec.Watcher {
	var all watchers
	if p.own.asks(tellTimes) {
		p.watch = newStopwatch(p)
		all = append(all, p.watch)
	}
	if p.display != nil {
		all = append(all, painter{p.display, p.key})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}
