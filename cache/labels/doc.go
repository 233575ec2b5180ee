// Package labels keeps old versions of libraries for the applications that need them.
//
// # Model
//
// A label is a name, the paths of an application, and a frozen set of other paths: files
// with their contents, links with their texts, folders with all their names, and paths at
// which there was nothing. An application that runs under its label finds at each of these
// paths what was there when the label was made, whatever stands there now; everybody else
// finds what stands there.
//
// This package knows what a label is and how it is made, kept and handed on. It runs
// nothing: package tracefs/server shows a label to processes in a view, and package
// exec/wrap to a program that was wrapped.
//
// # What is kept where
//
// A label is the file labels/NAME in the cache's folder, with a checksum and replaced by a
// rename. The contents are blobs of the store (cache.Blobs), checked when they were put
// there and on disk before the label that names them is. The collector keeps them, since it
// asks Kept; a label that it cannot read may name anything, so then it collects nothing.
//
// # What must hold
//
// All paths are absolute, clean, and have no link among their folders; nothing stands below
// what is no folder. A decoded label has been checked for that, whoever wrote it, and an
// imported content for its hash: who takes a label from a stranger trusts what is in its
// files, as with any library, but nothing is written outside of the store.
package labels
