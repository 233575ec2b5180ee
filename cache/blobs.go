package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// # Blobs
//
// A blob is the file blobs/xx/yyy... named by the hash of its content, mode 0400,
// written once and never changed: it appears under its name complete or not at
// all. Contents go in and out by reflink where the file system can, else by copy;
// never by hard link, since a recipe may write into a file that it finds.
//
// Whatever goes in or out is hashed on the way, in the same pass as the copy
// (copy_file_range would need a second one). So nothing depends on a blob
// being on disk: after a power loss a damaged one is noticed when it is asked
// for, and dropped. Blobs are therefore not synced; only pre-images are
// (PutDurable), which are the only copy of something of the user's.

// BlobOptions are options of OpenBlobs.
type BlobOptions struct {
	ReadOnly bool // refuse to write
}

// Blobs keeps contents as files. It is safe for concurrent use, also by several
// processes.
type Blobs struct {
	dir      string
	readOnly bool
	noClone  atomic.Bool // the last reflink was refused: do not ask each time
	pieces   pieces
}

// OpenBlobs returns the blobs below the cache's folder. It touches nothing.
func OpenBlobs(cacheDir string, o BlobOptions) *Blobs {
	return &Blobs{dir: filepath.Join(cacheDir, "blobs"), readOnly: o.ReadOnly}
}

// path returns the folder and the file of a blob.
func (b *Blobs) path(h Hash) (dir, file string) {
	s := h.String()
	dir = filepath.Join(b.dir, s[:2])
	return dir, filepath.Join(dir, s[2:])
}

// Path returns the file that holds a content, for who only reads it.
func (b *Blobs) Path(h Hash) string {
	_, file := b.path(h)
	return file
}

// Has reports whether there is a blob for h. Whether it is sound is found out
// when it is read.
func (b *Blobs) Has(h Hash) bool {
	_, file := b.path(h)
	_, err := Lstat(file)
	return err == nil
}

// touchGrain is how finely the uses of a blob are dated. The collector spares
// what was used in the last hour.
const touchGrain = 15 * time.Minute

// touch reports whether there is a blob for h, and dates its last use by its
// mtime. So what a build finds here is not collected before the build is over.
func (b *Blobs) touch(h Hash) bool {
	_, file := b.path(h)
	st, err := Lstat(file)
	if err != nil {
		return false
	}
	b.used(file, st)
	return true
}

// used dates the use of a blob of which the stat is known.
func (b *Blobs) used(file string, st FileStat) {
	if now := time.Now(); !b.readOnly && now.UnixNano()-st.Mtime > int64(touchGrain) {
		os.Chtimes(file, now, now)
	}
}

// Open opens a blob unverified. The caller may only read.
func (b *Blobs) Open(h Hash) (*os.File, error) {
	_, file := b.path(h)
	return openPlain(file)
}

// Get returns a content. A blob that is damaged is dropped and reported as a
// *CorruptError; one that does not exist as fs.ErrNotExist.
func (b *Blobs) Get(h Hash) ([]byte, error) {
	_, file := b.path(h)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	if HashBytes(data) != h {
		return nil, b.drop(h)
	}
	return data, nil
}

// Check reads a blob and returns nil, or what Get would return.
func (b *Blobs) Check(h Hash) error {
	f, err := b.Open(h)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer f.Close()
	got, err := b.pieces.hash(f)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	if got != h {
		return b.drop(h)
	}
	return nil
}

// drop removes a damaged blob and returns the error that says so.
func (b *Blobs) drop(h Hash) error {
	err := &CorruptError{What: "blob", Name: h.String()}
	if !b.readOnly {
		if e := b.Remove(h); e != nil {
			err.Err = e
		}
	}
	return err
}

// Remove deletes a blob.
func (b *Blobs) Remove(h Hash) error {
	if b.readOnly {
		return ErrReadOnly
	}
	_, file := b.path(h)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove blob: %w", err)
	}
	return nil
}

// PutBytes keeps a content.
func (b *Blobs) PutBytes(data []byte) (Hash, error) {
	h := HashBytes(data)
	if b.touch(h) {
		return h, nil
	}
	return h, b.create(false, func(f *os.File) (Hash, error) {
		_, err := f.Write(data)
		return h, err
	})
}

// PutFrom keeps what r gives, if that is the content of the given name; else it is a
// *CorruptError, and nothing is kept.
func (b *Blobs) PutFrom(r io.Reader, name Hash) error {
	if b.touch(name) {
		return nil
	}
	return b.create(false, func(f *os.File) (Hash, error) {
		h, err := b.pieces.hash(io.TeeReader(r, f))
		if err == nil && h != name {
			err = &CorruptError{What: "blob", Name: name.String()}
		}
		return h, err
	})
}

// PutReader keeps what r gives and returns its hash, if check agrees.
func (b *Blobs) PutReader(r io.Reader, check func() error) (h Hash, err error) {
	return h, b.create(false, func(f *os.File) (Hash, error) {
		var err error
		if h, err = b.pieces.hash(io.TeeReader(r, f)); err == nil {
			err = check()
		}
		return h, err
	})
}

// PutFile keeps the content of the regular file at path and returns its hash and
// size. If known is not zero, a content other than that is a *ChangedError and
// not kept, and one that is kept already is not read.
func (b *Blobs) PutFile(path string, known Hash) (Hash, int64, error) {
	return b.putFile(path, known, false)
}

// PutDurable keeps the content of the file at path, and returns when it is on
// disk under its name.
func (b *Blobs) PutDurable(path string) (Hash, int64, error) {
	return b.putFile(path, Hash{}, true)
}

func (b *Blobs) putFile(path string, known Hash, durable bool) (Hash, int64, error) {
	if b.readOnly {
		return known, 0, ErrReadOnly
	}
	src, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return known, 0, err
	}
	defer src.Close()
	before, err := statFile(src)
	if err != nil {
		return known, 0, err
	}
	if before.Mode&unix.S_IFMT != unix.S_IFREG {
		return known, 0, fmt.Errorf("keep %s: %w", path, ErrNotRegular)
	}
	if !known.IsZero() && !durable && b.touch(known) {
		return known, before.Size, nil
	}
	var hash Hash
	err = b.create(durable, func(f *os.File) (Hash, error) {
		if hash, err = b.copy(f, src, before.Size); err != nil {
			return hash, err
		}
		after, err := statFile(src)
		if err != nil {
			return hash, err
		}
		if !after.Same(before) || !known.IsZero() && hash != known {
			return hash, &ChangedError{path}
		}
		return hash, nil
	})
	if err != nil {
		return hash, 0, fmt.Errorf("keep %s: %w", path, err)
	}
	return hash, before.Size, nil
}

// create makes a new blob of what fill writes; fill returns its hash.
func (b *Blobs) create(durable bool, fill func(*os.File) (Hash, error)) error {
	if b.readOnly {
		return ErrReadOnly
	}
	// The folder is known only when the content is: temporary files without a
	// name can be linked anywhere on the same file system.
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	root, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t, err := newTemp(root, 0o400)
	if err != nil {
		return err
	}
	defer t.discard()
	h, err := fill(t.file)
	if err != nil {
		return err
	}
	if durable {
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	return b.publish(t, h, durable)
}

// publish gives a finished blob its name.
func (b *Blobs) publish(t *temp, h Hash, durable bool) error {
	path, file := b.path(h)
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = t.link(dir, filepath.Base(file))
	if errors.Is(err, fs.ErrExist) {
		if !durable && b.touch(h) {
			return nil // somebody was faster
		}
		// What is there may not be on disk, or be damaged: ours is neither.
		err = t.replace(dir, filepath.Base(file))
	}
	if err != nil || !durable {
		return err
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	return syncDir(b.dir)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// copy writes the content of src to dst, which is empty, and returns its hash.
func (b *Blobs) copy(dst, src *os.File, size int64) (Hash, error) {
	if size > 0 && !b.noClone.Load() {
		err := unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
		if err == nil {
			return b.pieces.hash(io.NewSectionReader(dst, 0, 1<<62))
		}
		b.noClone.Store(true)
	}
	return b.pieces.hash(io.TeeReader(io.NewSectionReader(src, 0, 1<<62), dst))
}
