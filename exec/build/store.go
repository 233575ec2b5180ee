package build

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"fmake/cache"
	"fmake/exec"
	"fmake/makefile"
	"fmake/tracefs"
)

// startEngine finds the engine of the make above or starts one, at the first
// recipe that has to run. The error is remembered: there is one attempt a build.
func (b *Build) startEngine() (*tracefs.Engine, error) {
	if b.engine != nil || b.engineErr != nil {
		return b.engine, b.engineErr
	}
	b.opts.Idle.Void()
	var failed bool
	b.engine, failed, b.engineErr = b.opts.Shared.start(b.opts.Above.Engine, tracefs.Config{
		EnginePath: b.opts.EnginePath, CacheDir: b.opts.CacheDir, Project: b.sp.root, System: b.opts.System, StoreArgs: b.storeArgs(),
		OpenStore: b.opts.Cache != CacheOff,
	}, b.nameFiles())
	if failed && !b.opts.Require && !errors.Is(b.engineErr, tracefs.ErrKilled) {
		b.reportNoTracing(b.engineErr)
	}
	return b.engine, b.engineErr
}

func (b *Build) storeArgs() []string {
	if b.opts.Cache == CacheReadOnly {
		return []string{"readonly"}
	}
	return b.opts.Remote
}

// reportNoTracing is the one line of law 7.
func (b *Build) reportNoTracing(err error) {
	what, then := "recipes", "working from mtimes as GNU make does"
	if b.single != nil {
		what, then = "commands", "running it as it is"
	}
	var un *tracefs.ErrUnavailable
	if !errors.As(err, &un) {
		b.warn("%s cannot be traced: %v; %s", what, err, then)
		return
	}
	hint := ""
	if un.Hint != "" {
		hint = " (" + un.Hint + ")"
	}
	b.warn("%s cannot be traced: %s; %s%s", what, un.Reason, then, hint)
}

// client connects to the store, once. A build without a store goes on.
func (b *Build) client() *cache.Client {
	if b.store != nil || b.storeFailed || b.opts.Cache == CacheOff {
		return b.store
	}
	eng, err := b.startEngine()
	if err != nil {
		b.storeFailed = true
		return nil
	}
	conn, err := eng.StoreConn()
	if err != nil {
		b.storeFailed = true
		b.trouble("connecting to the store", err)
		return nil
	}
	b.store = cache.NewClient(conn)
	if b.single == nil { // of a command all contents are files
		b.contents.UseStore(b.store)
	}
	return b.store
}

// storeError gives the store up after an error, with one warning.
func (b *Build) storeError(doing string, err error) {
	if errors.Is(err, cache.ErrReadOnly) {
		return
	}
	b.trouble(doing, err)
	b.mu.Lock()
	b.storeFailed = true
	b.mu.Unlock()
}

// orCached turns a decision to run into one to restore if another trace of the
// same recipe holds.
func (b *Build) orCached(f *makefile.File, n *node, d decision) decision {
	if b.opts.Cache == CacheOff || d.verdict != exec.Run || !b.mayRestore(f, n) {
		return d
	}
	hit := b.earlierResult(f, n)
	if hit == nil {
		hit = b.lookUp(f, n)
	}
	if hit == nil {
		return d
	}
	d.verdict, d.hit = exec.Restored, hit
	return d
}

// mayRestore spares recipes whose results are never in the store the look-up.
func (b *Build) mayRestore(f *makefile.File, n *node) bool {
	if e, ok := b.graph.Entry(n.name); ok && e.Flags()&cache.NoStore != 0 && e.Flags()&cache.Provisional == 0 {
		return false
	}
	for _, c := range commandWords(b.recipeKey(f, n).text) {
		if listed(b.lists.impure, strings.Fields(c)) || listed(b.lists.stateful, strings.Fields(c)) {
			return false
		}
	}
	return len(b.recipeKey(f, n).text) > 0
}

// lookUp is the two-phase look-up: it returns a trace that holds now, or nil. First it
// looks into the store, then at the remote cache.
func (b *Build) lookUp(f *makefile.File, n *node) *cache.Trace {
	c := b.client()
	if c == nil || b.storeFailed {
		return nil
	}
	k := b.recipeKey(f, n)
	sets, err := c.PathSets(k.full)
	if err != nil {
		b.storeError("looking up "+f.Name, err)
		return nil
	}
	n.sets, n.asked = sets, true
	for _, s := range sets {
		strong, ok := b.strongNow(f, n, s)
		if !ok {
			continue
		}
		t, err := c.Result(strong)
		if err != nil {
			b.storeError("looking up "+f.Name, err)
			return nil
		}
		if t != nil && b.mayPutBack(f, t) {
			b.keepNear(n, t)
			return t
		}
	}
	return b.lookFar(f, n)
}

// mayPutBack reports whether a result of which the inputs are as they were may be taken.
func (b *Build) mayPutBack(f *makefile.File, t *cache.Trace) bool {
	if b.single != nil && (t.Status != 0 && !b.keepsFailures() || b.single.StdinOpen && !unread(t)) {
		return false
	}
	return b.haveContents(t) && b.sameSurroundings(f, t)
}

// sameSurroundings reports whether commands and variables are for a result what they were.
func (b *Build) sameSurroundings(f *makefile.File, t *cache.Trace) bool {
	if b.commandsMoved(t) != "" {
		return false
	}
	why, _ := b.unmetEnv(f, t, b.environ(f), b.envNames(f))
	return why == ""
}

// strongNow hashes what a set of paths is in the view of f's action now.
func (b *Build) strongNow(f *makefile.File, n *node, s cache.PathSet) (cache.Hash, bool) {
	inputs := make([]cache.Input, 0, len(s.Paths))
	for _, r := range s.Paths {
		in, err := b.seenInput(n, r)
		if err != nil {
			return cache.Hash{}, false
		}
		inputs = append(inputs, in)
	}
	return b.strongOf(f, n, inputs, s.Env), true
}

// strongOf is the strong key of f's action if it sees these inputs, and the variables of
// these names as they are now.
func (b *Build) strongOf(f *makefile.File, n *node, inputs []cache.Input, names []string) cache.Hash {
	env := b.environ(f)
	vars := make([]cache.EnvInput, 0, len(names))
	for _, name := range names {
		value, set := b.envValue(env, name)
		e := cache.EnvInput{Name: name, Set: set}
		if set {
			e.Value = cache.HashString(value)
		}
		vars = append(vars, e)
	}
	_, toks := b.tokens(f, inputs)
	return b.digest.StrongKey(b.recipeKey(f, n).full, inputs, vars, toks)
}

// seenInput is what f's action would see at a path: the disk, less its own
// earlier versions and those of later actions.
func (b *Build) seenInput(n *node, r cache.PathRef) (cache.Input, error) {
	if r.Kind == cache.InputListing {
		return b.w.asInput(b.sp.abs(r.Path), r.Kind, b.chain.hidden(n.name, n.serial, r.Path, false))
	}
	if out, ok := b.chain.seen(n.name, n.serial, r.Path, false); ok {
		return versionInput(&out, r), nil
	}
	return b.w.input(r)
}

// versionInput is a version in the terms of an input.
func versionInput(o *cache.Output, r cache.PathRef) cache.Input {
	in := cache.Input{Path: r.Path, Kind: r.Kind}
	if o.Type == 0 {
		in.Kind = cache.InputAbsent
		return in
	}
	switch r.Kind {
	case cache.InputContent:
		in.Mode, in.Hash = o.Type|o.Mode, o.Hash
	case cache.InputLink:
		in.Hash = cache.HashString(o.Link)
	default:
		in.Kind, in.Mode = cache.InputExists, o.Type|o.Mode
		if o.Type == typeRegular {
			in.Size = o.Size
		}
	}
	return in
}

// haveContents reports whether every content that a trace left can be had. The store is
// asked last: what is near needs no engine.
func (b *Build) haveContents(t *cache.Trace) bool {
	if t.Flags&(cache.NoStore|cache.Provisional|cache.Failed) != 0 {
		return false
	}
	if b.allThere(t) {
		return true
	}
	return b.single == nil && b.store == nil && b.client() != nil && b.allThere(t)
}

// allThere reports whether every content that a trace left is where contents are looked
// for now.
func (b *Build) allThere(t *cache.Trace) bool {
	var asked []cache.Hash
	for i := range t.Outputs {
		if o := &t.Outputs[i]; o.Type == typeRegular || o.Type == cache.TypeSegment && o.Size > 0 {
			asked = append(asked, o.Hash)
		}
	}
	if len(asked) == 1 {
		return b.contents.Has(asked[0])
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	var missing atomic.Bool
	for _, h := range asked {
		if missing.Load() {
			break
		}
		g.Go(func() error {
			if !b.contents.Has(h) {
				missing.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	return !missing.Load()
}

// keep puts a trace and its contents into the store, in the background.
func (b *Build) keep(a *action, t *cache.Trace) {
	if b.opts.Cache != CacheOn || t.Flags&cache.NoStore != 0 || b.client() == nil {
		return
	}
	b.wg.Add(1)
	b.slots <- struct{}{}
	go func() {
		defer b.wg.Done()
		defer func() { <-b.slots }()
		if err := b.put(a.n.name, t); err != nil {
			var ch *cache.ChangedError
			if errors.As(err, &ch) {
				return // a later action changed the file already: not restorable, but known
			}
			b.storeError("storing "+a.f.Name, err)
		}
	}()
}

func (b *Build) put(name string, t *cache.Trace) error {
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if o.Type != typeRegular || o.SameAs != "" {
			continue
		}
		if _, _, err := b.contents.PutFile(b.sp.abs(o.Path), o.Hash); err != nil {
			return fmt.Errorf("%s: %w", o.Path, err)
		}
	}
	encoded := cache.EncodeTrace(t)
	if err := b.store.PutEncoded(t.FullKey, t.Strong, t, encoded); err != nil {
		return err
	}
	if b.single == nil { // the graph of a command has its own, see earlierSection
		b.tree.near.PutResult(name, t, encoded)
	}
	return nil
}

// saveSoon saves the graph now and then.
func (b *Build) saveSoon() {
	if b.tree.stale() {
		b.Save()
	}
}

// Save writes the graph file and crosses out the journal entries of the actions
// that are in it.
func (b *Build) Save() {
	if b.opts.DryRun {
		return
	}
	b.saveNotes()
	defer b.tree.wrote(time.Now())
	var ids []uint64
	if b.journal != nil {
		ids = b.tree.unsaved()
	}
	if !b.graph.Dirty() && len(ids) == 0 && !b.hasher.Dirty() {
		return
	}
	b.opts.Idle.Void() // the next build finds something else to go by
	b.hasher.Settle()
	fresh := b.hasher.Fresh()
	b.graph.PutStats(fresh)
	b.shareStats(fresh)
	if err := b.graph.Save(); err != nil {
		b.trouble("keeping what was learned", err)
		return
	}
	for _, id := range ids {
		if err := b.journal.Done(id, true); err != nil {
			b.trouble("writing down what runs", err)
			return
		}
	}
	if b.journal != nil {
		size := int64(cache.GrownJournal)
		if b.single != nil {
			size = cache.SmallJournal
		}
		if err := b.journal.Shorten(size); err != nil {
			b.trouble("shortening what was written down", err)
		}
	}
}

// Close waits for the store and saves what was learned.
func (b *Build) Close() {
	b.wg.Wait()
	b.keepLeavings()
	if b.store != nil && !b.storeFailed && b.single == nil { // a command's graph does not hang on the store
		if err := b.store.Sync(); err != nil {
			b.storeError("writing", err)
		}
	}
	if b.opts.Inside && b.tree.isKept() {
		b.saveSoon()
	} else {
		b.Save()
	}
	if b.opts.Shared.register.isAbove() {
		b.tellVisits()
	}
	if b.journal != nil && b.serial != 0 { // it may only have started makes that have made something
		if _, err := b.tree.hear(); err != nil {
			b.trouble("hearing of other makes", err)
		}
	}
	if err := b.tree.ended(b.serial, b.self); err != nil {
		b.trouble("telling other makes of this one's end", err)
	}
	b.flush()
	if b.store != nil {
		b.store.Close()
	}
}
