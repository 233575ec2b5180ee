package recipe

import (
	"fmt"
	"os"
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// checker walks a syntax tree, accepts only what the interpreter is known to
// do as dash does, and prepares the tree on the way:
//
//   - a simple command gets a first word that holds its index in
//     Script.calls, so that the handler knows what it runs and no builtin of
//     the interpreter is reached by name;
//   - a redirection's word gets a prefix that says which it is;
//   - a compound command with redirections is run only if they succeeded;
//   - the last command of a pipeline becomes a subshell, as it is in dash;
//   - a command substitution writes to a pipe of its own.
type checker struct {
	script  *Script
	text    string
	err     error
	depth   int
	errexit bool // set -e is in force
}

// scope is the place of a command in the script.
type scope struct {
	forked   bool
	loops    int // loops around it in the same shell
	tail     bool
	tailTo   int // see call.reportTo, for commands in tail position
	reportTo int // the redirSet that decides the shell's standard error
	nested   bool
	// last says that nothing of the innermost loop's body would run after it
	// without the loop having looked whether it was left: the interpreter
	// looks only between the commands of the body itself.
	last     bool
	loopBody bool // it is a command of the body itself
	tested   bool // its status is a condition: set -e does not apply
}

func (c *checker) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// comments refuses comments in a text with continued lines: the interpreter's
// parser continues a comment that ends in a backslash on the next line.
func (c *checker) comments(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.Comment); ok {
			c.refuse("comment beside a continued line")
		}
		return true
	})
}

func (c *checker) stmts(list []*syntax.Stmt, sc scope) {
	for i, s := range list {
		in := sc
		in.tail = sc.tail && i == len(list)-1
		in.last = sc.loopBody || sc.last && i == len(list)-1
		in.loopBody = false
		// Only a condition's last command decides it, but none of them is
		// subject to set -e.
		c.stmt(s, in)
	}
}

func (c *checker) stmt(s *syntax.Stmt, sc scope) {
	c.depth++
	defer func() { c.depth-- }()
	switch {
	case c.err != nil:
		return
	case c.depth > maxDepth:
		c.refuse("too deep")
		return
	case s.Background, s.Coprocess, s.Disown:
		c.refuse("background command")
		return
	}
	if s.Negated {
		if c.errexit {
			c.refuse("negation under set -e")
		}
		sc.tail = false
	}
	switch cmd := s.Cmd.(type) {
	case nil:
		if len(s.Redirs) == 0 || s.Negated {
			c.refuse("empty command")
			return
		}
		s.Cmd = c.mark(c.addCall(s, sc), nil)
	case *syntax.CallExpr:
		c.call(s, cmd, sc)
	case *syntax.DeclClause:
		if len(s.Redirs) > 0 {
			c.refuse("redirected export")
		}
		c.export(cmd)
	default:
		c.compound(s, sc)
	}
}

// addCall enters a simple command and its redirections.
func (c *checker) addCall(s *syntax.Stmt, sc scope) int {
	// dash counts from the first word, before the redirections if it is.
	pos := s.Position
	info := call{line: int(pos.Line()), redir: -1, forked: sc.forked, tail: sc.tail, reportTo: sc.tailTo}
	if len(s.Redirs) > 0 {
		info.redir = c.redirs(s, false)
	}
	c.script.calls = append(c.script.calls, info)
	return len(c.script.calls) - 1
}

// mark makes the command that the interpreter sees for a simple command.
func (c *checker) mark(index int, cmd *syntax.CallExpr) *syntax.CallExpr {
	out := &syntax.CallExpr{Args: []*syntax.Word{literal(markCall + strconv.Itoa(index))}}
	if cmd != nil {
		out.Assigns = cmd.Assigns
		out.Args = append(out.Args, cmd.Args...)
	}
	return out
}

func literal(s string) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: s}}}
}

// compound checks everything that is not a simple command.
func (c *checker) compound(s *syntax.Stmt, sc scope) {
	cmd := s.Cmd
	inside := -1 // the redirections within a subshell
	if len(s.Redirs) > 0 {
		if _, ok := cmd.(*syntax.BinaryCmd); ok {
			c.refuse("redirected list")
			return
		}
		if c.errexit {
			c.refuse("redirected compound command under set -e")
		}
		if onlySubshell(cmd) {
			// dash drops the braces, and then the subshell's own redirections.
			c.refuse("redirected braces around a subshell")
		}
		set := c.redirs(s, true)
		guard := &syntax.Stmt{Position: s.Position, Cmd: &syntax.CallExpr{
			Args: []*syntax.Word{literal(markGuard + strconv.Itoa(set))},
		}}
		s.Cmd = &syntax.Block{Stmts: []*syntax.Stmt{{Cmd: &syntax.BinaryCmd{
			Op: syntax.AndStmt, X: guard, Y: &syntax.Stmt{Position: s.Position, Cmd: cmd},
		}}}}
		if _, ok := cmd.(*syntax.Subshell); ok {
			inside = set
		} else {
			sc.tail = false
			sc.reportTo = set
		}
	}
	body := sc
	body.nested = true
	switch x := cmd.(type) {
	case *syntax.Block:
		c.stmts(x.Stmts, body)
	case *syntax.Subshell:
		if c.errexit && sc.tested {
			c.refuse("subshell as a condition under set -e")
		}
		body = body.fork()
		if inside >= 0 {
			body.reportTo = inside
		}
		c.stmts(x.Stmts, body)
	case *syntax.BinaryCmd:
		c.binary(x, sc)
	case *syntax.IfClause:
		c.ifClause(x, body)
	case *syntax.ForClause:
		c.forClause(x, body)
	case *syntax.CaseClause:
		c.caseClause(x, body)
	default:
		c.refuse("%T", cmd)
	}
}

// fork is the scope of what a new process of the shell runs.
func (sc scope) fork() scope {
	if !sc.tail {
		sc.tailTo = sc.reportTo
	}
	sc.tail, sc.forked, sc.loops, sc.tested = true, true, 0, false
	return sc
}

// onlySubshell reports whether a command is braces around one subshell.
func onlySubshell(cmd syntax.Command) bool {
	b, ok := cmd.(*syntax.Block)
	if !ok || len(b.Stmts) != 1 {
		return false
	}
	if _, ok := b.Stmts[0].Cmd.(*syntax.Subshell); ok {
		return true
	}
	return onlySubshell(b.Stmts[0].Cmd)
}

func (c *checker) binary(x *syntax.BinaryCmd, sc scope) {
	switch x.Op {
	case syntax.AndStmt, syntax.OrStmt:
		// A list that fails by its tested part does not end the shell; the
		// interpreter forgets that in the compound command around it.
		if c.errexit && sc.nested && !sc.tested && !(x.Op == syntax.OrStmt && succeedsOrExits(x.Y)) {
			c.refuse("list in a compound command under set -e")
		}
		left := sc
		left.tail, left.tested, left.last = false, true, false
		c.stmt(x.X, left)
		c.stmt(x.Y, sc)
	case syntax.Pipe:
		element := sc
		element.tail = false
		element = element.fork()
		if c.errexit && (!isSimple(x.X) && !isPipe(x.X) || !isSimple(x.Y)) {
			c.refuse("compound command in a pipeline under set -e")
		}
		if isPipe(x.X) {
			c.stmt(x.X, sc)
		} else {
			c.stmt(x.X, element)
		}
		c.stmt(x.Y, element)
		if _, ok := x.Y.Cmd.(*syntax.Subshell); !ok {
			y := *x.Y
			x.Y = &syntax.Stmt{Position: y.Position, Cmd: &syntax.Subshell{Stmts: []*syntax.Stmt{&y}}}
		}
	default:
		c.refuse("operator %v", x.Op)
	}
}

func isSimple(s *syntax.Stmt) bool {
	_, ok := s.Cmd.(*syntax.CallExpr)
	return ok && !s.Negated
}

func isPipe(s *syntax.Stmt) bool {
	b, ok := s.Cmd.(*syntax.BinaryCmd)
	return ok && b.Op == syntax.Pipe && !s.Negated
}

// succeedsOrExits reports whether a statement cannot leave a status other
// than 0 without leaving the shell.
func succeedsOrExits(s *syntax.Stmt) bool {
	x, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || s.Negated || len(s.Redirs) > 0 || len(x.Assigns) > 0 || len(x.Args) == 0 {
		return false
	}
	switch x.Args[0].Lit() {
	case "exit", ":", "true":
		return true
	}
	return false
}

func (c *checker) ifClause(x *syntax.IfClause, sc scope) {
	for ; x != nil; x = x.Else {
		cond := sc
		cond.tail, cond.tested, cond.last = false, true, false
		c.stmts(x.Cond, cond)
		c.stmts(x.Then, sc)
	}
}

func (c *checker) forClause(x *syntax.ForClause, sc scope) {
	it, ok := x.Loop.(*syntax.WordIter)
	if !ok || x.Select || !it.InPos.IsValid() {
		c.refuse("form of for")
		return
	}
	c.assigned(it.Name.Value)
	for _, w := range it.Items {
		c.word(w, sc)
	}
	sc.tail, sc.loopBody = false, true
	sc.loops++
	c.stmts(x.Do, sc)
}

func (c *checker) caseClause(x *syntax.CaseClause, sc scope) {
	c.value(x.Word, sc)
	for _, item := range x.Items {
		if item.Op != syntax.Break {
			c.refuse("fall through in case")
		}
		for _, p := range item.Patterns {
			c.pattern(p, sc)
		}
		c.stmts(item.Stmts, sc)
	}
}

// redirs checks and prepares the redirections of a statement.
func (c *checker) redirs(s *syntax.Stmt, compound bool) int {
	set := redirSet{line: int(s.Position.Line()), compound: compound}
	index := len(c.script.redir)
	seen := [3]bool{}
	for i, r := range s.Redirs {
		item := redirItem{from: -1}
		switch r.Op {
		case syntax.RdrIn:
			item.flag = os.O_RDONLY
		case syntax.RdrOut:
			item.fd, item.flag = 1, os.O_WRONLY|os.O_CREATE|os.O_TRUNC
		case syntax.AppOut:
			item.fd, item.flag = 1, os.O_WRONLY|os.O_CREATE|os.O_APPEND
			c.script.appends = append(c.script.appends, r.Word.Lit())
		case syntax.DplOut:
			item.fd = 1
			switch r.Word.Lit() {
			case "1":
				item.from = 1
			case "2":
				item.from = 2
			default:
				c.refuse("duplicated descriptor")
				return 0
			}
		default:
			c.refuse("redirection %v", r.Op)
			return 0
		}
		if r.N != nil {
			switch n := r.N.Value; {
			case n == "0" && item.fd == 0, n == "1" && item.fd == 1:
			case n == "2" && item.fd == 1:
				item.fd = 2
			default:
				c.refuse("redirected descriptor %s", n)
				return 0
			}
		}
		if seen[item.fd] {
			c.refuse("descriptor redirected twice")
			return 0
		}
		seen[item.fd] = true
		if item.from < 0 {
			c.value(r.Word, scope{})
			if hasSubst(r.Word) {
				c.refuse("command substitution in a redirection")
				return 0
			}
			mark := &syntax.Lit{Value: fmt.Sprintf("%s%d.%d%s", markRedir, index, i, markEnd)}
			r.Word = &syntax.Word{Parts: append([]syntax.WordPart{mark}, r.Word.Parts...)}
		}
		set.items = append(set.items, item)
	}
	c.script.redir = append(c.script.redir, set)
	return index
}
