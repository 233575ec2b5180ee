package recipe

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A compound command that writes to a file has it open while its commands run, and what
// else writes to the same file does not move the place where it goes on. The interpreter
// keeps to that, too, until a program is given the file anew (see openInView): where the
// program was in it at its end nobody knows, so the next one goes on at the file's end.
// That is right as long as nothing but the compound command writes to the file; scripts in
// which something else may are the shell's.

// nestedOutputs refuses compound commands that write to a file, except by appending, in
// which another command may write to the same file under a name of its own.
func (c *checker) nestedOutputs(file *syntax.File) {
	moves := changesDir(file)
	syntax.Walk(file, func(n syntax.Node) bool {
		s, ok := n.(*syntax.Stmt)
		if !ok || c.err != nil {
			return c.err == nil
		}
		if _, simple := s.Cmd.(*syntax.CallExpr); simple || s.Cmd == nil {
			return true
		}
		for _, r := range s.Redirs {
			if r.Op == syntax.RdrOut {
				c.writesInside(s.Cmd, nameOf(r.Word), moves)
			}
		}
		return true
	})
}

// writesInside refuses a command in which something may write to the file. moves says that
// names need not be relative to one directory.
func (c *checker) writesInside(cmd syntax.Command, to fileName, moves bool) {
	if strings.HasPrefix(to.path, "/dev/") {
		return
	}
	syntax.Walk(cmd, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Redirect:
			if (n.Op == syntax.RdrOut || n.Op == syntax.AppOut) && to.maybe(nameOf(n.Word), moves) {
				c.refuse("redirection within one to the same file")
			}
		case *syntax.CallExpr:
			if len(n.Args) == 0 || isBuiltin(n.Args[0]) { // a builtin writes nowhere but to its output
				break
			}
			for _, w := range n.Args[1:] {
				// Names that only the run tells are nearly always those of files to be read.
				if name := nameOf(w); name.path != "" && to.maybe(name, moves) {
					c.refuse("program that may write to what it prints to")
				}
			}
		}
		return c.err == nil
	})
}

func isBuiltin(w *syntax.Word) bool {
	name, known := commandName(w)
	return known && builtinOf(name) != nil
}

// changesDir reports whether a script goes to another directory.
func changesDir(file *syntax.File) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 && call.Args[0].Lit() == "cd" {
			found = true
		}
		return !found
	})
	return found
}

// fileName is what a word tells of a file's name before it is expanded.
type fileName struct {
	path string // "" if only the run tells it
	last string // the end of its last component
	all  bool   // last is all of that
}

func nameOf(w *syntax.Word) fileName {
	if text, ok := staticText(w); ok {
		text = path.Clean(text)
		return fileName{path: text, last: path.Base(text), all: true}
	}
	tail := ""
	for i := range w.Parts {
		if text, ok := staticText(&syntax.Word{Parts: w.Parts[i:]}); ok {
			tail = text
			break
		}
	}
	slash := strings.LastIndexByte(tail, '/')
	return fileName{last: tail[slash+1:], all: slash >= 0}
}

// maybe reports whether two names can be those of one file, links left aside.
func (f fileName) maybe(g fileName, moves bool) bool {
	if f.path != "" && g.path != "" && !moves && path.IsAbs(f.path) == path.IsAbs(g.path) {
		return f.path == g.path
	}
	return (!f.all || strings.HasSuffix(f.last, g.last)) && (!g.all || strings.HasSuffix(g.last, f.last)) &&
		(strings.HasSuffix(f.last, g.last) || strings.HasSuffix(g.last, f.last))
}
