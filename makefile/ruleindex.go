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
	chained []int32      // the open ones that may make an intermediate file
	shapes  shapes
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
	shape          int // number in the index's shapes, -1 if it has none
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
			deps[i].shape = x.shapes.id(&deps[i])
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
		// An intermediate file is never made by a rule that matches anything,
		// or every name could be made in endless ways.
		if !t.matchAny || t.rule.Terminal {
			x.chained = append(x.chained, i)
		}
		return
	}
	end := t.suffix[len(t.suffix)-1]
	x.byEnd[end] = append(x.byEnd[end], i)
}

// candidates appends the targets that may match name to list, in order of
// definition. chained says that the name is to be an intermediate file's.
func (x *ruleIndex) candidates(list []int32, name string, chained bool) []int32 {
	a, b := x.byEnd[name[len(name)-1]], x.open
	if chained {
		b = x.chained
	}
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			list = append(list, a[0])
			a = a[1:]
		} else {
			list = append(list, b[0])
			b = b[1:]
		}
	}
	return append(append(list, a...), b...)
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
