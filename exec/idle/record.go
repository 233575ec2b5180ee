package idle

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// maxPrinted bounds what a make may print and be recorded all the same, in bytes.
const maxPrinted = 256 << 10

// Recorder notes what a make and those that run inside its process look at and print.
// It is safe for concurrent use. All its methods may be called on a nil Recorder, which
// records nothing.
type Recorder struct {
	key     Key
	started time.Time

	mu      sync.Mutex
	off     bool
	looks   []look
	chunks  []cache.Chunk
	printed int
	shells  []cache.ShellRun
	named   map[string]bool // session variables that a makefile names
	ready   []answer        // what commands of $(shell) have printed that a Replay ran
	traced  *commands       // what was learned of commands, nil until it is asked for
	holds   bool            // what traced commands go by was as it was, and no other one has run since
}

// recording calls fn, which is to note something, unless the record was given up.
func (r *Recorder) recording(fn func()) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.off {
		fn()
	}
}

// On tells whether there may be a record yet: else nobody need look at what is only to be
// noted.
func (r *Recorder) On() (on bool) {
	r.recording(func() { on = true })
	return on
}

// Void gives the record up: this make is not a function of looks that could be noted.
func (r *Recorder) Void() { r.recording(r.void) }

func (r *Recorder) void() { r.off, r.looks, r.chunks, r.shells = true, nil, nil, nil }

// add notes a look.
func (r *Recorder) add(l look) { r.recording(func() { r.looks = append(r.looks, l) }) }

// Lstat notes what lstat(2) has found at a name, which is relative to dir if that is
// not empty. Of a directory only counts that it is one, and which.
func (r *Recorder) Lstat(dir, name string, st cache.FileStat, err error) {
	if r == nil {
		return
	}
	k := state
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		k = presenceItself
	}
	r.add(look{dir, name, seenStat(k, &st, err)})
}

// State notes all that lstat(2) has found, also of a directory.
func (r *Recorder) State(path string, st cache.FileStat, err error) {
	if r != nil {
		r.add(look{"", path, seenStat(state, &st, err)})
	}
}

// Stat notes what stat(2) has found, times included.
func (r *Recorder) Stat(dir, name string, st *unix.Stat_t, err error) {
	if r != nil {
		r.note(stateBehind, dir, name, st, err)
	}
}

// Exists notes that a name was looked for and whether it was found, links followed.
func (r *Recorder) Exists(dir, name string, st *unix.Stat_t, err error) {
	if r != nil {
		r.note(presence, dir, name, st, err)
	}
}

// ExistsItself is Exists with links not followed.
func (r *Recorder) ExistsItself(dir, name string, st *unix.Stat_t, err error) {
	if r != nil {
		r.note(presenceItself, dir, name, st, err)
	}
}

// Listing notes the names that a directory was found to have. The stat was taken
// before they were read.
func (r *Recorder) Listing(dir, name string, st *unix.Stat_t, names []string, err error) {
	if r == nil {
		return
	}
	if err != nil {
		r.note(listing, dir, name, st, err)
		return
	}
	was := cache.StatOf(st)
	s := seenStat(listing, &was, nil)
	s.Extra = hashNames(names)
	r.add(look{dir, name, s})
}

// note notes what a stat has found; st is nil if it has found nothing.
func (r *Recorder) note(kind uint32, dir, name string, st *unix.Stat_t, err error) {
	var found cache.FileStat
	if err == nil {
		found = cache.StatOf(st)
	}
	r.add(look{dir, name, seenStat(kind, &found, err)})
}

// RealPath notes which path a name was found to be without links.
func (r *Recorder) RealPath(dir, name, real string, err error) {
	if r == nil {
		return
	}
	s := cache.Look{Kind: realPath}
	if err != nil {
		s.Errno = errno(err)
	} else {
		s.Extra = hashStrings([]string{real})
	}
	r.add(look{dir, name, s})
}

// Read notes that make has read a file, and the state that it was in before. Variables
// of the session that its text may use count from then on.
func (r *Recorder) Read(dir, name string, st *unix.Stat_t, text []byte, err error) {
	if r == nil {
		return
	}
	r.Stat(dir, name, st, err)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		r.Void() // a pipe: its state says nothing
	}
	r.recording(func() {
		for _, name := range r.key.session {
			if !r.named[name] && mentions(text, name) {
				r.named[name] = true
			}
		}
	})
}

// mentions tells whether a makefile may use a variable of the environment.
func mentions(text []byte, name string) bool {
	if bytes.Contains(text, []byte(".VARIABLES")) {
		return true
	}
	if len(name) > 1 {
		return bytes.Contains(text, []byte(name))
	}
	return slices.ContainsFunc([]string{"$(" + name, "${" + name, "$" + name}, func(s string) bool { return bytes.Contains(text, []byte(s)) })
}

// Print notes output to stream 1 or 2.
func (r *Recorder) Print(stream int, data []byte) {
	r.recording(func() { r.print(stream, data) })
}

func (r *Recorder) print(stream int, data []byte) {
	if r.printed += len(data); r.printed > maxPrinted {
		r.void()
		return
	}
	if last := len(r.chunks) - 1; last >= 0 && r.chunks[last].Stream == uint8(stream) {
		r.chunks[last].Data = append(r.chunks[last].Data, data...)
		return
	}
	r.chunks = append(r.chunks, cache.Chunk{Stream: uint8(stream), Data: bytes.Clone(data)})
}

// Shell notes a command of $(shell), found at path and run in dir with an environment,
// what it printed to stdout and its exit status.
func (r *Recorder) Shell(dir, path string, argv, env []string, out []byte, status int) {
	r.recording(func() {
		s := r.run(dir, path, argv, env)
		s.Printed, s.Status = string(out), status
		r.shells = append(r.shells, s)
	})
}

// run describes a command that is about to run.
func (r *Recorder) run(dir, path string, argv, env []string) cache.ShellRun {
	return cache.ShellRun{Dir: dir, Path: path, Argv: argv, Set: withoutJobserver(r.key.changed(env)), Unset: r.key.missing(env)}
}

// withoutJobserver takes out of MAKEFLAGS what holds for this run of make only.
func withoutJobserver(env []string) []string {
	for i, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if name != "MAKEFLAGS" && name != "MFLAGS" || !strings.Contains(value, "--jobserver-auth=") {
			continue
		}
		words := slices.DeleteFunc(strings.Split(value, " "), func(w string) bool {
			return strings.HasPrefix(w, "-j") || strings.HasPrefix(w, "--jobserver-auth=") || strings.HasPrefix(w, "--sync-mutex=")
		})
		env[i] = name + "=" + strings.Join(words, " ")
	}
	return env
}

// Ran returns what a command of $(shell), found at path and to be run in dir with an
// environment, has printed if Replay ran it before it was clear that this make has to be
// run as usual; once for each run. It does the same for one that need not run, because
// everything that it is known to go by is as it was.
func (r *Recorder) Ran(dir, path string, argv, env []string) (out []byte, status int, ok bool) {
	if r == nil {
		return nil, 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ready) > 0 {
		a := r.ready[0]
		if a.dir == dir && slices.Equal(a.argv, argv) {
			r.ready = r.ready[1:]
			return []byte(a.out), a.status, true
		}
		r.ready = nil // the makefile goes another way
	}
	return r.known(dir, path, argv, env)
}

// known answers for a command that depends on files alone.
func (r *Recorder) known(dir, path string, argv, env []string) (out []byte, status int, ok bool) {
	if r.traced == nil {
		r.traced = openCommands(&r.key, nil)
	}
	s := r.run(dir, path, argv, env)
	t := r.traced.find(&s)
	if t == nil || t.Kind != cache.ShellHolds {
		r.holds = false
		return nil, 0, false
	}
	if !r.holds || r.off {
		if r.holds = r.traced.hold(); !r.holds {
			return nil, 0, false
		}
	}
	_ = printAll(unix.Stderr, []byte(t.Errors))
	return []byte(t.Printed), t.Status, true
}

// Save writes the record, if there is one: make is about to end with this status. What
// goes wrong is nobody's trouble: the next make takes the long road.
func (r *Recorder) Save(status int) { r.recording(func() { r.save(status) }) }

func (r *Recorder) save(status int) {
	r.off = true
	paths, looks, ok := distinct(r.looks)
	if !ok || recent(paths, looks, r.started) {
		return
	}
	n := &cache.NullBuild{
		Env: r.key.environment(r.named), Named: slices.Sorted(maps.Keys(r.named)), Status: status,
		Chunks: r.chunks, Shells: r.shells,
	}
	for i := range paths {
		if strings.IndexByte(paths[i], 0) >= 0 {
			return
		}
		n.Looks.Add(r.key.relative(paths[i]), looks[i])
	}
	_ = cache.WriteNullBuild(r.key.file(), n)
}

// recent reports whether something was changed so shortly before a time that another
// change since need not show in its times.
func recent(paths []string, looks []cache.Look, started time.Time) bool {
	grains := make(map[uint64]time.Duration) // of file systems, by device
	for i := range looks {
		l := &looks[i]
		if l.Errno != 0 || l.Ctime < uint64(started.Add(-longest).UnixNano()) {
			continue
		}
		grain, known := grains[l.Dev]
		if !known {
			var fs unix.Statfs_t
			_ = unix.Statfs(paths[i], &fs) // else it is of no type that is known
			grain = cache.Grain(fs.Type)
			grains[l.Dev] = grain
		}
		if cache.Recent(int64(l.Ctime), grain, started) {
			return true
		}
	}
	return false
}

// longest is more than the time between two changes that the times of any file system
// do not tell apart.
const longest = time.Minute
