// Package server is the FUSE server behind all views of an engine.
//
// # Model
//
// Every action has a superblock of its own that passes the real file system
// through. Its entries and attributes are cached by the kernel for a while, so
// repeats are free, and the first touch of every path by the action reaches
// this process, which is what makes its record complete. System trees come
// from one more superblock that all views share, for the sake of its caches;
// an open there is put down to an action by the root directory of the thread
// that asks. Absences and stats in system trees are the build's.
//
// Only the newest version of a path stands in the tree. A view hides what its
// action must not see: what it left itself in an earlier run, and what comes
// after it in serial order. Actions that write one path at the same time are told
// of each other (writers.go).
//
// What a part of an action does can be recorded by itself, too: all that happens in its
// view for a while (parts.go), or what the descendants of one process do, beside others
// (families.go). What shells execute then are stubs (shells.go).
//
// All superblocks are served by a few workers (poller.go), which handle nearly
// every request in place (serveloop.go).
//
// # What must hold
//
// No operation of a view waits for anything but the file system below: no
// handler waits for a client, for the spawner or for another request. No path
// known to this process leads into its own mounts. It forks only the spawner,
// before the first mount exists. When it dies, its descriptors of /dev/fuse
// close and the kernel breaks the views.
//
// The locks, in the order in which they may be held together: a view's
// removals, its write lock, a superblock's table, a recorder, the processes.
package server
