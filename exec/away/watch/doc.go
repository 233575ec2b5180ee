// Package watch runs programs and sees by ptrace what they look at and write.
//
// # Model
//
// A Recorder owns one thread, which starts the programs and is told when they, or what they
// have started, make one of the system calls of a table: a seccomp filter, which they
// inherit, picks those out, so that all others cost nothing. What a call names is read
// before it is made, and links on the way there are followed. What is not understood
// (another machine's calls, a directory that is renamed, a connection to the network)
// makes the record worthless, and it says so.
package watch
