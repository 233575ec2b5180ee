package build

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/away"
)

// mostSent bounds the files that a recipe is sent with: with more it is sooner run here.
const mostSent = 20_000

// prepare makes what is sent of a recipe, or says why it is not sent.
func (b *Build) prepare(a *action, lines []exec.SentLine) (*journey, string) {
	old := a.old
	if old != nil && old.Flags&(cache.Provisional|cache.Failed) != 0 {
		old = nil
	}
	if why := b.staysHere(a, old, lines); why != "" {
		return nil, why
	}
	client := b.client()
	if client == nil || b.storeFailed {
		return nil, "there is no cache"
	}
	j := &journey{a: a, client: client, sent: make(map[string]*cache.Input), env: make(map[string]bool)}
	var ok bool
	if j.worker, ok = b.workerFile(); !ok {
		b.noAway = true
		b.warn("recipes are not sent to another machine: fmake-worker is not found")
		return nil, "fmake-worker is not found"
	}
	s := b.newShipment(a, j)
	s.known(old)
	if old == nil || old.Key != b.recipeKey(a.f, a.n).key {
		s.guess()
	}
	outputs := s.outputs(old)
	if s.why == "" && len(j.sent) > mostSent {
		s.why = "it reads too many files"
	}
	if s.why != "" {
		return nil, s.why
	}
	return j, s.seal(lines, old, outputs)
}

// staysHere says why a recipe is not sent whatever it reads, "" if it may be.
func (b *Build) staysHere(a *action, old *cache.Trace, lines []exec.SentLine) string {
	n, k := a.n, b.recipeKey(a.f, a.n)
	_, suspect := b.suspect[n.name]
	for _, rule := range []struct {
		why   string
		holds func() bool
	}{
		{"it runs every time", func() bool { return n.always || a.f.Recipe.AnyRecurse }},
		{"it runs a second time, to be compared", func() bool { return a.second || b.single != nil }},
		{"nothing is stored with --cache=" + b.opts.Cache.String(), func() bool { return b.opts.Cache != CacheOn }},
		{"it runs once more in this build", func() bool { return n.reruns+n.demands > 0 || n.stale != "" }},
		{"what its last run left may not have reached the disk", func() bool { return suspect }},
		{"something was looked at while it was expanded", func() bool { return k.unexpanded || a.view.used() }},
		{"its result is no function of the project's files, or its tools keep files of their own", func() bool { return !b.mayRestore(a.f, n) }},
		{"it changes files in place", func() bool { return old != nil && changesInPlace(old) }},
		{"what it leaves or prints holds the path of the project", func() bool { return !b.opts.Ships && old != nil && b.holdsRoot(old) }},
		{"it names the path of the project", func() bool { return !b.opts.Ships && b.namesRoot(lines) }},
	} {
		if rule.holds() {
			return rule.why
		}
	}
	if name := b.sessionVariable(a); name != "" {
		return "it names " + name + ", which is of this session"
	}
	return b.notes().gaveUp(n.name, k.full)
}

// String is the value of --cache.
func (m Mode) String() string {
	return [...]string{CacheOn: "on", CacheOff: "off", CacheReadOnly: "readonly"}[m]
}

// changesInPlace reports whether an action has changed what others had left.
func changesInPlace(t *cache.Trace) bool {
	return slices.ContainsFunc(t.Befores, func(o cache.Output) bool { return o.Type != 0 && o.Type != typeDir }) ||
		slices.ContainsFunc(t.Outputs, func(o cache.Output) bool { return o.Type == cache.TypeSegment || o.Type == 0 || o.SameAs != "" })
}

// namesRoot reports whether lines hold the path of the project.
func (b *Build) namesRoot(lines []exec.SentLine) bool {
	holds := func(s string) bool { return strings.Contains(s, b.sp.root) || strings.Contains(s, b.rootByPWD()) }
	return slices.ContainsFunc(lines, func(l exec.SentLine) bool { return holds(l.Echo) || slices.ContainsFunc(l.Argv, holds) })
}

// sessionVariable names a variable that a recipe names and that another machine cannot
// have, "" if there is none.
func (b *Build) sessionVariable(a *action) string {
	for name := range b.environ(a.f) {
		if _, never := b.envCandidate(name); never && name != "PATH" && name != "_" && hasName(a.n.recipe.text, name) {
			return name
		}
	}
	return ""
}

// workerFile is the program that is sent along.
func (b *Build) workerFile() (cache.AwayFile, bool) {
	p := b.workerPath()
	h, err := b.w.hash(p)
	if p == "" || err != nil {
		return cache.AwayFile{}, false
	}
	return cache.AwayFile{Path: away.Worker, From: p, Hash: h.Hash, Size: h.Stat.Size, Exec: true}, true
}

// shipment is what is sent while it is put together.
type shipment struct {
	b     *Build
	a     *action
	j     *journey
	files []cache.AwayFile
	modes []away.File     // of the files of the project
	dirs  map[string]bool // of the project, that the recipe finds
	why   string          // why it is not sent after all, "" if it is
}

func (b *Build) newShipment(a *action, j *journey) *shipment {
	s := &shipment{b: b, a: a, j: j, files: []cache.AwayFile{j.worker}, dirs: make(map[string]bool)}
	s.dir(b.sp.key(b.sp.cwd))
	return s
}

// no notes why nothing is sent.
func (s *shipment) no(why string) {
	if s.why == "" {
		s.why = why
	}
}

// known adds what the last run has looked at.
func (s *shipment) known(old *cache.Trace) {
	if old == nil {
		return
	}
	for i := range old.Inputs {
		in := &old.Inputs[i]
		switch {
		case in.Path[0] == '.' && in.Kind == cache.InputListing:
			s.listing(in.Path)
		case in.Path[0] == '.':
			s.add(in.Path)
		case in.Kind == cache.InputAbsent:
			s.systemDir(path.Dir(in.Path))
		case isSystem(in.Path):
			s.system(in.Path)
		case in.Kind == cache.InputExists && in.Mode&unix.S_IFMT == unix.S_IFDIR:
		default:
			s.no("it reads " + in.Path + ", which is neither the project's nor the system's")
		}
	}
}

// listing adds all that is in a directory.
func (s *shipment) listing(key string) {
	s.dir(key)
	names, ok := s.b.w.names(s.b.sp.abs(key))
	if !ok || len(names) > mostSent {
		s.no("it lists " + s.b.display(key))
		return
	}
	for _, name := range names {
		s.add(joinPath(key, name))
	}
}

// add adds what the recipe finds at a path of the project now, if that is something.
func (s *shipment) add(key string) {
	if s.j.sent[key] != nil || s.dirs[key] || s.why != "" {
		return
	}
	p := s.b.sp.abs(key)
	st, ok := s.b.w.lstat(p)
	if !ok {
		return
	}
	kind := cache.InputContent
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if in, err := s.b.seenInput(s.a.n, cache.PathRef{Path: key, Kind: cache.InputExists}); err == nil && in.Kind == cache.InputExists {
			s.dir(key)
		}
		return
	case unix.S_IFLNK:
		kind = cache.InputLink
	case unix.S_IFREG:
	default:
		s.no(s.b.display(key) + " is no file")
		return
	}
	in, err := s.b.seenInput(s.a.n, cache.PathRef{Path: key, Kind: kind})
	switch {
	case err != nil:
		s.no(s.b.display(key) + " cannot be read")
		return
	case in.Kind == cache.InputAbsent: // it is what the recipe itself has left, or comes after it
		return
	case in.Kind != kind:
		s.no(s.b.display(key) + " is another thing than it was")
		return
	}
	f := cache.AwayFile{Path: s.b.inTree(key), From: p, Hash: in.Hash, Size: st.Size, Exec: st.Mode&0o111 != 0}
	if kind == cache.InputLink {
		text, err := os.Readlink(p)
		if err != nil || cache.HashString(text) != in.Hash || !staysInside(key, text) {
			s.no("the link " + s.b.display(key) + " leads out of the project")
			return
		}
		f = cache.AwayFile{Path: s.b.inTree(key), Link: text}
	}
	if !utf8.ValidString(key) || !utf8.ValidString(f.Link) { // it cannot be said in the API
		s.no("the name " + strconv.Quote(key) + " cannot be sent")
		return
	}
	if kind == cache.InputContent {
		s.modes = append(s.modes, away.File{Path: strings.TrimPrefix(key, "./"), Mode: st.Mode & 0o777})
	}
	s.j.sent[key] = &in
	s.files = append(s.files, f)
	s.parents(key)
}

// staysInside reports whether a link leads to something in the project.
func staysInside(key, text string) bool {
	if strings.HasPrefix(text, "/") {
		return false
	}
	p := path.Join(path.Dir(key), text)
	return p != ".." && !strings.HasPrefix(p, "../")
}

// dir adds a directory.
func (s *shipment) dir(key string) {
	if s.dirs[key] {
		return
	}
	s.dirs[key] = true
	s.files = append(s.files, cache.AwayFile{Path: s.b.inTree(key), Dir: true})
	s.parents(key)
}

// parents notes the directories above a path: they come with it.
func (s *shipment) parents(key string) {
	for d, _ := splitPath(key); d != "" && !s.dirs[d]; d, _ = splitPath(d) {
		s.dirs[d] = true
	}
}

// outputs lists the paths of the project that the recipe may leave.
func (s *shipment) outputs(old *cache.Trace) []string {
	may := make(map[string]bool)
	for _, p := range s.a.targets() {
		may[s.b.sp.key(p)] = true
	}
	if old != nil {
		for i := range old.Outputs {
			if o := &old.Outputs[i]; o.Type == typeRegular || o.Type == typeLink {
				may[o.Path] = true
			}
		}
	}
	if old == nil || old.Key != s.a.n.recipe.key {
		for _, key := range s.mentionedOutputs() {
			may[key] = true
		}
	}
	var list []string
	for key := range may {
		if s.j.sent[key] == nil && !s.dirs[key] && strings.HasPrefix(key, "./") && utf8.ValidString(key) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(list, func(key string) bool { // one that is a directory for another
		return slices.ContainsFunc(list, func(other string) bool { return strings.HasPrefix(other, key+"/") })
	})
}

// seal makes one parcel of all that is sent.
func (s *shipment) seal(lines []exec.SentLine, old *cache.Trace, outputs []string) string {
	job := away.Job{Dir: strings.TrimPrefix(strings.TrimPrefix(s.b.sp.key(s.b.sp.cwd), "."), "/"), Umask: uint32(s.b.umask())}
	for _, l := range lines {
		job.Lines = append(job.Lines, away.Line{Echo: l.Echo, Argv: l.Argv})
	}
	above := make(map[string]bool)
	for _, key := range outputs {
		for d, _ := splitPath(key); d != "." && d != ""; d, _ = splitPath(d) {
			above[d] = true
		}
	}
	for _, d := range sortedSet(above) {
		s.add(d) // if it is there, the recipe is to find it
		job.Above = append(job.Above, strings.TrimPrefix(d, "./"))
		if s.dirs[d] {
			job.Found = append(job.Found, strings.TrimPrefix(d, "./"))
		}
	}
	if s.b.opts.Ships {
		job.Root, job.SystemHash = s.b.sp.root, s.systemHash()
	}
	slices.SortFunc(s.modes, func(x, y away.File) int { return strings.Compare(x.Path, y.Path) })
	job.Files = s.modes
	s.j.job = job.Encode()
	a := parcel(s.b.opts.Shared.sending().number(), s.j.worker, &job)
	a.Files = append(a.Files, s.files[1:]...)
	for _, key := range outputs {
		a.Outputs = append(a.Outputs, s.b.inTree(key))
	}
	slices.Sort(a.Outputs)
	if old != nil {
		a.Usual = old.Duration
	}
	var why string
	if a.Env, why = s.environ(old); why != "" {
		return why
	}
	s.j.away = a
	return s.why
}

func sortedSet(m map[string]bool) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// environ lists the variables that the recipe gets: those that are known to matter.
func (s *shipment) environ(old *cache.Trace) (list []string, why string) {
	matters := make(map[string]bool)
	for i := 0; old != nil && i < len(old.Env); i++ {
		matters[old.Env[i].Name] = true
	}
	text := s.a.f.Recipe.Text + "\n" + s.a.n.recipe.text
	for name, value := range s.b.environ(s.a.f) {
		if name != "PATH" && !matters[name] && !s.b.envMatters(name, text, nil) {
			continue
		}
		if name != "PATH" && !s.b.opts.Ships && bytes.Contains([]byte(value), []byte(s.b.sp.root)) {
			return nil, "variable " + name + " holds the path of the project"
		}
		if !utf8.ValidString(name + value) {
			return nil, "variable " + name + " cannot be sent"
		}
		s.j.env[name] = true
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list, ""
}
