// Package store keeps all traces ever recorded, small contents and the stat
// cache in a pebble database, and serves them to clients (cache.Client) over
// connections.
//
// # One holder, many engines
//
// One process at a time has the database open: the one that holds the lock on
// store.lock in the cache's folder. It listens on store.sock there and serves
// the other engines of the same user, whose Stores pass their clients' calls on.
// When the holder ends, however it ends, the kernel frees the lock and closes
// the connections; each of the others then tries for the lock, one of them gets
// it, and the rest connect to that one. Every call can be repeated without harm,
// so the calls that the dead holder left unanswered are made again, and clients
// notice nothing. A holder that lives but does not answer (stopped) makes the
// store unavailable to the others for a while; nobody waits for it.
//
// The database is opened by the first call, not by Open.
//
// # What is on disk when
//
// The database is a cache: to lose a record costs a run. So no record is
// synced when it is written. What must hold is that nothing half-true is ever
// believed, in whatever order kill -9 or a power loss makes writes vanish:
//
//  1. A run's outputs are copied into blobs. A blob has no name before it is
//     complete, and is hashed again whenever it is used: a blob that lost its
//     data in a power loss is noticed, dropped, and its trace is a miss.
//  2. PutTrace writes set, list of sets and trace in one batch: all or nothing.
//     The trace is named by the hash of everything it depends on. A trace whose
//     blobs are missing is a miss.
//  3. Client.Sync syncs the log. Callers do it before they save the graph, so
//     that what a graph names is in the store.
//  4. The graph is replaced by a rename. It does not depend on the store: with
//     every trace it has all that is needed to see that nothing has changed. What
//     a power loss can take from under it, it knows by the boot (see Graph.Suspect).
//
// What must not be lost at all are pre-images of the user's files, and the
// journal that says where they belong. They are neither records of the database
// nor subject to collection: see cache.Journal and Blobs.PutDurable.
//
// # When things break
//
// Every value carries a checksum over its key and itself; a damaged one is
// dropped and counted. A write that fails (disk full, I/O error) freezes the
// database: from then on nothing is written any more, as if the machine had
// crashed at that moment, and every call says that the store is unavailable. A
// database that cannot be opened because it is damaged, or of which nobody can
// tell the format, is moved aside and begun anew. One of another format
// (store.version) is left alone.
package store
