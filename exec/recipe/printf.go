package recipe

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// conversion is one "%" of a format.
type conversion struct {
	minus, zero, plus, space bool
	width, precision         int // -1: none
	verb                     byte
}

// nextConversion reads the conversion at the start of s, behind the "%". It is
// not ok if printf's own builtin in dash would be needed.
func nextConversion(s string) (c conversion, size int, ok bool) {
	c.precision, c.width = -1, -1
	i := 0
flags:
	for ; i < len(s); i++ {
		switch s[i] {
		case '-':
			c.minus = true
		case '0':
			c.zero = true
		case '+':
			c.plus = true
		case ' ':
			c.space = true
		default:
			break flags
		}
	}
	number := func() int {
		n := 0
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 1000; i++ {
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	if n := number(); n > 0 {
		c.width = n
	}
	if i < len(s) && s[i] == '.' {
		i++
		c.precision = number()
	}
	if i == len(s) || strings.IndexByte("diouxXsb", s[i]) < 0 {
		return c, 0, false
	}
	c.verb = s[i]
	return c, i + 1, !(c.verb == 's' || c.verb == 'b') || !c.zero
}

// goodFormat reports whether the builtin does everything that a format asks.
func goodFormat(format string) bool {
	for i := 0; i < len(format); i++ {
		switch format[i] {
		case '\\':
			i++
			if i == len(format) || strings.IndexByte("abfnrtv\\01234567", format[i]) < 0 {
				return false
			}
		case '%':
			if i+1 < len(format) && format[i+1] == '%' {
				i++
				continue
			}
			_, size, ok := nextConversion(format[i+1:])
			if !ok {
				return false
			}
			i += size
		}
	}
	return true
}

// printer is one run of printf.
type printer struct {
	sh     *shell
	out    strings.Builder
	args   []string
	used   bool // a conversion took an argument in this pass
	failed bool
	stop   bool // \c was met
}

// printf formats its arguments, the format being used again while there are
// more of them.
func (sh *shell) printf(args []string) error {
	p := &printer{sh: sh, args: args[2:]}
	for again := true; again; again = !p.stop && p.used && len(p.args) > 0 {
		p.used = false
		p.pass(args[1])
	}
	if err := sh.write("printf", p.out.String()); err != nil || !p.failed {
		return err
	}
	return interp.ExitStatus(1)
}

func (p *printer) pass(format string) {
	for i := 0; i < len(format) && !p.stop; i++ {
		switch {
		case format[i] == '\\':
			i++
			if n, size := octal(format[i:]); size > 0 {
				p.out.WriteByte(n)
				i += size - 1
			} else {
				p.out.WriteByte(escapeValues[strings.IndexByte(escapeNames, format[i])])
			}
		case format[i] != '%':
			p.out.WriteByte(format[i])
		case format[i+1] == '%':
			i++
			p.out.WriteByte('%')
		default:
			c, size, _ := nextConversion(format[i+1:])
			p.convert(c)
			i += size
		}
	}
}

func (p *printer) convert(c conversion) {
	arg := ""
	if len(p.args) > 0 {
		arg, p.args = p.args[0], p.args[1:]
		p.used = true
	}
	switch c.verb {
	case 's', 'b':
		if c.verb == 'b' {
			arg, p.stop = unescape(arg)
		}
		if c.precision >= 0 && c.precision < len(arg) {
			arg = arg[:c.precision]
		}
		p.pad(c, "", arg)
	default:
		p.integer(c, arg)
	}
}

// pad writes a value, which may be extended with zeros behind its sign.
func (p *printer) pad(c conversion, sign, text string) {
	fill := max(0, c.width-len(sign)-len(text))
	zero := c.zero && !c.minus && c.precision < 0
	switch {
	case c.minus:
		p.out.WriteString(sign + text + strings.Repeat(" ", fill))
	case zero:
		p.out.WriteString(sign + strings.Repeat("0", fill) + text)
	default:
		p.out.WriteString(strings.Repeat(" ", fill) + sign + text)
	}
}

func (p *printer) integer(c conversion, arg string) {
	value, negative := p.number(arg, c.verb == 'd' || c.verb == 'i')
	base := 10
	switch c.verb {
	case 'o':
		base = 8
	case 'x', 'X':
		base = 16
	}
	sign := ""
	switch {
	case c.verb != 'd' && c.verb != 'i':
		if negative {
			value = -value
		}
	case negative:
		sign = "-"
	case c.plus:
		sign = "+"
	case c.space:
		sign = " "
	}
	text := strconv.FormatUint(value, base)
	if c.verb == 'X' {
		text = strings.ToUpper(text)
	}
	if c.precision == 0 && value == 0 {
		text = ""
	}
	p.pad(c, sign, strings.Repeat("0", max(0, c.precision-len(text)))+text)
}

// number reads an argument as C does: decimal, octal, hexadecimal, or the code
// of a quoted character. It returns the magnitude.
func (p *printer) number(arg string, signed bool) (value uint64, negative bool) {
	if arg == "" {
		return 0, false
	}
	if arg[0] == '\'' || arg[0] == '"' {
		if len(arg) == 1 {
			return 0, false
		}
		return uint64(arg[1]), false
	}
	s := strings.TrimLeft(arg, " \t\n\v\f\r")
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	base := 10
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") && digit(s[2]) < 16:
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	n := 0
	for n < len(s) && digit(s[n]) < base {
		n++
	}
	value, err := strconv.ParseUint(s[:n], base, 64)
	limit := uint64(1) << 63
	if !negative {
		limit--
	}
	switch {
	case n == 0:
		p.complain(arg + ": expected numeric value")
		return 0, false
	case err != nil || signed && value > limit:
		if signed {
			value = limit
		} else {
			value = 1<<64 - 1
			negative = false
		}
		p.complain(arg + ": Numerical result out of range")
	case n < len(s):
		p.complain(arg + ": not completely converted")
	}
	return value, negative
}

func (p *printer) complain(text string) {
	p.failed = true
	p.sh.complain("printf", text)
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}
