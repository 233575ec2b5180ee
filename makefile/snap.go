package makefile

// Snap ends the reading: the special targets take effect, suffix rules become
// pattern rules, the built-in pattern rules come behind them, and the search
// paths are set up. Rules that still appear, from an $(eval) in a recipe, are
// taken as they are.
func (db *Database) Snap() {
	db.Snapped = true
	db.snapSpecialTargets()
	db.snapFiles()
	db.convertSuffixRules()
	db.installPatternRules()
	db.snapPatternRules()
	db.buildVPath()
}

// eachPrerequisite calls visit for every rule of every prerequisite of a
// special target. Prerequisites that await their second expansion are not
// known yet and do not count, as in GNU make.
func (db *Database) eachPrerequisite(special string, visit func(*File)) {
	for f := db.Lookup(special); f != nil; f = f.Prev {
		for _, d := range f.Deps {
			for t := d.File; t != nil; t = t.Prev {
				visit(t)
			}
		}
	}
}

// isBare reports whether the makefile mentions a special target without
// prerequisites, which makes it hold for everything.
func (db *Database) isBare(special string) bool {
	for f := db.Lookup(special); f != nil; f = f.Prev {
		if len(f.Deps) == 0 {
			return true
		}
	}
	return false
}

// isBareTarget reports whether the makefile has the special target as a target,
// and without prerequisites.
func (db *Database) isBareTarget(special string) bool {
	f := db.Lookup(special)
	return f != nil && f.IsTarget && len(f.Deps) == 0
}

// snapSpecialTargets gives the prerequisites of special targets the properties
// that these stand for.
func (db *Database) snapSpecialTargets() {
	db.eachPrerequisite(".PRECIOUS", func(f *File) { f.Precious = true })
	db.eachPrerequisite(".LOW_RESOLUTION_TIME", func(f *File) { f.LowResTime = true })
	db.eachPrerequisite(".PHONY", func(f *File) { f.Phony, f.IsTarget = true, true })
	db.snapIntermediates()
	db.ExportAll = db.ExportAll || db.isTarget(".EXPORT_ALL_VARIABLES")
	db.DeleteOnError = db.DeleteOnError || db.isTarget(".DELETE_ON_ERROR")
	db.snapRecipeFlag(".IGNORE", FlagNoError, &db.IgnoreErrors)
	db.snapRecipeFlag(".SILENT", FlagSilent, &db.Silent)
	db.snapNotParallel()
}

func (db *Database) isTarget(special string) bool {
	f := db.Lookup(special)
	return f != nil && f.IsTarget
}

// snapRecipeFlag makes a special target set a flag for the recipes of its
// prerequisites, or one for all recipes.
func (db *Database) snapRecipeFlag(special string, flag LineFlag, all *bool) {
	if !db.isTarget(special) {
		return
	}
	if db.isBareTarget(special) {
		*all = true
		return
	}
	for _, d := range db.Lookup(special).Deps {
		for t := d.File; t != nil; t = t.Prev {
			t.Run.Flags |= flag
		}
	}
}

// snapNotParallel takes .NOTPARALLEL: for its prerequisites, their own
// prerequisites are made one after the other.
func (db *Database) snapNotParallel() {
	if !db.isTarget(".NOTPARALLEL") {
		return
	}
	if db.isBareTarget(".NOTPARALLEL") {
		db.NotParallel = true
		return
	}
	for _, d := range db.Lookup(".NOTPARALLEL").Deps {
		for t := d.File; t != nil; t = t.Prev {
			for i := 1; i < len(t.Deps); i++ {
				t.Deps[i].WaitBefore = true
			}
		}
	}
}

// snapIntermediates takes the special targets that say which files are
// intermediate. No file can be so and not so, but a file may be .INTERMEDIATE
// and match a pattern in .NOTINTERMEDIATE: then it is intermediate.
func (db *Database) snapIntermediates() {
	db.eachPrerequisite(".NOTINTERMEDIATE", func(f *File) { f.NotIntermediate = true })
	db.eachPrerequisite(".INTERMEDIATE", func(f *File) {
		db.refuseBoth(f, ".INTERMEDIATE")
		f.Intermediate = true
	})
	db.eachPrerequisite(".SECONDARY", func(f *File) {
		db.refuseBoth(f, ".SECONDARY")
		f.Intermediate, f.Secondary = true, true
	})
	db.NoIntermediates = db.isBare(".NOTINTERMEDIATE")
	db.AllSecondary = db.isBare(".SECONDARY")
	if db.NoIntermediates && db.AllSecondary {
		db.fatal(nil, ".NOTINTERMEDIATE and .SECONDARY are mutually exclusive")
	}
}

func (db *Database) refuseBoth(f *File, special string) {
	if f.NotIntermediate {
		db.fatal(nil, f.Name+" cannot be both .NOTINTERMEDIATE and "+special)
	}
}

// snapFiles applies to each file what holds for all: a bare .SECONDARY or
// .NOTINTERMEDIATE, unless the file's own setting says otherwise, and
// .EXTRA_PREREQS.
func (db *Database) snapFiles() {
	extra := db.extraPrereqs(db.global.Get(".EXTRA_PREREQS"))
	files := db.Files()
	for i := 0; i < len(files); i++ {
		f := files[i]
		if db.AllSecondary && !f.NotIntermediate {
			f.Intermediate = true
		}
		if db.NoIntermediates && !f.Intermediate && !f.Secondary {
			f.NotIntermediate = true
		}
		// A target with variables of its own takes .EXTRA_PREREQS from these
		// only, in GNU make too.
		switch {
		case f.Vars != nil:
			addExtra(f, db.extraPrereqs(f.Vars.Set.Get(".EXTRA_PREREQS")))
		case f.IsTarget:
			addExtra(f, extra)
		}
	}
}

// extraPrereqs makes prerequisites of the words of an .EXTRA_PREREQS variable,
// which may be nil.
func (db *Database) extraPrereqs(v *Variable) []*Dep {
	if v == nil {
		return nil
	}
	deps := db.ParseDeps(db.Expand(v.Value))
	for _, d := range deps {
		db.enterDep(d)
		d.IgnoreAutoVars = true
	}
	return deps
}

// enterDep replaces a prerequisite's name by its file.
func (db *Database) enterDep(d *Dep) {
	f := db.Lookup(d.Name)
	if f == nil {
		f = db.Enter(d.Name)
	}
	d.File, d.Name = f, ""
}

// addExtra appends copies of extra to f's prerequisites, or none of them if f
// is among them.
func addExtra(f *File, extra []*Dep) {
	for _, d := range extra {
		if d.File == f || d.File.Name == f.Name {
			return
		}
	}
	for _, d := range extra {
		dup := *d
		f.Deps = append(f.Deps, &dup)
	}
}

// snapPatternRules adds the global .EXTRA_PREREQS to the pattern rules.
func (db *Database) snapPatternRules() {
	extra := db.extraPrereqs(db.global.Get(".EXTRA_PREREQS"))
	if len(extra) == 0 {
		return
	}
	for _, r := range db.Patterns {
		for _, d := range extra {
			dup := *d
			r.Deps = append(r.Deps, &dup)
		}
	}
}
