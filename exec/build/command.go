package build

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/explain"
	"fmake/makefile"
)

// A command that is run by itself is an action as the recipe of a target is: directory and
// words are for it what name and recipe are for a target. No makefile knows of it, so the
// database that it works with is empty; whatever it has not left itself is a source, and
// its graph holds nothing but itself.
//
// It has no file that says whether it has to run. So it is always asked for, and a
// result that holds has to look as if the command had run: what it printed is printed,
// and its files get new times.

// CommandSpec is a command and what of its surroundings counts.
type CommandSpec struct {
	Words        []string
	Dir          string     // absolute, links resolved
	Root         string     // of the project, "" to look for it
	KeepFailures bool       // a result counts also if the command fails
	Stdin        cache.Hash // of what it finds on its standard input, zero if that is nothing
	StdinOpen    bool       // there is something, but nobody knows what: only a result counts for which it was not read

	// StdinUsed is asked, when the command has ended, how far it has read its standard
	// input, and whether it is sure that it has not even looked.
	StdinUsed func() (moved int64, unread bool)
	// UnseenUsed is asked then whether the command has read or written something else that
	// its view has not seen.
	UnseenUsed func() bool
}

// Command is a command and what is known of it.
type Command struct {
	b *Build
	f *makefile.File
	n *node
	d decision
	t *cache.Trace // the result in force, once it was judged to hold

	learned bool // something that the next run need not find out again
}

// NewCommand opens what is known of a command. As New, it never fails.
func NewCommand(spec CommandSpec, o Options) *Command {
	o.Above = Above{Root: spec.Root}
	db := makefile.New(nil, makefile.Options{WorkDir: spec.Dir, NoBuiltinRules: true, NoBuiltinVars: true})
	b := newBuild(db, spec.Dir, o)
	b.single = &spec
	b.contents = cache.NewContents(b.blobs, nil) // so that a result can be put back without an engine
	b.commonEnv = commonEnv{vars: b.env, holds: make(map[cache.EnvText]bool)}

	text := make([]string, len(spec.Words))
	for i, w := range spec.Words {
		text[i] = quoted(w)
	}
	key := cache.NewDigest("command").String(b.sp.key(spec.Dir)).String(o.System).Strings(spec.Words).Sum()
	if o.AllEnv {
		key = cache.NewDigest("strict").Hash(key).Sum()
	}
	full := withProcessor(key, strings.Join(text, " "))
	c := &Command{
		b: b,
		f: &makefile.File{Name: strings.Join(text, " "), Recipe: &makefile.Recipe{}},
		n: &node{name: "command " + key.String(), recipe: recipeKey{done: true, key: key, full: full, text: strings.Join(text, " ")}},
	}
	b.nodes[c.f] = c.n
	b.load(cache.CommandGraphPath(o.CacheDir, b.sp.root, c.n.name))
	return c
}

// Judge decides whether the command has to run. If not, its result is there afterwards as
// if it had, and what it printed was printed.
func (c *Command) Judge() exec.Verdict {
	b := c.b
	b.recoverCut()
	b.number(c.f, c.n)
	b.finishLogs()
	b.visited[c.n.name] = true
	c.d = c.decide()
	c.n.reason, c.n.old = c.d.why, c.d.old
	if b.opts.DryRun {
		return c.d.verdict
	}
	switch c.d.verdict {
	case exec.UpToDate:
		c.replay()
	case exec.Restored:
		if c.d.old == nil || c.d.old.Strong != c.d.hit.Strong {
			b.keepEarlier(c.d.old)
			c.learned = true
		}
		if err := b.restore(c.f, c.n, c.d); err != nil {
			b.warn("cannot restore from the cache: %v", err)
			c.d.verdict = exec.Run
			break
		}
		c.t = c.d.hit
		c.learned = c.learned || sizeOf(c.t) > quicklyHashed
	case exec.Run:
		b.keepEarlier(c.d.old)
	}
	return c.d.verdict
}

// decide says what is to be done, and changes nothing.
func (c *Command) decide() decision {
	b, n := c.b, c.n
	e, known := b.graph.Entry(n.name)
	if !known {
		return b.orCached(c.f, n, decision{verdict: exec.Run, why: "nothing is known of an earlier run"})
	}
	run := func(why string) decision {
		return decision{verdict: exec.Run, why: why, old: e.Trace()}
	}
	_, bad := b.suspect[n.name]
	switch {
	case b.opts.Always:
		return run("nothing is to come from the cache")
	case bad:
		return b.orCached(c.f, n, run("what it left may not have reached the disk"))
	case e.Status() == statusCut && e.Flags()&cache.Failed != 0:
		return b.orCached(c.f, n, run("its last run was cut short"))
	case e.Flags()&cache.Failed != 0 || e.Status() != 0 && !b.keepsFailures():
		return b.orCached(c.f, n, run("its last run failed"))
	case e.Flags()&cache.NoStore != 0:
		return run("its result is no function of the project's files")
	case b.single.StdinOpen && !unread(e.Trace()):
		return b.orCached(c.f, n, run("it may read its standard input, which is a pipe"))
	}
	outs := e.Outputs()
	i := slices.IndexFunc(outs, func(o cache.Output) bool { return !b.leftAsIs(&o) })
	b.hasher.Fresh() // what was hashed for this is not worth writing down, see quicklyHashed
	d := b.traced(c.f, n, e, outs, true)
	c.learned = b.hasher.Dirty()
	if d.verdict != exec.UpToDate {
		return d
	}
	if i < 0 {
		d.why = "everything that it looked at is as it was"
		return d
	}
	old := e.Trace()
	d = decision{verdict: exec.Run, why: b.display(outs[i].Path) + " is not as it was left", old: old}
	if b.opts.Cache != CacheOff && b.haveContents(old) {
		d.verdict, d.hit = exec.Restored, old
	}
	return d
}

// quicklyHashed is the size up to which the outputs of a command are sooner hashed by its
// next run than their new stats written down by this one.
const quicklyHashed = 256 << 10

// replay makes a result that holds look as if the command had run.
func (c *Command) replay() {
	b := c.b
	c.t = b.graph.Target(c.n.name)
	for i := range c.t.Outputs {
		if o := &c.t.Outputs[i]; (o.Type == typeRegular || o.Type == typeLink) && o.SameAs == "" {
			b.touch(o)
		}
	}
	if sizeOf(c.t) > quicklyHashed {
		b.graph.Put(c.n.name, c.t)
		c.learned = true
	}
	if len(b.freshNames(b.env)) > 0 { // they were found not to matter, which takes its time
		b.meetEnv(b.env)
		c.learned = true
	}
	b.replay(c.t)
}

// sizeOf adds up what a result has left.
func sizeOf(t *cache.Trace) (size int64) {
	for i := range t.Outputs {
		size += t.Outputs[i].Size
	}
	return size
}

// Result tells, of a command that need not run, its status and how far it has read its
// standard input.
func (c *Command) Result() (status int, moved int64) { return c.t.Status, movedBy(c.t) }

// Begin gives a command that has to run its action, nil if it can be run in the real tree
// only.
func (c *Command) Begin() (exec.Action, error) {
	if !c.b.runsNatively(c.f, c.n) {
		_, _ = c.b.startEngine() // what is wrong is known to Begin
		c.b.askForStats()
	}
	a, err := c.b.Begin(c.f)
	if _, native := a.(*nativeAction); native || err != nil {
		return nil, err
	}
	return a, nil
}

// Close keeps what was learned.
func (c *Command) Close() error {
	if c.d.verdict == exec.Run || c.learned {
		c.b.Close()
	} else {
		c.b.graph.Used()
	}
	return c.b.opts.Shared.Close()
}

// Dir is the directory that the command runs in.
func (c *Command) Dir() string { return c.b.sp.cwd }

// Summary prints what would be done and why.
func (c *Command) Summary(out io.Writer) { fmt.Fprintln(out, c.summary()) }

func (c *Command) summary() string {
	what := "would run"
	switch c.d.verdict {
	case exec.UpToDate:
		what = "would be replayed"
	case exec.Restored:
		what = "would be restored from the cache"
	}
	return fmt.Sprintf("%s %s: %s.", c.f.Name, what, c.d.why)
}

// Explain prints that, and what is known of the last run.
func (c *Command) Explain(out io.Writer) {
	a := &explain.Answer{Name: c.f.Name, Sentence: c.summary()}
	if t := c.b.graph.Target(c.n.name); t != nil {
		a.Run = c.b.explainRun(t, "It")
		a.Run.Recipe = "" // the words of the command
		c.b.explainInputs(a, t)
		a.Outputs = c.b.explainOutputs(t)
	}
	a.Print(out)
}

// Last returns what the last run read and wrote, with paths as messages show them; nil if
// nothing is known.
func (c *Command) Last() *cache.Trace {
	t := c.b.graph.Target(c.n.name)
	if t == nil {
		return nil
	}
	for i := range t.Inputs {
		t.Inputs[i].Path = c.b.display(t.Inputs[i].Path)
	}
	for i := range t.Outputs {
		t.Outputs[i].Path = c.b.display(t.Outputs[i].Path)
	}
	return t
}
