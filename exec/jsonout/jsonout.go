// Package jsonout writes JSON as it goes along: no value is built first, and nothing
// is found out by reflection. The standard library's package would do, but linking
// it makes every start of fmake slower, and nearly no run writes JSON.
//
// Keys come out in the order in which they are written. What is not valid UTF-8 comes
// out as U+FFFD, because JSON has no way to say it.
package jsonout

import (
	"strconv"
	"unicode/utf8"
)

// Writer collects one JSON value. The zero value is ready.
type Writer struct {
	buf   []byte
	comma bool // something stands before the next element
}

// Bytes is what has been written.
func (w *Writer) Bytes() []byte { return w.buf }

// Reset forgets what has been written and keeps the memory.
func (w *Writer) Reset() { w.buf, w.comma = w.buf[:0], false }

// separate writes the comma before an element.
func (w *Writer) separate() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

// Object writes an object whose members fields writes.
func (w *Writer) Object(fields func()) { w.enclose('{', '}', fields) }

// Array writes an array whose elements fn writes.
func (w *Writer) Array(fn func()) { w.enclose('[', ']', fn) }

func (w *Writer) enclose(first, last byte, inner func()) {
	w.separate()
	w.buf = append(w.buf, first)
	w.comma = false
	inner()
	w.buf = append(w.buf, last)
	w.comma = true
}

// Key writes the name of the member whose value is written next.
func (w *Writer) Key(name string) *Writer {
	w.String(name)
	w.buf = append(w.buf, ':')
	w.comma = false
	return w
}

// Field writes a member that is a string.
func (w *Writer) Field(name, value string) { w.Key(name).String(value) }

// Given writes a member that is a string, unless that is empty.
func (w *Writer) Given(name, value string) {
	if value != "" {
		w.Field(name, value)
	}
}

// Strings writes a member that is an array of strings, unless there are none.
func (w *Writer) Strings(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.Key(name).Array(func() {
		for _, v := range values {
			w.String(v)
		}
	})
}

// Int writes a whole number.
func (w *Writer) Int(n int64) {
	w.separate()
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Micros writes nanoseconds as microseconds with three decimals.
func (w *Writer) Micros(ns int64) {
	w.separate()
	w.buf = strconv.AppendFloat(w.buf, float64(ns)/1000, 'f', 3, 64)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.separate()
	w.buf = strconv.AppendBool(w.buf, b)
}

// Newline puts the next element on a line of its own, for people and for diff.
func (w *Writer) Newline() {
	if w.comma {
		w.buf = append(w.buf, ',')
		w.comma = false
	}
	w.buf = append(w.buf, '\n')
}

// End ends the whole text with a newline.
func (w *Writer) End() { w.buf = append(w.buf, '\n') }

// String writes a string.
func (w *Writer) String(s string) {
	w.separate()
	w.buf = append(w.buf, '"')
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		w.char(r, s[:size])
		s = s[size:]
	}
	w.buf = append(w.buf, '"')
}

// char writes one character. What could end a script in a page of HTML is escaped.
func (w *Writer) char(r rune, text string) {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		w.buf = append(w.buf, '\\', byte(r))
	case r == '\n':
		w.buf = append(w.buf, '\\', 'n')
	case r == '\t':
		w.buf = append(w.buf, '\\', 't')
	case r < ' ' || r == '<' || r == '>' || r == '&':
		w.buf = append(w.buf, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	case r == '\u2028' || r == '\u2029':
		w.buf = append(w.buf, '\\', 'u', '2', '0', '2', hex[r&15])
	case r == utf8.RuneError:
		w.buf = append(w.buf, "\ufffd"...)
	default:
		w.buf = append(w.buf, text...)
	}
}
