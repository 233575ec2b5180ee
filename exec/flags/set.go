package flags

import "fmake/makefile"

// value is one setting. Which fields count depends on the kind of its options.
type value struct {
	on     bool
	given  bool
	origin makefile.Origin // who set it last; only kept for ranked options
	text   string
	list   []string
	count  int
	load   float64
}

// Set holds all settings. The zero value is that of a make without options.
type Set struct {
	v [numIDs]value
	// stdin is 1 + the index in the list of makefiles of the one that holds
	// what was read from standard input.
	stdin int
}

// On tells whether a switch is on.
func (s *Set) On(id ID) bool { return s.v[id].on }

// Given tells whether some option has set id, to whatever value.
func (s *Set) Given(id ID) bool { return s.v[id].given }

// SetOn changes a switch as an option would.
func (s *Set) SetOn(id ID, on bool) { s.v[id].on, s.v[id].given = on, true }

// Text returns the value of an option that takes one string, "" if not given.
func (s *Set) Text(id ID) string { return s.v[id].text }

// SetText changes a string setting; "" takes it back.
func (s *Set) SetText(id ID, text string) { s.v[id].text, s.v[id].given = text, text != "" }

// List returns the values of an option that may be repeated.
func (s *Set) List(id ID) []string { return s.v[id].list }

// Jobs returns the argument of -j: 0 if not given, Unlimited without argument.
func (s *Set) Jobs() int { return s.v[Jobs].count }

// SetJobs changes the number of jobs; 0 takes it back.
func (s *Set) SetJobs(n int) { s.v[Jobs].count, s.v[Jobs].given = n, n != 0 }

// MaxLoad returns the argument of -l; ok is false where there is no limit.
func (s *Set) MaxLoad() (load float64, ok bool) {
	v := &s.v[MaxLoad]
	return v.load, v.given && v.load >= 0
}

// StdinMakefile returns the index in List(Makefile) of the makefile that an
// earlier incarnation of this process has read from standard input, or -1.
func (s *Set) StdinMakefile() int { return s.stdin - 1 }

// ReplaceMakefile gives the makefile at index i another name.
func (s *Set) ReplaceMakefile(i int, name string) { s.v[Makefile].list[i] = name }

// ResetDebug forgets what -d and --debug have said.
func (s *Set) ResetDebug() { s.v[Debug], s.v[DebugAll] = value{}, value{} }

// DropMakefile removes the makefile at index i.
func (s *Set) DropMakefile(i int) {
	list := s.v[Makefile].list
	s.v[Makefile].list = append(list[:i:i], list[i+1:]...)
}
