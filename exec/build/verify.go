package build

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/verify"
	"fmake/makefile"
	"fmake/tracefs"
)

// Verify runs the recipes of this make a second time, each by itself, in the view that
// it had, with what it must not hang on set otherwise, and compares what comes of it.
// It is for the end of a build that has succeeded. What the first run left is kept in
// the cache meanwhile and stands in the tree again afterwards; of the second, nothing is
// written down. A make that dies in between leaves the target as one whose run was cut
// short.
func (b *Build) Verify(again func(f *makefile.File, a exec.Action, vars []string)) ([]verify.Finding, error) {
	if _, err := b.startEngine(); err != nil {
		return nil, fmt.Errorf("--verify needs tracing: %w", err)
	}
	if b.client() == nil {
		return nil, errors.New("--verify needs the cache, which cannot be used")
	}
	b.wg.Wait()
	b.Save()
	v := &verifying{b: b, again: again}
	for _, f := range b.decidedTargets() {
		v.target(f)
	}
	v.run()
	return v.found, v.err
}

// decidedTargets are the targets with a recipe that are part of this build, in serial
// order; of those that one recipe makes, the first.
func (b *Build) decidedTargets() []*makefile.File {
	var all []*makefile.File
	for f, n := range b.nodes {
		if n.decided != nil && f.Recipe != nil && f.Renamed == nil {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(x, y *makefile.File) int {
		return cmp.Or(cmp.Compare(b.node(x).serial, b.node(y).serial), strings.Compare(x.Name, y.Name))
	})
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(f *makefile.File) bool {
		name := b.node(f).name
		was := seen[name]
		seen[name] = true
		return was
	})
}

// verifying is one pass over the targets of a make.
type verifying struct {
	b     *Build
	again func(f *makefile.File, a exec.Action, vars []string)
	wait  []*second // what is to run
	last  int64     // when the last of the first runs ended
	found []verify.Finding
	err   error // why the tree is not what it was
}

// target decides whether a recipe can run twice.
func (v *verifying) target(f *makefile.File) {
	b, n := v.b, v.b.node(f)
	t := b.graph.Target(n.name)
	if t == nil && b.owned[n.path] != nil && b.owned[n.path] != f {
		return // what it makes is another recipe's
	}
	if why := b.unverifiable(f, n, t); why != "" {
		v.found = append(v.found, verify.Finding{Kind: verify.Skipped, Target: f.Name, Why: why})
		return
	}
	v.last = max(v.last, t.Started+t.Duration)
	a := &action{b: b, f: f, n: n, old: t, second: true}
	a.view = &lazyView{a: a}
	v.wait = append(v.wait, &second{action: a, v: v})
}

// run runs all that can, in another second than the last of the first runs.
func (v *verifying) run() {
	if len(v.wait) == 0 {
		return
	}
	temp, err := os.MkdirTemp("", "fmake-verify-")
	if err != nil {
		v.b.warn("verify: recipes run again with the same folder for temporary files: %v", err)
	}
	defer os.RemoveAll(temp)
	time.Sleep(untilLater(time.Unix(0, v.last), time.Now()))
	for _, s := range v.wait {
		if err := s.keepFirst(); err != nil {
			v.found = append(v.found, verify.Finding{Kind: verify.Skipped, Target: s.f.Name, Why: "what it left cannot be kept: " + err.Error()})
			continue
		}
		s.started = time.Now()
		v.b.active++
		v.again(s.f, s, s.vars(temp))
		if v.err != nil {
			v.err = fmt.Errorf("verifying %s: %w; the next build makes it anew", s.f.Name, v.err)
			return
		}
	}
}

// untilLater is how long it takes until a clock that shows seconds shows another one than
// it did at a time. After the clock was set back, or where another machine's was ahead, that
// time may be long in the future; then one more second is another one, too.
func untilLater(then, now time.Time) time.Duration {
	const later = time.Second + time.Duration(clockTick)
	return max(min(then.Add(later).Sub(now), later), 0)
}

// second is the second run of a recipe.
type second struct {
	*action
	v     *verifying
	times map[string]int64 // by path: the mtimes of what the first run left
}

// vars are the variables that it finds otherwise. One that the first run was seen to
// hang on is as it was: that is no accident.
func (s *second) vars(temp string) []string {
	named := slices.ContainsFunc(s.old.Env, func(e cache.EnvInput) bool { return e.Name == "TMPDIR" })
	if temp == "" || named {
		return nil
	}
	return []string{"TMPDIR=" + temp}
}

// keepFirst makes sure that what the first run left can be put back.
func (s *second) keepFirst() error {
	s.times = make(map[string]int64)
	for i := range s.old.Outputs {
		o := &s.old.Outputs[i]
		if st, ok := s.b.w.lstat(s.b.sp.abs(o.Path)); ok {
			s.times[o.Path] = st.Mtime
		}
		if o.Type != typeRegular {
			continue
		}
		if _, _, err := s.b.contents.PutFile(s.b.sp.abs(o.Path), o.Hash); err != nil {
			return err
		}
	}
	return nil
}

// End implements exec.Action.
func (s *second) End(status int, interrupted bool) error {
	b := s.b
	b.active--
	rec, err := s.view.finish()
	if s.raise != nil {
		defer s.raise()
	}
	if err != nil || rec == nil {
		s.v.err = cmp.Or(err, errors.New("there is no record of its second run"))
		return s.lost(s.v.err)
	}
	defer s.view.recorded()
	b.forgetWrites(rec)
	for i := range s.old.Outputs {
		b.lookAgain(b.sp.abs(s.old.Outputs[i].Path)) // make deletes the targets of what is interrupted
	}
	if !interrupted {
		s.compare(rec, status)
	}
	s.v.err = s.putFirst(rec)
	if interrupted {
		b.Save() // make is about to die, and all is as it was
	}
	return s.v.err
}

// finding is about one path that the recipe writes, or about the recipe itself.
func (s *second) finding(kind verify.Kind, key string) *verify.Finding {
	f := verify.Finding{Kind: kind, Target: s.f.Name}
	if key != "" {
		f.File = s.b.display(key)
	}
	if pos := s.f.Recipe.Pos; pos.File != "" {
		f.Makefile, f.Line = pos.File, pos.Line
		if !filepath.IsAbs(pos.File) {
			f.Makefile = filepath.Join(s.b.sp.cwd, pos.File)
		}
	}
	s.v.found = append(s.v.found, f)
	return &s.v.found[len(s.v.found)-1]
}

// compare holds what the second run has left against what the first one had.
func (s *second) compare(rec *tracefs.Record, status int) {
	s.finding(verify.Ran, "")
	if status != 0 {
		s.finding(verify.Failed, "")
		return
	}
	for i := range s.old.Outputs {
		o := &s.old.Outputs[i]
		if now, _ := s.leftNow(rec, o); !sameOutput(o, &now) {
			s.differs(o, &now)
		}
	}
	for i := range rec.Writes {
		w := &rec.Writes[i]
		key := s.b.sp.key(w.Path)
		if w.Segment != "" || s.noVersion(rec, w.Path) || findOutput(s.old.Outputs, key) != nil {
			continue
		}
		if now, ok := s.b.outputAt(w.Path); ok && now.Type != typeDir {
			s.finding(verify.New, key)
		}
	}
}

// leftNow is what the second run has left where the first one left an output. Where it
// has left alone what is only hidden from it, that is nothing.
func (s *second) leftNow(rec *tracefs.Record, o *cache.Output) (cache.Output, bool) {
	p := s.b.sp.abs(o.Path)
	if slices.Contains(s.hidden, p) && findWrite(rec.Writes, p) == nil {
		return cache.Output{Path: o.Path}, false
	}
	return s.b.outputAt(p)
}

// differs tells of one output that is not the same.
func (s *second) differs(first, now *cache.Output) {
	switch {
	case now.Type == 0:
		s.finding(verify.Gone, first.Path)
	case first.Type == typeRegular && now.Type == typeRegular && first.Hash != now.Hash:
		s.content(first)
	default:
		s.finding(verify.Form, first.Path).Why = form(first) + ", then " + form(now)
	}
}

// form describes a version without its content.
func form(o *cache.Output) string {
	switch o.Type {
	case 0:
		return "nothing"
	case typeDir:
		return "a directory"
	case typeLink:
		return "a link to " + o.Link
	}
	return fmt.Sprintf("a file of mode %04o", o.Mode)
}

// content finds the place where two contents differ.
func (s *second) content(first *cache.Output) {
	f := s.finding(verify.Content, first.Path)
	was, done, err := s.firstContent(first.Hash)
	if err != nil {
		s.b.warn("verify: reading what %s was at first: %v", f.File, err)
		return
	}
	defer done()
	now, err := os.Open(s.b.sp.abs(first.Path))
	if err != nil {
		s.b.warn("verify: %v", err)
		return
	}
	defer now.Close()
	if f.At, _, err = verify.Compare(was, now); err != nil {
		s.b.warn("verify: comparing %s: %v", f.File, err)
	}
	f.Within = partAt(was, f.At.Offset)
}

// firstContent opens what the first run left.
func (s *second) firstContent(h cache.Hash) (content io.ReaderAt, done func(), err error) {
	if file, err := s.b.blobs.Open(h); err == nil {
		return file, func() { file.Close() }, nil
	}
	data, err := s.b.contents.Get(h)
	return bytes.NewReader(data), func() {}, err
}
