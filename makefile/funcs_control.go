package makefile

import (
	"strconv"
	"strings"
)

// maxCallDepth is how often $(call) may meet the same variable within itself.
const maxCallDepth = 1<<15 - 1

func fnIf(db *Database, buf []byte, args []string) []byte {
	if db.Expand(trimSpace(args[0])) != "" {
		return db.expand(buf, args[1])
	}
	if len(args) > 2 {
		return db.expand(buf, args[2])
	}
	return buf
}

func fnOr(db *Database, buf []byte, args []string) []byte {
	for _, a := range args {
		if value := db.Expand(trimSpace(a)); value != "" {
			return append(buf, value...)
		}
	}
	return buf
}

func fnAnd(db *Database, buf []byte, args []string) []byte {
	value := ""
	for _, a := range args {
		if value = db.Expand(trimSpace(a)); value == "" {
			return buf
		}
	}
	return append(buf, value...)
}

func fnForeach(db *Database, buf []byte, args []string) []byte {
	name, _ := nextWord(db.Expand(args[0]))
	list := db.Expand(args[1])
	db.pushScope()
	v := db.Define(name, "", OriginAutomatic, false, db.scope, Pos{})
	first := true
	for {
		var word string
		if word, list = nextWord(list); word == "" {
			break
		}
		v.Value = word
		if !first {
			buf = append(buf, ' ')
		}
		first = false
		buf = db.expand(buf, args[2])
	}
	db.popScope()
	return buf
}

func fnLet(db *Database, buf []byte, args []string) []byte {
	names := splitWords(db.Expand(args[0]))
	list := db.Expand(args[1])
	db.pushScope()
	for i, name := range names {
		var value string
		if i == len(names)-1 {
			value = skipSpace(list)
		} else {
			value, list = nextWord(list)
		}
		db.Define(name, value, OriginAutomatic, false, db.scope, Pos{})
	}
	buf = db.expand(buf, args[2])
	db.popScope()
	return buf
}

func fnCall(db *Database, buf []byte, args []string) []byte {
	name, _ := nextWord(args[0])
	if name == "" {
		return buf
	}
	if fn := db.functions[name]; fn != nil {
		return db.callBuiltin(buf, fn, args[1:])
	}
	v := db.Var(name)
	if v == nil {
		db.warnUndefined(name)
		return buf
	}
	if v.Value == "" {
		return buf
	}
	args[0] = name
	db.pushScope()
	n := 0
	for ; n < len(args); n++ {
		db.Define(strconv.Itoa(n), args[n], OriginAutomatic, false, db.scope, Pos{})
	}
	// Arguments of the call around this one must not show through.
	for ; n < db.callArgs; n++ {
		db.Define(strconv.Itoa(n), "", OriginAutomatic, false, db.scope, Pos{})
	}
	outer := db.callArgs
	db.callArgs = n
	v.expCount = maxCallDepth
	buf = db.appendValue(buf, v)
	v.expCount = 0
	db.callArgs = outer
	db.popScope()
	return buf
}

// callBuiltin serves $(call patsubst,...): arguments that were expanded for the
// call are taken by raw functions as text to expand again.
func (db *Database) callBuiltin(buf []byte, fn *function, args []string) []byte {
	if len(args) < fn.min {
		return db.invoke(buf, fn, args) // complains
	}
	if len(args) == 0 {
		return buf
	}
	return db.invoke(buf, fn, args)
}

func fnValue(db *Database, buf []byte, args []string) []byte {
	if v := db.Var(args[0]); v != nil {
		buf = append(buf, v.Value...)
	}
	return buf
}

// originNames are the words of $(origin).
var originNames = [...]string{
	OriginDefault:     "default",
	OriginEnv:         "environment",
	OriginFile:        "file",
	OriginEnvOverride: "environment override",
	OriginCommand:     "command line",
	OriginOverride:    "override",
	OriginAutomatic:   "automatic",
}

func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return "undefined"
}

func fnOrigin(db *Database, buf []byte, args []string) []byte {
	v := db.Var(args[0])
	if v == nil {
		return append(buf, "undefined"...)
	}
	return append(buf, v.Origin.String()...)
}

func fnFlavor(db *Database, buf []byte, args []string) []byte {
	v := db.Var(args[0])
	switch {
	case v == nil:
		return append(buf, "undefined"...)
	case v.Recursive:
		return append(buf, "recursive"...)
	}
	return append(buf, "simple"...)
}

func fnEval(db *Database, buf []byte, args []string) []byte {
	pos := Pos{Line: 1}
	if db.reading != nil {
		pos = *db.reading
	}
	db.EvalString(args[0], pos)
	return buf
}

func fnInfo(db *Database, buf []byte, args []string) []byte {
	db.host.Message(MessageInfo, Pos{}, args[0])
	return buf
}

func fnWarning(db *Database, buf []byte, args []string) []byte {
	db.warn(db.reading, args[0])
	return buf
}

func fnError(db *Database, _ []byte, args []string) []byte {
	db.fatal(db.reading, args[0])
	return nil
}

// fnIntcmp compares whole numbers of any length.
func fnIntcmp(db *Database, buf []byte, args []string) []byte {
	a := db.digits(args[0], "non-numeric first argument to 'intcmp' function")
	b := db.digits(args[1], "non-numeric second argument to 'intcmp' function")
	c := compareNumbers(a, b)
	less, rest := args[2:], args[2:]
	if len(rest) == 0 {
		if c == 0 {
			buf = append(buf, a...)
		}
		return buf
	}
	rest = rest[1:]
	switch {
	case c < 0:
		return db.expand(buf, less[0])
	case len(rest) == 0:
		return buf
	case c > 0 && len(rest) > 1:
		return db.expand(buf, rest[1])
	}
	return db.expand(buf, rest[0])
}

// digits reads a number and returns it without plus sign and leading zeros.
func (db *Database) digits(arg, complaint string) string {
	value := db.Expand(arg)
	text := trimSpace(value)
	if text == "" {
		db.fatal(db.errPos(), complaint+": empty value")
	}
	sign := ""
	body := text
	switch body[0] {
	case '-':
		sign, body = "-", body[1:]
	case '+':
		body = body[1:]
	}
	if body == "" || strings.Trim(body, "0123456789") != "" {
		db.fatal(db.errPos(), complaint+": '"+value+"'")
	}
	if body = strings.TrimLeft(body, "0"); body == "" {
		return "0"
	}
	return sign + body
}

func compareNumbers(a, b string) int {
	negA, negB := a[0] == '-', b[0] == '-'
	if negA != negB {
		if negA {
			return -1
		}
		return 1
	}
	c := len(a) - len(b)
	if c == 0 {
		c = strings.Compare(a, b)
	}
	if negA {
		c = -c
	}
	return c
}
