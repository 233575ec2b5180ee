package flags

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fmake/makefile"
)

// Decoder reads options into Set.
type Decoder struct {
	Set *Set
	// Invoked is how the program was called (argv[0]) and Program its last
	// part: getopt's complaints use the first, make's own the second.
	Invoked, Program string
	Origin           makefile.Origin
	// Complain gets make's own complaints, Getopt those of getopt, which does not
	// know what else make prints; both without a final newline.
	Complain, Getopt func(line string)
	// Word gets each word that is no option, when its turn comes: what stands
	// before it on the line is in Set already.
	Word func(word string)
	// FileName makes a file name of an argument: ~ is expanded, ./ removed.
	FileName func(arg string) string
	// Own is asked first about each word that starts with two dashes, and says how
	// many of the words in rest belong to it. It may be nil.
	Own func(word string, rest []string) (used int, ok bool)
	// OwnNames lists what Own knows, without the dashes. It may be nil.
	OwnNames func() []string

	bad bool
}

// strict is set for the command line and the environment, where a mistake is
// fatal. In a MAKEFLAGS set by a makefile, unknown options are ignored.
func (d *Decoder) strict() bool { return d.Origin == makefile.OriginCommand }

// Decode reads args. It returns false if the usage has to be printed.
func (d *Decoder) Decode(args []string) bool {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			for _, word := range args[i+1:] {
				d.Word(word)
			}
			return !d.bad
		case strings.HasPrefix(arg, "--"):
			i += d.ownOrLong(arg, args[i+1:])
		case len(arg) > 1 && arg[0] == '-':
			i += d.cluster(arg[1:], args[i+1:])
		default:
			d.Word(arg)
		}
	}
	return !d.bad
}

// ownOrLong reads a word with two dashes and returns how many of the words in rest
// it used.
func (d *Decoder) ownOrLong(arg string, rest []string) int {
	if d.Own != nil {
		if used, ok := d.Own(arg, rest); ok {
			return used
		}
	}
	return d.long(arg[2:], rest)
}

// DecodeVariable reads the expanded value of MAKEFLAGS or a variable like it.
func (d *Decoder) DecodeVariable(value string) bool {
	args := SplitWords(value)
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") && !strings.Contains(args[0], "=") {
		args[0] = "-" + args[0]
	}
	return d.Decode(args)
}

// SplitWords splits a MAKEFLAGS value at blanks that no backslash protects.
func SplitWords(value string) []string {
	var (
		words []string
		word  []byte
		open  bool
	)
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == ' ' || c == '\t' {
			if open {
				words = append(words, string(word))
			}
			word, open = word[:0], false
			continue
		}
		if c == '\\' && i+1 < len(value) {
			i++
			c = value[i]
		}
		word, open = append(word, c), true
	}
	if open {
		words = append(words, string(word))
	}
	return words
}

// cluster reads the letters behind one dash. It returns how many of the words
// in rest it used.
func (d *Decoder) cluster(letters string, rest []string) int {
	for i := 0; i < len(letters); i++ {
		o := byLetter(letters[i])
		if o == nil {
			d.mistake("invalid option -- '%c'", letters[i])
			continue
		}
		if o.arg == argNone {
			d.apply(o, "")
			continue
		}
		if attached := letters[i+1:]; attached != "" {
			d.apply(o, attached)
			return 0
		}
		return d.detached(o, rest)
	}
	return 0
}

// detached handles an option whose argument, if any, is the next word.
func (d *Decoder) detached(o *option, rest []string) int {
	switch {
	case o.arg == argRequired && len(rest) == 0:
		if o.short != 0 {
			d.mistake("option requires an argument -- '%c'", o.short)
		}
		return 0
	case o.arg == argRequired, len(rest) > 0 && takesNext(o.kind, rest[0]):
		d.apply(o, rest[0])
		return 1
	}
	d.applyBare(o)
	return 0
}

// takesNext tells whether an optional argument may be a word of its own: only
// numbers may, and only if the word looks like one.
func takesNext(k kind, word string) bool {
	switch k {
	case kindCount:
		return strings.Trim(word, "0123456789") == ""
	case kindLoad:
		return word != "" && (word[0] == '.' || word[0] >= '0' && word[0] <= '9')
	}
	return false
}

// long reads one long option.
func (d *Decoder) long(word string, rest []string) int {
	name, arg, attached := strings.Cut(word, "=")
	o, full := d.findLong(name)
	if o == nil {
		return 0
	}
	switch {
	case attached && o.arg == argNone:
		d.mistake("option '--%s' doesn't allow an argument", full)
	case attached:
		d.apply(o, arg)
	case o.arg == argNone:
		d.apply(o, "")
	case o.arg == argRequired && len(rest) == 0:
		d.mistake("option '--%s' requires an argument", full)
	default:
		return d.detached(o, rest)
	}
	return 0
}

// findLong finds a long option by its name or an unambiguous beginning of it.
func (d *Decoder) findLong(name string) (*option, string) {
	var (
		found     *option
		full      string
		ambiguous bool
		matches   []string
	)
	for pass := range 2 { // canonical names first, then aliases: getopt's order
		for i := range options {
			for j, long := range options[i].longs {
				if (j == 0) != (pass == 0) || !strings.HasPrefix(long, name) {
					continue
				}
				if long == name {
					return &options[i], long
				}
				ambiguous = ambiguous || found != nil && found != &options[i]
				if found == nil {
					found, full = &options[i], long
				}
				matches = append(matches, "'--"+long+"'")
			}
		}
	}
	if ambiguous {
		d.mistake("option '--%s' is ambiguous; possibilities: %s", name, strings.Join(matches, " "))
		return nil, ""
	}
	if found == nil {
		d.mistake("unrecognized option '--%s'", name)
		d.suggest(name)
	}
	return found, full
}

func byLetter(c byte) *option {
	for i := range options {
		if options[i].short == c {
			return &options[i]
		}
	}
	return nil
}

// suggest names the option of the program's own that may have been meant. Of its own GNU
// make names none.
func (d *Decoder) suggest(name string) {
	if d.OwnNames == nil || !d.strict() {
		return
	}
	var makes []string
	for i := range options {
		makes = append(makes, options[i].longs...)
	}
	if own := Near(name, d.OwnNames(), makes); own != "" {
		d.Getopt("Did you mean '--" + own + "'?")
	}
}

// mistake is an error of syntax, which getopt reports.
func (d *Decoder) mistake(format string, args ...any) {
	if !d.strict() {
		return
	}
	d.bad = true
	d.Getopt(d.Invoked + ": " + fmt.Sprintf(format, args...))
}

// wrong is an error in an argument, which make itself reports.
func (d *Decoder) wrong(format string, args ...any) {
	d.bad = d.bad || d.strict()
	d.Complain(d.Program + ": " + fmt.Sprintf(format, args...))
}

// outranked tells whether a stronger origin has spoken already.
func (d *Decoder) outranked(o *option) bool {
	return o.ranked && d.Set.v[o.id].given && d.Origin < d.Set.v[o.id].origin
}

// applyBare sets an option whose optional argument was left out.
func (d *Decoder) applyBare(o *option) {
	if d.ignores(o) {
		return
	}
	switch o.kind {
	case kindCount:
		d.Set.SetJobs(Unlimited)
	case kindLoad:
		d.Set.v[o.id].load, d.Set.v[o.id].given = -1, true
	default:
		d.apply(o, o.bare)
	}
}

// ignores tells whether an option has no effect where it comes from.
func (d *Decoder) ignores(o *option) bool {
	return o.kind == kindIgnore || !d.strict() && !o.inherit || d.outranked(o)
}

func (d *Decoder) apply(o *option, arg string) {
	if d.ignores(o) {
		return
	}
	v := &d.Set.v[o.id]
	switch o.kind {
	case kindOn, kindOff:
		v.on, v.given, v.origin = o.kind == kindOn, true, d.Origin
	case kindCount:
		n, err := strconv.ParseUint(arg, 10, 64)
		if err != nil || n < 1 || n > math.MaxInt32 {
			d.wrong("the '%s' option requires a positive integer argument", o.name())
			return
		}
		d.Set.SetJobs(int(n))
	case kindLoad:
		v.load, v.given = leadingFloat(arg), true
	default:
		d.applyText(o, v, arg)
	}
}

func (d *Decoder) applyText(o *option, v *value, arg string) {
	if arg == "" {
		d.wrong("the '%s' option requires a non-empty string argument", o.name())
		return
	}
	v.given = true
	switch o.kind {
	case kindText:
		v.text = arg
		return
	case kindStdin:
		d.Set.stdin = len(v.list) + 1
	case kindFiles, kindMakefiles:
		arg = d.FileName(arg)
	}
	if o.kind == kindTexts || o.kind == kindFiles {
		for _, old := range v.list {
			if old == arg {
				return
			}
		}
	}
	v.list = append(v.list, arg)
}

// leadingFloat converts as C's atof does: as much of the text as is a number.
func leadingFloat(s string) float64 {
	for n := len(s); n > 0; n-- {
		if f, err := strconv.ParseFloat(s[:n], 64); err == nil {
			return f
		}
	}
	return 0
}
