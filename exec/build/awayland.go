package build

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/away"
)

// landing makes a trace of what a worker tells. Each look there has to show what is here.
type landing struct {
	j     *journey
	b     *Build
	a     *action
	t     *cache.Trace
	found map[string]bool // names of all that was found: an absence counts if it has one of them
	above map[string]bool // directories above other looks
	why   string
}

// trace returns what a recipe has done elsewhere, in terms of here, or says why it is of
// no use.
func (j *journey) trace() (*cache.Trace, string) {
	a, b := j.a, j.a.b
	k := b.recipeKey(a.f, a.n)
	t := &cache.Trace{
		Target: a.f.Name, Dir: b.sp.key(b.sp.cwd), Key: k.key, FullKey: k.full, Recipe: k.text, Vars: k.vars,
		Started: a.started.UnixNano(), Duration: j.report.Took, Serial: a.n.serial, Reason: a.n.reason, From: cache.FromAway,
	}
	if sum := cache.HashString(j.job); string(sum[:]) != j.report.Job {
		return nil, "the result of another recipe has come back"
	}
	l := &landing{j: j, b: b, a: a, t: t, found: make(map[string]bool), above: make(map[string]bool)}
	l.outputs()
	l.inputs()
	l.procs()
	l.chunks()
	l.environ()
	switch {
	case l.why != "":
		return nil, l.why
	case !slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return b.sp.abs(o.Path) == a.n.path && o.Type != typeDir }):
		return nil, "it does not leave " + a.f.Name + " there"
	case !looksAtProject(t):
		return nil, "it reads nothing of the project"
	}
	var strong []cache.Hash
	t.Tokens, strong = b.tokens(a.f, t.Inputs)
	t.Strong = cache.StrongKey(t.FullKey, t.Inputs, t.Env, strong)
	b.shareDirs(a.n, t)
	return t, ""
}

func (l *landing) no(why string) {
	if l.why == "" {
		l.why = why
	}
}

// outputs takes what the worker has left. Contents are those that have come back.
func (l *landing) outputs() {
	came := make(map[string]*cache.Output)
	for i := range l.j.got.Outputs {
		came[l.j.got.Outputs[i].Path] = &l.j.got.Outputs[i]
	}
	for _, x := range l.j.report.Left {
		if x.Path == "" || x.Path[0] != '.' {
			if x.Type != 0 && !l.b.sp.isAmbient(x.Path) && !l.b.sp.isTemp(x.Path) {
				l.no("it leaves " + x.Path + ", outside of the project")
			}
			continue
		}
		if l.j.sent[x.Path] != nil {
			l.no("it changes " + l.b.display(x.Path) + " in place")
			continue
		}
		o := cache.Output{Path: x.Path, Type: x.Type, Mode: x.Mode & 0o777, Size: x.Size}
		c := came[l.b.inTree(x.Path)]
		switch x.Type {
		case 0:
			continue
		case typeDir:
			if in, err := l.b.seenInput(l.a.n, cache.PathRef{Path: x.Path, Kind: cache.InputExists}); err == nil && in.Kind == cache.InputExists {
				continue // it was there, or is by now
			}
			o.Size = 0
		case typeLink:
			o.Link, o.Mode, o.Size = x.Link, 0, 0
		case typeRegular:
			if c == nil {
				l.no("it leaves " + l.b.display(x.Path) + " there, which was not known of it")
				continue
			}
			if c.Type != typeRegular || string(c.Hash[:]) != x.Hash || c.Size != x.Size {
				l.no("what came back of " + l.b.display(x.Path) + " is not what it left")
				continue
			}
			o.Hash = c.Hash
		}
		l.t.Outputs = append(l.t.Outputs, o)
	}
	slices.SortFunc(l.t.Outputs, func(x, y cache.Output) int { return strings.Compare(x.Path, y.Path) })
	if err := cache.CheckPortable(l.t); err != nil {
		l.no(err.Error())
	}
}

// inputs makes inputs of the looks.
func (l *landing) inputs() {
	looks := l.j.report.Looks
	for i := range looks {
		looks[i].Path = l.b.sp.key(looks[i].Path) // one of the project by its path here
		if looks[i].How&away.Absent == 0 {
			l.found[stemName(looks[i].Path)] = true
		}
		if d, _ := splitPath(looks[i].Path); d != "" {
			l.above[d] = true
		}
	}
	for _, x := range looks {
		if x.Path[0] == '.' {
			l.project(x)
		} else {
			l.outside(x)
		}
		if l.why != "" {
			return
		}
	}
	slices.SortFunc(l.t.Inputs, compareInputs)
	l.t.Inputs = slices.CompactFunc(l.t.Inputs, func(x, y cache.Input) bool { return compareInputs(x, y) == 0 })
}

// see adds what is at a path here now.
func (l *landing) see(key string, kind cache.InputKind) *cache.Input {
	in, err := l.b.seenInput(l.a.n, cache.PathRef{Path: key, Kind: kind})
	if err != nil {
		l.no(l.b.display(key) + " cannot be read")
		return nil
	}
	l.t.Inputs = append(l.t.Inputs, in)
	return &l.t.Inputs[len(l.t.Inputs)-1]
}

// project takes over a look at the project.
func (l *landing) project(x away.Look) {
	key := x.Path
	if key == "." && x.How&away.Listed == 0 {
		return
	}
	l.b.lookAgain(l.b.sp.abs(key)) // what is known of it may be older than the recipe
	sent := l.j.sent[key]
	if sent == nil {
		l.notSent(x)
		return
	}
	if sent.Kind == cache.InputLink {
		if in := l.see(key, cache.InputLink); in != nil && !sameInput(in, sent) {
			l.no(l.b.display(key) + " has changed while it ran there")
		}
		return
	}
	now, err := l.b.seenInput(l.a.n, cache.PathRef{Path: key, Kind: cache.InputContent})
	if err != nil || !sameInput(&now, sent) {
		l.no(l.b.display(key) + " has changed while it ran there")
		return
	}
	if x.How&away.Content != 0 {
		if string(now.Hash[:]) != x.Hash {
			l.no("another " + l.b.display(key) + " was read there")
			return
		}
		l.t.Inputs = append(l.t.Inputs, now)
		return
	}
	l.see(key, cache.InputExists)
}

// notSent takes over a look at what was not sent as a file: a directory, what the recipe has
// made itself, or nothing.
func (l *landing) notSent(x away.Look) {
	key := x.Path
	in, err := l.b.seenInput(l.a.n, cache.PathRef{Path: key, Kind: cache.InputExists})
	switch {
	case err != nil:
		l.no(l.b.display(key) + " cannot be read")
	case in.Kind == cache.InputAbsent:
		if x.How&away.Absent == 0 {
			l.no("there was " + l.b.display(key) + ", which is not here")
			return
		}
		l.t.Inputs = append(l.t.Inputs, in)
	case x.How&away.Absent != 0 && in.Mode&unix.S_IFMT == unix.S_IFDIR && l.makes(key):
		// It makes a directory that somebody else has made meanwhile.
	case x.How&away.Absent != 0:
		l.no("it looked at " + l.b.display(key) + ", which was not sent")
	case in.Mode&unix.S_IFMT != unix.S_IFDIR:
		l.no(l.b.display(key) + " is another thing there")
	case x.How&away.Listed != 0:
		l.listing(key)
	case !l.above[key]:
		l.t.Inputs = append(l.t.Inputs, in)
	}
}

// makes reports whether the recipe has left something at a path.
func (l *landing) makes(key string) bool {
	return slices.ContainsFunc(l.j.report.Left, func(x away.Left) bool { return x.Path == key && x.Type != 0 })
}

// listing takes over a look at the names in a directory: there are those that were sent.
func (l *landing) listing(key string) {
	in := l.see(key, cache.InputListing)
	if in == nil {
		return
	}
	var names []string
	add := func(k string) {
		if d, name := splitPath(k); d == key && !isEditorName(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for k := range l.j.sent {
		add(k)
		for d, _ := splitPath(k); d != ""; d, _ = splitPath(d) {
			add(d)
		}
	}
	for _, f := range l.j.away.Files {
		if f.Dir {
			rest, ok := strings.CutPrefix(f.Path, l.b.inTree(".")+"/")
			for k := "./" + rest; ok && k != "" && k != "."; k, _ = splitPath(k) {
				add(k)
			}
		}
	}
	slices.Sort(names)
	if cache.HashNames(names) != in.Hash {
		l.no("it lists " + l.b.display(key) + ", of which not all was sent")
	}
}

// outside takes over a look at what is not the project's.
func (l *landing) outside(x away.Look) {
	p := x.Path
	if l.a.passOver(p) {
		return
	}
	if l.b.opts.Ships && isSystem(p) {
		l.shipped(x)
		return
	}
	here, exists := l.b.w.lstat(p)
	isDir := exists && here.Mode&unix.S_IFMT == unix.S_IFDIR
	switch absent := x.How&away.Absent != 0; {
	case l.b.sp.isTemp(p) && absent:
	case absent && exists:
		l.no("there is no " + p + " there")
	case absent:
		if l.found[stemName(p)] {
			l.see(p, cache.InputAbsent)
		}
	case !exists:
		l.no("there is " + p + " there, and not here")
	case p == "/etc/resolv.conf":
		l.no("it looks up names of the network")
	case isDir:
		if x.How&away.Listed != 0 {
			l.see(p, cache.InputListing)
		}
	case !isSystem(p):
		l.no("it reads " + p + ", which is neither the project's nor the system's")
	case x.How&away.Content != 0:
		l.system(p)
	case x.How&away.Text != 0:
		l.see(p, cache.InputLink)
	default:
		l.see(p, cache.InputExists)
	}
}

// shipped takes over a look at the system, of which there is what was sent.
func (l *landing) shipped(x away.Look) {
	p, sent := x.Path, l.j.sent[x.Path]
	here, exists := l.b.w.lstat(p)
	switch {
	case sent != nil && sent.Kind == cache.InputContent && x.How&away.Content == 0:
		l.see(p, cache.InputExists)
	case sent != nil:
		if in := l.see(p, sent.Kind); in != nil && !sameInput(in, sent) {
			l.no(p + " has changed while it ran there")
		}
	case x.How&away.Absent != 0 && exists:
		l.no("it looked at " + p + ", which was not sent")
	case x.How&away.Absent != 0:
		if l.found[stemName(p)] {
			l.see(p, cache.InputAbsent)
		}
	case !exists || here.Mode&unix.S_IFMT != unix.S_IFDIR || x.How&away.Listed != 0:
		l.no("it looked at " + p + ", of which not all was sent")
	}
}

// system takes over that a file of the system was read: it has to be the same there.
func (l *landing) system(p string) {
	in := l.see(p, cache.InputContent)
	if in != nil && in.Kind == cache.InputContent && string(in.Hash[:]) != l.b.opts.Shared.sending().there(p) {
		l.no("another " + p + " is there than here")
	}
}

// procs takes over the programs.
func (l *landing) procs() {
	for _, p := range l.j.report.Procs {
		l.t.Procs = append(l.t.Procs, cache.Proc{Parent: int32(p.Parent), Argv: p.Argv, Dir: p.Dir})
		if listed(l.b.lists.impure, p.Argv) || listed(l.b.lists.stateful, p.Argv) {
			l.no("it runs " + filepath.Base(p.Argv[0]))
		}
	}
}

// chunks takes over what was printed.
func (l *landing) chunks() {
	for _, c := range l.j.report.Chunks {
		l.t.Chunks = append(l.t.Chunks, cache.Chunk{Stream: uint8(c.Stream), Data: []byte(c.Data)})
	}
}

// environ takes over the variables that mattered. Those that are set here were sent, or the
// result is of no use.
func (l *landing) environ() {
	execs := make(map[string]bool)
	l.t.Env = l.b.envInputs(l.a.f, l.a.n, l.t.Inputs, execs)
	if l.j.report.Holds {
		l.t.Env = append(l.t.Env, cache.EnvInput{Name: rootNames()[0], Set: true, Value: cache.HashString(l.b.sp.root)})
		slices.SortFunc(l.t.Env, func(x, y cache.EnvInput) int { return strings.Compare(x.Name, y.Name) })
	}
	for _, e := range l.t.Env {
		if e.Set && l.b.rootPath(e.Name) == "" && !l.j.env[e.Name] {
			l.no("variable " + e.Name + " was not sent, and a program knows it by name")
		}
	}
	l.b.values().keep(l.b.environ(l.a.f), l.t.Env)
}
