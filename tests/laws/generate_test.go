package laws

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

// shapes are the kinds of projects that the property test draws from.
var shapes = []Shape{
	{Rules: 25},
	{Rules: 25, Writers: true, Subs: true},
	{Rules: 25, Demand: true, Writers: true, Subs: true},
}

func TestGenerateIsAFunction(t *testing.T) {
	for i, shape := range shapes {
		course := Course{Steps: 20, MaxJobs: 8, Kills: true}
		var texts [2]string
		for j := range texts {
			blob, err := json.Marshal(NewHistory(Generate(uint64(i), shape).Damage(), course))
			if err != nil {
				t.Fatal(err)
			}
			texts[j] = string(blob)
		}
		if texts[0] != texts[1] {
			t.Errorf("shape %d: the same seed gives two histories", i)
		}
	}
}

func TestDamageTakesAThird(t *testing.T) {
	p := Generate(7, Shape{Rules: 300, Writers: true}).Damage()
	may, lost := 0, 0
	for _, r := range p.Rules {
		for _, d := range r.Prereqs {
			if d.Keep && d.Lost {
				t.Errorf("%v lost %s, which it may not", r.Targets, d.Name)
			}
			if !d.Keep {
				may++
			}
			if d.Lost {
				lost++
			}
		}
	}
	if lost < may/4 || lost > may*5/12 {
		t.Errorf("lost %d of %d", lost, may)
	}
}

// newOracle makes an oracle in a folder of the test.
func newOracle(t *testing.T) *oracle {
	dir := t.TempDir()
	r := runner{tools: tools.dir, home: filepath.Join(dir, "home"), mark: t.Name()}
	if err := r.prepare(); err != nil {
		t.Fatal(err)
	}
	return &oracle{make: referenceMake(t), dir: filepath.Join(dir, "true"), run: r, known: map[[32]byte]*truth{}}
}

// sole asks an oracle about a project as it was generated.
func (o *oracle) sole(t *testing.T, p *Project, damaged bool) *truth {
	t.Helper()
	tree := rendering{project: p, sources: p.Files, damaged: damaged}.tree()
	got, err := o.ask(tree, "", "", "first")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Every project has one right result: a serial make builds the undamaged
// makefile, and neither the order of all (where that is to be shuffled) nor the
// damage (where it is not) changes what it leaves.
func TestProjectsHaveOneTruth(t *testing.T) {
	for i, shape := range shapes {
		t.Run(fmt.Sprint("shape", i), func(t *testing.T) {
			o := newOracle(t)
			p := Generate(uint64(100+i), shape)
			want := o.sole(t, p, false)
			if want.status != 0 {
				t.Fatalf("does not build:\n%s", want.output)
			}
			other := p.Damage()
			if shape.Demand {
				plain := *p
				plain.All = nil
				for _, r := range p.Rules {
					if r.Dir == "" && !r.Unlisted {
						plain.All = append(plain.All, r.Targets...)
					}
				}
				other = &plain
			}
			got := o.sole(t, other, !shape.Demand)
			if got.status != 0 {
				t.Fatalf("the other makefile does not build:\n%s", got.output)
			}
			makefiles := world{project: p}
			for _, line := range Diff(want.tree, got.tree, makefiles.makefilesDiffer) {
				t.Error(line)
			}
		})
	}
}

// The property can fail: GNU make breaks it with a damaged makefile, and keeps
// it with a whole one that it builds from clean each time.
func TestGNUMakeOnItsOwn(t *testing.T) {
	s := Subject{Make: referenceMake(t), Reference: referenceMake(t), Tools: tools.dir, Lenient: true}
	p := Generate(12, Shape{Rules: 15})
	course := Course{Steps: 4, MaxJobs: 1}
	if err := Play(s, NewHistory(p.Damage(), course), t.TempDir()); err == nil {
		t.Error("a damaged makefile makes no difference")
	}
	s.CleanFirst = true
	if err := Play(s, NewHistory(p, course), t.TempDir()); err != nil {
		t.Error(err)
	}
}
