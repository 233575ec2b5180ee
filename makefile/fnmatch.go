package makefile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match reports whether a file name without slashes matches a shell pattern:
// *, ?, [a-z], [!a-z], [^a-z], [[:alpha:]], and a backslash that takes the next
// character literally. A leading dot matches only a dot written as such.
//
// Names that are not UTF-8 match byte by byte.
func Match(pattern, name string) bool {
	if strings.HasPrefix(name, ".") &&
		!strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	// After a mismatch the latest * takes one character more. An earlier * need
	// never be taken back: the later one can make up for anything it took.
	starPattern, starName := "", ""
	starred := false
	for name != "" || pattern != "" {
		if strings.HasPrefix(pattern, "*") {
			pattern = pattern[1:]
			starPattern, starName, starred = pattern, name, true
			continue
		}
		if name != "" && pattern != "" {
			size, rest, ok := matchOne(pattern, name)
			if ok {
				name, pattern = name[size:], rest
				continue
			}
		}
		if !starred || starName == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(starName)
		starName = starName[size:]
		name, pattern = starName, starPattern
	}
	return true
}

// matchOne matches the first element of pattern, which is not a *, with the
// first character of name. It returns that character's size and the pattern's
// rest.
func matchOne(pattern, name string) (size int, rest string, ok bool) {
	r, size := utf8.DecodeRuneInString(name)
	switch pattern[0] {
	case '?':
		return size, pattern[1:], true
	case '[':
		if in, after, closed := matchBracket(pattern[1:], r); closed {
			return size, after, in
		}
	case '\\':
		if len(pattern) > 1 {
			pattern = pattern[1:]
		}
	}
	if pattern[0] != name[0] {
		return 0, "", false
	}
	// Byte by byte: the bytes of one character follow each other in both.
	return 1, pattern[1:], true
}

// matchBracket matches r with a bracket expression whose [ is already consumed.
// closed is false if there is no closing ]: the [ then stands for itself.
func matchBracket(set string, r rune) (in bool, rest string, closed bool) {
	negate := false
	if set != "" && (set[0] == '!' || set[0] == '^') {
		negate = true
		set = set[1:]
	}
	for first := true; ; first = false {
		if set == "" {
			return false, "", false
		}
		if set[0] == ']' && !first {
			return in != negate, set[1:], true
		}
		if class, after, ok := cutClass(set); ok {
			in = in || inClass(class, r)
			set = after
			continue
		}
		low, after, ok := bracketRune(set)
		if !ok {
			return false, "", false
		}
		high := low
		if len(after) > 1 && after[0] == '-' && after[1] != ']' {
			high, after, ok = bracketRune(after[1:])
			if !ok {
				return false, "", false
			}
		}
		in = in || low <= r && r <= high
		set = after
	}
}

// bracketRune takes one possibly escaped character from a bracket expression.
func bracketRune(set string) (r rune, rest string, ok bool) {
	if set[0] == '\\' && len(set) > 1 {
		set = set[1:]
	}
	r, size := utf8.DecodeRuneInString(set)
	return r, set[size:], size > 0
}

// cutClass takes a [:name:] from the start of set.
func cutClass(set string) (name, rest string, ok bool) {
	if !strings.HasPrefix(set, "[:") {
		return "", "", false
	}
	name, rest, ok = strings.Cut(set[2:], ":]")
	if !ok {
		return "", "", false
	}
	_, known := classes[name]
	return name, rest, known
}

// classes are the character classes of POSIX.
var classes = map[string]func(rune) bool{
	"alpha":  unicode.IsLetter,
	"digit":  func(r rune) bool { return '0' <= r && r <= '9' },
	"alnum":  func(r rune) bool { return unicode.IsLetter(r) || '0' <= r && r <= '9' },
	"upper":  unicode.IsUpper,
	"lower":  unicode.IsLower,
	"space":  unicode.IsSpace,
	"blank":  func(r rune) bool { return r == ' ' || r == '\t' },
	"punct":  func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) },
	"print":  unicode.IsPrint,
	"graph":  func(r rune) bool { return unicode.IsGraphic(r) && r != ' ' },
	"cntrl":  unicode.IsControl,
	"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
}

func inClass(name string, r rune) bool { return classes[name](r) }
