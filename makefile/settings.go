package makefile

import "strings"

// SetIncludeDirs changes where included makefiles are searched. -I may come
// from a MAKEFLAGS that a makefile sets.
func (db *Database) SetIncludeDirs(dirs []string) {
	db.includeDirs = dirs
	db.opt.IncludeDirs = dirs
	db.Define(".INCLUDE_DIRS", strings.Join(dirs, " "), OriginDefault, false, nil, Pos{})
}

// DefineAs is DefineOnCommandLine for a definition of another origin: one that
// stands in a MAKEFLAGS that a makefile sets.
func (db *Database) DefineAs(text string, o Origin) (v *Variable, ok bool) {
	a, ok := parseAssignment(text)
	if !ok {
		return nil, false
	}
	return db.assign(a, o, Pos{}), true
}
