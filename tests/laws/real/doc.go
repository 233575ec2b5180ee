// Package real plays the property test of the laws with real projects: their
// makefiles lose a third of the prerequisites that they declare, their sources
// are edited at random, and after each build with -j8 every file must be as a
// clean serial build with the whole makefiles leaves it.
//
// Beside it the same edits go to a tree that GNU make builds with the same
// damaged makefiles: how many files are stale there, how many builds fail.
//
// The trees take turns at one path, since compilers write paths into objects:
// the one whose turn it is gets renamed to that path, which keeps its inode.
//
// Nothing runs unless asked for (-laws.real=lua,zlib), since it takes sources
// from the archive, and long.
package real
