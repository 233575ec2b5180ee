package cache

import (
	"slices"
	"strings"
)

// Names of the sections that this package keeps itself.
const (
	sectionEdges    = ".edges"
	sectionBelow    = ".below"
	sectionPlaces   = ".places"
	sectionFamilies = ".families"
	sectionWrites   = ".writes"
)

// Edge is a learned edge: Target needs Needs, though the Makefile does not say so.
type Edge struct{ Target, Needs string }

// LastWrite is what an always-run recipe last wrote: as long as the file stays
// so, it is the same token.
type LastWrite struct {
	Target    string
	Run, Hash Hash
	Stat      FileStat
}

// Edges returns the learned edges.
func (g *Graph) Edges() []Edge { return g.edges(sectionEdges) }

// Below returns the edges between targets whose recipes start makes and what those
// makes have brought up to date.
func (g *Graph) Below() []Edge { return g.edges(sectionBelow) }

func (g *Graph) edges(section string) []Edge {
	s, _ := g.section(section)
	r := reader{s: s}
	return list(&r, func(e *Edge) {
		e.Target = r.str()
		e.Needs = r.str()
	})
}

// SetEdges stores the learned edges.
func (g *Graph) SetEdges(edges []Edge) { g.setEdges(sectionEdges, edges) }

// SetBelow stores what the makes that a target's recipe starts have brought up to
// date, in place of what was known of that target.
func (g *Graph) SetBelow(target string, names []string) {
	g.changing.Lock()
	defer g.changing.Unlock()
	all := g.Below()
	kept := slices.DeleteFunc(slices.Clone(all), func(e Edge) bool { return e.Target == target })
	for _, name := range names {
		kept = append(kept, Edge{Target: target, Needs: name})
	}
	if !slices.Equal(kept, all) {
		g.setEdges(sectionBelow, kept)
	}
}

func (g *Graph) setEdges(section string, edges []Edge) {
	var w writer
	w.uint(uint64(len(edges)))
	for _, e := range edges {
		w.str(e.Target)
		w.str(e.Needs)
	}
	g.SetSection(section, w.b)
}

// AddEdges adds learned edges to those that are stored.
func (g *Graph) AddEdges(more ...Edge) {
	g.changing.Lock()
	defer g.changing.Unlock()
	edges := g.Edges()
	known := len(edges)
	for _, e := range more {
		if !slices.Contains(edges, e) {
			edges = append(edges, e)
		}
	}
	if len(edges) > known {
		g.SetEdges(edges)
	}
}

// DropEdge takes a learned edge back.
func (g *Graph) DropEdge(e Edge) {
	g.changing.Lock()
	defer g.changing.Unlock()
	edges := g.Edges()
	if i := slices.Index(edges, e); i >= 0 {
		g.SetEdges(slices.Delete(slices.Clone(edges), i, i+1))
	}
}

// Place is where in serial order something has its place: before At comes what a make
// below a target has done.
type Place struct {
	Target string
	At     uint64
}

// Places are places of different targets, sorted by target.
type Places []Place

// Of returns the place of a target.
func (p Places) Of(target string) (at uint64, known bool) {
	i, known := p.find(target)
	if !known {
		return 0, false
	}
	return p[i].At, true
}

func (p Places) find(target string) (int, bool) {
	return slices.BinarySearchFunc(p, target, func(p Place, t string) int { return strings.Compare(p.Target, t) })
}

// PlacesBelow returns the places of the targets whose recipes start makes. Nobody may
// change the list: each make of a process asks for it, and it is decoded once.
func (g *Graph) PlacesBelow() Places {
	s, _ := g.section(sectionPlaces)
	g.mu.Lock()
	defer g.mu.Unlock()
	if s != g.below.encoded {
		g.below.encoded, g.below.places = s, decodePlaces(s)
	}
	return g.below.places
}

// Families returns which makefiles the places from each on belong to.
func (g *Graph) Families() []Place {
	s, _ := g.section(sectionFamilies)
	return decodePlaces(s)
}

// SetFamilies stores which makefiles the places from each on belong to.
func (g *Graph) SetFamilies(all []Place) { g.setPlaces(sectionFamilies, all) }

func decodePlaces(s string) []Place {
	r := reader{s: s}
	return list(&r, func(p *Place) {
		p.Target = r.str()
		p.At = r.uint()
	})
}

// SetPlaceBelow stores the place of one target whose recipe starts a make.
func (g *Graph) SetPlaceBelow(target string, at uint64) {
	g.changing.Lock()
	defer g.changing.Unlock()
	places := g.PlacesBelow()
	i, known := places.find(target)
	if known && places[i].At == at {
		return
	}
	places = slices.Clone(places)
	if known {
		places[i].At = at
	} else {
		places = slices.Insert(places, i, Place{target, at})
	}
	s := g.setPlaces(sectionPlaces, places)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.below.encoded, g.below.places = s, places
}

func (g *Graph) setPlaces(section string, places []Place) (encoded string) {
	var w writer
	w.uint(uint64(len(places)))
	for _, p := range places {
		w.str(p.Target)
		w.uint(p.At)
	}
	g.SetSection(section, w.b)
	encoded, _ = g.section(section)
	return encoded
}

// LastWrites returns the list of last writes.
func (g *Graph) LastWrites() []LastWrite {
	s, _ := g.section(sectionWrites)
	r := reader{s: s}
	return list(&r, func(l *LastWrite) {
		l.Target = r.str()
		l.Run = r.hash()
		l.Hash = r.hash()
		l.Stat = r.stat()
	})
}

// SetLastWrites stores the list of last writes.
func (g *Graph) SetLastWrites(writes []LastWrite) {
	var w writer
	w.uint(uint64(len(writes)))
	for _, l := range writes {
		w.str(l.Target)
		w.hash(l.Run)
		w.hash(l.Hash)
		w.stat(l.Stat)
	}
	g.SetSection(sectionWrites, w.b)
}
