// Package verify says what became of recipes that ran twice: which of the files that
// they made differ, and where.
//
// # Model
//
// A recipe's result must not hang on the time, on where temporary files are, on the
// order in which a directory lists its names, or on what runs beside it. So its second
// run finds all of these otherwise, and whatever it makes otherwise is a Finding. A
// recipe that cannot run twice is one, too, with the reason: nobody shall believe that
// it was verified.
package verify

import "slices"

// Kind says what a finding is about.
type Kind string

// The kinds.
const (
	Ran     Kind = "ran"     // the recipe ran twice
	Content Kind = "content" // a file holds something else
	Form    Kind = "form"    // what is there is of another type or mode, or another link
	Gone    Kind = "gone"    // a file was made by the first run only
	New     Kind = "new"     // a file was made by the second run only
	Failed  Kind = "failed"  // the second run failed
	Skipped Kind = "skipped" // there was none
	Trouble Kind = "trouble" // what was not skipped could not be verified
)

// Finding is what is to be said of one target, or of one file that its recipe makes.
type Finding struct {
	Kind     Kind
	Makefile string // where the rule is, absolute; "" if it is built in
	Line     int
	Target   string
	File     string     // as the makefile would call it; "" if it is about none
	At       Difference // for Content
	Within   string     // for Content: the part of the file that it is in, "" if it has none
	Why      string     // for Form, Skipped and Trouble
}

// differs reports whether the second run had another result than the first.
func (f *Finding) differs() bool {
	return f.Kind != Ran && f.Kind != Skipped && f.Kind != Trouble
}

// Troubled reports whether something could not be verified that should have been.
func Troubled(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind == Trouble })
}

// Differ reports whether any of the findings says that a recipe is not reproducible.
func Differ(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.differs() })
}
