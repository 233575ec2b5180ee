package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// shield is the file system under pebble. Pebble takes a failed write for fatal
// and ends the process, which here also serves views. So a write that fails is
// reported to pebble as done, and from that moment no write reaches the disk any
// more: what is there is what a crash at that moment would have left, which
// pebble is made to recover from. Whoever uses the database asks failure before
// each call and stops using it.
//
// The lock is ours (store.lock), so pebble's own is not taken: a frozen database
// must not keep another process from taking over.
type shield struct {
	vfs.FS

	frozen chan struct{} // closed by the first failure
	told   func(error)

	mu    sync.Mutex
	cause error
}

func newShield(base vfs.FS, told func(error)) *shield {
	return &shield{FS: base, told: told, frozen: make(chan struct{})}
}

// failure returns why the file system is frozen, nil if it is not.
func (s *shield) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// freeze stops all writing.
func (s *shield) freeze(cause error) {
	s.mu.Lock()
	first := s.cause == nil
	if first {
		s.cause = cause
		close(s.frozen)
	}
	s.mu.Unlock()
	if first && s.told != nil {
		s.told(cause)
	}
}

// write makes one change of the file system, or none if it is frozen. Only an
// error that the caller may meet in a sound file system is passed on.
func (s *shield) write(change func() error) error {
	if s.failure() != nil {
		return nil
	}
	err := change()
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err
	}
	s.freeze(err)
	return nil
}

// open opens a file for writing.
func (s *shield) open(open func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := s.write(func() (err error) {
		f, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	if f == nil {
		return &sink{}, nil
	}
	return &shieldedFile{File: f, shield: s}, nil
}

func (s *shield) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.open(func() (vfs.File, error) { return s.FS.Create(name, c) })
}

func (s *shield) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return s.open(func() (vfs.File, error) { return s.FS.OpenReadWrite(name, c, o...) })
}

func (s *shield) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.open(func() (vfs.File, error) { return s.FS.ReuseForWrite(from, to, c) })
}

func (s *shield) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &shieldedFile{File: f, shield: s}, nil
}

func (s *shield) Link(from, to string) error {
	return s.write(func() error { return s.FS.Link(from, to) })
}

func (s *shield) Remove(name string) error {
	return s.write(func() error { return s.FS.Remove(name) })
}

func (s *shield) RemoveAll(name string) error {
	return s.write(func() error { return s.FS.RemoveAll(name) })
}

func (s *shield) Rename(from, to string) error {
	return s.write(func() error { return s.FS.Rename(from, to) })
}

func (s *shield) MkdirAll(name string, perm os.FileMode) error {
	return s.write(func() error { return s.FS.MkdirAll(name, perm) })
}

func (s *shield) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (s *shield) Unwrap() vfs.FS { return s.FS }

// shieldedFile is a file open for writing, or a folder open for syncing.
type shieldedFile struct {
	vfs.File
	shield *shield
}

func (f *shieldedFile) Write(b []byte) (int, error) {
	err := f.shield.write(func() error { _, err := f.File.Write(b); return err })
	return len(b), err
}

func (f *shieldedFile) WriteAt(b []byte, at int64) (int, error) {
	err := f.shield.write(func() error { _, err := f.File.WriteAt(b, at); return err })
	return len(b), err
}

func (f *shieldedFile) Preallocate(at, n int64) error {
	return f.shield.write(func() error { return f.File.Preallocate(at, n) })
}

func (f *shieldedFile) Sync() error     { return f.shield.write(f.File.Sync) }
func (f *shieldedFile) SyncData() error { return f.shield.write(f.File.SyncData) }

func (f *shieldedFile) SyncTo(n int64) (full bool, err error) {
	err = f.shield.write(func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, err
}

func (f *shieldedFile) Close() error {
	err := f.File.Close()
	if err != nil {
		f.shield.freeze(err)
	}
	return nil
}

// sink is a file that was created after the freeze: it forgets what is written.
type sink struct{ size int64 }

func (*sink) Close() error                      { return nil }
func (*sink) Read([]byte) (int, error)          { return 0, io.EOF }
func (*sink) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
func (*sink) Preallocate(int64, int64) error    { return nil }
func (*sink) Sync() error                       { return nil }
func (*sink) SyncData() error                   { return nil }
func (*sink) SyncTo(int64) (bool, error)        { return false, nil }
func (*sink) Prefetch(int64, int64) error       { return nil }
func (*sink) Fd() uintptr                       { return vfs.InvalidFd }

func (s *sink) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	return len(b), nil
}

func (s *sink) WriteAt(b []byte, at int64) (int, error) {
	s.size = max(s.size, at+int64(len(b)))
	return len(b), nil
}

func (*sink) Stat() (vfs.FileInfo, error) { return nil, fs.ErrNotExist }
