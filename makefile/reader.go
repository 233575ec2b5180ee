package makefile

import "strings"

// reader reads one source line by line. A rule is recorded when its recipe has
// ended, that is when a line comes that is neither recipe, comment, blank nor
// conditional.
type reader struct {
	db         *Database
	src        *source
	setDefault bool

	rule    rule // the rule whose recipe is being read
	pending bool // there is one
	// noTargets: the last rule line named no target; its recipe is passed over.
	noTargets bool
	ignoring  bool // in a false branch of a conditional
	// ignoredDefine: within a define in such a branch.
	ignoredDefine bool
}

// rule is a rule as its line said, before it is entered.
type rule struct {
	targets []string
	grouped bool // &:
	double  bool // ::
	// pattern is the target pattern of a static pattern rule.
	pattern   string
	isStatic  bool
	deps      string // unparsed, expanded
	prefix    byte
	pos       Pos
	hasRecipe bool
	recipePos Pos
	recipe    recipeText
}

// recipeText gathers a recipe's lines. The first line is only remembered: most
// recipes have one, and it is then a part of the makefile's text.
type recipeText struct {
	first string
	more  []byte
	lines int
}

func (t *recipeText) add(line string) {
	switch t.lines {
	case 0:
		t.first = line
	case 1:
		t.more = append(append(append(t.more[:0], t.first...), '\n'), line...)
	default:
		t.more = append(append(t.more, '\n'), line...)
	}
	t.lines++
}

func (t *recipeText) String() string {
	if t.lines < 2 {
		return t.first
	}
	return string(t.more)
}

// run reads all lines.
func (r *reader) run() {
	for {
		line, ok := r.src.next()
		if !ok {
			break
		}
		r.warnBlanked()
		if line != "" {
			r.line(line)
		}
	}
	if r.db.conds.depth() > 0 {
		r.fatal("missing 'endif'")
	}
	r.finishRule()
}

func (r *reader) fatal(msg string) { r.db.fatal(&r.src.pos, msg) }
func (r *reader) warn(msg string)  { r.db.warn(&r.src.pos, msg) }

// warnBlanked warns about a NUL byte at the start of the line just read.
func (r *reader) warnBlanked() {
	for len(r.src.blanked) > 0 && r.src.blanked[0] < r.src.off {
		r.src.blanked = r.src.blanked[1:]
		r.warn("warning: NUL character seen; rest of line ignored")
	}
}

// line handles one logical line.
func (r *reader) line(line string) {
	if line[0] == r.db.RecipePrefix && r.recipeLine(line) {
		return
	}
	text := skipSpace(stripComment(collapse(line, r.db.Posix)))
	mods, def := parseModifiers(text, false)
	if mods.assign {
		r.assignment(mods, def)
		return
	}
	if text == "" {
		return
	}
	n := wordEnd(text)
	word, args := text[:n], skipSpace(text[n:])
	if r.ignoredDefine {
		r.ignoredDefine = word != "endef"
		return
	}
	if ignore, is := r.db.conds.line(r, word, args); is {
		r.ignoring = ignore
		return
	}
	if r.ignoring || r.directive(word, args) {
		return
	}
	if line[0] == r.db.RecipePrefix {
		r.fatal("recipe commences before first target")
	}
	r.ruleLine(line)
}

// recipeLine takes a line that starts with the recipe prefix, if a recipe may
// stand here.
func (r *reader) recipeLine(line string) bool {
	if r.noTargets {
		return true
	}
	if !r.pending {
		return false
	}
	if r.ignoring {
		return true
	}
	r.addRecipe(line[1:])
	return true
}

func (r *reader) addRecipe(text string) {
	if !r.rule.hasRecipe {
		r.rule.hasRecipe = true
		r.rule.recipePos = r.src.pos
	}
	r.rule.recipe.add(text)
}

// assignment handles a definition of a global variable.
func (r *reader) assignment(mods modifiers, def string) {
	if r.ignoring {
		if mods.define {
			r.ignoredDefine = true
		}
		return
	}
	r.finishRule()
	var v *Variable
	switch {
	case mods.undefine:
		r.undefine(def, mods.origin())
		return
	case mods.define:
		v = r.define(def, mods.origin())
	default:
		a, _ := parseAssignment(def)
		v = r.db.assign(a, mods.origin(), r.src.pos)
	}
	mods.apply(v)
}

func (r *reader) undefine(text string, o Origin) {
	name := trimRightBlank(skipSpace(r.db.Expand(text)))
	if name == "" {
		r.fatal("empty variable name")
	}
	r.db.Undefine(name, o, nil)
}

// define reads the lines of a define up to its endef.
func (r *reader) define(text string, o Origin) *Variable {
	start := r.src.pos
	flavor := FlavorRecursive
	if a, ok := parseAssignment(text); ok {
		if a.value != "" {
			r.warn("extraneous text after 'define' directive")
		}
		text, flavor = a.name, a.flavor
	}
	name := trimRightBlank(skipSpace(r.db.Expand(text)))
	if name == "" {
		r.fatal("empty variable name")
	}
	value := r.defineBody(start)
	return r.db.define(definition{name: name, value: value, flavor: flavor, origin: o, pos: start})
}

// defineBody gathers the value: all lines up to the endef of the same level,
// continuations joined.
func (r *reader) defineBody(start Pos) string {
	var body []byte
	for level := 1; ; {
		line, ok := r.src.next()
		if !ok {
			r.db.fatal(&start, "missing 'endef', unterminated 'define'")
		}
		line = collapse(line, r.db.Posix)
		if line != "" && line[0] != r.db.RecipePrefix {
			text := skipSpace(line)
			switch {
			case startsWord(text, "define"):
				level++
			case startsWord(text, "endef"):
				if trimSpace(stripComment(text[len("endef"):])) != "" {
					r.warn("extraneous text after 'endef' directive")
				}
				if level--; level == 0 {
					return strings.TrimSuffix(string(body), "\n")
				}
			}
		}
		body = append(append(body, line...), '\n')
	}
}

// startsWord says whether text starts with word, followed by a blank or the
// end.
func startsWord(text, word string) bool {
	return strings.HasPrefix(text, word) && (len(text) == len(word) || isBlank(text[len(word)]))
}

// directive handles export, vpath, include and the like.
func (r *reader) directive(word, args string) bool {
	switch word {
	case "export", "unexport":
		r.finishRule()
		r.export(args, word == "export")
	case "vpath":
		r.finishRule()
		r.vpath(args)
	case "include":
		r.finishRule()
		r.include(args, false)
	case "-include", "sinclude":
		r.finishRule()
		r.include(args, true)
	case "load", "-load":
		r.finishRule()
		if word == "load" && skipSpace(r.db.Expand(args)) != "" {
			r.fatal("The 'load' operation is not supported on this platform.")
		}
	default:
		return false
	}
	return true
}

func (r *reader) export(args string, on bool) {
	if args == "" {
		r.db.ExportAll = on
		return
	}
	state := ExportNo
	if on {
		state = ExportYes
	}
	for _, name := range splitWords(r.db.Expand(args)) {
		v := r.db.Var(name)
		if v == nil {
			v = r.db.Define(name, "", OriginFile, false, nil, r.src.pos)
		}
		v.Export = state
	}
}

func (r *reader) vpath(args string) {
	pattern, rest := nextWord(r.db.Expand(args))
	path := skipSpace(rest)
	r.db.SetVPath(pattern, pattern != "", path, path != "")
}

// include reads the makefiles that an include directive names.
func (r *reader) include(args string, mayMiss bool) {
	text := r.db.Expand(args)
	if text == "" {
		return
	}
	pos := r.src.pos
	for _, name := range r.db.ParseNames(text, SeqNoAr) {
		g := &GoalDep{
			Pos: pos, DontCare: mayMiss, Included: true, NoTilde: true, NoDefaultGoal: !r.setDefault,
		}
		g.Name = name
		r.db.ReadFile(g)
	}
}
