package build

import (
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// envMap turns NAME=value strings into a map.
func envMap(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok {
			m[name] = value
		}
	}
	return m
}

// envList is the inverse of envMap; the order is nobody's business.
func envList(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// commonEnv is the environment of all recipes without variables of their own.
type commonEnv struct {
	vars  map[string]string
	names []string               // see envNames; nil before it is asked for
	holds map[cache.EnvText]bool // what traces saw of it that is so now
	fresh []string               // see freshNames
	known bool                   // fresh is
}

// ownEnviron reports whether the environment of f's recipe is not the common one.
func (b *Build) ownEnviron(f *makefile.File) bool {
	return f.Vars != nil && f.Vars.Set.Len() > b.automatic(f)
}

// environ returns the environment of f's recipe.
func (b *Build) environ(f *makefile.File) map[string]string {
	if b.ownEnviron(f) {
		return envMap(b.db.Environment(f, false))
	}
	if b.commonEnv.vars == nil {
		b.commonEnv.vars = envMap(b.db.Environment(f, false))
		b.commonEnv.holds = make(map[cache.EnvText]bool)
	}
	return b.commonEnv.vars
}

// automatic counts the automatic variables in f's own set.
func (b *Build) automatic(f *makefile.File) int {
	n := 0
	for _, v := range f.Vars.Set.Sorted() {
		if v.Origin == makefile.OriginAutomatic {
			n++
		}
	}
	if f.PatVars != nil {
		return -1
	}
	return n
}

// envCandidate says whether a variable can be an input: always, never, or only
// if its name occurs somewhere.
func (b *Build) envCandidate(name string) (always, never bool) {
	switch {
	case b.lists.envNever.has(name):
		return false, true
	case b.opts.AllEnv, b.lists.envAlways.has(name):
		return true, false
	}
	return false, false
}

// envInputs lists the variables that mattered to an action: those on the
// documented list, those that the makefile exports, and those whose name occurs
// in the recipe or in a program or script that the action read.
func (b *Build) envInputs(f *makefile.File, n *node, inputs []cache.Input, execs map[string]bool) []cache.EnvInput {
	sets := b.nameSets(inputs, execs)
	text := f.Recipe.Text + "\n" + n.recipe.text
	return b.envThat(b.environ(f), func(name string) bool { return b.envMatters(name, text, sets) })
}

// envThat lists those variables of an environment that matter, and those of the documented
// list that are not set.
func (b *Build) envThat(env map[string]string, matters func(name string) bool) []cache.EnvInput {
	var out []cache.EnvInput
	for name, value := range env {
		if matters(name) {
			out = append(out, cache.EnvInput{Name: name, Set: true, Value: cache.HashString(value)})
		}
	}
	for name := range b.lists.envAlways.names() {
		if _, set := env[name]; !set {
			out = append(out, cache.EnvInput{Name: name})
		}
	}
	return withUnset(out, maps.Keys(b.known()), env, matters)
}

// withUnset adds to the variables that mattered to an action those of some names that were
// not set and would have mattered: nobody looks for a variable that the graph has met in a
// trace that does not have it.
func withUnset(in []cache.EnvInput, names iter.Seq[string], env map[string]string, matters func(name string) bool) []cache.EnvInput {
	for name := range names {
		if _, set := env[name]; !set && !hasEnv(in, name) && matters(name) {
			in = append(in, cache.EnvInput{Name: name})
		}
	}
	slices.SortFunc(in, func(x, y cache.EnvInput) int { return strings.Compare(x.Name, y.Name) })
	return in
}

func hasEnv(list []cache.EnvInput, name string) bool {
	return slices.ContainsFunc(list, func(in cache.EnvInput) bool { return in.Name == name })
}

func (b *Build) envMatters(name, text string, sets []nameSet) bool {
	return b.envNamed(name, text, sets, b.exported)
}

// envNamed is envMatters for whoever knows what is exported.
func (b *Build) envNamed(name, text string, sets []nameSet, exported func(string) bool) bool {
	always, never := b.envCandidate(name)
	if always || never {
		return always
	}
	if hasName(text, name) || exported(name) {
		return true
	}
	if b.lists.envIfNamed.has(name) {
		return false
	}
	for _, s := range sets {
		if s.has(name) {
			return true
		}
	}
	return false
}

// exported reports whether the makefile says that a variable goes into recipes'
// environments. Those of the command line go there too, but count only if their
// name occurs: V=1 is for the makefile.
func (b *Build) exported(name string) bool {
	v := b.db.Var(name)
	if v == nil || v.Origin != makefile.OriginFile && v.Origin != makefile.OriginOverride {
		return false // the environment's own variables are exported anyway
	}
	return v.Export == makefile.ExportYes || b.db.ExportAll
}

// hasName reports whether text holds name as a whole identifier. No text names a
// variable without letters and digits: "$" is one that some programs set.
func hasName(text, name string) bool {
	if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || isNameByte(byte(r)) }) {
		return false
	}
	for i := 0; ; {
		j := strings.Index(text[i:], name)
		if j < 0 {
			return false
		}
		i += j
		end := i + len(name)
		if (i == 0 || !isNameByte(text[i-1])) && (end == len(text) || !isNameByte(text[end])) {
			return true
		}
		i = end
	}
}

// envDiffers says in words which variable differs from what the trace saw,
// and names it.
func (b *Build) envDiffers(f *makefile.File, e cache.Entry) (why, name string) {
	env, shared := b.environ(f), !b.ownEnviron(f)
	if !shared || !b.commonEnv.holds[e.EnvText()] {
		for _, in := range e.Env() {
			value, set := b.envValue(env, in.Name)
			if set != in.Set || set && cache.HashString(value) != in.Value {
				return b.envReason(in.Name, value, set, in.Set), in.Name
			}
		}
	}
	if !shared {
		return b.newEnv(f, e, env, b.freshNames(env))
	}
	c := &b.commonEnv
	c.holds[e.EnvText()] = true
	if !c.known {
		c.fresh, c.known = b.freshNames(env), true
	}
	return b.newEnv(f, e, env, c.fresh)
}

func (b *Build) envReason(name, value string, isSet, wasSet bool) string {
	now := fmt.Sprintf("%q", explain.Clip(value))
	switch {
	case b.rootPath(name) != "":
		return "it holds the path that the project had before it was moved"
	case !isSet:
		return fmt.Sprintf("environment variable %s is not set any more", name)
	case !wasSet && isSecret(name):
		return fmt.Sprintf("environment variable %s is set now", name)
	case !wasSet:
		return fmt.Sprintf("environment variable %s is set now (%s)", name, now)
	case isSecret(name):
		return fmt.Sprintf("environment variable %s changed", name)
	}
	return fmt.Sprintf("environment variable %s changed (now %s)", name, now)
}

// envNamesSection lists the names of all variables that were set when any of the graph's
// traces was recorded. Of those each trace has all that it depends on, also unset ones: only
// a name that is not among them can matter to a trace without being in it.
const envNamesSection = "env-names"

// newEnv looks for a variable that was not set when the trace was recorded and
// whose name occurs in what the action read.
func (b *Build) newEnv(f *makefile.File, e cache.Entry, env map[string]string, fresh []string) (why, name string) {
	if len(fresh) == 0 || e.Flags()&cache.Provisional != 0 || b.noneMatters(f.Recipe.Text+"\n"+e.Recipe(), e, fresh) {
		return "", ""
	}
	return b.unmetEnv(f, e.Trace(), env, fresh)
}

// strangers finds out whether files name any of some variables, asking once for
// each file of the whole graph.
type strangers struct {
	names   []string
	checker *cache.Checker
}

// noneMatters is the fast road of unmetEnv; text is that of the recipe. It may err towards
// false.
func (b *Build) noneMatters(text string, e cache.Entry, names []string) bool {
	for _, name := range names {
		if b.envMatters(name, text, nil) {
			return false
		}
	}
	if s := &b.strangers; s.checker == nil || !slices.Equal(s.names, names) {
		*s = strangers{names, b.graph.NewChecker(func(in *cache.Input) bool {
			return !slices.ContainsFunc(b.nameSets([]cache.Input{*in}, nil), func(set nameSet) bool {
				return slices.ContainsFunc(names, set.has)
			})
		})}
	}
	return b.strangers.checker.Holds(&e, nil) == nil
}

// unmetEnv looks among names for a variable that a trace does not have and that
// would have mattered to its action.
func (b *Build) unmetEnv(f *makefile.File, t *cache.Trace, env map[string]string, names []string) (why, name string) {
	sets := b.nameSets(t.Inputs, nil)
	text := f.Recipe.Text + "\n" + t.Recipe
	for _, name = range names {
		if hasEnv(t.Env, name) {
			continue
		}
		if b.envMatters(name, text, sets) {
			return b.envReason(name, env[name], true, false), name
		}
	}
	return "", ""
}

// pathSection holds the value of PATH that the traces of the graph were
// recorded or checked with.
const pathSection = "path"

// pathChanged reports whether traces have to be checked with commandsMoved. None
// has where every trace was adopted: such traces know of no command.
func (b *Build) pathChanged() bool {
	was := b.graph.Section(pathSection)
	return was != nil && b.env["PATH"] != string(was)
}

// commandsMoved says in words which command of a trace a changed PATH would find
// elsewhere. What PATH does is otherwise traced as look-ups, but those of a new
// directory are in no trace.
func (b *Build) commandsMoved(t *cache.Trace) string {
	for i := range t.Procs {
		name := b.commandName(t.Procs[i].Argv)
		if name == "" {
			continue
		}
		p, found := b.command(name)
		if found && !hasContent(t.Inputs, b.sp.key(p)) {
			return "command " + name + " is now found as " + b.display(b.sp.key(p))
		}
	}
	return ""
}

// commandName is the name by which a process was looked for along PATH, or "".
// A script shows as its interpreter with the file that was found.
func (b *Build) commandName(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	if !strings.Contains(argv[0], "/") {
		return argv[0]
	}
	if len(argv) == 1 || !isInterpreter(filepath.Base(argv[0])) {
		return ""
	}
	dir, name := filepath.Split(argv[1])
	was := filepath.SplitList(string(b.graph.Section(pathSection)))
	if dir == "" || !slices.Contains(was, strings.TrimSuffix(dir, "/")) {
		return ""
	}
	return name
}

// command finds a command name along PATH as it is now, links resolved.
func (b *Build) command(name string) (string, bool) {
	if p, ok := b.commands[name]; ok {
		return p, p != ""
	}
	p, err := exec.Noting(exec.HostView{}, b.opts.Idle).LookPath(name, b.env["PATH"], b.sp.cwd)
	if err != nil {
		p = ""
	} else {
		p = b.w.realFile(b.sp.target(p))
	}
	b.commands[name] = p
	return p, p != ""
}

// envNames lists the variables of f's environment that may matter at all.
func (b *Build) envNames(f *makefile.File) []string {
	if b.ownEnviron(f) {
		return b.mayMatter(b.environ(f))
	}
	if b.commonEnv.names == nil {
		b.commonEnv.names = b.mayMatter(b.environ(f))
	}
	return b.commonEnv.names
}

// mayMatter lists the variables of an environment that may matter at all.
func (b *Build) mayMatter(env map[string]string) []string {
	var out []string
	for name := range env {
		if _, never := b.envCandidate(name); !never {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// known returns the names of the variables that the graph has met.
func (b *Build) known() map[string]bool {
	if b.knownEnv == nil {
		b.knownEnv = setOf(strings.Fields(string(b.graph.Section(envNamesSection))))
	}
	return b.knownEnv
}

// freshNames lists the variables that no trace of the graph has met.
func (b *Build) freshNames(env map[string]string) []string {
	known := b.known()
	var out []string
	for name := range env {
		if !known[name] {
			if _, never := b.envCandidate(name); !never {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// meetEnv adds the names of an environment to those that traces have met.
func (b *Build) meetEnv(env map[string]string) {
	if b.graph.Section(pathSection) == nil {
		b.graph.SetSection(pathSection, []byte(b.env["PATH"]))
	}
	fresh := b.freshNames(env)
	if len(fresh) == 0 {
		return
	}
	b.notSetBefore(fresh)
	for _, n := range fresh {
		b.knownEnv[n] = true
	}
	b.commonEnv.known = false
	all := make([]string, 0, len(b.knownEnv))
	for n := range b.knownEnv {
		all = append(all, n)
	}
	slices.Sort(all)
	b.graph.SetSection(envNamesSection, []byte(strings.Join(all, "\n")))
}

// notSetBefore writes down in the traces of earlier builds that variables were not set which
// are met now, where that matters.
func (b *Build) notSetBefore(names []string) {
	for _, target := range b.graph.Names() {
		e, ok := b.graph.Entry(target)
		if !ok || e.Flags()&cache.Provisional != 0 || b.noneMatters(e.Recipe(), e, names) {
			continue
		}
		t := e.Trace()
		had, sets := len(t.Env), b.nameSets(t.Inputs, nil)
		t.Env = withUnset(t.Env, slices.Values(names), nil, func(name string) bool { return b.envMatters(name, t.Recipe, sets) })
		if len(t.Env) > had {
			b.graph.Put(target, t)
		}
	}
}

// nameSets returns the identifiers of every program and script among the
// inputs. Which inputs are programs is known from execs (paths), or seen from
// their mode.
func (b *Build) nameSets(inputs []cache.Input, execs map[string]bool) []nameSet {
	var out []nameSet
	for i := range inputs {
		in := &inputs[i]
		if !namesVariables(in) && !(in.Kind == cache.InputContent && execs[in.Path]) {
			continue
		}
		if s, err := b.nameSet(in); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// namesVariables tells whether what is in a file is a program's or a library's.
func namesVariables(in *cache.Input) bool {
	return in.Kind == cache.InputContent && isProgram(in.Mode, in.Path)
}

// isProgram reports whether what is in a file may run.
func isProgram(mode uint32, path string) bool { return mode&0o111 != 0 || isLibrary(path) }

func isLibrary(p string) bool {
	base := filepath.Base(p)
	return strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") || strings.HasSuffix(base, ".sh") || strings.HasSuffix(base, ".py") || strings.HasSuffix(base, ".pl")
}

// nameSet returns the identifiers in one content, from memory, from the cache
// folder, or by scanning the file. It may be called by any goroutine.
func (b *Build) nameSet(in *cache.Input) (nameSet, error) {
	b.mu.Lock()
	s, ok := b.names[in.Hash]
	b.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := b.scanned(in)
	if err == nil {
		b.mu.Lock()
		b.names[in.Hash] = s
		b.mu.Unlock()
	}
	return s, err
}

// scanned returns what has been read ahead, else scans now.
func (b *Build) scanned(in *cache.Input) (nameSet, error) {
	file := b.sp.abs(in.Path)
	if s, ok := b.opts.Shared.ahead.names(file, in.Hash); ok {
		return s, nil
	}
	return b.nameFiles().of(in.Hash, func() (nameSet, error) { return scanFile(file) })
}

func (b *Build) nameFiles() nameFiles {
	return nameFiles{dir: filepath.Join(b.opts.CacheDir, "names"), keep: b.opts.Cache == CacheOn}
}
