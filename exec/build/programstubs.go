package build

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/proc"
	"fmake/tracefs/procfs"
	"fmake/tracefs/wire"
)

// stub is the process that stands in the place of a program which a shell executes.
type stub struct {
	ps    *programs
	pid   int
	peer  *wire.Peer
	ended chan *wire.Request
	p     *programRun

	disturbed atomic.Bool // another program has started beside it, which is not to be
	files     []string    // what /proc names the files that it has got as descriptors
}

func (x *stub) serve(r *wire.Request) {
	switch r.Op {
	case wire.OpProgram:
		go x.asks(r)
	case wire.OpProgramEnded:
		wire.CloseFiles(r.Files)
		select {
		case x.ended <- r:
		default:
			r.Fail(unix.EPROTO)
		}
	default:
		wire.CloseFiles(r.Files)
		r.Fail(unix.ENOSYS)
	}
}

// asks answers the question what to do.
func (x *stub) asks(r *wire.Request) {
	defer wire.CloseFiles(r.Files)
	var m wire.Program
	if err := r.Decode(&m); err != nil || len(m.FDs) != len(r.Files) || len(m.Args) == 0 {
		r.Fail(unix.EINVAL)
		return
	}
	c := &proc.Command{Path: m.Path, Args: m.Args, Env: m.Env, Dir: m.Dir}
	for i, fd := range m.FDs {
		to := [...]**os.File{&c.Stdin, &c.Stdout, &c.Stderr}
		if fd < 0 || int(fd) >= len(to) {
			r.Fail(unix.EINVAL)
			return
		}
		*to[fd] = r.Files[i]
	}
	if why := x.decide(r, &m, c); why != "" {
		if why != trifle {
			x.ps.shells.starts(nil)
		}
		r.Reply(&wire.Verdict{Do: wire.BecomeProgram})
	}
}

// decide replays a program or has it run and recorded, and says why if it does neither.
func (x *stub) decide(r *wire.Request, m *wire.Program, c *proc.Command) (why string) {
	ps := x.ps
	p := &programRun{words: c.Args, dir: c.Dir, env: c.Env, started: time.Now()}
	s, why := x.separable(m, c)
	if why != "" {
		return ps.aside(p, why)
	}
	ps.name(p, c, s)
	found, why := ps.match(p, c)
	if found != nil {
		rep := &replayed{ps: ps, p: p, m: found, c: c, s: s}
		err := rep.replay()
		if err == nil {
			p.took = time.Since(p.started)
			ps.list(p)
			r.Reply(&wire.Verdict{Do: wire.EndProgram, Status: uint32(statusOf(found.t))})
			return ""
		}
		return ps.aside(p, err.Error())
	}
	p.why = why
	return x.apart(r, p, c, s)
}

// aside lists a program that just runs.
func (ps *programs) aside(p *programRun, why string) string {
	if p.why = why; why != trifle {
		ps.list(p)
	}
	return why
}

// separable says why a program cannot be told apart, or how its descriptors are to be had.
func (x *stub) separable(m *wire.Program, c *proc.Command) (s *streams, why string) {
	var ok bool
	ps := x.ps
	ps.mu.Lock()
	off := ps.off
	if len(ps.all) >= maxApart {
		off = "the recipe starts too many programs"
	}
	ps.mu.Unlock()
	ps.shells.mu.Lock()
	all := slices.Clone(ps.shells.streams)
	ps.shells.mu.Unlock()
	switch {
	case off != "":
		return nil, off
	case len(all) == 0:
		return nil, "the shell that started it has ended"
	case slices.Contains(placingPrograms(), filepath.Base(c.Args[0])), ps.isQuick(c.Args[0]):
		return nil, trifle
	case listed(ps.b.lists.impure, c.Args) || listed(ps.b.lists.stateful, c.Args):
		return nil, "its kind is no function of files"
	case slices.ContainsFunc(m.Others, func(d string) bool { return !isOurs(d) }):
		return nil, "it inherits other descriptors"
	case int(m.Umask) != int(ps.b.umask()):
		return nil, "the shell has set another umask"
	}
	for _, sh := range all {
		if s, why = streamsOf(ps.b.hasher, c, sh.in, sh.out, sh.errs); why == "" {
			break
		}
		if size, held, ok := x.ready(c.Stdin, m.Ignored); ok {
			alone := *c
			alone.Stdin = nil
			if s, why = streamsOf(ps.b.hasher, &alone, sh.in, sh.out, sh.errs); why == "" {
				s.file, s.stdin, s.size = c.Stdin, held, size
				break
			}
		}
	}
	if why != "" {
		return nil, why
	}
	if x.files, ok = x.holds(s); !ok {
		return nil, "others have its files open"
	}
	s.limits = m.Limits
	s.ignored = m.Ignored &^ (1<<(unix.SIGINT-1) | 1<<(unix.SIGQUIT-1)) // those of the terminal's keys are, behind an &
	return s, ""
}

// holds returns the files that the program has got as descriptors. It is not ok if another
// process of the view has one of them open.
func (x *stub) holds(s *streams) (files []string, ok bool) {
	held := make(map[string]bool)
	for i, f := range []*os.File{s.file, s.out[1].file, s.out[2].file} {
		if f == nil || i == 0 && s.size > 0 {
			continue
		}
		if i > 0 && appends(f) {
			return nil, false
		}
		link, err := procfs.Link(x.pid, "fd/"+strconv.Itoa(i))
		if err != nil {
			return nil, false
		}
		held[link] = true
		files = append(files, link)
	}
	return files, x.heldBy(held, func(int) bool { return false })
}

// heldBy tells whether nobody has something open but those that may.
func (x *stub) heldBy(links map[string]bool, may func(pid int) bool) bool {
	if len(links) == 0 {
		return true
	}
	pids, ok := procfs.Holders(x.ps.shells.device, links)
	return ok && !slices.ContainsFunc(pids, func(pid int) bool { return pid != x.pid && !may(pid) })
}

// ready hashes what is in a pipe from which the program is to read, if that is all that there
// will be, as of a <<< in the script: nobody has it open but shells that wait for the
// program. Those behind an & ignore the terminal's keys.
func (x *stub) ready(f *os.File, ignored uint64) (size int64, h cache.Hash, ok bool) {
	if size, h, ok = heldPipe(f); !ok || ignored&(1<<(unix.SIGINT-1)) != 0 {
		return 0, h, false
	}
	link, err := procfs.Link(x.pid, "fd/0")
	return size, h, err == nil && x.heldBy(map[string]bool{link: true}, func(pid int) bool { return procfs.Descends(x.pid, pid) })
}

// isOurs tells whether a descriptor is one that this make has got from outside, and with it
// all programs that it starts.
func isOurs(descriptor string) bool {
	number, link, _ := strings.Cut(descriptor, " ")
	ours, err := os.Readlink("/proc/self/fd/" + number)
	return err == nil && ours == link
}

// apart has a program run by its stub, and records what it does by itself.
func (x *stub) apart(r *wire.Request, p *programRun, c *proc.Command, s *streams) (why string) {
	ps := x.ps
	x.p = p
	if !ps.shells.starts(x) {
		return ps.aside(p, "something else runs beside it")
	}
	defer ps.shells.ends(x)
	if err := ps.view.BeginPartOf(x.pid, x.files); err != nil {
		return ps.aside(p, "it could not be recorded")
	}
	own := *c
	tee, ok := s.tee(&own)
	if ok && s.size > 0 {
		if s.copied, ok = teePipe(s.file, s.size); ok {
			defer s.copied.Close()
			own.Stdin = s.copied
		} else if tee != nil {
			tee.End(false)
		}
	}
	if !ok {
		_, _ = ps.view.EndPartOf(x.pid)
		return ps.aside(p, "there are no descriptors left")
	}
	ps.list(p)
	v := &wire.Verdict{Do: wire.StartProgram}
	var files []*os.File
	for i, f := range []*os.File{own.Stdin, own.Stdout, own.Stderr} {
		if f != nil && (i > 0 && s.out[i].shared || i == 0 && s.copied != nil) {
			v.FDs = append(v.FDs, int32(i))
			files = append(files, f)
		}
	}
	r.Reply(v, files...)
	var e wire.ProgramEnded
	var news *wire.Request
	select {
	case news = <-x.ended:
	case <-x.peer.Done():
	}
	known := news != nil && news.Decode(&e) == nil && !e.Failed
	p.took = time.Since(p.started)
	ps.took(p)
	rec, err := ps.view.EndPartOf(x.pid)
	if err != nil || !known {
		rec = nil
	} else {
		rec.Leftover = e.Leftover
	}
	if x.disturbed.Load() {
		ps.mu.Lock()
		p.spoiled = true
		ps.mu.Unlock()
	}
	a := &apart{ps: ps, p: p, s: s, tee: tee}
	a.sum(unix.WaitStatus(e.Status), rec)
	if s.copied != nil {
		s.moveTo(s.position())
	}
	if news != nil {
		news.Reply(nil)
	}
	return ""
}
