package laws

import (
	"path"
	"slices"
	"strings"
)

// Prereq is one declared prerequisite of a rule, named as the makefile names
// it.
type Prereq struct {
	Name  string `json:"n"`
	Order bool   `json:"o,omitempty"` // after the bar
	// Keep: the makefile means something else without it ($<, a pattern, what
	// a phony group consists of), so damage never takes it.
	Keep bool `json:"k,omitempty"`
	// Soft: without it the recipe does not fail but does something else, so
	// only the serial order protects it; see Project.Demand.
	Soft bool `json:"s,omitempty"`
	Lost bool `json:"l,omitempty"` // taken by damage
}

// Rule is one rule of the project. Its names are relative to Dir, the folder
// of the makefile that it stands in.
type Rule struct {
	Dir     string   `json:"dir,omitempty"`
	Targets []string `json:"targets"`
	Prereqs []Prereq `json:"prereqs,omitempty"`
	Recipe  []string `json:"recipe,omitempty"` // without the tabs
	Colon   string   `json:"colon,omitempty"`  // ":" unless set
	// Via: a pattern rule among the blocks has the recipe; only the
	// prerequisites beyond the pattern's are written for the target itself.
	Via bool `json:"via,omitempty"`
	// Phony: the targets are no files. Hot: every run writes the target anew,
	// so that what hangs on it runs every time. Plain: one file, made by an
	// ordinary recipe from what is declared; a user may edit it by hand.
	Phony bool `json:"phony,omitempty"`
	Hot   bool `json:"hot,omitempty"`
	Plain bool `json:"plain,omitempty"`
	// Soft: what the rule leaves depends on which other rules ran before.
	Soft bool `json:"soft,omitempty"`
	// Sub is the folder whose makefile the recipe runs.
	Sub string `json:"sub,omitempty"`
	// Extra are files beside the targets that clean has to remove.
	Extra []string `json:"extra,omitempty"`
	// Unlisted: all does not name the targets (somebody else asks for them).
	Unlisted bool `json:"unlisted,omitempty"`
}

// Kind says what may be done with a source file.
type Kind string

// The kinds of sources.
const (
	Code     Kind = "code"     // lines for minicc, with a comment
	Text     Kind = "text"     // any lines
	Tool     Kind = "tool"     // a shell script with a comment
	Flags    Kind = "flags"    // the makefile's settings
	Manifest Kind = "manifest" // names of files that a recipe makes
	Pointer  Kind = "pointer"  // a symbolic link between two sources
	CSource  Kind = "c"        // real C
)

// Wild is a group of sources that the makefile finds with $(wildcard): its
// files may come and go, its folders may be renamed.
type Wild struct {
	Prefix string `json:"prefix"` // the folders are Prefix*
	Out    string `json:"out"`    // the outputs of P/x.c are Out/P/x.o and .d
}

// Project is a generated project: its rules and its sources at the start.
type Project struct {
	Seed   uint64              `json:"seed"`
	Rules  []*Rule             `json:"rules"`
	All    []string            `json:"all"` // what all asks for, in this order
	Files  Tree                `json:"files"`
	Kinds  map[string]Kind     `json:"kinds"`
	Blocks map[string][]string `json:"blocks"`         // by makefile folder: text of its own
	Vars   []string            `json:"vars,omitempty"` // settings of the top that all needs
	Wilds  []Wild              `json:"wilds,omitempty"`
	Listed []string            `json:"listed,omitempty"` // folders whose files may come and go
	Shadow []string            `json:"shadow,omitempty"` // header names, for a file earlier on the -I path
	// Demand: all does not name the targets in an order in which everything is
	// there before it is needed. A damaged makefile then fails under a serial
	// make, and building it takes demands. Otherwise the order of all alone
	// builds the project, and what parallel jobs do out of order are hazards.
	Demand bool `json:"demand,omitempty"`
	// Damaged: the makefile that the make under test gets has lost
	// prerequisites.
	Damaged bool `json:"damaged,omitempty"`
}

// colon is what separates targets from prerequisites.
func (r *Rule) colon() string {
	if r.Colon != "" {
		return r.Colon
	}
	return ":"
}

// names returns the targets as paths from the top.
func (r *Rule) names() []string {
	names := make([]string, len(r.Targets))
	for i, t := range r.Targets {
		names[i] = path.Join(r.Dir, t)
	}
	return names
}

// graph is the undamaged dependency graph of a project.
type graph struct {
	makers  map[string]*Rule // by target
	project *Project
}

func newGraph(p *Project) graph {
	g := graph{makers: map[string]*Rule{}, project: p}
	for _, r := range p.Rules {
		for _, name := range r.names() {
			g.makers[name] = r
		}
	}
	return g
}

// below returns the rules that a rule directly hangs on; a rule that runs a
// sub-make hangs on all rules of that folder.
func (g graph) below(r *Rule) []*Rule {
	var rules []*Rule
	for _, d := range r.Prereqs {
		if m := g.makers[path.Join(r.Dir, d.Name)]; m != nil {
			rules = append(rules, m)
		}
	}
	if r.Sub != "" {
		for _, other := range g.project.Rules {
			if other.Dir == r.Sub {
				rules = append(rules, other)
			}
		}
	}
	return rules
}

// closure returns the rules that the given ones hang on, and these.
func (g graph) closure(rules ...*Rule) map[*Rule]bool {
	seen := map[*Rule]bool{}
	for len(rules) > 0 {
		r := rules[len(rules)-1]
		rules = rules[:len(rules)-1]
		if seen[r] {
			continue
		}
		seen[r] = true
		rules = append(rules, g.below(r)...)
	}
	return seen
}

// downstream returns the rules of which some rule that is in what they hang on
// (themselves included) has the property.
func (g graph) downstream(has func(*Rule) bool) map[*Rule]bool {
	found := map[*Rule]bool{}
	for _, r := range g.project.Rules {
		for below := range g.closure(r) {
			if has(below) {
				found[r] = true
			}
		}
	}
	return found
}

// restless returns the rules that run in every build: forced ones, and what
// hangs on a file that is written anew each time.
func (g graph) restless() map[*Rule]bool {
	found := g.downstream(func(r *Rule) bool { return r.Hot })
	for _, r := range g.project.Rules {
		if r.forced() {
			found[r] = true
		}
	}
	return found
}

// forced reports that a rule runs in every build.
func (r *Rule) forced() bool {
	return slices.ContainsFunc(r.Prereqs, func(d Prereq) bool { return d.Name == "FORCE" })
}

// outputs returns every path that a rule may leave, from the top.
func (r *Rule) outputs() []string {
	if r.Phony {
		return nil
	}
	names := r.names()
	for _, e := range r.Extra {
		names = append(names, path.Join(r.Dir, e))
	}
	return names
}

// dirs returns the folders that have a makefile, the top first.
func (p *Project) dirs() []string {
	dirs := []string{""}
	for _, r := range p.Rules {
		if !slices.Contains(dirs, r.Dir) {
			dirs = append(dirs, r.Dir)
		}
	}
	return dirs
}

// makefiles returns the paths of the project's makefiles.
func (p *Project) makefiles() []string {
	var names []string
	for _, dir := range p.dirs() {
		names = append(names, path.Join(dir, "Makefile"))
	}
	return names
}

// edits tells whether a rule edits a file of another in place, or appends to it.
func (r *Rule) edits(name string) bool {
	return r.Targets[0] != name && slices.ContainsFunc(r.Recipe, func(line string) bool {
		return strings.HasSuffix(line, " "+name) && (strings.HasPrefix(line, "sed -i ") || strings.Contains(line, " >> "))
	})
}

// subs lists the folders with a makefile of their own.
func (p *Project) subs() (dirs []string) {
	for _, r := range p.Rules {
		if r.Sub != "" {
			dirs = append(dirs, r.Sub)
		}
	}
	return dirs
}
