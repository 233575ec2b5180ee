package cache

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// StatOf picks from a stat what identifies a state of a file.
func StatOf(st *unix.Stat_t) FileStat {
	return FileStat{
		Dev:   st.Dev,
		Ino:   st.Ino,
		Size:  st.Size,
		Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano(),
		Mode:  st.Mode,
	}
}

// Lstat returns the state of path itself, links not followed.
func Lstat(path string) (FileStat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		return FileStat{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return StatOf(&st), nil
}

// Same reports whether s and o are one state of one file, as far as a stat can
// tell. A chmod alone changes Mode and Ctime, so Mode need not be compared.
func (s FileStat) Same(o FileStat) bool { return keyOf(s) == keyOf(o) }

func statPath(path string) (FileStat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Stat(path, &st) }); err != nil {
		return FileStat{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return StatOf(&st), nil
}

func statFile(f *os.File) (FileStat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		return FileStat{}, &os.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return StatOf(&st), nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// How far apart two changes of a file must be so that its times tell them
// apart.
const (
	// tick is the coarse clock from which local file systems take their times:
	// 10 ms at HZ=100, and some air.
	tick = 25 * time.Millisecond
	// coarse is for file systems that keep whole or two seconds, and for those
	// whose clock is another machine's.
	coarse = 2500 * time.Millisecond
)

// grains knows how fine the times of each file system are.
type grains struct {
	// multigrain: since Linux 6.13 some file systems give a file that somebody
	// has looked at a fine new time when it changes, so a stat taken before the
	// file is read is proof at once.
	multigrain func() bool

	mu  sync.Mutex
	dev map[uint64]time.Duration
}

func newGrains() *grains {
	return &grains{
		multigrain: sync.OnceValue(kernelIsMultigrain),
		dev:        map[uint64]time.Duration{},
	}
}

// racy reports whether a write after start could leave f with the stat st,
// which was taken after start. Only ctime counts: every write sets it, and
// nobody can set it back.
func (g *grains) racy(f *os.File, st FileStat, start time.Time) bool {
	return Recent(st.Ctime, g.of(f, st.Dev), start)
}

// Recent reports whether a file whose last change was at ctime, in nanoseconds since
// 1970, may have been changed once more at a time or later without showing it. grain is
// how far apart its file system tells two changes, see Grain.
func Recent(ctime int64, grain time.Duration, at time.Time) bool {
	if grain == 0 {
		return false
	}
	if ctime%int64(time.Second) == 0 {
		grain = coarse // whole seconds, very likely because that is all it keeps
	}
	return ctime > at.Add(-grain).UnixNano()
}

// Grain returns how far apart a file system of this type, as statfs(2) tells it, tells two
// changes of a file; 0 if every change shows that follows a look.
func Grain(fsType int64) time.Duration { return newGrains().ofType(fsType) }

func (g *grains) of(f *os.File, dev uint64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d, ok := g.dev[dev]; ok {
		return d
	}
	d := coarse
	var fs unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(int(f.Fd()), &fs) }); err == nil {
		d = g.ofType(fs.Type)
	}
	g.dev[dev] = d
	return d
}

func (g *grains) ofType(magic int64) time.Duration {
	switch magic {
	case unix.EXT4_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		if g.multigrain() {
			return 0
		}
		return tick
	case unix.F2FS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1 /* zfs */, 0xca451a4e /* bcachefs */ :
		return tick
	}
	return coarse
}

func kernelIsMultigrain() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	minor := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		minor = rest[:i]
	}
	ma, err1 := strconv.Atoi(major)
	mi, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && (ma > 6 || ma == 6 && mi >= 13)
}
