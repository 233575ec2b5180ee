package main

import (
	"bufio"
	"os"

	"fmake/exec"
	"fmake/exec/tasks"
	"fmake/makefile"
)

// list answers --print-targets and --tasks instead of making anything.
func (p *program) list(db *makefile.Database) exec.Options {
	return exec.Options{Considered: func(map[string]*makefile.File) {
		out := bufio.NewWriter(os.Stdout)
		defer out.Flush()
		if p.own.list == "targets" {
			for _, name := range tasks.Targets(db) {
				out.WriteString(name + "\n")
			}
			return
		}
		found := tasks.Find(db, os.ReadFile)
		if len(found) == 0 {
			p.session.Warn(`no target has a comment that documents it: "## text" behind its rule, or a comment above it if it is phony`)
		}
		tasks.Print(out, found)
	}}
}
