package idle

import (
	"context"
	"io"
	"os"
	"strconv"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/tracefs"
)

// tracer runs commands of $(shell) in views, to learn what they go by.
type tracer struct {
	key    *Key
	engine *tracefs.Engine
	known  map[string]*program
	looks  []look // of the commands that hold
	count  uint64
}

// newTracer starts an engine, which keeps nothing: if it is killed, what a command has
// changed stays, as it does if make is.
func newTracer(k *Key) (*tracer, error) {
	e, err := tracefs.Start(context.Background(), tracefs.Config{Project: k.dir, System: "trace"})
	if err != nil {
		return nil, err
	}
	return &tracer{key: k, engine: e, known: knownPrograms()}, nil
}

// run runs one command and says what was learned of it. ok is false if it could not be
// started.
func (t *tracer) run(s *cache.ShellRun) (a answer, seen cache.TracedShell, ok bool) {
	t.count++
	v, err := t.engine.NewView(tracefs.ViewSpec{ID: "shell " + strconv.FormatUint(t.count, 10), Serial: t.count, Dir: s.Dir})
	if err != nil {
		a, ok = runOne(*t.key, s)
		return a, cache.TracedShell{ShellRun: *s}, ok
	}
	out, errs, status, err := inView(v, &tracefs.Command{
		Path: s.Path, Args: s.Argv, Env: t.key.environ(s), Dir: s.Dir, Stdin: os.Stdin,
	})
	rec, unseen := v.Finish()
	v.Recorded()
	if err != nil {
		return a, seen, false
	}
	a = answer{s.Dir, s.Argv, string(out), status}
	seen = cache.TracedShell{ShellRun: *s, Errors: string(errs)}
	_ = printAll(unix.Stderr, errs)
	if unseen == nil {
		seen.Kind = t.judge(rec, len(errs) > 0)
	}
	return a, seen, true
}

// judge says what the record of one command proves, and keeps its looks if they are
// all that counts.
func (t *tracer) judge(rec *tracefs.Record, complains bool) cache.ShellKind {
	kind := judge(t.known, rec)
	if _, err := unix.IoctlGetTermios(unix.Stderr, unix.TCGETS); err == nil && complains {
		kind = min(kind, cache.ShellReads) // it may complain in colours
	}
	if kind < cache.ShellHolds {
		return kind
	}
	looks, same := looksOf(rec.Looks)
	if !same {
		return cache.ShellReads
	}
	t.looks = append(t.looks, looks...)
	return kind
}

// close ends the tracing. It returns what all commands that hold go by. ok is false if that
// is not known.
func (t *tracer) close() (looks []look, ok bool) {
	defer t.engine.Close()
	system, err := t.engine.SystemLooks()
	if err != nil {
		return nil, false
	}
	more, same := looksOf(system)
	return append(t.looks, more...), same
}

// inView runs a command in a view and returns what it printed.
func inView(v *tracefs.View, c *tracefs.Command) (out, errs []byte, status int, err error) {
	var pipes [2]struct{ r, w *os.File }
	for i := range pipes {
		if pipes[i].r, pipes[i].w, err = os.Pipe(); err != nil {
			return nil, nil, 0, err
		}
		defer pipes[i].r.Close()
		defer pipes[i].w.Close()
	}
	c.Stdout, c.Stderr = pipes[0].w, pipes[1].w
	p, err := v.Start(c)
	if err != nil {
		return nil, nil, 0, err
	}
	var g errgroup.Group
	for i, to := range []*[]byte{&out, &errs} {
		pipes[i].w.Close()
		g.Go(func() (err error) {
			*to, err = io.ReadAll(pipes[i].r)
			return err
		})
	}
	ws, _, err := p.Wait()
	if rerr := g.Wait(); err == nil {
		err = rerr
	}
	return out, errs, statusOf(ws), err
}

// looksOf turns what was looked at into looks that can be compared. same is false if
// something is no longer what it was when it was looked at.
func looksOf(seen []tracefs.Look) (looks []look, same bool) {
	for i := range seen {
		l := &seen[i]
		var st unix.Stat_t
		err := unix.Lstat(l.Path, &st)
		if (err != nil) != (l.Flags&tracefs.LookAbsent != 0) {
			return nil, false
		}
		was := cache.StatOf(&st)
		dir := err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
		if err == nil && !dir && (was.Ino != l.Stat.Ino || was.Size != l.Stat.Size || was.Mtime != l.Stat.Mtime || was.Ctime != l.Stat.Ctime) {
			return nil, false
		}
		kind := state
		if dir {
			kind = presenceItself
		}
		looks = append(looks, look{"", l.Path, seenStat(kind, &was, err)})
		if dir && l.Flags&tracefs.LookListing != 0 {
			names, err := namesIn(l.Path)
			if err != nil {
				return nil, false
			}
			s := seenStat(listing, &was, nil)
			s.Extra = hashNames(names)
			looks = append(looks, look{"", l.Path, s})
		}
	}
	return looks, true
}
