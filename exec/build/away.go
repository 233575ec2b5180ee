package build

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec"
	"fmake/exec/away"
	"fmake/makefile"
	"fmake/tracefs"
)

// A recipe is sent to another machine with what it is known to read, watched there (package
// away), and what comes back is taken like a result of the cache: if all that it has
// looked at is here as it was there. It never has a view, so nothing is undone before it,
// and if it is of no use there nothing has happened: it runs here.

// sending is what the makes of a process have in common about it.
type sending struct {
	mu     sync.Mutex
	next   uint64
	files  map[string]string // system file: its hash on the other machine, "" if it cannot be read
	asking sync.Mutex        // one asks at a time
}

// workerPath is the program that is sent along: it is beside the engine.
func (b *Build) workerPath() string { return b.worker() }

// findWorker is workerPath when it is first asked for.
func (b *Build) findWorker() string {
	engine, err := tracefs.EnginePath(b.opts.EnginePath)
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(engine), "fmake-worker")
}

// sending returns what the makes of the process share; it is made when it is first needed.
func (s *Shared) sending() *sending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sends == nil {
		s.sends = &sending{files: make(map[string]string)}
	}
	return s.sends
}

// number gives an action a number of its own.
func (s *sending) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next<<16 | uint64(unix.Getpid())&0xffff // several makes may use one helper
}

// learn finds out what is in files of the other machine.
func (s *sending) learn(ctx context.Context, c *cache.Client, worker cache.AwayFile, paths []string) error {
	s.asking.Lock()
	defer s.asking.Unlock()
	var unknown []string
	s.mu.Lock()
	for _, p := range paths {
		if _, known := s.files[p]; !known {
			unknown = append(unknown, p)
		}
	}
	s.mu.Unlock()
	if len(unknown) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	job := away.Job{Hash: unknown}
	a := parcel(s.number(), worker, &job)
	stop := context.AfterFunc(ctx, func() { _ = c.Recall(a.ID) }) // else it runs to its end there
	got, err := c.Run(a)
	stop()
	if err != nil {
		return err
	}
	report, err := openReport(got)
	if sum := cache.HashString(job.Encode()); err == nil && (len(report.Hashes) != len(unknown) || report.Job != string(sum[:])) {
		err = errors.New("it does not tell what is in its files")
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range unknown {
		s.files[p] = report.Hashes[i]
	}
	return nil
}

// there returns the hash of a system file on the other machine.
func (s *sending) there(p string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[p]
}

// parcel makes an action of a job.
func parcel(id uint64, worker cache.AwayFile, job *away.Job) *cache.Away {
	return &cache.Away{
		ID: id, Args: []string{away.Worker, away.JobFile, away.ReportFile}, Answer: away.ReportFile, Outputs: []string{away.ReportFile},
		Files: []cache.AwayFile{worker, {Path: away.JobFile, Data: job.Encode()}},
	}
}

// openReport reads what a worker tells.
func openReport(got *cache.Arrival) (*away.Report, error) {
	switch {
	case got.Why != "":
		return nil, errors.New(got.Why)
	case len(got.Answer) == 0:
		text, _, _ := strings.Cut(strings.TrimSpace(got.Printed), "\n")
		return nil, errors.New(strings.TrimSuffix("its worker did not do its work: "+text, ": "))
	}
	return away.DecodeReport(string(got.Answer))
}

// journey is a recipe on its way.
type journey struct {
	a      *action
	client *cache.Client
	away   *cache.Away
	job    string                  // what the worker is told
	sent   map[string]*cache.Input // by path in traces: what the other machine has of the project
	env    map[string]bool         // the variables that it has
	worker cache.AwayFile

	got    *cache.Arrival
	report *away.Report
	lent   []func() // give back contents of what has come
	err    error
	wait   time.Duration // how long it may be away when a processor is idle here
	home   time.Duration // how long it was away when it was called home, 0 if it was not
}

// Send implements exec.Sender.
func (a *action) Send(lines []exec.SentLine) exec.Journey {
	b := a.b
	if !b.opts.Sends || b.noAway || a.second {
		return nil
	}
	j, why := b.prepare(a, lines)
	if why != "" {
		b.notes().stays(a.n.name, why)
		return nil
	}
	j.wait = b.awayPatience(j.away.Usual)
	return j
}

// Travel implements exec.Journey.
func (j *journey) Travel(ctx context.Context, idle func() bool) {
	done, called := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		defer close(called)
		if away := j.overdue(ctx, done, idle); away > 0 {
			called <- away
		}
	}()
	defer func() {
		close(done)
		j.home = <-called
	}()
	if j.got, j.err = j.client.Run(j.away); j.err != nil {
		return
	}
	if j.report, j.err = openReport(j.got); j.err != nil || j.report.Odd != "" {
		return
	}
	j.unpack()
	if j.a.b.opts.Ships {
		return
	}
	var read []string
	for _, l := range j.report.Looks {
		if l.How&(away.Content|away.Absent) == away.Content && isSystem(l.Path) {
			read = append(read, l.Path)
		}
	}
	if err := j.a.b.opts.Shared.sending().learn(ctx, j.client, j.worker, read); err != nil {
		j.err = err
	}
}

// unpack makes ready what has come, so that little is left to do when it arrives.
func (j *journey) unpack() {
	b := j.a.b
	for _, content := range j.got.Small {
		j.lent = append(j.lent, b.contents.Lend([]byte(content)))
	}
	came := make(map[string]cache.Hash, len(j.got.Outputs))
	for i := range j.got.Outputs {
		came[j.got.Outputs[i].Path] = j.got.Outputs[i].Hash
	}
	for _, l := range j.report.Left {
		if l.Type != typeRegular || !strings.HasPrefix(l.Path, "./") || !filepath.IsLocal(l.Path) {
			continue
		}
		if h, ok := came[b.inTree(l.Path)]; ok {
			j.lent = append(j.lent, b.contents.Stage(h, b.sp.abs(l.Path), fileMode(l.Mode&0o777)))
		}
	}
}

// overdue calls the recipe back when nobody wants it any more, or when it is away for longer
// than it should be and there is a processor for it here. It returns then for how long it
// was away.
func (j *journey) overdue(ctx context.Context, done <-chan struct{}, idle func() bool) time.Duration {
	begun, timer := time.Now(), time.NewTimer(j.wait)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return 0
		case <-ctx.Done():
			_ = j.client.Recall(j.away.ID) // else it runs to its end there
			return 0
		case <-timer.C:
		}
		if idle() {
			_ = j.client.Recall(j.away.ID)
			return time.Since(begun)
		}
		timer.Reset(homeAgain)
	}
}

// awayPatience is after how long a recipe that is away is called home.
func (b *Build) awayPatience(usual int64) time.Duration {
	switch {
	case b.slowAway > 0: // the last one was called home
		return knownReturn / 4
	case usual > 0:
		return min(unknownReturn, 2*time.Duration(usual)+knownReturn)
	}
	return unknownReturn
}

// When a recipe is called home.
const (
	unknownReturn = 4 * time.Second // one of which nobody knows how long it takes, at the latest
	knownReturn   = 2 * time.Second // beyond twice what it takes here
	homeAgain     = 50 * time.Millisecond
)

// Arrive implements exec.Journey.
func (j *journey) Arrive(gone bool) bool {
	a, b := j.a, j.a.b
	defer func() {
		for _, giveBack := range slices.Backward(j.lent) {
			giveBack()
		}
	}()
	if gone {
		a.gone = true
		return false
	}
	why := b.failedAway(j)
	var t *cache.Trace
	if why == "" {
		t, why = j.trace()
	}
	if why == "" && !b.sameSurroundings(a.f, t) {
		why = "what it left cannot be taken as its result"
	}
	if j.home > 0 && j.err != nil {
		a.calledHome = j.home
		b.notes().stays(a.n.name, "it took too long there")
		return false
	}
	if why != "" {
		b.notes().failed(a.n.name, a.n.recipe.full, why)
		return false
	}
	d := decision{verdict: exec.Restored, why: a.n.reason, old: a.old, hit: t}
	if err := b.restore(a.f, a.n, d); err != nil {
		b.warn("%s: cannot put in place what came from another machine: %v", a.f.Name, err)
		return false
	}
	a.landed = true
	b.slowAway = 0
	b.notes().ran(a.n.name, j.got)
	b.keepAway(a.f, t)
	return true
}

// failedAway says why nothing of use has come back, "" if something has.
func (b *Build) failedAway(j *journey) string {
	var far *cache.FarError
	switch {
	case errors.Is(j.err, cache.ErrNoFar):
		b.noAway = true
		return "there is no other machine"
	case errors.As(j.err, &far):
		b.noAway = true
		b.warn("recipes are not sent to another machine any more: %v", far)
		return far.Why
	case j.err != nil:
		return j.err.Error()
	case j.report.Odd != "":
		return j.report.Odd
	case j.report.Status != 0 || j.got.Status != 0:
		return "it failed there"
	}
	return ""
}

// tooSlowAway is how many recipes in a row may be away in vain that take much less time here.
const tooSlowAway = 2

// cameHome notes that a recipe which was called home has run here. If that was much sooner
// done, and nothing comes back at all, no more are sent.
func (b *Build) cameHome(away, here time.Duration) {
	if here > away/2 {
		return
	}
	if b.slowAway++; b.slowAway >= tooSlowAway && !b.noAway {
		b.noAway = true
		b.warn("recipes are not sent to another machine any more: what takes %v here has not come back after %v", here.Round(time.Millisecond), away.Round(time.Second))
	}
}

// keepAway puts the result into the store, in the background: its contents are there.
func (b *Build) keepAway(f *makefile.File, t *cache.Trace) {
	b.wg.Add(1)
	b.slots <- struct{}{}
	kept := *t
	kept.From, kept.Reason = cache.FromRun, ""
	go func() {
		defer b.wg.Done()
		defer func() { <-b.slots }()
		if err := b.store.PutTrace(kept.FullKey, kept.Strong, &kept); err != nil {
			b.storeError("storing "+f.Name, err)
		}
	}()
}

// isSystem is true for paths in trees that belong to the machine.
func isSystem(p string) bool {
	for _, d := range []string{"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc", "/opt"} {
		if within(p, d) {
			return true
		}
	}
	return false
}

// inTree is where on the other machine a path of a trace is, in the tree that is sent.
func (b *Build) inTree(key string) string {
	if b.opts.Ships {
		return path.Join(away.System, b.sp.abs(key))
	}
	return path.Join(away.Project, strings.TrimPrefix(key, "./"))
}
