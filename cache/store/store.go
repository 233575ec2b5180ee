package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// Option is an option of Open.
type Option func(*Store)

// ReadOnly makes the store refuse to change anything for its own clients. Other
// engines that share it are not concerned.
func ReadOnly() Option { return func(s *Store) { s.readOnly = true } }

// Warn sets a function that is told, once for each, of what a user should know:
// that the store is given up, or was begun anew.
func Warn(f func(error)) Option { return func(s *Store) { s.warn = f } }

// onFS puts the database on another file system: for tests.
func onFS(base vfs.FS) Option { return func(s *Store) { s.fs = base } }

// How long things may take.
const (
	// electPatience bounds the time in which a process becomes the holder or
	// finds one. Opening a database takes milliseconds.
	electPatience = 3 * time.Second
	// callPatience bounds a call that is passed on to the holder. It is less
	// than what a client waits.
	callPatience = 2 * time.Second
	// syncPatience is the same for Sync, which waits for the disk.
	syncPatience = 15 * time.Second
	// sulk is how long the store stays unavailable after a holder did not
	// answer.
	sulk = 30 * time.Second
	// callTries is how often a call is made again because holders end.
	callTries = 5
)

// Store is one engine's access to the store, be it the holder or not.
type Store struct {
	dir      string
	readOnly bool
	fs       vfs.FS
	warn     func(error)
	ops      map[proto.Op]operation
	far      *far // nil if nothing is kept elsewhere

	mu      sync.Mutex
	backend backend
	failed  error     // why there is none
	until   time.Time // when to try again; zero: never
	closed  bool
	conns   map[net.Conn]bool
}

// backend is what answers calls: the database here, or another holder.
type backend interface {
	// call answers one call. The error is errGone if the call can be repeated
	// with another backend.
	call(op proto.Op, payload []byte) (proto.Status, []byte, error)
	close()
}

// errGone says that the holder has ended.
var errGone = errors.New("the store's holder has ended")

// Open returns the store in the cache's folder. It looks at the version only; a
// store of another format is a *cache.VersionError.
func Open(dir string, opts ...Option) (*Store, error) {
	s := &Store{dir: dir, fs: vfs.Default, ops: operations(), conns: map[net.Conn]bool{}}
	for _, o := range opts {
		o(s)
	}
	if err := checkVersion(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends all connections and the use of the database.
func (s *Store) Close() error {
	s.mu.Lock()
	b := s.backend
	s.backend, s.closed = nil, true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.far.close()
	if b != nil {
		b.close()
	}
	return nil
}

// do makes one call, with whatever backend lives.
func (s *Store) do(op proto.Op, payload []byte) (proto.Status, []byte) {
	for range callTries {
		b, err := s.current()
		if err != nil {
			return failure(err)
		}
		status, answer, err := b.call(op, payload)
		if err == nil {
			return status, answer
		}
		s.lose(b, err)
	}
	return failure(errGone)
}

// current returns the backend, finding one if there is none.
func (s *Store) current() (backend, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, net.ErrClosed
	case s.backend != nil:
		return s.backend, nil
	case s.failed != nil && (s.until.IsZero() || time.Now().Before(s.until)):
		return nil, s.failed
	}
	b, err := s.elect()
	s.backend, s.failed, s.until = b, err, time.Time{}
	if err != nil && s.warn != nil {
		s.warn(err)
	}
	return b, err
}

// lose forgets a backend that failed.
func (s *Store) lose(b backend, err error) {
	s.mu.Lock()
	mine := s.backend == b
	if mine {
		s.backend = nil
		if !errors.Is(err, errGone) {
			s.failed, s.until = err, time.Now().Add(sulk)
		}
	}
	s.mu.Unlock()
	if mine {
		b.close()
	}
}

// elect becomes the holder, or finds it.
func (s *Store) elect() (backend, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkOwner(s.dir); err != nil {
		return nil, err
	}
	var last error
	for start := time.Now(); time.Since(start) < electPatience; time.Sleep(10 * time.Millisecond) {
		lock, err := takeLock(s.dir)
		if err == nil {
			return s.hold(lock)
		}
		if !errors.Is(err, errHeld) {
			return s.peep(err)
		}
		c, err := dial(s.dir)
		if err == nil {
			return newRemote(c), nil
		}
		last = err // it has just begun, or just ended
	}
	return nil, fmt.Errorf("find the store's holder: %w", last)
}

// peep reads a database in a folder that cannot be written.
func (s *Store) peep(why error) (backend, error) {
	if !errors.Is(why, unix.EROFS) && !errors.Is(why, fs.ErrPermission) {
		return nil, why
	}
	if versionDamaged(s.dir) {
		return nil, &cache.CorruptError{What: "store", Name: s.dir, Err: why}
	}
	d, err := openDB(s.fs, s.dir, filepath.Join(s.dir, storeName), true, s.warn)
	if err != nil {
		return nil, fmt.Errorf("%w; %w", why, err)
	}
	return &holder{store: s, db: d}, nil
}

// hold opens the database. The lock is this process's.
func (s *Store) hold(lock *os.File) (_ backend, err error) {
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := checkVersion(s.dir); err != nil {
		return nil, err
	}
	d, err := s.openOrRenew()
	if err != nil {
		return nil, err
	}
	h := &holder{store: s, db: d, lock: lock}
	if h.listener, err = listen(s.dir); err != nil {
		d.close()
		return nil, err
	}
	go h.accept()
	return h, nil
}

// openOrRenew opens the database, and begins a new one if it is damaged.
func (s *Store) openOrRenew() (*db, error) {
	dir := filepath.Join(s.dir, storeName)
	_, err := os.Stat(filepath.Join(s.dir, damagedName))
	if damaged := err == nil || versionDamaged(s.dir); !damaged {
		if err := writeVersion(s.dir); err != nil {
			return nil, err
		}
		d, err := openDB(s.fs, s.dir, dir, false, s.warn)
		if err == nil || !isDamage(err) {
			return d, err
		}
	}
	if err := setAside(s.dir); err != nil {
		return nil, err
	}
	if s.warn != nil {
		s.warn(&cache.CorruptError{What: "store", Name: dir, Err: errors.New("begun anew")})
	}
	if err := writeVersion(s.dir); err != nil {
		return nil, err
	}
	return openDB(s.fs, s.dir, dir, false, s.warn)
}

// failure turns an error into an answer.
func failure(err error) (proto.Status, []byte) {
	var corrupt *cache.CorruptError
	status := proto.Unavailable
	switch {
	case errors.Is(err, errMissing):
		return proto.NotFound, nil
	case errors.Is(err, errRefused):
		status = proto.Refused
	case errors.Is(err, cache.ErrReadOnly):
		status = proto.ReadOnly
	case errors.As(err, &corrupt):
		status = proto.Corrupt
	}
	return status, []byte(err.Error())
}
