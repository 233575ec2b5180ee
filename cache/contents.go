package cache

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// SmallSize is the size below which a content is kept as a record of the store:
// a file for each would cost more than it holds.
const SmallSize = 8 << 10

// Contents keeps contents where they belong: small ones in the store, others
// as files. Without a store, or once it is unavailable, all are kept as files.
// It is safe for concurrent use.
type Contents struct {
	blobs *Blobs
	store atomic.Pointer[Client]
	near  *Near // nil if there is none
	copy  bool  // what the store has is copied there
	lent  loans
}

// NewContents keeps contents in b and, if it is not nil, in c.
func NewContents(b *Blobs, c *Client) *Contents {
	contents := &Contents{blobs: b}
	contents.store.Store(c)
	return contents
}

// NewNearContents keeps contents in b, and looks for small ones in n; there goes a copy of
// each that comes from or goes to the store, if copy is set. The store is not needed before
// UseStore.
func NewNearContents(b *Blobs, n *Near, copy bool) *Contents {
	return &Contents{blobs: b, near: n, copy: copy}
}

// UseStore makes c the store from now on.
func (c *Contents) UseStore(store *Client) { c.store.Store(store) }

// PutFile is Blobs.PutFile.
func (c *Contents) PutFile(path string, known Hash) (Hash, int64, error) {
	st, err := statPath(path)
	if err != nil || st.Size >= SmallSize || c.store.Load() == nil {
		return c.blobs.PutFile(path, known)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return known, 0, err
	}
	h := HashBytes(data)
	if !known.IsZero() && h != known {
		return h, 0, &ChangedError{path}
	}
	_, err = c.PutBytes(data)
	return h, int64(len(data)), err
}

// PutBytes is Blobs.PutBytes.
func (c *Contents) PutBytes(data []byte) (Hash, error) {
	if store := c.store.Load(); store != nil && len(data) < SmallSize {
		h, err := store.PutSmall(data)
		if err == nil {
			c.copyNear(h, data)
		}
		if !errors.Is(err, ErrUnavailable) {
			return h, err
		}
	}
	return c.blobs.PutBytes(data)
}

// PutFrom keeps what r gives, of size bytes, as Blobs.PutFrom does.
func (c *Contents) PutFrom(r io.Reader, size int64, name Hash) error {
	if c.store.Load() == nil || size >= SmallSize {
		return c.blobs.PutFrom(r, name)
	}
	data, err := io.ReadAll(io.LimitReader(r, SmallSize))
	if err != nil {
		return err
	}
	if HashBytes(data) != name {
		return &CorruptError{What: "blob", Name: name.String()}
	}
	_, err = c.PutBytes(data)
	return err
}

// PutReader keeps what r gives, of size bytes, as Blobs.PutReader does.
func (c *Contents) PutReader(r io.Reader, size int64, check func() error) (Hash, error) {
	if c.store.Load() == nil || size >= SmallSize {
		return c.blobs.PutReader(r, check)
	}
	data, err := io.ReadAll(io.LimitReader(r, SmallSize))
	if err == nil {
		err = check()
	}
	if err != nil {
		return Hash{}, err
	}
	return c.PutBytes(data)
}

// Open gives a content, unverified, and its size.
func (c *Contents) Open(h Hash) (io.ReadCloser, int64, error) {
	f, err := c.blobs.Open(h)
	if err == nil {
		st, err := statFile(f)
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		return f, st.Size, nil
	}
	data, ok := c.small(h)
	if !ok {
		return nil, 0, err
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

// small looks for a content among the copies and in the store. An error there is as good
// as none.
func (c *Contents) small(h Hash) ([]byte, bool) {
	if c.near != nil {
		if data, ok := c.near.Small(h); ok {
			return data, true
		}
	}
	store := c.store.Load()
	if store == nil {
		return nil, false
	}
	data, err := store.GetSmall(h)
	if err != nil {
		return nil, false
	}
	c.copyNear(h, data)
	return data, true
}

// copyNear keeps a copy of what the store has.
func (c *Contents) copyNear(h Hash, data []byte) {
	if c.near != nil && c.copy {
		c.near.PutSmall(h, data)
	}
}

// Get is Blobs.Get.
func (c *Contents) Get(h Hash) ([]byte, error) {
	if c.blobs.Has(h) {
		return c.blobs.Get(h)
	}
	if data, ok := c.small(h); ok {
		return data, nil
	}
	return c.blobs.Get(h)
}

// Has is Blobs.Has.
func (c *Contents) Has(h Hash) bool {
	if c.blobs.Has(h) || c.near != nil && c.near.HasSmall(h) {
		return true
	}
	store := c.store.Load()
	if store == nil {
		return false
	}
	ok, err := store.HasSmall(h)
	return ok && err == nil
}

// Restore is Blobs.Restore.
func (c *Contents) Restore(h Hash, dst string, mode fs.FileMode) (FileStat, error) {
	if data, ok := c.lent.content(h); ok {
		c.copyNear(h, data)
		if t := c.lent.take(h, dst, mode); t != nil {
			defer t.discard()
			if st, err := t.putAt(dst); err == nil {
				return st, nil
			}
		}
		return c.blobs.RestoreBytes(data, dst, mode)
	}
	st, err := c.blobs.Restore(h, dst, mode)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return st, err
	}
	// Either the content or the folder of dst does not exist.
	data, ok := c.small(h)
	if !ok {
		return st, err
	}
	return c.blobs.RestoreBytes(data, dst, mode)
}
