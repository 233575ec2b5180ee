package makefile

import "strings"

// tryName sees whether one prerequisite of the rule t can be had: it ought to
// exist because the makefile says how it is made, or exists, or is found on a
// search path, or, under chain, can be made by another implicit rule. If so it
// is appended to s.deps.
func (s *search) tryName(t *try, d *ruleDep, name []byte, c candidate, chain bool) bool {
	db := s.db
	if db.Dirs().impossibleBytes(name) {
		if s.debug {
			s.debugf(s.depth+1, "Rejecting rule '%s' due to impossible %s prerequisite '%s'.",
				s.ruleText(t), depKind(d, name), name)
		}
		t.rejected = true
		return false
	}
	if s.debug {
		s.debugf(s.depth+1, "Trying %s prerequisite '%s'.", depKind(d, name), name)
	}
	df := db.lookupBytes(name)
	if df != nil {
		c.explicit = c.explicit || df.Explicit
		if !c.explicit && !df.NotIntermediate && !db.NoIntermediates {
			df.Intermediate = true
		}
	}
	switch {
	case s.canHave(t, df, name):
		s.accept(df, name, c)
		return true
	case chain:
		return s.tryChained(t, df, name, c)
	case s.debug:
		s.debugf(s.depth+1, "Not found '%s'.", name)
	}
	return false
}

// accept appends a prerequisite to those found good.
func (s *search) accept(df *File, name []byte, c candidate) {
	if df != nil && df.Name == string(name) {
		c.name = df.Name
	} else {
		c.name = string(name)
	}
	s.deps = append(s.deps, c)
}

func depKind(d *ruleDep, name []byte) string {
	if d.text == string(name) {
		return "rule"
	}
	return "implicit"
}

// canHave reports whether a prerequisite can be had without another implicit
// rule.
func (s *search) canHave(t *try, df *File, name []byte) bool {
	switch {
	case df != nil && df.IsTarget || s.isExplicitDep(name):
		if s.debug {
			s.debugf(s.depth+1, "'%s' ought to exist.", name)
		}
		return true
	case s.exists(name) && !s.p.Leftover(string(name)):
		if s.debug {
			s.debugf(s.depth+1, "Found '%s'.", name)
		}
		return true
	case df != nil && s.compat:
		if s.debug {
			s.debugf(s.depth+1, "Using compatibility rule '%s' due to '%s'.", s.ruleText(t), name)
		}
		return true
	case df != nil:
		s.compatIf = true
		if s.debug {
			s.debugf(s.depth+1, "Prerequisite '%s' of rule '%s' does not qualify as ought to exist.",
				name, s.ruleText(t))
		}
	}
	return s.onSearchPath(name)
}

// isExplicitDep reports whether the makefile names a prerequisite for the very
// target that is searched for.
func (s *search) isExplicitDep(name []byte) bool {
	if s.level > 0 {
		return false
	}
	for _, d := range s.file.Deps {
		if s.db.nameOf(d) == string(name) {
			return true
		}
	}
	return false
}

// exists asks for a file's existence as the cached listings know it.
func (s *search) exists(name []byte) bool {
	if len(name) > 0 && name[len(name)-1] == ')' && IsArchiveName(string(name)) {
		return s.p.MemberExists(string(name))
	}
	return s.db.Dirs().existsBytes(name)
}

// FileExists reports whether a file or a member of an archive exists, from
// cached listings.
func (db *Database) FileExists(name string, p Prober) bool {
	if IsArchiveName(name) {
		return p.MemberExists(name)
	}
	return db.Dirs().Exists(name)
}

func (s *search) onSearchPath(name []byte) bool {
	if !s.db.hasSearchPath() {
		return false
	}
	hit, ok := s.db.VPathSearch(string(name))
	if ok {
		s.debugf(s.depth+1, "Found prerequisite '%s' as VPATH '%s'.", name, hit.Name)
	}
	return ok
}

// tryChained searches for an implicit rule that makes the prerequisite.
func (s *search) tryChained(t *try, df *File, name []byte, c candidate) bool {
	if df == nil && s.db.Dirs().impossibleBytes(name) {
		t.rejected = true
		return false
	}
	if s.debug {
		kind := "intermediate"
		if c.explicit {
			kind = "explicit"
		}
		s.debugf(s.depth+1, "Looking for a rule with %s file '%s'.", kind, name)
	}
	s.chained = true
	up := s.db.newSearch(s.level+1, s.p)
	up.depth, up.archive = s.depth+1, false
	up.name, up.file = string(name), nil
	if up.run(s.compat) {
		c.made = up.result()
		found := &up.tries[up.found]
		c.pattern = found.rule.Targets[found.target]
		s.accept(df, name, c)
		return true
	}
	// Nobody need search for it again, unless a compatible search may find it
	// mentioned. It is not worth remembering if all rules were cheap to try, which a
	// second expansion, that may do anything, is not.
	if df == nil && (s.db.RememberAll || s.db.SecondExpansion || up.avoided || up.chained) {
		s.db.Dirs().MarkImpossible(up.name)
	}
	if s.debug {
		s.debugf(s.depth+1, "Rejecting rule '%s' due to impossible prerequisite '%s'.", s.ruleText(t), name)
	}
	return false
}

// lookupBytes is Lookup for a name that is still being built.
func (db *Database) lookupBytes(name []byte) *File {
	if len(name) > 2 && name[0] == '.' && name[1] == '/' {
		return db.Lookup(string(name))
	}
	return db.files[string(name)]
}

// expansion2 is how far the second expansion of one rule's prerequisites is.
type expansion2 struct {
	stemSet   bool // $* holds this rule's stem
	orderOnly bool // a | was met
}

// tryExpanded does the second expansion of one prerequisite and tries what it
// yields. It goes word by word, since under a split directory each resulting
// name gets the directory only if its word held a %.
func (s *search) tryExpanded(t *try, d *ruleDep, chain bool) bool {
	text := d.text
	for {
		word, rest := nextDepWord(text)
		if word == "" {
			return true
		}
		text = rest
		if !s.tryExpandedWord(t, d, word, chain) {
			return false
		}
	}
}

func (s *search) tryExpandedWord(t *try, d *ruleDep, word string, chain bool) bool {
	prefix := ""
	explicit := !strings.Contains(word, "%")
	if !explicit {
		// The stem goes in by reference, so that a $ in it is not expanded.
		by := "$*"
		if t.dirSplit {
			by, prefix = "$(*F)", s.name[:s.slash]
		}
		word = substPercent(word, by)
	}
	text := s.expand(t, word)
	for {
		part := text
		bar := -1
		if !s.second.orderOnly {
			part, bar = cutBar(text)
		}
		seq := nameSeq{db: s.db, text: part, flags: seqWait}
		for name, ok := seq.next(); ok; name, ok = seq.next() {
			c := candidate{
				orderOnly:  s.second.orderOnly || d.OrderOnly,
				ignoreAuto: d.IgnoreAutoVars,
				waitBefore: seq.waited(),
				explicit:   explicit,
			}
			if !s.tryName(t, d, []byte(prefix+name), c, chain) {
				return false
			}
		}
		if bar < 0 {
			return true
		}
		s.second.orderOnly = true
		text = text[bar+1:]
	}
}

// expand expands a word with the automatic variables that the target would have
// if this rule applied.
func (s *search) expand(t *try, word string) string {
	db := s.db
	if s.file == nil {
		s.file = &File{Name: s.name, HName: s.name}
	}
	stem := s.fullStem(t)
	switch {
	case !s.varsSet:
		db.InitFileVars(s.file, false)
		old := s.file.Stem
		db.SetAutoVars(s.file, stem, false)
		s.file.Stem = old
		s.varsSet = true
	case !s.second.stemSet:
		db.defineAuto(s.file, "*", stem)
	}
	s.second.stemSet = true
	return db.ExpandFor(word, s.file)
}

// fullStem is the stem with the directory that the pattern was matched without.
func (s *search) fullStem(t *try) string {
	if !t.dirSplit {
		return s.name[t.from:t.to]
	}
	if t.from == s.slash {
		return s.name[:t.to]
	}
	return s.name[:s.slash] + s.name[t.from:t.to]
}

// cutBar cuts text at its first | that no backslash quotes; bar is -1 if there
// is none.
func cutBar(text string) (before string, bar int) {
	for i := 0; i < len(text); i++ {
		if text[i] == '|' && backslashesBefore(text, i)%2 == 0 {
			return text[:i], i
		}
	}
	return text, -1
}

// nextDepWord cuts the first word off an unexpanded list of prerequisites.
// Blanks inside variable references do not end it; a | does, and belongs to it.
func nextDepWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\n")
	i := 0
	for i < len(s) {
		c := s[i]
		i++
		switch c {
		case ' ', '\t': // a newline is part of the word
			return s[:i-1], s[i:]
		case '|':
			return s[:i], s[i:]
		case '$':
			i = skipDepReference(s, i)
		}
	}
	return s, ""
}

// skipDepReference returns the index behind the variable reference whose $ is
// just before i.
func skipDepReference(s string, i int) int {
	if i == len(s) {
		return i
	}
	open := s[i]
	i++
	var shut byte
	switch open {
	case '(':
		shut = ')'
	case '{':
		shut = '}'
	default:
		return i
	}
	for depth := 1; i < len(s) && depth > 0; i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			depth--
		}
	}
	return i
}
