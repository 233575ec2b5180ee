package fuzz

import (
	"fmt"
	"strings"
)

// word makes one word of a text.
func (g *generator) word() string {
	return g.pick("a", "b", "c", "ab", "abc", "a.c", "d/b.o", "foo.c", "one.x", "two.y", "%.o", "lib%.a", "x%y", "%", "1", "2", "10", "-3", `\#`, `\%`, `a\ b`, "a:b", "é", "$$", "$$x", ".", "..", "./a", "d/", "/", "/a/b", "d/../e.c", "a=b", "*.x", "d/*", "?ne.x", "x,y", "(a)", "'q'", "~nosuch", `\\`, "a|b", "a;b", "[ab]", "&")
}

func (g *generator) words(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = g.word()
	}
	return strings.Join(out, g.pick(" ", " ", "  "))
}

// text makes a text with references and calls in it, nested at most that deep.
func (g *generator) text(depth int) string {
	var b strings.Builder
	for i := range 1 + g.r.IntN(3) {
		if i > 0 {
			b.WriteString(g.pick(" ", " ", " ", "", "  ", "\t"))
		}
		switch n := g.r.IntN(10); {
		case n < 3 || depth == 0:
			b.WriteString(g.word())
		case n < 6:
			b.WriteString(g.reference(depth))
		default:
			b.WriteString(g.call(depth))
		}
	}
	return b.String()
}

// list makes a text that mostly has several words.
func (g *generator) list(depth int) string {
	if g.chance(60) {
		return g.words(1 + g.r.IntN(4))
	}
	return g.text(depth)
}

// variable picks a variable that does not refer to itself, mostly.
func (g *generator) variable() string {
	if g.vars > 0 && !g.chance(1) {
		return varNames[g.r.IntN(g.vars)]
	}
	return g.pick("H", "i", "1", "2", "0")
}

func (g *generator) reference(depth int) string {
	v := g.variable()
	switch g.r.IntN(16) {
	case 0:
		return "${" + v + "}"
	case 1:
		return "$" + v[:1]
	case 2:
		return fmt.Sprintf("$(%s:%s=%s)", v, g.pick(".c", "a", "%.c", "%", "a%", ".x"), g.pick(".o", "b", "%.o", "x%y", "", g.text(depth-1)))
	case 3:
		return "$($(" + v + "))"
	case 4:
		return "$(" + g.pick("$(A)$(B)", v+"$(C)", " "+v, v+" ", "value "+v, v+":", v+":a", v+":=b") + ")"
	case 5:
		if g.chance(30) {
			return "$(" + g.pick("MAKE_VERSION", "MAKEFILE_LIST", "CURDIR", "MAKE", "MAKEFLAGS", "MFLAGS", "MAKECMDGOALS", ".DEFAULT_GOAL", "MAKELEVEL", "SHELL", ".SHELLFLAGS", "SUFFIXES", ".INCLUDE_DIRS", "MAKE_RESTARTS", ".RECIPEPREFIX", "CC", "COMPILE.c", "OUTPUT_OPTION", ".LIBPATTERNS", "MAKEFILES", "-*-command-variables-*-", "MAKEOVERRIDES", "MAKE_HOST", "MAKE_COMMAND", ".SHELLSTATUS", "MAKE_TERMOUT") + ")"
		}
		return "$(@)"
	}
	return "$(" + v + ")"
}

// call makes a call of a function.
func (g *generator) call(depth int) string {
	t := func() string { return g.text(depth - 1) }
	l := func() string { return g.list(depth - 1) }
	num := func() string {
		if g.chance(3) {
			return g.pick("0", "-1", "x", "", "99999999999999999999", " 2 ", "1 2", "+1")
		}
		return g.pick("1", "2", "3", "9")
	}
	pat := func() string { return g.pick("%.c", "%.x", "a%", "%", "%b%", `\%x`, "a", "d/%", t()) }
	name := g.variable()
	forms := []func() string{
		func() string {
			return fmt.Sprintf("$(subst %s,%s,%s)", g.pick("a", "", "ab", " ", ".c", t()), t(), l())
		},
		func() string { return fmt.Sprintf("$(patsubst %s,%s,%s)", pat(), pat(), l()) },
		func() string { return fmt.Sprintf("$(strip  %s )", l()) },
		func() string { return fmt.Sprintf("$(findstring %s,%s)", g.pick("a", "", t()), l()) },
		func() string {
			return fmt.Sprintf("$(%s %s %s,%s)", g.pick("filter", "filter-out"), pat(), g.pick("", "b", pat()), l())
		},
		func() string { return fmt.Sprintf("$(sort %s %s)", l(), l()) },
		func() string { return fmt.Sprintf("$(word %s,%s)", num(), l()) },
		func() string { return fmt.Sprintf("$(wordlist %s,%s,%s)", num(), num(), l()) },
		func() string { return fmt.Sprintf("$(%s %s)", g.pick("words", "firstword", "lastword"), l()) },
		func() string {
			return fmt.Sprintf("$(%s %s)", g.pick("dir", "notdir", "suffix", "basename", "abspath", "realpath", "wildcard"), l())
		},
		func() string {
			return fmt.Sprintf("$(%s %s,%s)", g.pick("addsuffix", "addprefix", "join"), l(), l())
		},
		func() string { return fmt.Sprintf("$(if %s,%s%s)", g.pick("", " ", t()), t(), g.pick("", ","+t())) },
		func() string { return fmt.Sprintf("$(%s %s,%s,%s)", g.pick("or", "and"), g.pick("", t()), t(), t()) },
		func() string {
			return fmt.Sprintf("$(intcmp %s,%s%s)", g.pick("1", "-2", "007", "10", num()), g.pick("1", "9", "-0", num()), g.pick("", ",l", ",l,e", ",l,e,"+t(), ",,e"))
		},
		func() string {
			return fmt.Sprintf("$(foreach %s,%s,%s)", g.pick("i", "i", "A", " i ", "$(B)x"), l(), g.pick("<$i>", "$(i)$(A)", "$(words $i)", t()))
		},
		func() string {
			return fmt.Sprintf("$(let %s,%s,%s)", g.pick("i", "i j", "A B", "A", ""), l(), g.pick("<$i|$j>", "$A:$B", t()))
		},
		func() string {
			return fmt.Sprintf("$(call %s,%s,%s)", g.pick("f", "rev", "m", "f", name, "subst", "words", "if", "nosuch", " f ", "$(A)", "foreach"), l(), t())
		},
		func() string { return fmt.Sprintf("$(call f,%s,$(call m,%s,%s))", t(), l(), t()) },
		func() string { return fmt.Sprintf("$(call f)%s", t()) },
		func() string {
			return fmt.Sprintf("$(eval %s%s%s)", g.pick(varNames...), g.pick("=", ":=", "+=", "?="), g.pick("x", "$i", "$$(B)", "$1", "$(words $(C))"))
		},
		func() string { return fmt.Sprintf("$(value %s)", g.pick(name, "f", "rev", " "+name)) },
		func() string {
			return fmt.Sprintf("$(%s %s)", g.pick("origin", "flavor"), g.pick(append([]string{"f", "@", "nosuch", "$(A)", "PATH", "MAKE", "MAKEFLAGS", "%"}, append(varNames, exotic...)...)...))
		},
		func() string {
			return fmt.Sprintf("$(shell %s)%s", g.command1(), g.pick("", "", "$(.SHELLSTATUS)"))
		},
		func() string {
			return g.pick("$(file >out.txt,"+t()+")", "$(file >>out.txt,"+t()+")", "$(file <out.txt)", "$(file <nosuch)", "$(file < one.x )", "$(file >no/such,x)", "$(file >out.txt)", "$(file x)")
		},
		func() string { return fmt.Sprintf("$(%s %s)", g.pick("info", "info", "warning"), t()) },
		func() string { return fmt.Sprintf("${subst %s,%s,%s}", t(), t(), t()) },
	}
	return forms[g.r.IntN(len(forms))]()
}
