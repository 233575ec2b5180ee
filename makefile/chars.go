package makefile

import "strings"

// Classes of bytes, as bits of charClass.
const (
	clBlank    = 1 << iota // space and tab
	clSpace                // and newline, \v, \f, \r
	clUserFunc             // may stand in a function's name
)

// charClass classifies every byte; the locale has no say.
var charClass = [256]uint8{
	' ': clBlank | clSpace, '\t': clBlank | clSpace,
	'\n': clSpace, '\v': clSpace, '\f': clSpace, '\r': clSpace,
	'-': clUserFunc, '_': clUserFunc, '.': clUserFunc,
	'0': clUserFunc, '1': clUserFunc, '2': clUserFunc, '3': clUserFunc, '4': clUserFunc,
	'5': clUserFunc, '6': clUserFunc, '7': clUserFunc, '8': clUserFunc, '9': clUserFunc,
	'a': clUserFunc, 'b': clUserFunc, 'c': clUserFunc, 'd': clUserFunc, 'e': clUserFunc,
	'f': clUserFunc, 'g': clUserFunc, 'h': clUserFunc, 'i': clUserFunc, 'j': clUserFunc,
	'k': clUserFunc, 'l': clUserFunc, 'm': clUserFunc, 'n': clUserFunc, 'o': clUserFunc,
	'p': clUserFunc, 'q': clUserFunc, 'r': clUserFunc, 's': clUserFunc, 't': clUserFunc,
	'u': clUserFunc, 'v': clUserFunc, 'w': clUserFunc, 'x': clUserFunc, 'y': clUserFunc,
	'z': clUserFunc,
	'A': clUserFunc, 'B': clUserFunc, 'C': clUserFunc, 'D': clUserFunc, 'E': clUserFunc,
	'F': clUserFunc, 'G': clUserFunc, 'H': clUserFunc, 'I': clUserFunc, 'J': clUserFunc,
	'K': clUserFunc, 'L': clUserFunc, 'M': clUserFunc, 'N': clUserFunc, 'O': clUserFunc,
	'P': clUserFunc, 'Q': clUserFunc, 'R': clUserFunc, 'S': clUserFunc, 'T': clUserFunc,
	'U': clUserFunc, 'V': clUserFunc, 'W': clUserFunc, 'X': clUserFunc, 'Y': clUserFunc,
	'Z': clUserFunc,
}

func isSpace(c byte) bool { return charClass[c]&clSpace != 0 }
func isBlank(c byte) bool { return charClass[c]&clBlank != 0 }

// skipSpace cuts leading white space, newlines included.
func skipSpace(s string) string {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return s[i:]
}

func trimSpace(s string) string {
	s = skipSpace(s)
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimRightBlank(s string) string {
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// wordEnd is the index of the first white space in s.
func wordEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if isSpace(s[i]) {
			return i
		}
	}
	return len(s)
}

// nextWord cuts the first word off s; word is empty when there is none left.
func nextWord(s string) (word, rest string) {
	s = skipSpace(s)
	n := wordEnd(s)
	return s[:n], s[n:]
}

// splitWords lists the words of s.
func splitWords(s string) []string {
	var words []string
	for {
		var w string
		if w, s = nextWord(s); w == "" {
			return words
		}
		words = append(words, w)
	}
}

// backslashesBefore counts the backslashes that end just before s[i].
func backslashesBefore(s string, i int) int {
	n := 0
	for i-n > 0 && s[i-n-1] == '\\' {
		n++
	}
	return n
}

// findPercent finds the first % that no backslash quotes. Backslashes that
// quote it or other percents before it are removed from the text returned; at
// is -1 if there is no unquoted %.
func findPercent(s string) (text string, at int) {
	return findUnquoted(s, "%")
}

// findUnquoted finds the first of the stop bytes that no backslash quotes, as
// findPercent does. With a $ among the stops, variable references are passed
// over and never found.
func findUnquoted(s, stops string) (text string, at int) {
	from := 0
	for {
		i := indexAny(s, from, stops)
		if i < 0 {
			return s, -1
		}
		if s[i] == '$' {
			if i+1 == len(s) {
				return s, -1
			}
			from = skipReference(s, i+1)
			continue
		}
		n := backslashesBefore(s, i)
		if n == 0 {
			return s, i
		}
		drop := (n + 1) / 2
		s = s[:i-drop] + s[i:]
		i -= drop
		if n%2 == 0 {
			return s, i
		}
		from = i + 1
	}
}

// indexAny is strings.IndexAny from an offset on, quick for the one-byte sets
// and those without a hit.
func indexAny(s string, from int, stops string) int {
	if from > len(s) {
		return -1
	}
	i := -1
	if len(stops) == 1 {
		i = strings.IndexByte(s[from:], stops[0])
	} else {
		i = strings.IndexAny(s[from:], stops)
	}
	if i < 0 {
		return -1
	}
	return from + i
}

// skipReference returns the index behind the variable reference whose text
// after the $ starts at i: one byte, or all up to the matching parenthesis.
func skipReference(s string, i int) int {
	if i >= len(s) {
		return i
	}
	open := s[i]
	i++
	if open != '(' && open != '{' {
		return i
	}
	shut := closerOf(open)
	for depth := 1; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

func closerOf(open byte) byte {
	if open == '(' {
		return ')'
	}
	return '}'
}
