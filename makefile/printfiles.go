package makefile

// files prints every target and prerequisite.
func (p *printer) files() {
	p.WriteString("\n# Files\n")
	for _, f := range p.db.Files() {
		for ; f != nil; f = f.Prev {
			p.file(f)
		}
	}
	p.WriteString("\n# files hash-table stats:\n# ")
	p.tableStats(len(p.db.Files()), globalTable)
}

// file prints one rule of one file.
func (p *printer) file(f *File) {
	if f.Builtin && p.db.opt.NoBuiltinRules {
		return
	}
	p.WriteByte('\n')
	p.recipePrefix(f.Recipe)
	if f.Vars != nil {
		for _, v := range f.Vars.Set.Sorted() {
			if v.Origin != OriginAutomatic {
				p.variable(v, f.Name+": ")
			}
		}
	}
	if !f.IsTarget {
		p.WriteString("# Not a target:\n")
	}
	p.WriteString(f.Name + ":")
	if f.DoubleColon != nil {
		p.WriteByte(':')
	}
	p.WriteString(p.db.depList(f.Deps) + "\n")
	p.properties(f)
	p.progress(f)
	if f.Vars != nil {
		p.variableSet(f.Vars.Set, "# ", fileTable, func(v *Variable) bool { return v.Origin == OriginAutomatic })
	}
	p.recipe(f.Recipe)
}

// recipePrefix prints a change of .RECIPEPREFIX, so that what follows can be
// read back.
func (p *printer) recipePrefix(r *Recipe) {
	if r == nil || r.Prefix == p.prefix {
		return
	}
	p.prefix = r.Prefix
	p.WriteString(".RECIPEPREFIX = ")
	if p.prefix != '\t' {
		p.WriteByte(p.prefix)
	}
	p.WriteByte('\n')
}

// properties prints what the makefile says about a file besides its rule.
func (p *printer) properties(f *File) {
	for _, c := range []struct {
		is   bool
		text string
	}{
		{f.Precious, "Precious file (prerequisite of .PRECIOUS)."},
		{f.Phony, "Phony target (prerequisite of .PHONY)."},
		{f.CmdTarget, "Command line target."},
		{f.DontCare, "A default, MAKEFILES, or -include/sinclude makefile."},
		{f.Builtin, "Builtin rule"},
		{f.TriedImplicit, "Implicit rule search has been done."},
		{!f.TriedImplicit, "Implicit rule search has not been done."},
		{f.Stem != "", "Implicit/static pattern stem: '" + f.Stem + "'"},
		{f.Intermediate, "File is an intermediate prerequisite."},
		{f.NotIntermediate, "File is a prerequisite of .NOTINTERMEDIATE."},
		{f.Secondary, "File is secondary (prerequisite of .SECONDARY)."},
	} {
		if c.is {
			p.WriteString("#  " + c.text + "\n")
		}
	}
	group := f.Group()
	if len(group) == 0 {
		return
	}
	p.WriteString("#  Also makes:")
	for _, m := range group {
		p.WriteString(" " + m.Name)
	}
	p.WriteByte('\n')
}

// progress prints how far the walk has come with a file.
func (p *printer) progress(f *File) {
	lines := []string{"Modification time never checked.", "File has not been updated."}
	if p.db.state.describe != nil {
		lines = p.db.state.describe(f)
	}
	for _, l := range lines {
		p.WriteString("#  " + l + "\n")
	}
}
