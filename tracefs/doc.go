// Package tracefs is the client side of the traced view: it starts or finds an
// engine, asks it for views, runs commands in them and receives what each
// action looked at and wrote.
//
// # Model
//
// A view is one FUSE superblock that shows the real file system to one action.
// The kernel asks the server for each path once, so the first look of the
// action at any path reaches the server and is recorded; later ones are served
// from the kernel's caches. Three processes share the work, because a process
// that forks into a mount which it serves itself can deadlock: the make logic
// (this package), the server (tracefs/server), and the spawner (tracefs/spawn),
// which forks the commands and never holds a descriptor of /dev/fuse.
package tracefs
