package build

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// inputs turns looks into inputs, sorted by path, and names those that were
// executed.
func (a *action) inputs(rec *tracefs.Record, t *cache.Trace) ([]cache.Input, map[string]bool) {
	b := a.b
	var in []cache.Input
	execs := make(map[string]bool)
	looks := append(rec.Looks, a.systemLooks(rec)...)
	slices.SortFunc(looks, func(x, y tracefs.Look) int { return strings.Compare(x.Path, y.Path) })
	for i := range looks {
		l := &looks[i]
		if a.passOver(l.Path) || a.holdsAmbient(l, rec) || a.implied(rec, looks, i) || a.appended(rec, l.Path) || lost(rec, l.Path) || b.sp.isTemp(l.Path) && findWrite(rec.Writes, l.Path) != nil {
			continue
		}
		if l.Flags&tracefs.LookExec != 0 {
			execs[b.sp.key(l.Path)] = true
		}
		in = a.appendInputs(in, l, rec, t)
	}
	slices.SortFunc(in, compareInputs)
	return slices.CompactFunc(in, func(x, y cache.Input) bool { return compareInputs(x, y) == 0 }), execs
}

// appendInputs adds what one look saw.
func (a *action) appendInputs(in []cache.Input, l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) []cache.Input {
	b := a.b
	key := b.sp.key(l.Path)
	add := func(x cache.Input) {
		x.Path = key
		in = append(in, x)
	}
	typ := l.Stat.Mode & unix.S_IFMT
	if l.Flags&tracefs.LookAbsent != 0 && l.Stat.Ino == 0 {
		add(cache.Input{Kind: cache.InputAbsent})
		return in
	}
	if l.Flags&tracefs.LookAbsent != 0 && key[0] == '.' && findWrite(rec.Writes, l.Path) == nil {
		a.missed = append(a.missed, key)
	}
	if l.Flags&tracefs.LookListing != 0 {
		add(cache.Input{Kind: cache.InputListing, Hash: cache.HashNames(a.listed(l, rec, t))})
	}
	if l.Flags&tracefs.LookLink != 0 && l.Link != "" {
		add(cache.Input{Kind: cache.InputLink, Hash: cache.HashString(l.Link)})
	}
	if (l.Flags&(tracefs.LookContent|tracefs.LookUndecided) != 0 || linked(key, t)) && typ == unix.S_IFREG {
		add(a.contentInput(l, rec, t))
		return in
	}
	if under, known := a.under[key]; known && (under == nil || under.Type == unix.S_IFREG) && typ == unix.S_IFREG {
		// It has only seen that something is there, and wrote over that.
		if under == nil {
			add(cache.Input{Kind: cache.InputAbsent})
		} else {
			add(cache.Input{Kind: cache.InputExists, Mode: under.Type | under.Mode, Size: under.Size})
		}
		return in
	}
	if l.Flags&(tracefs.LookListing|tracefs.LookLink) == 0 {
		x := cache.Input{Kind: cache.InputExists, Mode: l.Stat.Mode}
		switch typ {
		case unix.S_IFREG:
			x.Size = l.Stat.Size
		case unix.S_IFLNK:
			x.Mode = unix.S_IFLNK
		}
		add(x)
	}
	return in
}

// contentInput hashes what the action read: the file as it is, or its
// pre-image if the action changed it afterwards.
func (a *action) contentInput(l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) cache.Input {
	b := a.b
	x := cache.Input{Kind: cache.InputContent, Mode: l.Stat.Mode}
	if w := findWrite(rec.Writes, l.Path); w != nil {
		if bef := findOutput(t.Befores, b.sp.key(l.Path)); bef != nil {
			x.Hash = bef.Hash
		}
		return x
	}
	h, err := b.w.hash(l.Path)
	if err != nil {
		return x // unreadable to fmake: a zero hash never holds
	}
	if !sameLook(&l.Stat, h.Stat) {
		a.moved = l.Path // between the end of the action and now
	}
	x.Hash = h.Hash
	if !h.Racy {
		x.Stat = h.Stat
	}
	return x
}

// listed are the names that a listing counts by: as the action saw them, less
// its own and what editors leave.
func (a *action) listed(l *tracefs.Look, rec *tracefs.Record, t *cache.Trace) []string {
	key := a.b.sp.key(l.Path)
	out := make([]string, 0, len(l.Names))
	for _, n := range l.Names {
		if isEditorName(n) {
			continue
		}
		o := findOutput(t.Outputs, joinPath(key, n))
		if o != nil && findOutput(t.Befores, o.Path) == nil && !isOlderLog(o, findWrite(rec.Writes, joinPath(l.Path, n))) {
			continue
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// listedWithin are the listings of directories of the project that the action has made itself:
// no inputs, since only what runs beside it can have put something there before it did. What it
// has seen of that is another's all the same.
func (a *action) listedWithin(rec *tracefs.Record, t *cache.Trace) (in []cache.Input) {
	for i := range rec.Within {
		w := &rec.Within[i]
		if a.passOver(w.Path) || !a.b.sp.inProject(w.Path) {
			continue
		}
		names := a.listed(&tracefs.Look{Path: w.Path, Names: w.Names}, rec, t)
		in = append(in, cache.Input{Path: a.b.sp.key(w.Path), Kind: cache.InputListing, Hash: cache.HashNames(names)})
	}
	return in
}

// looksAtProject reports whether what the action did can hang on the project: it
// read a file or a directory there, or missed one that it did not make itself.
func looksAtProject(t *cache.Trace) bool {
	return slices.ContainsFunc(t.Inputs, func(x cache.Input) bool {
		if x.Path[0] != '.' {
			return false
		}
		switch x.Kind {
		case cache.InputContent, cache.InputListing:
			return true
		case cache.InputAbsent:
			return findOutput(t.Outputs, x.Path) == nil
		}
		return false
	})
}

// findLook returns how an action looked at a path, nil if it did not.
func findLook(rec *tracefs.Record, p string) *tracefs.Look {
	i, ok := slices.BinarySearchFunc(rec.Looks, p, func(l tracefs.Look, s string) int { return strings.Compare(l.Path, s) })
	if !ok {
		return nil
	}
	return &rec.Looks[i]
}

func looked(rec *tracefs.Record, p string) bool { return findLook(rec, p) != nil }

// systemLooks selects from what the whole build looked at in system trees what
// concerns this action: absences and links of names that it used, and those of
// names that nobody found.
func (a *action) systemLooks(rec *tracefs.Record) []tracefs.Look {
	for i := range rec.Looks {
		a.b.found[stemName(rec.Looks[i].Path)] = true
	}
	all := newSystemLooks(a.buildLooks())
	return all.concerning(rec, a.b.found)
}

// buildLooks asks for what the whole build looked at in system trees, once.
func (a *action) buildLooks() []tracefs.Look {
	if a.b.engine == nil || a.system != nil {
		return a.system
	}
	all, err := a.b.engine.SystemLooks()
	if err != nil {
		a.b.warn("engine: %v", err)
	}
	a.system = all
	return all
}

// systemLooks are looks in system trees that can be anybody's, and the names by which it is
// told whose.
type systemLooks struct {
	looks        []tracefs.Look
	stems, links []string // of their paths, and of what links lead to
}

func newSystemLooks(all []tracefs.Look) systemLooks {
	s := systemLooks{looks: all, stems: make([]string, len(all)), links: make([]string, len(all))}
	for i := range all {
		s.stems[i] = stemName(all[i].Path)
		if all[i].Flags&tracefs.LookLink != 0 {
			s.links[i] = stemName(all[i].Link)
		}
	}
	return s
}

// concerning selects those that are of the names that a record has, and those of names that
// nobody found.
func (s *systemLooks) concerning(rec *tracefs.Record, found map[string]bool) []tracefs.Look {
	own := make(map[string]bool, len(rec.Looks))
	for i := range rec.Looks {
		own[stemName(rec.Looks[i].Path)] = true
	}
	for again := true; again; {
		again = false
		for i := range s.looks {
			if s.links[i] == "" || own[s.stems[i]] || !own[s.links[i]] {
				continue
			}
			own[s.stems[i]], again = true, true
		}
	}
	var out []tracefs.Look
	for i := range s.looks {
		l := &s.looks[i]
		if l.Stat.Mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		if n := s.stems[i]; own[n] || !found[n] {
			out = append(out, *l)
		}
	}
	return out
}

// stemName is the last element of a path, a precompiled header's called like
// its header.
func stemName(p string) string { return strings.TrimSuffix(path.Base(p), ".gch") }

// current gives inputs with what they are now.
func (b *Build) current(in []cache.Input) []cache.Input {
	out := make([]cache.Input, 0, len(in))
	for i := range in {
		if x, err := b.w.asInput(b.sp.abs(in[i].Path), in[i].Kind, nil); err == nil {
			out = append(out, x)
		}
	}
	return out
}

// unionInputs merges two sorted lists; the first wins. A file that was read in
// one run and only looked up in another counts by both.
// notOwn leaves out what an action that keeps its state has only found to be there of what
// it left in earlier runs. What it read of that counts: pdflatex runs until its .aux file
// stays as it is.
func (a *action) notOwn(in []cache.Input) []cache.Input {
	return slices.DeleteFunc(in, func(x cache.Input) bool {
		return x.Kind == cache.InputExists && findOutput(a.old.Outputs, x.Path) != nil
	})
}

func unionInputs(x, y []cache.Input) []cache.Input {
	out := append(append([]cache.Input(nil), x...), y...)
	slices.SortStableFunc(out, compareInputs)
	return slices.CompactFunc(out, func(p, q cache.Input) bool { return compareInputs(p, q) == 0 })
}

// compareInputs orders inputs by path and kind.
func compareInputs(x, y cache.Input) int {
	return cmp.Or(strings.Compare(x.Path, y.Path), cmp.Compare(x.Kind, y.Kind))
}
