package makefile

import "strings"

// ruleIndex finds the pattern rules that may match a name without looking at
// all of them. Targets of rules are grouped by the last byte of what follows
// their %, so that a name is compared with those that end as it does and with
// those that end in %.
type ruleIndex struct {
	size    int // len(Patterns) when the index was built
	targets []ruleTarget
	byEnd   [256][]int32 // indices into targets
	open    []int32      // targets that end in their %
}

// ruleTarget is one target pattern of one rule.
type ruleTarget struct {
	rule           *PatternRule
	deps           []ruleDep
	target         int // index in rule.Targets
	prefix, suffix string
	hasSlash       bool
	matchAny       bool // the pattern is a bare %
}

// ruleDep is one prerequisite of a rule, cut at its %.
type ruleDep struct {
	*Dep
	text           string
	prefix, suffix string
	hasPercent     bool
	// plain says that nothing but the stem can make the name more than one
	// word without wildcards.
	plain bool
}

// rules gives the index, which follows rules that a recipe's $(eval) adds.
func (db *Database) rules() *ruleIndex {
	x := db.state.index
	if x == nil || x.size != len(db.Patterns) {
		x = db.newRuleIndex()
		db.state.index = x
	}
	return x
}

func (db *Database) newRuleIndex() *ruleIndex {
	x := &ruleIndex{size: len(db.Patterns)}
	for _, r := range db.Patterns {
		// A rule with prerequisites and no recipe stands for a built-in one
		// that the makefile has cancelled.
		if len(r.Deps) > 0 && r.Recipe == nil {
			continue
		}
		deps := make([]ruleDep, len(r.Deps))
		for i, d := range r.Deps {
			deps[i] = newRuleDep(d)
		}
		for i, text := range r.Targets {
			x.add(ruleTarget{
				rule:     r,
				deps:     deps,
				target:   i,
				prefix:   text[:r.Suffixes[i]-1],
				suffix:   text[r.Suffixes[i]:],
				hasSlash: strings.Contains(text, "/"),
				// Only the byte behind the first counts: a pattern of one
				// byte is %.
				matchAny: len(text) == 1,
			})
		}
	}
	return x
}

func (x *ruleIndex) add(t ruleTarget) {
	i := int32(len(x.targets))
	x.targets = append(x.targets, t)
	if t.suffix == "" {
		x.open = append(x.open, i)
		return
	}
	end := t.suffix[len(t.suffix)-1]
	x.byEnd[end] = append(x.byEnd[end], i)
}

// each calls visit for the targets that may match name, in order of definition.
func (x *ruleIndex) each(name string, visit func(*ruleTarget)) {
	a, b := x.byEnd[name[len(name)-1]], x.open
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0] < b[0] {
			visit(&x.targets[a[0]])
			a = a[1:]
			continue
		}
		visit(&x.targets[b[0]])
		b = b[1:]
	}
}

func newRuleDep(d *Dep) ruleDep {
	text := d.Name
	if d.File != nil {
		text = d.File.Name
	}
	r := ruleDep{Dep: d, text: text, prefix: text, plain: isPlainName(text)}
	if i := strings.IndexByte(text, '%'); i >= 0 {
		r.prefix, r.suffix, r.hasPercent = text[:i], text[i+1:], true
	}
	return r
}

// isPlainName reports whether a name, read as a list of files, is that name
// alone.
func isPlainName(s string) bool {
	return s != "" && s[0] != '~' && s[0] != '.' && !strings.ContainsAny(s, " \t\n\\*?[(")
}

// match compares a name with the target. slash is the length of the name's
// directory part. The stem is name[from:to]; under dirSplit it belongs to the
// name without its directory.
func (t *ruleTarget) match(name string, slash int) (from, to int, dirSplit, ok bool) {
	dirSplit = slash > 0 && !t.hasSlash
	// The stem of a bare name is not empty; behind a directory it may be.
	base, least := 0, 1
	if dirSplit {
		base, least = slash, 0
	}
	rest := name[base:]
	if len(rest) < len(t.prefix)+len(t.suffix)+least ||
		!strings.HasPrefix(rest, t.prefix) || !strings.HasSuffix(rest, t.suffix) {
		return 0, 0, false, false
	}
	return base + len(t.prefix), len(name) - len(t.suffix), dirSplit, true
}
