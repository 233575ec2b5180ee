package makefile

import (
	"slices"
	"strings"
)

// Prober is what the search for implicit rules asks of the walk.
type Prober interface {
	// MemberExists tells whether an archive has a member; name is
	// lib.a(member).
	MemberExists(name string) bool
	// Leftover tells whether a file is there only because a make that was killed had no
	// time to delete it: as an intermediate file it does not count.
	Leftover(name string) bool
	// Debugging says whether Debug is to be called (--debug=i).
	Debugging() bool
	// Debug prints one message, indented by depth.
	Debug(depth int, format string, args ...any)
}

// TryImplicit searches the pattern rules for one that can make f, and gives f
// its prerequisites, recipe and stem. A member of an archive is searched for by
// its full name first and then by the member's name alone.
func (db *Database) TryImplicit(f *File, depth int, p Prober) bool {
	s := db.newSearch(0, p)
	s.depth, s.file = depth, f
	if s.debug {
		s.debugf(depth, "Looking for an implicit rule for '%s'.", f.Name)
	}
	s.name, s.archive = f.Name, false
	if s.run(false) {
		s.adopt(f)
		return true
	}
	if !IsArchiveName(f.Name) {
		return false
	}
	s.debugf(depth, "Looking for archive-member implicit rule for '%s'.", f.Name)
	s.name, s.archive = f.Name[strings.IndexByte(f.Name, '('):], true
	if s.run(false) {
		s.adopt(f)
		return true
	}
	s.debugf(depth, "No archive-member implicit rule found for '%s'.", f.Name)
	return false
}

// search is the search for a rule for one name. A search that has to find out
// whether a prerequisite can be made runs another, one level up; each level's
// search and its buffers are used again and again.
type search struct {
	db    *Database
	p     Prober
	debug bool // p.Debugging()
	depth int  // indentation of messages
	level int  // how many searches this one serves

	name      string
	archive   bool  // name is the member part of an archive's name
	file      *File // the target; a made-up one on higher levels, made when needed
	slash     int   // length of the directory part of name
	plainName bool  // name is one word without wildcards
	matched   bool  // some rule matches name, perhaps one that is too general
	varsSet   bool  // the file's variables were initialised
	compat    bool  // any mentioned file ought to exist
	compatIf  bool  // a compatible search may find more
	avoided   bool  // a rule matched but is in use on a lower level
	chained   bool  // a search on a higher level was needed

	matches []int32 // targets in the index that may match
	listing *dirListing
	asOf    uint32 // generation of the directory cache that listing is from

	second expansion2

	tries []try
	found int // index of the rule that applies
	deps  []candidate
	buf   []byte // the prerequisite's name under construction
}

// try is one way to make the name: a target pattern that it matches.
type try struct {
	*ruleTarget
	from, to int  // the stem, without directory, is name[from:to]
	dirSplit bool // the pattern was matched without the name's directory
	stemLen  int  // with the directory
	rejected bool
}

// candidate is a prerequisite of the rule being tried that was found good.
type candidate struct {
	name       string
	orderOnly  bool
	ignoreAuto bool
	waitBefore bool
	explicit   bool
	made       *File  // how to make it, if it does not exist and has no rule
	pattern    string // the target pattern by which it is made
}

// newSearch gives the search of one level, ready to have its name set.
func (db *Database) newSearch(level int, p Prober) *search {
	for len(db.state.searches) <= level {
		db.state.searches = append(db.state.searches, &search{db: db})
	}
	s := db.state.searches[level]
	s.p, s.level, s.debug = p, level, p.Debugging()
	s.varsSet, s.avoided, s.chained = false, false, false
	s.listing = nil
	return s
}

// debugf prints a message of --debug=i. Callers on the way of every search ask
// s.debug themselves, which saves making the arguments.
func (s *search) debugf(depth int, format string, args ...any) {
	if s.debug {
		s.p.Debug(depth, format, args...)
	}
}

// run searches, and if nothing is found searches again by the older notion that
// every file the makefile mentions ought to exist.
func (s *search) run(compat bool) bool {
	s.compat = compat
	s.compatIf = false
	s.slash = s.directoryLen()
	s.plainName = isPlainName(s.name)
	s.collect()
	switch {
	case s.tryAll():
		if s.debug {
			s.debugf(s.depth, "Found implicit rule '%s' for '%s'.", s.ruleText(&s.tries[s.found]), s.name)
		}
		return true
	case s.compatIf && !compat:
		if s.debug {
			s.debugf(s.depth, "Searching for a compatibility rule for '%s'.", s.name)
		}
		return s.run(true)
	}
	if s.debug {
		s.debugf(s.depth, "No implicit rule found for '%s'.", s.name)
	}
	return false
}

// directoryLen is the length of the name's directory part. A slash at the end
// belongs to the last component, and archives' names have no directory.
func (s *search) directoryLen() int {
	if s.archive || s.name == "" || IsArchiveName(s.name) {
		return 0
	}
	return strings.LastIndexByte(s.name[:len(s.name)-1], '/') + 1
}

// collect lists the rules that match the name, the shortest stem first.
func (s *search) collect() {
	s.tries, s.matched = s.tries[:0], false
	if s.name == "" {
		return
	}
	if s.debug {
		s.tellInUse()
	}
	x := s.db.rules()
	specific := false
	s.matches = x.candidates(s.matches[:0], s.name, s.level > 0)
	for _, i := range s.matches {
		t := &x.targets[i]
		from, to, dirSplit, ok := t.match(s.name, s.slash)
		switch {
		case !ok:
			continue
		case t.rule.InUse:
			s.avoided = true
			continue
		}
		specific = specific || !t.matchAny
		if len(t.rule.Deps) == 0 && t.rule.Recipe == nil {
			continue // it exists to make the name specific
		}
		stemLen := to - from
		if dirSplit {
			stemLen += s.slash
		}
		s.tries = append(s.tries, try{ruleTarget: t, from: from, to: to, dirSplit: dirSplit, stemLen: stemLen})
	}
	s.matched = len(s.tries) > 0
	if specific {
		s.tries = slices.DeleteFunc(s.tries, matchesAny)
	}
	if len(s.tries) > 1 {
		slices.SortStableFunc(s.tries, func(a, b try) int { return a.stemLen - b.stemLen })
	}
}

// matchesAny tells the rules that match anything. Unless they are terminal, they
// are not for a name that a more specific pattern matches.
func matchesAny(t try) bool {
	return !t.rule.Terminal && slices.Contains(t.rule.Targets, "%")
}

// tellInUse reports the rules that cannot be used because a lower level tries
// them.
func (s *search) tellInUse() {
	for _, r := range s.db.Patterns {
		if r.InUse && !(len(r.Deps) > 0 && r.Recipe == nil) {
			s.debugf(s.depth+1, "Avoiding implicit rule recursion for rule '%s'.", s.db.ruleDefinition(r))
		}
	}
}

// tryAll tries each rule, first only with prerequisites that exist or ought to,
// then with such as other rules could make.
func (s *search) tryAll() bool {
	if !s.matched {
		return false
	}
	for _, chain := range [...]bool{false, true} {
		if chain {
			s.debugf(s.depth+1, "Trying harder.")
		}
		s.deps = s.deps[:0]
		for i := range s.tries {
			t := &s.tries[i]
			if t.rejected || chain && t.rule.Terminal {
				continue
			}
			if s.debug {
				s.debugf(s.depth+1, "Trying pattern rule '%s' with stem '%s'.", s.ruleText(t), s.name[t.from:t.to])
			}
			if s.tryRule(t, chain) {
				s.found = i
				return true
			}
		}
	}
	return false
}

// tryRule sees whether all prerequisites of one rule can be had.
//
// A rule without prerequisites always applies, and then gets those that the
// rule tried before it had found good: GNU make does so.
func (s *search) tryRule(t *try, chain bool) bool {
	if len(t.deps) == 0 {
		return true
	}
	s.deps = s.deps[:0]
	t.rule.InUse = true
	ok := s.tryDeps(t, chain)
	t.rule.InUse = false
	return ok
}

func (s *search) tryDeps(t *try, chain bool) bool {
	s.second = expansion2{}
	for i := range t.deps {
		d := &t.deps[i]
		ok := false
		switch {
		case d.NeedExpansion2:
			ok = s.tryExpanded(t, d, chain)
		default:
			ok = s.trySubstituted(t, d, chain)
		}
		if !ok {
			return false
		}
	}
	return true
}

// isHopeless reports whether no name of the prerequisite's shape exists or is
// mentioned, so that only another rule could make it.
func (s *search) isHopeless(t *try, d *ruleDep) bool {
	if d.shape < 0 || s.debug || !s.plainName || s.slash > 0 && !t.dirSplit || s.db.hasSearchPath() {
		return false
	}
	x := &s.db.state.index.shapes
	return !x.isMentioned(d.shape, s.db.order) && !s.directory().mayHold(d.shape, x)
}

// directory is the listing of the name's directory.
func (s *search) directory() *dirListing {
	c := s.db.Dirs()
	if s.listing == nil || s.asOf != c.generation {
		dir := "."
		if s.slash > 0 {
			dir = s.name[:max(1, s.slash-1)]
		}
		s.listing, s.asOf = c.find(dir), c.generation
	}
	return s.listing
}

// trySubstituted puts the stem into one prerequisite and tries what that
// yields: one name, blanks and all, unless it is a wildcard pattern.
func (s *search) trySubstituted(t *try, d *ruleDep, chain bool) bool {
	hopeless := s.isHopeless(t, d)
	if hopeless && !chain {
		return false
	}
	buf := s.buf[:0]
	plain := d.plain
	if d.hasPercent {
		if t.dirSplit {
			buf = append(buf, s.name[:s.slash]...)
		}
		stem := s.name[t.from:t.to]
		buf = append(buf, d.prefix...)
		buf = append(buf, stem...)
		buf = append(buf, d.suffix...)
		plain = plain && s.plainName
	} else {
		buf = append(buf, d.text...)
	}
	s.buf = buf
	c := candidate{
		orderOnly:  d.OrderOnly,
		ignoreAuto: d.IgnoreAutoVars,
		waitBefore: d.WaitBefore,
		explicit:   !d.hasPercent,
	}
	switch {
	case string(buf) == ".WAIT":
		return true // no name, even if only the stem makes it so
	case hopeless:
		return s.tryChained(t, nil, buf, c)
	case plain:
		return s.tryName(t, d, buf, c, chain)
	}
	for _, name := range s.db.globName(stripDotSlash(string(buf)), 0) {
		if !s.tryName(t, d, []byte(name), c, chain) {
			return false
		}
	}
	return true
}

// ruleText is how messages show the rule of a try.
func (s *search) ruleText(t *try) string { return s.db.ruleDefinition(t.rule) }

// ruleDefinition writes a rule as in a makefile, without its recipe.
func (db *Database) ruleDefinition(r *PatternRule) string {
	var b strings.Builder
	b.WriteString(strings.Join(r.Targets, " "))
	b.WriteByte(':')
	if r.Terminal {
		b.WriteByte(':')
	}
	return b.String() + db.depList(r.Deps)
}

// depList writes prerequisites as in a makefile: the normal ones, then the
// order-only ones.
func (db *Database) depList(deps []*Dep) string {
	var b strings.Builder
	for _, orderOnly := range [...]bool{false, true} {
		sep := " "
		if orderOnly {
			sep = " | "
		}
		for _, d := range deps {
			if d.OrderOnly != orderOnly {
				continue
			}
			b.WriteString(sep)
			if d.WaitBefore {
				b.WriteString(".WAIT ")
			}
			b.WriteString(db.nameOf(d))
			sep = " "
		}
	}
	return b.String()
}
