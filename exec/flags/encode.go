package flags

import (
	"strconv"
	"strings"
)

// Encoded is what a Set adds to MAKEFLAGS. Dollar signs are doubled, since the
// variable is expanded when it is used.
type Encoded struct {
	Letters string   // the single letters without arguments, without a dash
	Words   []string // everything else, each with its dashes
	Evals   []string // the --eval words
}

// Encode writes the options that sub-makes inherit. While makefiles are being
// remade, -n, -q and -t are left out.
func (s *Set) Encode(remaking bool) Encoded {
	var e Encoded
	for i := range options {
		o := &options[i]
		if !o.encode || remaking && o.notRemaking || !s.v[o.id].given {
			continue
		}
		s.encodeOne(&e, o)
	}
	for _, text := range s.v[Eval].list {
		e.Evals = append(e.Evals, "--eval="+Quote(text))
	}
	return e
}

func (s *Set) encodeOne(e *Encoded, o *option) {
	v := &s.v[o.id]
	switch o.kind {
	case kindOn, kindOff:
		if v.on == (o.kind == kindOn) {
			e.add(o, "")
		}
	case kindCount:
		if v.count == Unlimited {
			e.Words = append(e.Words, o.name())
			return
		}
		e.add(o, strconv.Itoa(v.count))
	case kindLoad:
		if v.load >= 0 {
			e.add(o, strconv.FormatFloat(v.load, 'g', -1, 64))
		}
	case kindText:
		e.add(o, v.text)
	default:
		for _, text := range v.list {
			e.add(o, text)
		}
	}
}

func (e *Encoded) add(o *option, arg string) {
	switch {
	case arg == "" && o.short != 0:
		e.Letters += string(o.short)
	case arg == "":
		e.Words = append(e.Words, o.name())
	case o.short != 0:
		e.Words = append(e.Words, o.name()+Quote(arg))
	default:
		e.Words = append(e.Words, o.name()+"="+Quote(arg))
	}
}

// Flags is the value of MFLAGS, which the reader of a makefile may pass on as
// arguments: every word has its dash.
func (e Encoded) Flags() string {
	words := e.Words
	if e.Letters != "" {
		words = append([]string{"-" + e.Letters}, words...)
	}
	return strings.Join(words, " ")
}

// Quote protects what would not survive as one word of MAKEFLAGS.
func Quote(text string) string {
	if !strings.ContainsAny(text, "$\\ \t\n") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '$':
			b.WriteByte('$')
		case '\\', ' ', '\t', '\n':
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
