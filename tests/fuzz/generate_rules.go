package fuzz

import (
	"fmt"
	"strings"
)

func (g *generator) pattern() string {
	switch n := g.r.IntN(20); {
	case n < 14:
		return "%" + g.pick(suffixes[:4]...)
	case n < 16:
		return "lib%" + g.pick(suffixes...)
	case n < 17:
		return "d/%" + g.pick(suffixes...)
	case n < 18:
		return "%"
	case n < 19:
		return "o%" + g.pick(suffixes...)
	}
	return g.pick(`%\%.x`, "%/one.x", "%e.x", "%ne", "%.x.y")
}

// prerequisites makes a list of prerequisites; each comes from name.
func (g *generator) prerequisites(name func() string) string {
	var out []string
	order := false
	for range g.r.IntN(4) {
		switch n := g.r.IntN(20); {
		case n < 14:
			out = append(out, name())
		case n < 16 && !order:
			order = true
			out = append(out, "|", name())
		case n < 17:
			out = append(out, g.pick("*.x", "d/*", ".WAIT", "$(A)", "$(addprefix d/,one.x)", "./one.x", "nosuch", "$(wildcard *.y)", `a\ b`))
		case g.second:
			out = append(out, g.pick("$$*.x", "$$(@D)/one.y", "$$(addsuffix .c,$$*)", "$$(A)", "$$<", "$$(^D)", "$$@.x", "$$(@:.o=.c)", "$$(if $$*,two.x)", "$$$$x", "$$(call f,$$@)", "$$^", "$$+", "$$(info second $$@ [$$<] [$$^] [$$*])", "$$(wildcard *.x)", "$$(eval B+=$$@)", "$$|"))
		default:
			out = append(out, name())
		}
	}
	return strings.Join(out, " ")
}

func (g *generator) rule() []string {
	target := g.file()
	if g.chance(15) {
		target += " " + g.file()
	}
	if g.chance(5) {
		target = g.pick("$(A)", "$(A) one.x", "all", "one.x:", `a\ b`, "./one.x", "*.x", "(x)", "lib.a(one.o)")
	}
	head := target + g.pick(":", ": ", " : ") + g.prerequisites(g.file)
	if g.chance(35) {
		return []string{head}
	}
	return g.withRecipe(head)
}

func (g *generator) doubleColon() []string {
	target := g.file()
	out := g.withRecipe(target + ":: " + g.prerequisites(g.file))
	if g.chance(70) {
		out = append(out, g.withRecipe(target+g.pick(":: ", ":: ", ": ")+g.prerequisites(g.file))...)
	}
	return out
}

func (g *generator) groupedRule() []string {
	return g.withRecipe(g.fileList(2, 3) + g.pick(" &: ", " &:: ", "&:") + g.prerequisites(g.file))
}

func (g *generator) staticRule() []string {
	x := g.pick(suffixes[:4]...)
	targets := "one" + x + " two" + x
	if g.chance(30) {
		targets = g.pick("d/one"+x, "libq"+x+" two"+x, "$(A:%="+"%"+x+")", "one"+x+" two.q")
	}
	from := func() string { return g.pick("%"+g.pick(suffixes...), g.file(), g.pattern()) }
	return g.withRecipe(targets + g.pick(": ", ": ", ":: ", ":") + g.pick("%"+x, "%"+x, g.pattern()) + ": " + g.prerequisites(from))
}

func (g *generator) patternRule() []string {
	if g.chance(8) {
		return g.withRecipe(g.pick(".x.y:", ".c.o:", ".y:", ".x.y: two.c", ".c.x.o:", ".x.c::"))
	}
	target := g.pattern()
	if g.chance(20) {
		target += " " + g.pattern()
	}
	from := func() string {
		if g.chance(75) {
			return g.pattern()
		}
		return g.file()
	}
	head := target + g.pick(": ", ": ", ": ", ": ", ":", ":: ", "&: ") + g.prerequisites(from)
	if g.chance(8) {
		return []string{head}
	}
	return g.withRecipe(head)
}

// withRecipe gives a rule its recipe.
func (g *generator) withRecipe(head string) []string {
	if g.chance(25) {
		return []string{head + g.pick(" ; ", ";", " ;") + g.step()}
	}
	out := []string{head + g.pick("", "", "", " # c")}
	for range 1 + g.r.IntN(3) {
		if g.chance(5) {
			out = append(out, g.pick("", "# between", g.prefix+"# in the recipe", g.prefix, "ifdef A\n"+g.prefix+"@echo A is set\nendif", "  "))
		}
		out = append(out, g.prefix+g.pick("", "", "", "", " ")+g.step())
	}
	return out
}

// touched makes the target, with a date that the case gives.
func (g *generator) touched() string {
	return fmt.Sprintf("echo %s >$@; touch -d @%d $@", g.pick("'$^'", "$@", "x", "'$<'"), epoch+g.pickDate())
}

func (g *generator) pickDate() int {
	if g.chance(80) {
		return 30
	}
	return 1 + g.r.IntN(40)
}

// step makes one line of a recipe, or several with continuations.
func (g *generator) step() string {
	mark := g.pick("", "", "@", "@", "@", "@", "-", "+", "-@", "@-", "+@", "@ ", "- ")
	autos := g.pick("$@ [$^] [$<] [$*] [$|]", "$@ [$?]", "$@ [$+] $(@D) $(@F)", "$(<D) $(<F) $(^D) $(?F) $(*D) $(*F)", "$(@:.x=.q) $(^:%.x=%)", "$@ $% $(%D)", "$@")
	simple := []func() string{
		func() string { return mark + "echo '" + autos + "'" },
		func() string { return mark + "echo " + autos },
		func() string { return "@echo making $@ from $^; " + g.touched() },
		func() string { return mark + g.touched() },
		func() string { return "@echo '$@ $(words $^)'; mkdir -p $(@D); " + g.touched() },
	}
	if g.chance(60) {
		return simple[g.r.IntN(len(simple))]()
	}
	g.vars = len(varNames)
	other := []func() string{
		func() string { return mark + "echo '" + g.text(2) + "'" },
		func() string { return mark + "echo \"" + g.text(2) + "\"" },
		func() string { return mark + "echo " + g.text(2) },
		func() string {
			return mark + g.pick("false", "exit 3", "true", ":", "exit 0", "test -f $@", "nosuchprogram", "./nosuch", "(exit 4)", "cd nosuch", "kill -9 $$$$", "kill -TERM $$$$", "exec false")
		},
		func() string { return mark + "echo $$A \"$$B\" $${C-unset} '$A'" },
		func() string { return mark + "for i in 1 2; do echo $$i $@; done" },
		func() string { return mark + "echo first; \\\n" + g.prefix + "echo second \\\n  third" },
		func() string { return mark + "if test -f $@; then echo there; else echo missing; fi" },
		func() string { return mark + "V=1; echo \"$$V$$W\"" },
		func() string { return mark + "echo 'a\\\n" + g.prefix + "b' \"c\\\nd\"" },
		func() string {
			return mark + "$(MAKE) -f sub.mk " + g.pick("", "sub", "other", "fails", "A=sub", "-k other", "--no-print-directory", "nosuch", "-n")
		},
		func() string {
			return mark + "$(MAKE) -C " + g.pick("inc -f ../sub.mk", "sub", "nosuch", "sub -f ../sub.mk other")
		},
		func() string { return "$(" + g.pick("A", "B", "C", "D") + ")" },
		func() string { return "$(info in $@ [$(A)])" },
		func() string { return "$(eval A += $@)" + g.pick("", "@echo $(A)") },
		func() string { return "$(call f,$@,$<)" },
		func() string { return "$(shell echo '# $@')" },
		func() string { return mark + "cat $^ /dev/null" },
		func() string { return mark + "echo partial >$@; touch -d @1000000030 $@; false" },
		func() string { return mark + "cp $< $@; touch -d @1000000031 $@" },
		func() string { return "# only a comment" },
		func() string {
			return mark + "echo '$(" + g.pick("MAKEFLAGS", "MAKELEVEL", "CURDIR", "SHELL", "VPATH", "MAKE", "MAKEFILE_LIST", ".DEFAULT_GOAL", "MFLAGS") + ")'"
		},
		func() string { return mark + "echo \"$$MAKEFLAGS|$$MAKELEVEL|$$MFLAGS\"" },
		func() string { return mark + "printf '%s\\n' $^ | sort -r" },
		func() string { return mark + "echo *.x d/*" },
		func() string {
			return mark + "echo $(" + g.pick("patsubst %,<%>,$^", "filter %.x,$^", "sort $+", "wildcard *.x", "realpath $<", "foreach i,$^,$(i:.x=.y)", "dir $^", "if $?,new: $?,none", "word 1,$|", "flavor A", "origin A", "origin @", "value @") + ")"
		},
		func() string { return mark + "set -e; false; echo not here" },
		func() string { return mark + "exit 3 # $@" },
		func() string { return mark + "echo '#' \\# # comment" },
		func() string { return mark + "echo to-stderr >&2" },
		func() string { return mark + "@-echo marks" },
		func() string { return mark + "echo a && echo b || echo c; ! true; echo $$?" },
		func() string { return mark + "case $@ in *.x) echo x;; d/*) echo d;; *) echo other;; esac" },
	}
	return other[g.r.IntN(len(other))]()
}
