package main

import (
	"log"
	"net"
	"slices"
	"sync"

	"fmake/cache/store"
)

// storeRole is the store as the engine serves it: one for all makes that share
// the engine, opened when the first of them asks.
type storeRole struct {
	mu sync.Mutex
	st *store.Store
}

// serve serves one connection until it ends. args are the words that the client
// started the engine with.
func (r *storeRole) serve(conn net.Conn, dir string, args []string) {
	st, err := r.open(dir, args)
	if err != nil {
		conn.Close()
		log.Printf("store: %v", err)
		return
	}
	if err := st.Serve(conn); err != nil {
		log.Printf("store: %v", err)
	}
}

func (r *storeRole) open(dir string, args []string) (*store.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.st != nil {
		return r.st, nil
	}
	var opts []store.Option
	if slices.Contains(args, "readonly") {
		opts = append(opts, store.ReadOnly())
	}
	st, err := store.Open(dir, opts...)
	if err != nil {
		return nil, err
	}
	r.st = st
	return st, nil
}

func (r *storeRole) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.st == nil {
		return
	}
	if err := r.st.Close(); err != nil {
		log.Printf("store: %v", err)
	}
}
