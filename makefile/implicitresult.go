package makefile

// adopt gives f what the search found: the rule's prerequisites stand before
// those that the makefile names, and files that other rules have to make first
// become targets.
func (s *search) adopt(f *File) {
	t := &s.tries[s.found]
	deps := make([]*Dep, len(s.deps), len(s.deps)+len(f.Deps))
	end := len(deps)
	// From the last to the first: a name that stands twice is entered by its
	// last place.
	for i := len(s.deps) - 1; i >= 0; i-- {
		c := &s.deps[i]
		if c.made != nil {
			if s.db.enterIntermediate(c) == f {
				// A rule that makes f from itself: what f got from that one stands in
				// the place of all that was gathered, in GNU make too.
				end = i + 1
			}
		}
		d := s.db.NewDep()
		d.Name = c.name
		d.OrderOnly, d.IgnoreAutoVars = c.orderOnly, c.ignoreAuto
		d.WaitBefore, d.Explicit = c.waitBefore, c.explicit
		// The file that a terminal rule found must not be made by another
		// implicit rule.
		final := c.made == nil && t.rule.Terminal
		if s.level > 0 {
			d.Changed = final // told to the file when it is entered
		} else {
			s.db.enterDep(d)
			d.File.TriedImplicit = d.File.TriedImplicit || final
		}
		deps[i] = d
	}
	f.Deps = append(deps[:end], f.Deps...)
	f.Stem = s.fullStem(t)
	f.Recipe = t.rule.Recipe
	f.IsTarget = true
	s.db.takePatternFlags(f, t.rule.Targets[t.target])
	s.adoptPeers(f, t)
}

// result is what a search on a higher level found, as a file that is not yet
// in the database.
func (s *search) result() *File {
	f := s.file
	if f == nil {
		f = &File{Name: s.name, HName: s.name}
	}
	s.file = nil
	s.adopt(f)
	return f
}

// adoptPeers enters the other targets of a rule that makes several at once.
func (s *search) adoptPeers(f *File, t *try) {
	for i := len(t.rule.Targets) - 1; i >= 0; i-- {
		if i == t.target {
			continue
		}
		text, at := t.rule.Targets[i], t.rule.Suffixes[i]
		peer := s.db.Enter(text[:at-1] + f.Stem + text[at:])
		s.db.takePatternFlags(peer, text)
		// As a target it does not count as intermediate for later searches.
		peer.IsTarget = true
		f.AlsoMake = append(f.AlsoMake, peer)
	}
}

// takePatternFlags gives f the properties that the makefile gave its pattern:
// .PRECIOUS: %.o and .NOTINTERMEDIATE: %.o.
func (db *Database) takePatternFlags(f *File, pattern string) {
	p := db.Lookup(pattern)
	if p == nil {
		return
	}
	f.Precious = f.Precious || p.Precious
	f.NotIntermediate = f.NotIntermediate || p.NotIntermediate
}

// enterIntermediate makes a target of a prerequisite that an implicit rule has
// to make, and returns it. It neither exists nor has a rule of its own.
func (db *Database) enterIntermediate(c *candidate) *File {
	made := c.made
	f := db.Lookup(made.Name)
	if f == nil {
		f = db.Enter(made.Name)
	}
	f.Deps, f.Recipe, f.Stem, f.AlsoMake = made.Deps, made.Recipe, made.Stem, made.AlsoMake
	if f.Vars == nil {
		f.Vars = made.Vars
	}
	f.PatVars, f.PatSearched = made.PatVars, made.PatSearched
	f.IsTarget, f.TriedImplicit = true, true
	f.Explicit = f.Explicit || made.Explicit || c.explicit
	f.NotIntermediate = f.NotIntermediate || made.NotIntermediate ||
		db.NoIntermediates && !f.Intermediate && !f.Secondary
	f.Intermediate = f.Intermediate || !f.Explicit && !f.NotIntermediate
	db.takePatternFlags(f, c.pattern)
	for _, d := range f.Deps {
		// For a target with :: this is a new rule of it, which has no recipe: GNU
		// make has none for such a prerequisite then.
		d.File, d.Name = db.Enter(d.Name), ""
		d.File.TriedImplicit = d.File.TriedImplicit || d.Changed
		d.Changed = false
	}
	return f
}
