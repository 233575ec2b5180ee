package lint

import (
	"slices"
	"strings"
	"testing"

	"fmake/cache"
	"fmake/makefile"
)

// known is a build made up: the files of a project by key.
type known struct {
	traces map[string]*cache.Trace
	lists  map[string]bool // targets whose recipes use lists
	made   map[string]bool // files that a command has written, as far as can be told
	gone   map[string]bool
}

func (k known) Key(f *makefile.File) string            { return k.KeyOf(f.Name) }
func (known) KeyOf(name string) string                 { return "./" + name }
func (known) Path(key string) string                   { return strings.TrimPrefix(key, "./") }
func (k known) Trace(f *makefile.File) *cache.Trace    { return k.traces[f.Name] }
func (known) Always(f *makefile.File) bool             { return f.Name == "always" }
func (k known) UsesLists(f *makefile.File) bool        { return k.lists[f.Name] }
func (known) WriterElsewhere(key string) bool          { return strings.HasPrefix(key, "./other/") }
func (k known) State(key string) (exists, source bool) { return !k.gone[key], !k.made[key] }
func (known) IsSystem(key string) bool                 { return strings.HasPrefix(key, "/usr/") }
func (known) Below(f *makefile.File) (first, end uint64, ok bool) {
	return 10, 20, f.Recipe.AnyRecurse
}

func dep(f *makefile.File, orderOnly bool) *makefile.Dep {
	return &makefile.Dep{File: f, OrderOnly: orderOnly}
}

// target is a target with a recipe in line 3 of the makefile.
func target(name string, deps ...*makefile.Dep) *makefile.File {
	return &makefile.File{Name: name, IsTarget: true, Deps: deps, Recipe: &makefile.Recipe{Pos: makefile.Pos{File: "Makefile", Line: 3}}}
}

// trace is what a recipe did: what it read, and the one file that it wrote.
func trace(serial uint64, wrote string, read ...string) *cache.Trace {
	t := &cache.Trace{Serial: serial, Outputs: []cache.Output{{Path: wrote, Type: typeRegular}}}
	slices.Sort(read)
	for _, r := range read {
		t.Inputs = append(t.Inputs, cache.Input{Path: r, Kind: cache.InputContent})
	}
	return t
}

// looked gives the words of all findings.
func looked(k known, targets ...*makefile.File) (out []string) {
	db := &makefile.Database{ReadFiles: []*makefile.GoalDep{{Dep: makefile.Dep{File: &makefile.File{Name: "Makefile"}}}}}
	findings, _ := Look(&Make{Dir: "/p", DB: db, Targets: targets, Known: k})
	for _, f := range findings {
		out = append(out, string(f.Kind)+" "+f.Words(func(path string) string { return strings.TrimPrefix(path, "/p/") }))
	}
	return out
}

func TestLook(t *testing.T) {
	source := &makefile.File{Name: "a.c"}
	gen := target("gen.h")
	stamp := target("stamp")
	tests := []struct {
		name    string
		targets []*makefile.File
		known   known
		want    []string
	}{
		{"declared", []*makefile.File{target("a.o", dep(source, false))}, known{traces: map[string]*cache.Trace{"a.o": trace(2, "./a.o", "./a.c", "/usr/x.h")}}, nil},
		{
			"missing, outside, of version control, its own",
			[]*makefile.File{target("a.o", dep(source, false))},
			known{traces: map[string]*cache.Trace{"a.o": trace(2, "./a.o", "./a.c", "./x.h", "/home/y.h", "./.git/HEAD", "./a.o")}},
			[]string{"missing Makefile:3: a.o reads x.h, which it does not declare; add: a.o: x.h", "outside Makefile:3: /home/y.h, which is outside the project, is read by a.o"},
		},
		{
			"what may not be there",
			[]*makefile.File{target("a.o")},
			known{traces: map[string]*cache.Trace{"a.o": trace(2, "./a.o", "./made.h", "./other/z.h", "./used-up.h")}, made: map[string]bool{"./made.h": true}, gone: map[string]bool{"./used-up.h": true}},
			[]string{"missing Makefile:3: a.o reads made.h and other/z.h, which it does not declare; add: a.o: $(wildcard made.h) $(wildcard other/z.h)"},
		},
		{
			"nothing orders what is made",
			[]*makefile.File{gen, target("a.o")},
			known{traces: map[string]*cache.Trace{"gen.h": trace(1, "./gen.h"), "a.o": trace(2, "./a.o", "./gen.h")}},
			[]string{
				"hazard Makefile:3: a.o reads gen.h, which the recipe of gen.h writes, and nothing orders the two under -j",
				"missing Makefile:3: a.o reads gen.h, which it does not declare; add: a.o: gen.h",
			},
		},
		{
			"only ordered",
			[]*makefile.File{gen, target("a.o", dep(gen, true))},
			known{traces: map[string]*cache.Trace{"gen.h": trace(1, "./gen.h"), "a.o": trace(2, "./a.o", "./gen.h")}, lists: map[string]bool{"a.o": true}},
			[]string{"missing Makefile:3: a.o reads gen.h, which it does not declare; add: a.o: private .EXTRA_PREREQS += gen.h"},
		},
		{
			"what waits for its reader, and was left by an earlier make",
			[]*makefile.File{target("version.h", dep(stamp, false)), stamp},
			known{traces: map[string]*cache.Trace{"version.h": trace(1, "./version.h"), "stamp": trace(2, "./stamp", "./version.h")}},
			nil,
		},
		{
			"by way of another target",
			[]*makefile.File{gen, target("a.o", dep(target("lib", dep(gen, false)), false))},
			known{traces: map[string]*cache.Trace{"gen.h": trace(1, "./gen.h"), "a.o": trace(2, "./a.o", "./gen.h")}},
			nil,
		},
		{
			"what is written again later, and what always runs",
			[]*makefile.File{target("a.o"), target("log"), target("always")},
			known{traces: map[string]*cache.Trace{"a.o": trace(1, "./a.o", "./log"), "log": trace(2, "./log"), "always": trace(3, "./always", "./x.h")}},
			nil,
		},
		{
			"failed",
			[]*makefile.File{target("a.o")},
			known{traces: map[string]*cache.Trace{"a.o": {Flags: cache.Failed, Inputs: []cache.Input{{Path: "./x.h", Kind: cache.InputContent}}}}},
			nil,
		},
		{
			"no line",
			[]*makefile.File{target("a b.o")},
			known{traces: map[string]*cache.Trace{"a b.o": trace(2, "./a b.o", "./x.h")}},
			[]string{"missing Makefile:3: a b.o reads x.h, which it does not declare"},
		},
	}
	for _, tt := range tests {
		if got := looked(tt.known, tt.targets...); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
