package main

import (
	"fmt"
	"slices"

	"fmake/cache/store"
	"fmake/tracefs/server"
)

// openStore opens the store for all makes that share the engine. args are the
// words that the first of them started the engine with.
func openStore(cacheDir string, args []string) (server.Store, error) {
	var opts []store.Option
	if slices.Contains(args, "readonly") {
		opts = append(opts, store.ReadOnly())
	}
	st, err := store.Open(cacheDir, opts...)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return st, nil
}
