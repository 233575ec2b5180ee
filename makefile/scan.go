package makefile

import (
	"strings"
)

// source hands out the logical lines of one makefile or of one text that is
// evaluated. Lines are parts of the text: nothing is copied.
type source struct {
	text string
	off  int // of the next line
	// pos is the first physical line of the line handed out last.
	pos   Pos
	lines int // physical lines of that line
	// inPlace: all lines count as the one that the text was evaluated in.
	inPlace bool
	// blanked holds the offsets of lines that a NUL byte cut off at their
	// start: reading one is worth a warning.
	blanked []int
}

// fileSource prepares a makefile's content: line ends of other systems and NUL
// bytes are dealt with once, here.
func fileSource(name string, data []byte) *source {
	s := &source{text: string(data), pos: Pos{File: name, Line: 1}}
	s.text = strings.TrimPrefix(s.text, "\ufeff")
	if strings.Contains(s.text, "\r\n") {
		s.text = strings.ReplaceAll(s.text, "\r\n", "\n")
	}
	if strings.IndexByte(s.text, 0) >= 0 {
		s.text, s.blanked = dropNuls(s.text)
	}
	return s
}

// dropNuls treats NUL bytes as fgets and strlen together do: what follows one
// in its line is lost, the newline included, unless the line starts with it.
func dropNuls(text string) (clean string, blanked []int) {
	var b strings.Builder
	for text != "" {
		line, rest, found := strings.Cut(text, "\n")
		text = rest
		nul := strings.IndexByte(line, 0)
		switch {
		case nul == 0:
			blanked = append(blanked, b.Len())
			b.WriteByte('\n')
		case nul > 0:
			b.WriteString(line[:nul])
		default:
			b.WriteString(line)
			if found {
				b.WriteByte('\n')
			}
		}
	}
	return b.String(), blanked
}

// next returns the next logical line without its final newline. Escaped
// newlines are still in it.
func (s *source) next() (line string, ok bool) {
	if !s.inPlace {
		s.pos.Line += s.lines
	}
	s.lines = 0
	if s.off >= len(s.text) {
		return "", false
	}
	start := s.off
	for {
		i := strings.IndexByte(s.text[s.off:], '\n')
		if i < 0 {
			s.off = len(s.text)
			s.lines++
			return s.text[start:], true
		}
		end := s.off + i
		s.off = end + 1
		s.lines++
		if end == start || s.text[end-1] != '\\' || backslashesBefore(s.text[start:end], end-start)%2 == 0 {
			return s.text[start:end], true
		}
		if s.off >= len(s.text) {
			return s.text[start:], true // the escaped newline still joins
		}
	}
}

// collapse joins a line's continuations: of the backslashes before a newline
// half are kept, and a newline that one of them quotes becomes a space together
// with the white space around it (in POSIX mode, only with that behind it).
func collapse(line string, posix bool) string {
	q := strings.IndexByte(line, '\n')
	if q < 0 {
		return line
	}
	out := make([]byte, 0, len(line))
	for q >= 0 {
		n := backslashesBefore(line, q)
		out = append(out, line[:q-n+n/2]...)
		line = line[q+1:]
		if n%2 == 0 {
			out = append(out, '\n')
		} else {
			for line != "" && isBlank(line[0]) {
				line = line[1:]
			}
			for !posix && len(out) > 0 && isBlank(out[len(out)-1]) {
				out = out[:len(out)-1]
			}
			out = append(out, ' ')
		}
		q = strings.IndexByte(line, '\n')
	}
	return string(append(out, line...))
}

// stripComment cuts a comment off, unless its # is quoted or stands within a
// variable reference.
func stripComment(line string) string {
	if strings.IndexByte(line, '#') < 0 {
		return line
	}
	text, at := findUnquoted(line, "#$")
	if at >= 0 {
		return text[:at]
	}
	return text
}

// wordKind is the kind of a word of a rule line.
type wordKind uint8

const (
	wordEOL wordKind = iota
	wordText
	wordColon // :, ::, &: or &::
	wordOperator
)

// ruleWord cuts the next word off a rule line: an operator, or the longest text
// without white space and unquoted operators in it. Variable references belong
// to their word.
func ruleWord(s string) (kind wordKind, word, rest string) {
	s = skipSpace(s)
	if s == "" {
		return wordEOL, "", ""
	}
	if kind, n := ruleOperator(s); n > 0 {
		return kind, s[:n], s[n:]
	}
	i := 0
	for i < len(s) {
		switch c := s[i]; {
		case isSpace(c), c == '=', c == ':':
			return wordText, s[:i], s[i:]
		case c == '$':
			if i+1 == len(s) {
				return wordText, s, ""
			}
			i = skipReference(s, i+1)
			continue
		case (c == '?' || c == '+') && i > 0 && strings.HasPrefix(s[i+1:], "="),
			c == '&' && i > 0 && strings.HasPrefix(s[i+1:], ":"):
			return wordText, s[:i], s[i:]
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`:;=\`, s[i+1]) >= 0:
			i++
		}
		i++
	}
	return wordText, s, ""
}

// ruleOperator recognises the operator that s starts with.
func ruleOperator(s string) (kind wordKind, n int) {
	second := byte(0)
	if len(s) > 1 {
		second = s[1]
	}
	switch s[0] {
	case ';', '=':
		return wordOperator, 1
	case ':':
		if f, n := operatorAt(s); f != FlavorBogus {
			return wordOperator, n
		}
		if second == ':' {
			return wordColon, 2
		}
		return wordColon, 1
	case '&':
		if second != ':' {
			return wordText, 0
		}
		if len(s) > 2 && s[2] == ':' {
			return wordColon, 3
		}
		return wordColon, 2
	case '+', '?', '!':
		if second == '=' {
			return wordOperator, 2
		}
	}
	return wordText, 0
}
