package build

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/exec/idle"
)

// world answers what the file system looks like now. Each path is looked at
// once until forget or forgetAll says that it may have changed.
type world struct {
	sp     *space
	hasher *cache.Hasher
	ahead  *ahead
	idle   *idle.Recorder
	stats  map[string]cache.FileStat     // absolute path -> lstat; zero Ino: absent
	dirs   map[string][]string           // absolute path -> sorted names
	reals  map[string]string             // directory -> itself with links resolved
	system map[cache.PathRef]cache.Input // of what is outside the project, which many look at
}

func newWorld(sp *space, s *Shared, r *idle.Recorder) *world {
	w := &world{sp: sp, hasher: s.hasher, ahead: s.ahead, idle: r}
	w.forgetAll()
	return w
}

// forgetAll is for when somebody untraced may have changed anything.
func (w *world) forgetAll() {
	w.stats = make(map[string]cache.FileStat)
	w.dirs = make(map[string][]string)
	w.reals = make(map[string]string)
	w.system = make(map[cache.PathRef]cache.Input)
}

// forget drops what is known of one path and of the listing that it is in.
func (w *world) forget(p string) {
	delete(w.stats, p)
	delete(w.dirs, p)
	delete(w.reals, p)
	if w.sp.root == "/" || !w.sp.inProject(p) {
		clear(w.system)
	}
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		delete(w.dirs, p[:max(i, 1)])
	}
}

// lstat returns the state of p; ok is false if nothing is there or it cannot be
// reached.
func (w *world) lstat(p string) (st cache.FileStat, ok bool) {
	st, seen := w.stats[p]
	if !seen {
		var err error
		st, err = cache.Lstat(p) // zero when it fails: as good as absent to an action
		w.idle.Lstat("", p, st, err)
		w.stats[p] = st
	}
	return st, st.Ino != 0
}

// names returns the sorted names in a directory, without what editors leave.
func (w *world) names(dir string) ([]string, bool) {
	if n, ok := w.dirs[dir]; ok {
		return n, n != nil
	}
	entries, err := w.readDir(dir)
	if err != nil {
		w.dirs[dir] = nil
		return nil, false
	}
	n := make([]string, 0, len(entries))
	for _, e := range entries {
		if !isEditorName(e.Name()) {
			n = append(n, e.Name())
		}
	}
	slices.Sort(n)
	w.dirs[dir] = n
	return n, true
}

// readDir lists a directory, and notes that.
func (w *world) readDir(dir string) ([]os.DirEntry, error) {
	if w.idle == nil {
		return os.ReadDir(dir)
	}
	var st unix.Stat_t
	err := unix.Stat(dir, &st)
	entries, rerr := os.ReadDir(dir)
	if err == nil {
		err = rerr
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	w.idle.Listing("", dir, &st, names, err)
	return entries, rerr
}

// hash returns the content hash of a regular file.
func (w *world) hash(p string) (cache.FileHash, error) {
	if st, ok := w.stats[p]; ok && st.Mode&unix.S_IFMT == unix.S_IFREG {
		if h, ok := w.hasher.Known(st); ok {
			return cache.FileHash{Hash: h, Stat: st}, nil
		}
	}
	w.ahead.wait(p)
	return w.hasher.HashFile(p)
}

// hasHash reports whether a file has a content.
func (w *world) hasHash(p string, h cache.Hash) bool {
	got, err := w.hash(p)
	return err == nil && got.Hash == h
}

// real resolves the symbolic links in the directory part of p; the last element
// is left as it is, because a link is an input of its own.
func (w *world) real(p string) string {
	i := strings.LastIndexByte(p, '/')
	if i <= 0 {
		return p
	}
	dir := p[:i]
	r, ok := w.reals[dir]
	if !ok {
		w.lookForDir(dir)
		var err error
		if r, err = evalLinks(dir); err != nil {
			r = dir
		}
		w.reals[dir] = r
	}
	if r == "/" {
		return p[i:]
	}
	return r + p[i:]
}

// lookForDir notes which directory a name leads to.
func (w *world) lookForDir(dir string) {
	if w.idle == nil {
		return
	}
	var st unix.Stat_t
	err := unix.Stat(dir, &st)
	w.idle.Exists("", dir, &st, err)
}

// evalLinks resolves a directory with one open instead of a walk of lstats.
func evalLinks(dir string) (string, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
}

// realFile resolves p completely.
func (w *world) realFile(p string) string {
	for range 40 { // the kernel's own limit of links in one look-up
		p = w.real(p)
		st, ok := w.lstat(p)
		if !ok || st.Mode&unix.S_IFMT != unix.S_IFLNK {
			return p
		}
		to, err := behind(p)
		if err != nil {
			return p
		}
		p = path.Clean(to)
	}
	return p
}

// behind returns the path that a symbolic link leads to, which may go on by links.
func behind(link string) (string, error) {
	text, err := os.Readlink(link)
	if err == nil && (text == "" || text[0] != '/') {
		text = link[:strings.LastIndexByte(link, '/')+1] + text
	}
	return text, err
}

// linksOn lists the symbolic links of the project that a look-up of p goes through.
func (w *world) linksOn(p string) (links []string) {
	for range 40 { // as many as realFile follows
		at := w.firstLink(p)
		if at == "" {
			break
		}
		links = append(links, at)
		to, err := behind(at)
		if err != nil {
			break
		}
		p = path.Clean(to + p[len(at):])
	}
	return links
}

// firstLink returns the shortest part of p in the project that is a link, or "".
func (w *world) firstLink(p string) string {
	for end := len(w.sp.root) + 1; w.sp.inProject(p) && end <= len(p); end++ {
		if end < len(p) && p[end] != '/' {
			continue
		}
		if st, ok := w.lstat(p[:end]); ok && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return p[:end]
		}
	}
	return ""
}

// input returns what is at a path now, if nothing is left out of listings.
func (w *world) input(r cache.PathRef) (cache.Input, error) {
	if in, known := w.system[r]; known {
		return in, nil
	}
	in, err := w.asInput(w.sp.abs(r.Path), r.Kind, nil)
	if err == nil && strings.HasPrefix(r.Path, "/") {
		w.system[r] = in
	}
	return in, err
}

// asInput returns what is at p now in the terms of an input of the given kind;
// drop names the entries that a listing leaves out.
func (w *world) asInput(p string, kind cache.InputKind, drop func(name string) bool) (cache.Input, error) {
	in := cache.Input{Path: w.sp.key(p), Kind: kind}
	st, ok := w.lstat(p)
	if !ok {
		in.Kind = cache.InputAbsent
		return in, nil
	}
	switch kind {
	case cache.InputAbsent:
		in.Kind = cache.InputExists
		fallthrough
	case cache.InputExists:
		in.Mode = st.Mode
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			in.Size = st.Size
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK {
			in.Mode = unix.S_IFLNK
		}
		return in, nil
	case cache.InputListing:
		n, ok := w.names(p)
		if !ok {
			in.Kind = cache.InputExists
			in.Mode = st.Mode
			return in, nil
		}
		in.Hash = cache.HashNames(without(n, drop))
		return in, nil
	case cache.InputLink:
		text, err := os.Readlink(p)
		if err != nil {
			in.Kind, in.Mode = cache.InputExists, st.Mode
			return in, nil
		}
		in.Hash = cache.HashString(text)
		return in, nil
	}
	h, err := w.hash(p)
	if errors.Is(err, cache.ErrNotRegular) || errors.Is(err, fs.ErrNotExist) {
		in.Kind, in.Mode = cache.InputExists, st.Mode
		return in, nil
	}
	if err != nil {
		return in, err
	}
	in.Mode, in.Hash = st.Mode, h.Hash
	if !h.Racy {
		in.Stat = h.Stat
	}
	return in, nil
}

// same reports whether an input is as an action saw it, on the disk as it is.
func (w *world) same(in *cache.Input) bool {
	p := w.sp.abs(in.Path)
	if in.Kind == cache.InputAbsent {
		_, ok := w.lstat(p)
		return !ok
	}
	if in.Kind == cache.InputContent && in.Stat.Ino != 0 {
		if st, ok := w.lstat(p); ok && st.Same(in.Stat) {
			return true
		}
	}
	now, err := w.asInput(p, in.Kind, nil)
	return err == nil && sameInput(&now, in)
}

// asBefore reports whether a file still has the state that a failed action saw.
// Its content was not hashed then, so the stat has to tell.
func (w *world) asBefore(in *cache.Input) bool {
	st, ok := w.lstat(w.sp.abs(in.Path))
	if !ok || st.Mode != in.Mode {
		return false
	}
	if in.Kind == cache.InputContent {
		return st.Size == in.Stat.Size && st.Mtime == in.Stat.Mtime && st.Ino == in.Stat.Ino
	}
	return st.Size == in.Size
}

// sameInput compares what two inputs mean, not their stats.
func sameInput(a, b *cache.Input) bool {
	return a.Kind == b.Kind && a.Mode == b.Mode && a.Size == b.Size && a.Hash == b.Hash
}

func without(names []string, drop func(string) bool) []string {
	if drop == nil {
		return names
	}
	out := make([]string, 0, len(names))
	for _, n := range names {
		if !drop(n) {
			out = append(out, n)
		}
	}
	return out
}
