package cache

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart. Each of them means "go on without": none is a
// reason to fail a build.
var (
	// ErrReadOnly is returned by what would write to a cache that is read-only.
	ErrReadOnly = errors.New("the cache is read-only")
	// ErrNotRegular is returned for the content of what is no regular file.
	ErrNotRegular = errors.New("not a regular file")
	// ErrUnavailable is wrapped by every error after which the store cannot be
	// used any more in this process.
	ErrUnavailable = errors.New("the store is unavailable")
)

// CorruptError says that stored bytes are not what was stored. Whoever returns
// it has dropped the damaged thing, or leaves it to be overwritten.
type CorruptError struct {
	What string // "graph", "trace", "blob", "record", "store"
	Name string // path or hash, may be empty
	Err  error  // how it was noticed, may be nil
}

func (e *CorruptError) Error() string {
	s := "corrupt " + e.What
	if e.Name != "" {
		s += " " + e.Name
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError says that something was stored in a format that this program
// does not know. The thing is left alone.
type VersionError struct {
	What        string // "graph", "trace", "store", "label"
	Name        string // may be empty
	Found, Want string
}

func (e *VersionError) Error() string {
	s := e.What
	if e.Name != "" {
		s += " " + e.Name
	}
	s += fmt.Sprintf(" is of another version of fmake (format %q, not %q) and stays as it is; use that version, or ", e.Found, e.Want)
	if e.What == "label" { // which a person has made, maybe elsewhere
		return s + "make it anew"
	}
	return s + "another cache: --cache-dir=DIR or FMAKE_CACHE_DIR"
}

// ChangedError says that a file is not, or did not stay, what the caller knows.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string { return e.Path + " changed while it was read" }
