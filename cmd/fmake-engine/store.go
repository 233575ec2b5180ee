package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fmake/cache"
	"fmake/cache/store"
	"fmake/tracefs/server"
)

// readOnlyWord says that the store must not be changed. All other words are settings of
// the remote cache.
const readOnlyWord = "readonly"

// openStore opens the store for all makes that share the engine. args are the
// words that the first of them started the engine with.
func openStore(cacheDir string, args []string) (server.Store, error) {
	var opts []store.Option
	readOnly := slices.Contains(args, readOnlyWord)
	if readOnly {
		opts = append(opts, store.ReadOnly())
	}
	// What comes from a remote cache has to be kept here.
	if o, ok := remoteOption(cacheDir, args); ok && !readOnly {
		opts = append(opts, o)
	}
	st, err := store.Open(cacheDir, opts...)
	if err != nil {
		return nil, err
	}
	if readOnly {
		return st, nil
	}
	return &tended{st, filepath.Join(cacheDir, "collected")}, nil
}

// How large the cache may become, and how often that is looked at.
const (
	cacheSize    = 10e9
	collectEvery = 24 * time.Hour
)

// tended is a store that is kept to its size: when the makes that used it are
// gone, and nobody waits, once a day.
type tended struct {
	*store.Store
	stamp string // a file that is as old as the last collection
}

// Close implements server.Store.
func (t *tended) Close() error {
	if t.due() {
		c := client(t.Store)
		_, _ = c.GC(cache.GCLimits{Bytes: cacheSize}) // the next one removes what this one could not
		c.Close()
	}
	return t.Store.Close()
}

// due tells whether a collection is due, and notes that there is one now. The
// first use of a cache counts as one.
func (t *tended) due() bool {
	st, err := os.Stat(t.stamp)
	if err == nil && time.Since(st.ModTime()) < collectEvery {
		return false
	}
	f, werr := os.OpenFile(t.stamp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if werr != nil {
		return false
	}
	_ = f.Close()
	return err == nil
}

// client connects to a store in this process.
func client(st *store.Store) *cache.Client {
	ours, theirs := net.Pipe()
	go func() { _ = st.Serve(theirs) }()
	return cache.NewClient(ours)
}
