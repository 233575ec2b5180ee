// Package cache knows what was built before: how contents are named, what a
// trace is, the compact graph file of a directory's last build, and the blobs
// of the content-addressed store.
//
// # Model
//
// A trace says which inputs, tokens and environment variables an action
// depended on and what it left. The graph file holds the traces of the targets
// made in one directory, or that of one command that is run by itself, enough to
// decide a null build without opening the store. The store (package cache/store)
// holds, by the two-phase look-up, all traces ever recorded: the key gives the
// sets of paths that earlier runs looked at; hashing one such set as it is now
// gives the strong key; the strong key gives the trace. Contents are named by BLAKE3. What a
// tree needs again soonest of what is in the store it has near, in a file that a make reads
// without an engine.
package cache
