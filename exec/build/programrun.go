package build

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/proc"
	"fmake/tracefs"
)

// Wait implements proc.Process.
func (p *counted) Wait() (unix.WaitStatus, unix.Rusage, error) {
	defer p.ps.leave()
	return p.Process.Wait()
}

// apart runs a program and records what it does by itself.
func (ps *programs) apart(p *programRun, c *proc.Command, s *streams, run runner) (proc.Process, error) {
	if err := ps.begin(p); err != nil {
		p.why = ps.stop(err)
		return ps.plain(p, c, run)
	}
	own := *c
	tee, ok := s.tee(&own)
	if !ok {
		_ = ps.ended(p)
		return ps.plain(p, c, run)
	}
	process, err := run(&own)
	if err != nil {
		rec := ps.ended(p)
		if tee != nil {
			tee.End(rec != nil && rec.Leftover)
		}
		ps.leave()
		return nil, err
	}
	ps.list(p)
	return &apart{Process: process, ps: ps, p: p, s: s, tee: tee}, nil
}

// begin begins the part of a program. What others that were not told apart have left behind
// must not be taken for its doing.
func (ps *programs) begin(p *programRun) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if err := ps.view.BeginPart(ps.unchecked); err != nil {
		return err
	}
	ps.now, ps.unchecked = p, false
	return nil
}

// stop has nothing told apart any more, and returns why.
func (ps *programs) stop(err error) string {
	why := "it could not be recorded"
	switch {
	case errors.Is(err, unix.EBUSY):
		why = "what an earlier program has left runs on"
	case errors.Is(err, unix.ENOTSUP):
		why = "this machine cannot tell programs apart"
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.off == "" {
		ps.off = why
	}
	return ps.off
}

// ended ends the part of a program, and returns what was recorded, nil if nothing was.
func (ps *programs) ended(p *programRun) *tracefs.Record {
	rec, err := ps.view.EndPart()
	ps.mu.Lock()
	ps.now = nil
	ps.mu.Unlock()
	switch {
	case err != nil:
		ps.stop(err)
		return nil
	case rec.Leftover:
		ps.stop(unix.EBUSY)
	}
	return rec
}

// took notes how long a program has run.
func (ps *programs) took(p *programRun) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	r := ps.ran[p.words[0]]
	ps.ran[p.words[0]] = runs{r.n + 1, r.took + p.took}
}

// tee gives a program streams of its own in place of those of the recipe. It is nil if
// there are none; ok is false if there are no descriptors left.
func (s *streams) tee(c *proc.Command) (t *exec.Tee, ok bool) {
	var out, errs *os.File
	if s.out[1].shared {
		out = c.Stdout
	}
	if s.out[2].shared {
		errs = c.Stderr
	}
	if out == nil && errs == nil {
		return nil, true
	}
	if t = exec.NewTee(out, errs); t == nil {
		return nil, false
	}
	first, last := t.Streams()
	if out != nil {
		c.Stdout = first
	}
	if errs != nil {
		c.Stderr = last
	}
	return t, true
}

// apart is the process of a program that is recorded by itself.
type apart struct {
	proc.Process
	ps  *programs
	p   *programRun
	s   *streams
	tee *exec.Tee
}

// Wait implements proc.Process. When it returns, what the program has left is in the store:
// the next one may change it.
func (x *apart) Wait() (unix.WaitStatus, unix.Rusage, error) {
	ps, p := x.ps, x.p
	defer ps.leave()
	status, usage, err := x.Process.Wait()
	p.took = time.Since(p.started)
	ps.took(p)
	rec := ps.ended(p)
	if err != nil {
		rec = nil
	}
	x.sum(status, rec)
	return status, usage, err
}

// sum notes what is known of a run that has ended, which is nothing without a record.
func (x *apart) sum(status unix.WaitStatus, rec *tracefs.Record) {
	var printed []cache.Chunk
	if x.tee != nil {
		for _, piece := range x.tee.End(rec != nil && rec.Leftover) {
			printed = append(printed, cache.Chunk{Stream: uint8(piece.Stream), Data: piece.Data})
		}
	}
	p := x.p
	var got collected
	switch {
	case rec == nil:
		got.lost = "it could not be recorded"
	case !status.Exited():
		got.lost = "it was killed"
	case len(rec.Contended) > 0:
		got.lost = "something else ran beside it, and changed " + x.ps.b.display(x.ps.b.sp.key(rec.Contended[0].Path))
	case rec.Leftover:
		got.lost = "it has left a process that ran on"
	default:
		got = x.collect(rec, printed)
	}
	x.ps.mu.Lock()
	defer x.ps.mu.Unlock()
	switch {
	case x.ps.done:
	case got.lost == "" && p.spoiled:
		p.lost = "something else ran beside it"
	case got.lost != "":
		p.lost = got.lost
	default:
		p.collected, p.rec, p.status = got, rec, status
	}
}

// collected is what has to be had of a run before anything else runs.
type collected struct {
	printed []cache.Chunk
	moved   int64                 // how far it has read a file that is its standard input
	left    map[string]cache.Hash // by path: what it has left there
	read    map[string]cache.Hash // by path: what it has read of what the recipe has made before
	lost    string                // why the run cannot be repeated
}

// collect collects it.
func (x *apart) collect(rec *tracefs.Record, printed []cache.Chunk) (got collected) {
	written, ok := x.s.written()
	got.printed = append(printed, written...)
	if !ok || sizeOfChunks(got.printed) > maxPrinted {
		got.lost = "it has printed too much"
		return got
	}
	got.moved = x.s.position()
	if got.left, got.lost = x.ps.keepLeft(rec); got.lost == "" {
		got.read, got.lost = x.ps.readHere(rec)
	}
	return got
}

func sizeOfChunks(chunks []cache.Chunk) (size int) {
	for _, c := range chunks {
		size += len(c.Data)
	}
	return size
}

// maxLeft bounds the size of a file that is put back by replaying a program: it passes
// through memory.
const maxLeft = 256 << 20

// keepLeft puts the contents of the files that a program has left into the store, or says
// what it has left besides files of the project that it has made, or made anew without
// looking at what was there.
func (ps *programs) keepLeft(rec *tracefs.Record) (files map[string]cache.Hash, lost string) {
	b := ps.b
	var versions []*tracefs.Write
	for i := range rec.Writes {
		w := &rec.Writes[i]
		if isKernel(w.Path) || b.sp.isAmbient(w.Path) {
			continue // nobody's version
		}
		if !ps.canPutBack(w) {
			return nil, "what it did to " + b.display(b.sp.key(w.Path)) + " is more than to write a new file"
		}
		versions = append(versions, w)
	}
	files = make(map[string]cache.Hash, len(versions))
	for _, w := range versions {
		h, _, err := b.contents.PutFile(w.Path, cache.Hash{})
		if err != nil {
			return nil, b.display(b.sp.key(w.Path)) + " cannot be stored"
		}
		if !isAsLeft(w) {
			return nil, b.display(b.sp.key(w.Path)) + " was changed by somebody else"
		}
		files[w.Path] = h
	}
	return files, ""
}

// isAsLeft tells whether a file is still the one that a program has left.
func isAsLeft(w *tracefs.Write) bool {
	st, err := cache.Lstat(w.Path)
	return err == nil && sameLook(&w.After, st)
}

// readHere hashes what a program has read of what was changed since the action began: before
// long it may be changed again, and who looks at its times then need not see it.
func (ps *programs) readHere(rec *tracefs.Record) (files map[string]cache.Hash, lost string) {
	for i := range rec.Looks {
		l := &rec.Looks[i]
		if l.Flags&(tracefs.LookContent|tracefs.LookUndecided) == 0 || l.Stat.Mode&unix.S_IFMT != typeRegular || max(l.Stat.Mtime, l.Stat.Ctime) < ps.since {
			continue
		}
		got, err := ps.b.hasher.HashFile(l.Path)
		if err != nil || !sameLook(&l.Stat, got.Stat) {
			return nil, ps.b.display(ps.b.sp.key(l.Path)) + " was changed by somebody else"
		}
		if files == nil {
			files = make(map[string]cache.Hash)
		}
		files[l.Path] = got.Hash
	}
	return files, ""
}

// canPutBack reports whether writing a file anew has the same effect as what a program did
// at a path.
func (ps *programs) canPutBack(w *tracefs.Write) bool {
	const odd = unix.S_ISUID | unix.S_ISGID | unix.S_ISVTX
	a, b := &w.After, &w.Before
	switch {
	case !ps.b.sp.inProject(w.Path), tracefs.IsVersionControl(w.Path), w.Append, w.Segment != "", b.Lost:
		return false
	case a.Mode&unix.S_IFMT != typeRegular, a.Nlink != 1, a.Mode&odd != 0, a.Size > maxLeft, int(a.UID) != os.Geteuid():
		return false
	case b.Exists:
		return w.Truncated && b.Stat.Mode&unix.S_IFMT == typeRegular && b.Stat.Nlink == 1
	}
	return true
}

// putFile writes one output of a program in the action's view.
func (ps *programs) putFile(o *cache.Output, data []byte) error {
	mode := fs.FileMode(o.Mode & 0o777)
	f, err := ps.view.Open("/", ps.b.sp.abs(o.Path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode) // what is there keeps its mode when it is opened
	}
	return errors.Join(err, f.Close())
}
