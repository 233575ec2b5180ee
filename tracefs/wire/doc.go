// Package wire is what the processes of an engine say to each other.
//
// # Model
//
// Three kinds of process talk over unix stream sockets: a client (make logic),
// the server and the spawner. A message is a frame: a fixed header, a body and
// any number of file descriptors, which travel with the header's first byte.
// Either side may ask the other; an answer carries the number of its question.
// A broken connection is how each process learns that another one has died, so
// nothing here retries.
package wire
