package build

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// join adds to the record of an action the processes of the programs that were replayed:
// the list of processes tells of what made the files that the action leaves.
func (ps *programs) join(rec *tracefs.Record) {
	if ps == nil || rec == nil {
		return
	}
	sp := ps.b.sp
	for _, p := range ps.all {
		if p.was == nil {
			continue
		}
		first := int32(len(rec.Procs))
		for i := range p.was.Procs {
			q := &p.was.Procs[i]
			x := tracefs.Proc{Parent: -1, Argv: q.Argv, Dir: sp.abs(q.Dir), Env: q.Env}
			if q.Parent >= 0 {
				x.Parent = q.Parent + first
			} else {
				x.Env = p.env
			}
			for _, r := range q.Reads {
				x.Reads = append(x.Reads, sp.abs(p.was.Inputs[r].Path))
			}
			for _, w := range q.Writes {
				x.Writes = append(x.Writes, sp.abs(p.was.Outputs[w].Path))
			}
			rec.Procs = append(rec.Procs, x)
		}
	}
}

// keepPrograms notes what the programs of an action that has ended have done, also if the action
// has failed: of what it left nothing is good, but a program that did not fail is not to
// blame for that. What others did in the same places meanwhile may have changed anything.
func (a *action) keepPrograms(rec *tracefs.Record, good bool) {
	ps := a.programs
	ps.close()
	ps.join(rec)
	if ps == nil || rec == nil || len(ps.all) == 0 || len(a.contended(rec)) > 0 || len(rec.Meddled) > 0 {
		return
	}
	if len(ps.all) == 1 && ps.graph.Len() == 0 {
		return // the recipe is one program, and decided about as a whole
	}
	a.systemLooks(rec) // which notes what was found
	k := newKeeper(a)
	for _, p := range ps.all {
		switch {
		case p.rec == nil:
		case p.status != 0 && !good:
			p.lost = "it failed" // and that may be why the recipe did
		default:
			if t, why := k.trace(p); t != nil {
				ps.graph.Put(p.name, t)
			} else {
				p.lost = why
			}
		}
	}
	if good {
		ps.forgetOthers()
	}
	ps.tell()
	if err := ps.graph.Save(); err != nil {
		a.b.trouble("keeping what is known of programs", err)
	}
}

// close has nothing noted any more: what a shell has left may run on.
func (ps *programs) close() {
	if ps == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.done = true
}

// forgetOthers forgets what the recipe does not start any more.
func (ps *programs) forgetOthers() {
	met := make(map[string]bool, len(ps.all))
	for _, p := range ps.all {
		met[p.name] = true
	}
	for _, name := range ps.graph.Names() {
		if !met[name] {
			ps.graph.Delete(name)
		}
	}
}

// keeper turns records of programs into traces.
type keeper struct {
	a      *action
	system systemLooks
	named  map[cache.Hash]map[string]bool // by the programs that were read: which variables they name
}

func newKeeper(a *action) *keeper {
	return &keeper{a: a, system: newSystemLooks(a.buildLooks()), named: make(map[cache.Hash]map[string]bool)}
}

// trace makes the trace of a program, or says why it cannot be replayed.
func (k *keeper) trace(p *programRun) (*cache.Trace, string) {
	a, rec := k.a, p.rec
	if why := k.impure(rec); why != "" {
		return nil, why
	}
	words := strings.Join(p.words, " ")
	t := &cache.Trace{
		Target: words, Dir: a.b.sp.key(p.dir), Key: p.key, Recipe: words, Chunks: p.printed,
		Started: p.started.UnixNano(), Duration: int64(p.took), Serial: a.n.serial, Status: p.status.ExitStatus(),
	}
	if p.moved != 0 {
		t.Vars = []string{fmt.Sprintf("%s%d", movedName, p.moved)}
	}
	k.outputs(p, t)
	var why string
	if t.Inputs, why = k.inputs(p, t); why != "" {
		return nil, why
	}
	if !looksAtProject(t) && p.moved == 0 {
		return nil, "it looks at nothing of the project"
	}
	k.env(p, t)
	t.Procs = a.procs(rec, t)
	return t, ""
}

// impure says why what a program did is no function of what is known of it.
func (k *keeper) impure(rec *tracefs.Record) string {
	b := k.a.b
	switch {
	case len(rec.Sockets) > 0:
		return "it has looked for a socket"
	case len(rec.Setuid) > 0:
		return "it has other rights"
	case len(rec.Meddled) > 0:
		return rec.Meddled[0] + " changed while it ran"
	case looked(rec, "/etc/resolv.conf"):
		return "it is about to use the network"
	}
	for i := range rec.Looks {
		l := &rec.Looks[i]
		switch l.Stat.Mode & unix.S_IFMT {
		case unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFBLK:
			return b.display(b.sp.key(l.Path)) + " is no file"
		}
	}
	for i := range rec.Procs {
		if argv := rec.Procs[i].Argv; listed(b.lists.impure, argv) || listed(b.lists.stateful, argv) {
			return strings.Join(argv, " ") + " is no function of files"
		}
	}
	return ""
}

// outputs fills in what a program has left; keepLeft has seen that it can be put back.
func (k *keeper) outputs(p *programRun, t *cache.Trace) {
	sp := k.a.b.sp
	for i := range p.rec.Writes {
		w := &p.rec.Writes[i]
		h, ok := p.left[w.Path]
		if !ok {
			continue // nobody's version
		}
		o := cache.Output{Path: sp.key(w.Path), Type: typeRegular, Mode: w.After.Mode & 0o7777, Size: w.After.Size, Hash: h}
		t.Outputs = append(t.Outputs, o)
		if w.Before.Exists {
			t.Befores = append(t.Befores, cache.Output{Path: o.Path, Type: typeRegular, Mode: w.Before.Stat.Mode & 0o7777})
		}
	}
	sortOutputs(t.Outputs)
	sortOutputs(t.Befores)
}

// inputs turns the looks of a program into inputs.
func (k *keeper) inputs(p *programRun, t *cache.Trace) (in []cache.Input, why string) {
	a, rec := k.a, p.rec
	looks := append(slices.Clip(rec.Looks), k.system.concerning(rec, a.b.found)...)
	slices.SortFunc(looks, func(x, y tracefs.Look) int { return strings.Compare(x.Path, y.Path) })
	for i := range looks {
		l := &looks[i]
		if a.passOver(l.Path) || a.holdsAmbient(l, rec) || a.implied(rec, looks, i) {
			continue
		}
		if l.Flags&(tracefs.LookContent|tracefs.LookUndecided) == 0 || l.Stat.Mode&unix.S_IFMT != unix.S_IFREG {
			in = append(in, k.plainInputs(l)...)
			continue
		}
		x, ok := k.content(p, l)
		if !ok {
			return nil, a.b.display(a.b.sp.key(l.Path)) + " was changed later by the recipe"
		}
		in = append(in, x)
	}
	slices.SortFunc(in, compareInputs)
	return slices.CompactFunc(in, func(x, y cache.Input) bool { return compareInputs(x, y) == 0 }), ""
}

// plainInputs are those of a look that is not at the content of a file.
func (k *keeper) plainInputs(l *tracefs.Look) (in []cache.Input) {
	key := k.a.b.sp.key(l.Path)
	if l.Flags&tracefs.LookAbsent != 0 && l.Stat.Ino == 0 {
		return []cache.Input{{Path: key, Kind: cache.InputAbsent}}
	}
	if l.Flags&tracefs.LookListing != 0 {
		in = append(in, cache.Input{Path: key, Kind: cache.InputListing, Hash: cache.HashNames(withoutEditors(l.Names))})
	}
	if l.Flags&tracefs.LookLink != 0 && l.Link != "" {
		in = append(in, cache.Input{Path: key, Kind: cache.InputLink, Hash: cache.HashString(l.Link)})
	}
	if len(in) > 0 {
		return in
	}
	x := cache.Input{Path: key, Kind: cache.InputExists, Mode: l.Stat.Mode}
	switch l.Stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		x.Size = l.Stat.Size
	case unix.S_IFLNK:
		x.Mode = unix.S_IFLNK
	}
	return []cache.Input{x}
}

// content finds out what a program has read: that was found out when it ended, or the file
// is still as it was then.
func (k *keeper) content(p *programRun, l *tracefs.Look) (cache.Input, bool) {
	b := k.a.b
	x := cache.Input{Path: b.sp.key(l.Path), Kind: cache.InputContent, Mode: l.Stat.Mode}
	if h, ok := p.read[l.Path]; ok {
		x.Hash = h
		return x, true
	}
	h, err := b.w.hash(l.Path)
	if err != nil || !sameLook(&l.Stat, h.Stat) {
		return x, false
	}
	x.Hash = h.Hash
	if !h.Racy {
		x.Stat = h.Stat
	}
	return x, true
}

// The section of what the last run did: for --explain, and for the next run.
const lastRunSection = "last-run"

// The section that is there once programs that shells start were told apart.
const inShellsSection = "in-shells"

// toldRun is one program of the last run.
type toldRun struct {
	name, words string
	why         string // why it ran, "" if it was replayed
	lost        string // why that run cannot be repeated, "" if it can
}

func (r *toldRun) fields() [4]*string { return [...]*string{&r.name, &r.words, &r.why, &r.lost} }

// tell writes it down.
func (ps *programs) tell() {
	var text []byte
	for _, p := range ps.all {
		r := toldRun{p.name, strings.Join(p.words, " "), p.why, p.lost}
		text = r.encode(text)
	}
	ps.graph.SetSection(lastRunSection, text)
	if ps.inShells {
		ps.graph.SetSection(inShellsSection, []byte{1})
	}
}

func (r *toldRun) encode(text []byte) []byte {
	for _, s := range r.fields() {
		text = binary.AppendUvarint(text, uint64(len(*s)))
		text = append(text, *s...)
	}
	return text
}

// told reads it. What is damaged is left out.
func told(text []byte) (runs []toldRun) {
	for len(text) > 0 {
		var r toldRun
		for _, s := range r.fields() {
			n, size := binary.Uvarint(text)
			if size <= 0 || n > uint64(len(text)-size) {
				return runs
			}
			*s = string(text[size : size+int(n)])
			text = text[size+int(n):]
		}
		runs = append(runs, r)
	}
	return runs
}
