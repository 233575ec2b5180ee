package makefile

import "strings"

// pattern is a word with at most one % that stands for any text.
type pattern struct {
	text       string // backslashes that quoted a % removed
	prefix     string // before the %
	suffix     string // behind it
	hasPercent bool
}

func newPattern(s string) pattern {
	text, at := findPercent(s)
	if at < 0 {
		return pattern{text: text}
	}
	return pattern{text: text, prefix: text[:at], suffix: text[at+1:], hasPercent: true}
}

// stem matches a word and returns the part that the % stands for.
func (p *pattern) stem(word string) (stem string, ok bool) {
	if !p.hasPercent {
		return "", word == p.text
	}
	if len(word) < len(p.prefix)+len(p.suffix) ||
		!strings.HasPrefix(word, p.prefix) || !strings.HasSuffix(word, p.suffix) {
		return "", false
	}
	return word[len(p.prefix) : len(word)-len(p.suffix)], true
}

// patsubst appends text with each word that matches pat replaced. Without a %
// in pat, whole words are replaced where they stand and white space is kept.
func patsubst(buf []byte, text string, pat, replace pattern) []byte {
	if !pat.hasPercent {
		return substWords(buf, text, pat.text, replace.text)
	}
	first := true
	for {
		var word string
		if word, text = nextWord(text); word == "" {
			return buf
		}
		stem, ok := pat.stem(word)
		if ok && replace.text == "" {
			continue // replaced by nothing: not even a blank is left
		}
		if !first {
			buf = append(buf, ' ')
		}
		first = false
		switch {
		case !ok:
			buf = append(buf, word...)
		case replace.hasPercent:
			buf = append(buf, replace.prefix...)
			buf = append(buf, stem...)
			buf = append(buf, replace.suffix...)
		default:
			buf = append(buf, replace.text...)
		}
	}
}

// substWords replaces old where it is a whole word.
func substWords(buf []byte, text, old, new string) []byte {
	if old == "" {
		// The empty text is found at the end of each word, which is never a
		// whole word, and where the text ends in white space or is empty.
		buf = append(buf, text...)
		if text == "" || isSpace(text[len(text)-1]) {
			buf = append(buf, new...)
		}
		return buf
	}
	done := 0 // text before it is copied
	for at := 0; ; {
		i := strings.Index(text[at:], old)
		if i < 0 {
			return append(buf, text[done:]...)
		}
		i += at
		end := i + len(old)
		at = end
		if i > 0 && !isSpace(text[i-1]) || end < len(text) && !isSpace(text[end]) {
			continue
		}
		buf = append(buf, text[done:i]...)
		buf = append(buf, new...)
		done = end
	}
}

// subst replaces old wherever it stands.
func subst(buf []byte, text, old, new string) []byte {
	if old == "" {
		// The first place of the empty text is the end.
		buf = append(buf, text...)
		return append(buf, new...)
	}
	for {
		i := strings.Index(text, old)
		if i < 0 {
			return append(buf, text...)
		}
		buf = append(buf, text[:i]...)
		buf = append(buf, new...)
		text = text[i+len(old):]
	}
}
