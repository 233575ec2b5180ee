// Package makefile turns makefiles into rules.
//
// # Model
//
// A Database holds all that was read: variables in scopes, Files (targets and
// prerequisites) with their explicit rules, pattern rules in order of
// definition, VPATH lists and special targets. Text is scanned once, line by
// logical line, and every definition keeps its position. Variable values and
// recipes stay text: expanding one is a single pass over its bytes into a
// buffer, with no syntax tree in between.
//
// The package knows no process and no clock. Files, $(shell) and messages go
// through Host; times of files are the business of package exec, which walks
// the graph. Errors on which GNU make stops at once are thrown as *Fatal.
package makefile
