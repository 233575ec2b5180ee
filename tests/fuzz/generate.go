package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generate makes the case of a seed.
func Generate(seed uint64) Case {
	g := &generator{r: rand.New(rand.NewPCG(seed, 1))}
	g.mood = g.r.IntN(moods)
	g.second = g.chance(25)
	g.prefix = "\t"
	var c Case
	c.Files = append(c.Files, File{Name: "Makefile", Date: 1, Lines: g.makefile()})
	c.Files = append(c.Files, File{Name: "inc/part.mk", Date: 1, Lines: g.statements(3)})
	if g.chance(50) {
		c.Files = append(c.Files, File{Name: "sub.mk", Date: 1, Lines: g.below()})
	}
	for _, name := range g.some(g.files(), 1, 8) {
		c.Files = append(c.Files, File{Name: name, Date: 2 + g.r.IntN(8), Lines: []string{name}})
	}
	for _, dir := range []string{"d", "vp", "sub"} {
		c.Files = append(c.Files, File{Name: dir + "/.keep", Date: 2})
	}
	for range 1 + g.r.IntN(2) + g.r.IntN(2) {
		c.Commands = append(c.Commands, g.command())
	}
	return c
}

// What a case is mostly about.
const (
	aboutText = iota
	aboutRules
	aboutPatterns
	aboutRecipes
	aboutAll
	moods
)

// generator makes one case.
type generator struct {
	r      *rand.Rand
	mood   int
	second bool   // .SECONDEXPANSION is on
	prefix string // what starts a line of a recipe
	depth  int    // of conditionals
	vars   int    // only variables with smaller numbers are referred to, mostly
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// some picks between low and high of a list, each once, in any order.
func (g *generator) some(list []string, low, high int) []string {
	var out []string
	n := low + g.r.IntN(high-low+1)
	for _, i := range g.r.Perm(len(list)) {
		if len(out) == n {
			break
		}
		out = append(out, list[i])
	}
	return out
}

// way is one of several ways to go on.
type way struct {
	weight int
	lines  func() []string
}

func (g *generator) choose(ways []way) []string {
	sum := 0
	for _, w := range ways {
		sum += w.weight
	}
	n := g.r.IntN(sum)
	for _, w := range ways {
		if n < w.weight {
			return w.lines()
		}
		n -= w.weight
	}
	return nil
}

// The names of all that a case has.
var (
	stems    = []string{"one", "two", "d/one", "libq", "a b"}
	suffixes = []string{".x", ".y", ".c", ".o", ""}
	varNames = []string{"A", "B", "C", "D", "E", "F", "G"}
	exotic   = []string{"a.b", "A B", "x:y", "d/e", "%", "A", "MAKEFLAGS", "VPATH", "SHELL", "CURDIR", ".DEFAULT_GOAL", "MAKECMDGOALS", "CC", "@", "MAKELEVEL"}
)

// files are the names of files that may be there, be made or be missing.
func (g *generator) files() []string {
	var out []string
	for _, s := range stems[:4] {
		for _, x := range suffixes {
			out = append(out, s+x)
			if g.chance(25) {
				out = append(out, "vp/"+s+x)
			}
		}
	}
	return out
}

func (g *generator) file() string {
	return g.pick(stems[:4]...) + g.pick(suffixes...)
}

func (g *generator) fileList(low, high int) string {
	return strings.Join(g.some(g.files(), low, high), " ")
}

// makefile makes the whole top makefile.
func (g *generator) makefile() []string {
	var out []string
	if g.chance(10) {
		out = append(out, g.pick(".POSIX:", ".ONESHELL:", ".DELETE_ON_ERROR:", ".SILENT:", ".IGNORE:", ".EXPORT_ALL_VARIABLES:", ".NOTPARALLEL:", ".SUFFIXES:", "MAKEFLAGS += -k", "MAKEFLAGS += -rR"))
	}
	if g.second {
		out = append(out, ".SECONDEXPANSION:")
	}
	if g.chance(5) {
		g.prefix = ">"
		out = append(out, ".RECIPEPREFIX = >")
	}
	out = append(out, "f = [$1|$2|$0]", "rev = $(if $1,$(call rev,$(wordlist 2,9,$1)) $(firstword $1))", "m = $(foreach i,$1,<$i$2>)")
	if g.mood != aboutText || g.chance(50) {
		out = append(out, "all: "+g.fileList(1, 4))
	}
	return append(out, g.statements(5+g.r.IntN(10))...)
}

func (g *generator) statements(n int) []string {
	var out []string
	for range n {
		out = append(out, g.statement()...)
	}
	return out
}

// statement makes the lines of one statement.
func (g *generator) statement() []string {
	text, rules, patterns := 2, 2, 2
	switch g.mood {
	case aboutText:
		text = 12
	case aboutRules, aboutRecipes:
		rules = 10
	case aboutPatterns:
		patterns = 10
	}
	return g.choose([]way{
		{3 * text, g.assignment},
		{text, g.define},
		{2 * text, g.say},
		{1, g.exporting},
		{text, g.conditional},
		{1, g.include},
		{1, g.special},
		{1, g.targetVariable},
		{rules, g.rule},
		{1, g.staticRule},
		{1, g.groupedRule},
		{1, g.doubleColon},
		{patterns, g.patternRule},
		{1, g.vpath},
		{1, g.evaluated},
		{1, g.odd},
	})
}

func (g *generator) assignment() []string {
	i := g.r.IntN(len(varNames))
	name := varNames[i]
	if g.chance(7) {
		name = g.pick(exotic[:6]...)
	}
	if g.chance(4) {
		name = g.pick("$(A)", "A$(B)", "$(C) $(D)", "x$(call f,1)")
	}
	op := g.pick("=", "=", "=", ":=", ":=", ":=", "::=", ":::=", "?=", "+=", "+=", "!=")
	g.vars = len(varNames)
	if op != ":=" && op != "::=" && op != ":::=" || g.chance(50) {
		g.vars = i
	}
	defer func() { g.vars = len(varNames) }()
	mod := ""
	if g.chance(12) {
		mod = g.pick("override ", "export ", "private ", "override export ", "unexport ", "export override ", "define ", "undefine ", "override undefine ")
	}
	switch strings.TrimSpace(mod) {
	case "undefine", "override undefine":
		return []string{mod + name}
	case "define":
		return []string{"define " + name, g.text(2), "endef"}
	}
	if op == "!=" {
		return []string{mod + name + " != " + g.command1()}
	}
	space := g.pick(" ", " ", "", "  ")
	line := mod + name + space + op + space + g.text(3)
	if g.chance(6) {
		return []string{line + " \\", "  " + g.text(1) + g.pick("", "\\\\", "  # note", " \\#x")}
	}
	if g.chance(4) {
		line += " # note " + g.word()
	}
	return []string{line}
}

// command1 is a command for the shell that prints something and harms nothing.
func (g *generator) command1() string {
	return g.pick("echo a b", "printf 'a\\nb\\n\\n'", "echo '"+g.words(2)+"'", "exit 3", "echo x; false", "echo $A", "echo $${A}", "echo '$(A)'", "true", "printf 'a  b\\tc'", "echo hi >&2", "cat sub.mk 2>/dev/null | head -1", "nosuchprogram", "./nosuch", "echo \\#x", "printf %s '$(B)'", "pwd")
}

func (g *generator) define() []string {
	i := g.r.IntN(len(varNames))
	g.vars = i
	defer func() { g.vars = len(varNames) }()
	head := g.pick("define ", "define ", "override define ", "export define ", "  define ") + varNames[i] + g.pick("", " =", " :=", " +=", " ?=", " ::=", " :::=", "=")
	out := []string{head}
	for range g.r.IntN(4) {
		line := g.text(2)
		switch g.r.IntN(6) {
		case 0:
			line = "\t" + line
		case 1:
			line = "@echo " + line
		case 2:
			line += g.pick(" \\", " # c", "  ", "\\\\")
		}
		out = append(out, line)
	}
	if g.chance(8) {
		out = append(out, "define inner", g.text(1), "endef")
	}
	return append(out, g.pick("endef", "endef", "endef # x", "  endef"))
}

// say makes make print a text.
func (g *generator) say() []string {
	fn := g.pick("info", "info", "info", "info", "info", "warning")
	if g.chance(1) {
		fn = "error"
	}
	return []string{fmt.Sprintf("$(%s %s[%s])", fn, g.pick("", "x ", " "), g.text(3))}
}

func (g *generator) exporting() []string {
	return []string{g.pick("export ", "unexport ", "export", "unexport", "export A B ", "export ", "undefine ", "private ") + g.pick("", g.pick(varNames...), "$(A)")}
}

func (g *generator) conditional() []string {
	if g.depth > 2 {
		return g.say()
	}
	g.depth++
	defer func() { g.depth-- }()
	out := []string{g.condition()}
	out = append(out, g.statements(1+g.r.IntN(2))...)
	if g.chance(30) {
		condition := g.condition()
		if strings.HasSuffix(condition, "A B") {
			condition = "ifdef A" // with two names, GNU make goes by memory that it has not set
		}
		out = append(out, "else "+condition)
		out = append(out, g.statements(1)...)
	}
	if g.chance(50) {
		out = append(out, g.pick("else", "else", "else # x", "  else"))
		out = append(out, g.statements(1)...)
	}
	return append(out, g.pick("endif", "endif", "endif # c", "  endif"))
}

func (g *generator) condition() string {
	a, b := g.text(2), g.text(1)
	if g.chance(30) {
		b = ""
	}
	eq := g.pick("ifeq", "ifneq")
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf(`%s "%s" "%s"`, eq, a, b)
	case 1:
		return fmt.Sprintf(`%s '%s' "%s"%s`, eq, a, b, g.pick("", " # x", " y"))
	case 2, 3:
		return g.pick("ifdef ", "ifndef ") + g.pick("A", "B", "C", "$(A)", "$(D)", "x$(A)", "A B", "f")
	}
	return fmt.Sprintf("%s (%s,%s%s)", eq, a, g.pick("", " "), b)
}

// include brings in a part that is there, that a rule makes, or that is missing.
func (g *generator) include() []string {
	verb := g.pick("include ", "include ", "-include ", "sinclude ")
	switch g.r.IntN(5) {
	case 0:
		return []string{verb + g.pick("nosuch.mk", "no/such.mk inc/part.mk", "$(A)", "", "inc/*.mk", "nosuch*.mk")}
	case 1, 2:
		name := g.pick("gen.mk", "d/gen2.mk", "gen.mk gen3.mk")
		first, _, _ := strings.Cut(name, " ")
		out := []string{verb + name, first + ":" + g.pick("", " ", " one.x", " inc/part.mk", " Makefile")}
		body := g.pick("A = generated", "$$(info in $@)", "one.o: two.o", "B += gen", "nonsense", "$$(eval C := $@)")
		return append(out, g.prefix+g.pick("", "@", "-", "@")+"echo '"+body+"' >$@; touch -d @1000000020 $@")
	}
	if g.depth > 0 {
		return g.say()
	}
	return []string{verb + "inc/part.mk"}
}

func (g *generator) special() []string {
	return []string{g.pick(
		".PHONY: "+g.file(), ".PHONY: all "+g.file(), ".SECONDARY: "+g.file(), ".SECONDARY:", ".INTERMEDIATE: "+g.file(), ".INTERMEDIATE: "+g.fileList(1, 3),
		".PRECIOUS: "+g.file(), ".PRECIOUS: "+g.pattern(), ".NOTINTERMEDIATE: "+g.pick(g.file(), g.pattern(), ""), ".DELETE_ON_ERROR:", ".SILENT: "+g.file(), ".IGNORE: "+g.file(),
		".SUFFIXES: .x .y", ".SUFFIXES:", ".ONESHELL:", ".EXPORT_ALL_VARIABLES:", ".SECONDEXPANSION:", ".LOW_RESOLUTION_TIME: "+g.file(), ".EXTRA_PREREQS = "+g.file(),
		".DEFAULT_GOAL := "+g.file(), ".DEFAULT_GOAL =", ".DEFAULT: ; @echo default $@ [$<]", ".DEFAULT: one.x ; @echo default $@ [$<]", ".NOTPARALLEL:", ".POSIX:", ".SHELLFLAGS = -ec",
		".DEFAULT_GOAL = "+g.text(2), ".WAIT: ; @echo wait", g.file()+": "+g.fileList(1, 2)+" .WAIT "+g.file(),
	)}
}

func (g *generator) targetVariable() []string {
	target := g.pick(g.file(), g.file(), g.pattern(), "all", g.fileList(1, 3), "%")
	mod := g.pick("", "", "", "", "override ", "export ", "private ", "private override ", "unexport ", "undefine ")
	name := g.pick(varNames...)
	if g.chance(4) {
		name = g.pick(exotic...)
	}
	if mod == "undefine " {
		return []string{target + ": " + mod + name}
	}
	g.vars = 0
	defer func() { g.vars = len(varNames) }()
	return []string{target + g.pick(":", ": ", " : ") + mod + name + g.pick(" = ", " := ", " += ", " ?= ", "=", ":=", " ::= ", " :::= ", " != echo ") + g.text(2)}
}

func (g *generator) vpath() []string {
	return []string{g.pick("VPATH = vp", "VPATH = vp:d", "VPATH += d", "vpath %.x vp", "vpath %.c vp:d", "vpath % vp", "vpath %.x", "vpath", "vpath one% vp d", "GPATH = vp", "VPATH = $(A)", "vpath %.y $(B) vp")}
}

func (g *generator) evaluated() []string {
	inner := g.statement()
	for i, l := range inner {
		if g.chance(80) {
			l = strings.ReplaceAll(l, "$", "$$")
		}
		inner[i] = l
	}
	if len(inner) == 1 {
		return []string{"$(eval " + inner[0] + ")"}
	}
	out := append([]string{"define ev"}, inner...)
	return append(out, "endef", g.pick("$(eval $(ev))", "$(eval $(call ev,1,2))", "$(foreach i,1 2,$(eval $(value ev)))", "$(ev)"))
}

// odd makes lines that are wrong, or look so.
func (g *generator) odd() []string {
	if g.chance(50) {
		return []string{g.pick("", "# comment", "# comment \\\n continued", "  ", "\t# tab comment", "\t", "\t$(empty)", " A = spaced", "   one.x :  ", "$(empty)", "$(A)", "one.o: ; ", ": ", "A=B=C", "one.x:two.x", "a\\:b: ; @echo $@", "one.x : : two.x")}
	}
	if g.chance(60) {
		return nil
	}
	return []string{g.pick("nonsense", "nonsense here", "\tstray recipe", "endif", "else", "endef", ":", "= x", ":= x", "a b = c", "one.x: %.y: %.z", "%.x: %.y: %.c", "$(unterminated", "${A", "define", "define A B\nx\nendef", "ifeq", "ifeq (a", "ifdef", "one.x:: ; @echo a", "one.x &: ; @echo", "one.x two.y &: ; @echo grp", "a%b%c: x", "$(foreach x)", "$(subst a,b)", "$(word 0,a)", "$(word x,a)", "$(wordlist 1,b,a)", "$(nosuch a,b)", "$(A", "override", "export = 3", "include", "vpath %", "one.x: | | two.x", "<<<<<<< HEAD", "=======", "        eight spaces", "ifeq (a,b) c\nendif", "override define A\nx", "$(call )", "$(call nosuch,1)", "%: %.q", "one.x: A :", "$(error stop)", ".x.y: two.x ; @echo suffix", "unexport A = 3", "undefine", "all:one.x:two.x")}
}

// below makes the makefile of makes below.
func (g *generator) below() []string {
	out := []string{"sub: ; @echo sub [$(A)] [$(B)] [$(MAKEFLAGS)] [$(MAKELEVEL)] [$(MAKEOVERRIDES)] $$A", "fails: ; @false", "other: sub"}
	return append(out, "$(info "+g.pick("reading", "[$(origin A)] [$(flavor B)]", "[$(MFLAGS)]", "[$(MAKECMDGOALS)]")+")")
}

// command makes one call of make.
func (g *generator) command() Command {
	var c Command
	for range g.r.IntN(3) {
		if g.chance(60) {
			c.Args = append(c.Args, g.option())
		}
	}
	if g.chance(15) {
		c.Args = append(c.Args, g.pick("A=cmd", "B=$(A)", "C:=x y", "A+=more", "D=", "MAKEFLAGS=-k", "A:::=$$", "E!=echo e", "x:y=3", "CC=cc", "VPATH=d", "A ?= 3"))
	}
	if g.chance(50) {
		c.Args = append(c.Args, g.some(append(g.files(), "all", "all", "nosuch"), 1, 2)...)
	}
	if g.chance(12) {
		c.Env = append(c.Env, g.pick("A=env", "B=$(A)", "MAKEFLAGS=k", "MAKEFLAGS=-n", "VPATH=d", "C=", "GNUMAKEFLAGS=--trace", "MAKEFILES=inc/part.mk", "MAKELEVEL=2", "SHELL=/bin/false", "MAKEFLAGS= -- A=flags", "CC=envcc", "F=1 2"))
	}
	return c
}

func (g *generator) option() string {
	return g.pick("-k", "-k", "-k", "-n", "-n", "-s", "-i", "-B", "-t", "-q", "-e", "-r", "-R", "-rR", "--trace", "-w", "-d", "--warn-undefined-variables", "--no-print-directory", "-S", "-j1",
		"-Wone.x", "-Wtwo.c", "-oone.x", "-olibq.y", "-Iinc", "-Cinc", "-fMakefile", "-fsub.mk", "--debug=b", "--debug=v", "--debug=i", "--debug=m", "--debug=w", "--debug=n", "--debug=j", "-nk", "-Bn", "-tn", "-qk", "-ik", "-knr", "--eval=A=ev", "--eval=$(info eval)", "--eval=zz: ; @echo zz", "--shuffle=reverse", "-Otarget", "-L", "-E", "-no-such", "-f", "--no-builtin-rules")
}
