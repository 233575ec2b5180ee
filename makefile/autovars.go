package makefile

import "strings"

// SetAutoVars defines the automatic variables $@ $% $* $< $^ $+ $? and $| of a
// file in its own variable set, which InitFileVars must have made. An empty
// stem means that no pattern matched the file: then $* is the name without a
// suffix of .SUFFIXES. Prerequisites that await their second expansion are
// passed over. Under all, $? holds every prerequisite (-B).
func (db *Database) SetAutoVars(f *File, stem string, all bool) {
	at, member := f.Name, ""
	if IsArchiveName(f.Name) {
		at, member = SplitArchive(f.Name)
	}
	if stem == "" {
		stem = db.suffixStem(f.Name)
		f.Stem = stem
	}
	less := db.firstPrerequisite(f)
	if f.Recipe != nil && f.Recipe == db.Default.Recipe {
		less = at
	}
	db.defineAuto(f, "@", at)
	db.defineAuto(f, "%", member)
	db.defineAuto(f, "*", stem)
	db.defineAuto(f, "<", less)
	db.setListVars(f, all)
}

func (db *Database) defineAuto(f *File, name, value string) {
	db.Define(name, value, OriginAutomatic, false, f.Vars, Pos{})
}

// suffixStem is $* for a file with an explicit rule.
func (db *Database) suffixStem(name string) string {
	if IsArchiveName(name) {
		_, name = SplitArchive(name)
	}
	for _, d := range db.Suffixes.Deps {
		suffix := db.nameOf(d)
		if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return name[:len(name)-len(suffix)]
		}
	}
	return ""
}

// firstPrerequisite is $<: the first that is not order-only, if it is known.
func (db *Database) firstPrerequisite(f *File) string {
	for _, d := range f.Deps {
		if !d.OrderOnly && !d.IgnoreAutoVars && !d.NeedExpansion2 {
			return db.nameOf(d)
		}
	}
	return ""
}

// memberName is how a prerequisite stands in the lists: an archive's member
// without its archive.
func memberName(name string) string {
	if !IsArchiveName(name) {
		return name
	}
	_, member := SplitArchive(name)
	return member
}

// listed is one prerequisite in $^, $? or $|.
type listed struct {
	name      string
	orderOnly bool
	changed   bool
}

// setListVars defines the variables that hold several prerequisites. One that
// is named more than once stands in $^ where it was named first, and is
// order-only if it is so everywhere.
func (db *Database) setListVars(f *File, all bool) {
	var plus []byte
	list := make([]listed, 0, len(f.Deps))
	seen := make(map[string]int, len(f.Deps))
	for _, d := range f.Deps {
		if d.NeedExpansion2 || d.IgnoreAutoVars {
			continue
		}
		name := db.nameOf(d)
		if !d.OrderOnly {
			plus = appendListed(plus, memberName(name))
		}
		if i, ok := seen[name]; ok {
			list[i].orderOnly = list[i].orderOnly && d.OrderOnly
			list[i].changed = list[i].changed || d.Changed
			continue
		}
		seen[name] = len(list)
		list = append(list, listed{memberName(name), d.OrderOnly, d.Changed})
	}
	var caret, question, bar []byte
	for i := range list {
		l := &list[i]
		if l.orderOnly {
			bar = appendListed(bar, l.name)
			continue
		}
		caret = appendListed(caret, l.name)
		if l.changed || all {
			question = appendListed(question, l.name)
		}
	}
	db.defineAuto(f, "^", string(caret))
	db.defineAuto(f, "+", string(plus))
	db.defineAuto(f, "?", string(question))
	db.defineAuto(f, "|", string(bar))
}

func appendListed(list []byte, word string) []byte {
	if len(list) > 0 {
		list = append(list, ' ')
	}
	return append(list, word...)
}
