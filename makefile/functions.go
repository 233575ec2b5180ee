package makefile

import "strconv"

// function is one built-in function. Arguments beyond max (0: no limit) are
// part of the last one, commas included.
type function struct {
	name     string
	min, max int
	// raw functions get their arguments unexpanded and expand what they need.
	raw bool
	run func(db *Database, buf []byte, args []string) []byte
}

// functionTable lists all built-in functions.
func functionTable() []function {
	return []function{
		{"abspath", 0, 1, false, fnAbspath},
		{"addprefix", 2, 2, false, fnAddprefix},
		{"addsuffix", 2, 2, false, fnAddsuffix},
		{"and", 1, 0, true, fnAnd},
		{"basename", 0, 1, false, fnBasename},
		{"call", 1, 0, false, fnCall},
		{"dir", 0, 1, false, fnDir},
		{"error", 0, 1, false, fnError},
		{"eval", 0, 1, false, fnEval},
		{"file", 1, 2, false, fnFile},
		{"filter", 2, 2, false, fnFilter},
		{"filter-out", 2, 2, false, fnFilterOut},
		{"findstring", 2, 2, false, fnFindstring},
		{"firstword", 0, 1, false, fnFirstword},
		{"flavor", 0, 1, false, fnFlavor},
		{"foreach", 3, 3, true, fnForeach},
		{"if", 2, 3, true, fnIf},
		{"info", 0, 1, false, fnInfo},
		{"intcmp", 2, 5, true, fnIntcmp},
		{"join", 2, 2, false, fnJoin},
		{"lastword", 0, 1, false, fnLastword},
		{"let", 3, 3, true, fnLet},
		{"notdir", 0, 1, false, fnNotdir},
		{"or", 1, 0, true, fnOr},
		{"origin", 0, 1, false, fnOrigin},
		{"patsubst", 3, 3, false, fnPatsubst},
		{"realpath", 0, 1, false, fnRealpath},
		{"shell", 0, 1, false, fnShell},
		{"sort", 0, 1, false, fnSort},
		{"strip", 0, 1, false, fnStrip},
		{"subst", 3, 3, false, fnSubst},
		{"suffix", 0, 1, false, fnSuffix},
		{"value", 0, 1, false, fnValue},
		{"warning", 0, 1, false, fnWarning},
		{"wildcard", 0, 1, false, fnWildcard},
		{"word", 2, 2, false, fnWord},
		{"wordlist", 3, 3, false, fnWordlist},
		{"words", 0, 1, false, fnWords},
	}
}

// indexFunctions makes the functions known by name. The index is the
// database's, since a table of the package's would refer to itself through
// $(call).
func indexFunctions() map[string]*function {
	table := functionTable()
	index := make(map[string]*function, len(table))
	for i := range table {
		index[table[i].name] = &table[i]
	}
	return index
}

// functionAt finds the function whose name starts s and is followed by white
// space or by the end. For $(CC) and the like it looks at no table.
func (db *Database) functionAt(s string) *function {
	n := 0
	for n < len(s) && charClass[s[n]]&clUserFunc != 0 {
		n++
	}
	if n == 0 || n < len(s) && !isSpace(s[n]) {
		return nil
	}
	return db.functions[s[:n]]
}

// callAt calls fn with the arguments that follow its name in s, up to the
// closing parenthesis, and returns what follows that.
func (db *Database) callAt(buf []byte, s string, fn *function, open byte) (out []byte, rest string) {
	shut := closerOf(open)
	text := skipSpace(s[len(fn.name):])
	end := matchingClose(text, open, shut)
	if end < 0 {
		db.fatal(db.errPos(), "unterminated call to function '"+fn.name+"': missing '"+string(shut)+"'")
	}
	rest = text[end+1:]
	args := splitArgs(make([]string, 0, 4), text[:end], fn.max, open, shut)
	if fn.raw {
		db.depth += rawWeight
		buf = db.invoke(buf, fn, args)
		db.depth -= rawWeight
		return buf, rest
	}
	for i, a := range args {
		args[i] = db.Expand(a)
	}
	return db.invoke(buf, fn, args), rest
}

// splitArgs splits the text of a call at its commas, those within nested
// parentheses of the same kind left out.
func splitArgs(args []string, text string, limit int, open, shut byte) []string {
	start, depth := 0, 0
	for i := 0; i < len(text) && len(args)+1 != limit; i++ {
		switch c := text[i]; {
		case c == open:
			depth++
		case c == shut:
			depth--
		case c == ',' && depth == 0:
			args = append(args, text[start:i])
			start = i + 1
		}
	}
	return append(args, text[start:])
}

func (db *Database) invoke(buf []byte, fn *function, args []string) []byte {
	if len(args) < fn.min {
		db.fatal(db.errPos(), "insufficient number of arguments ("+strconv.Itoa(len(args))+
			") to function '"+fn.name+"'")
	}
	return fn.run(db, buf, args)
}

// FunctionNames lists the built-in functions.
func FunctionNames() []string {
	table := functionTable()
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].name
	}
	return names
}
