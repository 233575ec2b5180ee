package makefile

import (
	"slices"
	"strconv"
	"strings"
)

// appendWord appends one word of a list, with a space if it is not the first.
func appendWord(buf []byte, first *bool, word string) []byte {
	if !*first {
		buf = append(buf, ' ')
	}
	*first = false
	return append(buf, word...)
}

// eachWord appends what part makes of each word of the text; ok is false for
// words that leave nothing in the list.
func eachWord(buf []byte, text string, part func(word string) (string, bool)) []byte {
	first := true
	for {
		var w string
		if w, text = nextWord(text); w == "" {
			return buf
		}
		if p, ok := part(w); ok {
			buf = appendWord(buf, &first, p)
		}
	}
}

func fnSubst(_ *Database, buf []byte, args []string) []byte {
	return subst(buf, args[2], args[0], args[1])
}

func fnPatsubst(_ *Database, buf []byte, args []string) []byte {
	return patsubst(buf, args[2], newPattern(args[0]), newPattern(args[1]))
}

func fnStrip(_ *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) { return w, true })
}

func fnFindstring(_ *Database, buf []byte, args []string) []byte {
	if strings.Contains(args[1], args[0]) {
		buf = append(buf, args[0]...)
	}
	return buf
}

func fnFilter(_ *Database, buf []byte, args []string) []byte {
	match := wordMatcher(args[0])
	return eachWord(buf, args[1], func(w string) (string, bool) { return w, match(w) })
}

func fnFilterOut(_ *Database, buf []byte, args []string) []byte {
	match := wordMatcher(args[0])
	return eachWord(buf, args[1], func(w string) (string, bool) { return w, !match(w) })
}

// wordMatcher tells whether a word matches one of the patterns in a list. Many
// words without % are looked up in a set, so that filtering a long list by a
// long list stays linear.
func wordMatcher(list string) func(word string) bool {
	var patterns []pattern
	var literals map[string]bool
	for _, w := range splitWords(list) {
		p := newPattern(w)
		if p.hasPercent {
			patterns = append(patterns, p)
			continue
		}
		if literals == nil {
			literals = make(map[string]bool)
		}
		literals[p.text] = true
	}
	return func(word string) bool {
		if literals[word] {
			return true
		}
		for i := range patterns {
			if _, ok := patterns[i].stem(word); ok {
				return true
			}
		}
		return false
	}
}

func fnSort(_ *Database, buf []byte, args []string) []byte {
	words := splitWords(args[0])
	slices.SortFunc(words, compareSigned)
	first := true
	for _, w := range slices.Compact(words) {
		buf = appendWord(buf, &first, w)
	}
	return buf
}

// compareSigned orders words by bytes. As in GNU make on this machine, the first
// byte counts as a signed number, so that what is not ASCII comes first.
func compareSigned(a, b string) int {
	if a != "" && b != "" && a[0] != b[0] {
		return int(int8(a[0])) - int(int8(b[0]))
	}
	return strings.Compare(a, b)
}

func fnFirstword(_ *Database, buf []byte, args []string) []byte {
	w, _ := nextWord(args[0])
	return append(buf, w...)
}

func fnLastword(_ *Database, buf []byte, args []string) []byte {
	text := trimSpace(args[0])
	start := len(text)
	for start > 0 && !isSpace(text[start-1]) {
		start--
	}
	return append(buf, text[start:]...)
}

func fnWords(_ *Database, buf []byte, args []string) []byte {
	n := 0
	for text := args[0]; ; n++ {
		var w string
		if w, text = nextWord(text); w == "" {
			return strconv.AppendInt(buf, int64(n), 10)
		}
	}
}

func fnWord(db *Database, buf []byte, args []string) []byte {
	n := db.integer(args[0], "invalid first argument to 'word' function")
	if n <= 0 {
		db.fatal(db.errPos(), "first argument to 'word' function must be greater than 0")
	}
	for text := args[1]; ; n-- {
		var w string
		if w, text = nextWord(text); w == "" || n == 1 {
			return append(buf, w...)
		}
	}
}

// fnWordlist keeps the white space between the words.
func fnWordlist(db *Database, buf []byte, args []string) []byte {
	start := db.integer(args[0], "invalid first argument to 'wordlist' function")
	if start < 1 {
		db.fatal(db.errPos(), "invalid first argument to 'wordlist' function: '"+strconv.FormatInt(start, 10)+"'")
	}
	stop := db.integer(args[1], "invalid second argument to 'wordlist' function")
	if stop < 0 {
		db.fatal(db.errPos(), "invalid second argument to 'wordlist' function: '"+strconv.FormatInt(stop, 10)+"'")
	}
	if stop < start {
		return buf
	}
	text := args[2]
	for i := int64(1); i < start; i++ {
		var w string
		if w, text = nextWord(text); w == "" {
			return buf
		}
	}
	text = skipSpace(text)
	rest, end := text, 0
	for i := start; i <= stop; i++ {
		var w string
		if w, rest = nextWord(rest); w == "" {
			break
		}
		end = len(text) - len(rest)
	}
	return append(buf, text[:end]...)
}

// integer reads an argument that must be a number.
func (db *Database) integer(arg, complaint string) int64 {
	text := trimSpace(arg)
	if text == "" {
		db.fatal(db.errPos(), complaint+": empty value")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n
	}
	if numErr, ok := err.(*strconv.NumError); ok && numErr.Err == strconv.ErrRange {
		db.fatal(db.errPos(), complaint+": '"+arg+"' out of range")
	}
	db.fatal(db.errPos(), complaint+": '"+arg+"'")
	return 0
}

func fnJoin(_ *Database, buf []byte, args []string) []byte {
	left, right := args[0], args[1]
	first := true
	for {
		var l, r string
		l, left = nextWord(left)
		r, right = nextWord(right)
		if l == "" && r == "" {
			return buf
		}
		buf = appendWord(buf, &first, l)
		buf = append(buf, r...)
	}
}

func fnAddprefix(_ *Database, buf []byte, args []string) []byte {
	first := true
	for text := args[1]; ; {
		var w string
		if w, text = nextWord(text); w == "" {
			return buf
		}
		buf = appendWord(buf, &first, args[0])
		buf = append(buf, w...)
	}
}

func fnAddsuffix(_ *Database, buf []byte, args []string) []byte {
	first := true
	for text := args[1]; ; {
		var w string
		if w, text = nextWord(text); w == "" {
			return buf
		}
		buf = appendWord(buf, &first, w)
		buf = append(buf, args[0]...)
	}
}

func fnDir(_ *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) {
		if i := strings.LastIndexByte(w, '/'); i >= 0 {
			return w[:i+1], true
		}
		return "./", true
	})
}

// fnNotdir keeps the place of a word that ends in a slash: it becomes empty.
func fnNotdir(_ *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) {
		return w[strings.LastIndexByte(w, '/')+1:], true
	})
}

func fnSuffix(_ *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) {
		i := strings.LastIndexAny(w, "./")
		if i < 0 || w[i] == '/' {
			return "", false
		}
		return w[i:], true
	})
}

func fnBasename(_ *Database, buf []byte, args []string) []byte {
	return eachWord(buf, args[0], func(w string) (string, bool) {
		i := strings.LastIndexAny(w, "./")
		if i < 0 || w[i] == '/' {
			return w, true
		}
		return w[:i], true
	})
}
