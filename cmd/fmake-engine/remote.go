package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fmake/cache/endpoint"
	"fmake/cache/store"
)

// helperName is the program that speaks to a remote cache.
const helperName = "fmake-remote"

// remoteOption has the store use a remote cache, if the words name one. ok is false if
// there is none.
func remoteOption(cacheDir string, words []string) (o store.Option, ok bool) {
	var settings []string
	for _, w := range words {
		if strings.HasPrefix(w, endpoint.Cache+"=") || strings.HasPrefix(w, endpoint.Exec+"=") {
			ok = true
		}
		if w != readOnlyWord {
			settings = append(settings, w)
		}
	}
	start := func(conn net.Conn) (net.Conn, func(), error) { return startHelper(cacheDir, conn) }
	return store.Far(start, settings), ok
}

// startHelper starts the program beside this one, with a connection to the store.
func startHelper(cacheDir string, toStore net.Conn) (calls net.Conn, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	ours, theirs, err := store.Pair()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(filepath.Join(filepath.Dir(self), helperName), cacheDir)
	for _, c := range []net.Conn{theirs, toStore} {
		f, err := c.(*net.UnixConn).File()
		if err != nil {
			ours.Close()
			return nil, nil, err
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	if err := cmd.Start(); err != nil {
		ours.Close()
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, nil, fmt.Errorf("start %s: %w", helperName, err)
	}
	return ours, func() { _ = cmd.Wait() }, nil
}
