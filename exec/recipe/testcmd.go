package recipe

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// condition evaluates the arguments of test. The grammar is dash's: a word is
// an operator or an operand depending on what stands around it.
type condition struct {
	sh   *shell
	args []string
	pos  int
}

// badCondition is an error in a condition, as it is told.
type badCondition string

func (b badCondition) Error() string { return string(b) }

// test evaluates a condition.
func (sh *shell) test(args []string) error {
	name := args[0]
	args = args[1:]
	if name == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			sh.complain(name, "missing ]")
			return interp.ExitStatus(2)
		}
		args = args[:len(args)-1]
	}
	truth, err := (&condition{sh: sh, args: args}).evaluate()
	switch {
	case err != nil:
		sh.complain(name, err.Error())
		return interp.ExitStatus(2)
	case !truth:
		return interp.ExitStatus(1)
	}
	return nil
}

// evaluate first recognises the short forms that POSIX defines whatever their
// operands look like.
func (c *condition) evaluate() (bool, error) {
	negate := false
	for {
		n := len(c.args)
		if n == 0 {
			return negate, nil
		}
		if n == 3 && isBinary(c.args[1]) {
			v, err := c.binary()
			return v != negate, err
		}
		if n != 3 && n != 4 {
			break
		}
		if c.args[0] == "(" && c.args[n-1] == ")" {
			c.args = c.args[1 : n-1]
			break
		}
		if c.args[0] != "!" {
			break
		}
		negate = !negate
		c.args = c.args[1:]
	}
	v, err := c.or()
	if err != nil {
		return false, err
	}
	if c.pos+1 < len(c.args) {
		return false, operatorError(c.args[c.pos], "unexpected operator")
	}
	return v != negate, nil
}

// operatorError names the word that does not fit.
func operatorError(word, text string) error {
	if word == "" {
		return badCondition(text)
	}
	return badCondition(word + ": " + text)
}

func (c *condition) at(i int) (string, bool) {
	if i >= len(c.args) {
		return "", false
	}
	return c.args[i], true
}

// operator returns the word at i if it acts as an operator there: a unary one
// does not when nothing follows, or when a binary operator and an operand do,
// and neither does a bracket at the end.
func (c *condition) operator(i int) string {
	word, ok := c.at(i)
	switch {
	case !ok:
		return ""
	case isBinary(word), word == "!", word == ")", word == "-a", word == "-o":
		return word
	case word == "(":
		if _, more := c.at(i + 1); !more {
			return ""
		}
		return word
	case !isUnary(word):
		return ""
	}
	next, ok := c.at(i + 1)
	if !ok {
		return ""
	}
	if _, more := c.at(i + 2); more && isBinary(next) {
		return ""
	}
	return word
}

func (c *condition) or() (bool, error) {
	result := false
	for {
		v, err := c.and()
		if err != nil {
			return false, err
		}
		result = result || v
		if c.operator(c.pos+1) != "-o" {
			return result, nil
		}
		c.pos += 2
	}
}

func (c *condition) and() (bool, error) {
	result := true
	for {
		v, err := c.not()
		if err != nil {
			return false, err
		}
		result = result && v
		if c.operator(c.pos+1) != "-a" {
			return result, nil
		}
		c.pos += 2
	}
}

func (c *condition) not() (bool, error) {
	negate := false
	for c.operator(c.pos) == "!" {
		negate = !negate
		if _, more := c.at(c.pos + 1); !more {
			return negate, nil
		}
		c.pos++
	}
	v, err := c.primary()
	return v != negate, err
}

func (c *condition) primary() (bool, error) {
	word, ok := c.at(c.pos)
	if !ok {
		return false, nil
	}
	op := c.operator(c.pos)
	if op == "(" {
		return c.group()
	}
	if isUnary(op) {
		c.pos++
		operand, ok := c.at(c.pos)
		if !ok {
			return false, operatorError(op, "argument expected")
		}
		return c.unary(op, operand)
	}
	if isBinary(c.operator(c.pos + 1)) {
		return c.binary()
	}
	return word != "", nil
}

func (c *condition) group() (bool, error) {
	c.pos++
	if c.operator(c.pos) == ")" {
		return false, nil
	}
	v, err := c.or()
	if err != nil {
		return false, err
	}
	c.pos++
	if c.operator(c.pos) != ")" {
		return false, badCondition("closing paren expected")
	}
	return v, nil
}

// binary evaluates the operator behind the word at pos.
func (c *condition) binary() (bool, error) {
	left, op := c.args[c.pos], c.args[c.pos+1]
	c.pos += 2
	right, ok := c.at(c.pos)
	if !ok {
		return false, operatorError(op, "argument expected")
	}
	switch op {
	case "=":
		return left == right, nil
	case "!=":
		return left != right, nil
	case "<":
		return left < right, nil
	case ">":
		return left > right, nil
	case "-nt", "-ot", "-ef":
		return c.compareFiles(op, left, right), nil
	}
	a, err := integer(left)
	if err != nil {
		return false, err
	}
	b, err := integer(right)
	if err != nil {
		return false, err
	}
	switch op {
	case "-eq":
		return a == b, nil
	case "-ne":
		return a != b, nil
	case "-lt":
		return a < b, nil
	case "-le":
		return a <= b, nil
	case "-gt":
		return a > b, nil
	}
	return a >= b, nil
}

func integer(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.Trim(s, " \t\n\v\f\r"), 10, 64)
	if err != nil {
		return 0, badCondition("Illegal number: " + s)
	}
	return n, nil
}

func (c *condition) compareFiles(op, left, right string) bool {
	if left == "" || right == "" {
		return false
	}
	view, dir := c.sh.run.view, c.sh.hc.Dir
	a, err := view.Stat(dir, left)
	if err != nil {
		return false
	}
	b, err := view.Stat(dir, right)
	if err != nil {
		return false
	}
	switch op {
	case "-ef":
		return a.Dev == b.Dev && a.Ino == b.Ino
	case "-ot":
		a, b = b, a
	}
	return a.Mtim.Sec > b.Mtim.Sec || a.Mtim.Sec == b.Mtim.Sec && a.Mtim.Nsec > b.Mtim.Nsec
}

func (c *condition) unary(op, operand string) (bool, error) {
	view, dir := c.sh.run.view, c.sh.hc.Dir
	switch op {
	case "-z":
		return operand == "", nil
	case "-n":
		return operand != "", nil
	case "-t":
		return c.terminal(operand)
	}
	if operand == "" {
		return false, nil // no file has this name, and a view need not say so
	}
	switch op {
	case "-r":
		return view.Access(dir, operand, unix.R_OK) == nil, nil
	case "-w":
		return view.Access(dir, operand, unix.W_OK) == nil, nil
	case "-x":
		return view.Access(dir, operand, unix.X_OK) == nil, nil
	}
	look := view.Stat
	if op == "-h" || op == "-L" {
		look = view.Lstat
	}
	st, err := look(dir, operand)
	if err != nil {
		return false, nil
	}
	return fileIs(op, &st), nil
}

func fileIs(op string, st *unix.Stat_t) bool {
	kind := st.Mode & unix.S_IFMT
	switch op {
	case "-e":
		return true
	case "-f":
		return kind == unix.S_IFREG
	case "-d":
		return kind == unix.S_IFDIR
	case "-c":
		return kind == unix.S_IFCHR
	case "-b":
		return kind == unix.S_IFBLK
	case "-p":
		return kind == unix.S_IFIFO
	case "-S":
		return kind == unix.S_IFSOCK
	case "-h", "-L":
		return kind == unix.S_IFLNK
	case "-s":
		return st.Size > 0
	case "-u":
		return st.Mode&unix.S_ISUID != 0
	case "-g":
		return st.Mode&unix.S_ISGID != 0
	case "-k":
		return st.Mode&unix.S_ISVTX != 0
	case "-O":
		return int(st.Uid) == os.Geteuid()
	}
	return int(st.Gid) == os.Getegid() // -G
}

func (c *condition) terminal(operand string) (bool, error) {
	n, err := integer(operand)
	if err != nil {
		return false, err
	}
	var f *os.File
	switch n {
	case 0:
		f = c.sh.std.in
	case 1:
		f = file(c.sh.std.out)
	case 2:
		f = file(c.sh.std.err)
	}
	if f == nil {
		return false, nil
	}
	_, err = unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return !errors.Is(err, unix.ENOTTY) && err == nil, nil
}

func isUnary(word string) bool {
	return len(word) == 2 && word[0] == '-' && strings.IndexByte("rwxefdcbpugkszntOGSLh", word[1]) >= 0
}

func isBinary(word string) bool {
	switch word {
	case "=", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef":
		return true
	}
	return false
}
